"""What was seen of a stack of our own, as values. Concludes nothing.

``examine`` gathers it, ``own_stack`` interprets it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stack.diagnose.nginx.access_log import Access
from stack.diagnose.nginx.log import Entry
from stack.engines.running import SeenContainer
from stack.finding import Finding
from stack.layout.topology import FrontRoute
from stack.probe.proc_net import Listener
from stack.proof.host_port import Told

Listeners = tuple[Listener, ...]


@dataclass(frozen=True)
class Silent:
    """A container that runs but does not answer as ``stack up`` expects.

    ``message`` and ``fix`` are those of ``up``; ``is_refused`` if a store refuses our password.
    """

    container: str
    asked: str
    answer: str
    message: str
    fix: str
    is_refused: bool = False
    log: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServiceSeen:
    """The containers of one service. ``missing`` and ``ended`` are names.

    ``port`` is the one that Nginx connects to. ``listening`` is what listens inside, or on this
    machine for a host service; None if that could not be seen. ``log`` is why it failed. ``silent``
    are containers that run and do not answer. ``needs`` are services. ``addresses`` maps the
    addresses of its containers to their names.
    """

    service: str
    port: int | None
    missing: tuple[str, ...] = ()
    ended: tuple[SeenContainer, ...] = ()
    listening: Listeners | None = None
    log: tuple[str, ...] = ()
    silent: tuple[Silent, ...] = ()
    needs: tuple[str, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Whether all its containers run and answer."""
        return not (self.missing or self.ended or self.silent)


@dataclass(frozen=True)
class Direct:
    """What one container (``name``) answered to the same request without the front.

    ``problem`` is empty if all is well; ``status`` is 0 without an answer in HTTP.
    """

    name: str
    says: str
    problem: str
    status: int
    ms: int

    @property
    def is_well(self) -> bool:
        """Whether it works: a server error is an answer, but not a success."""
        return not self.problem and self.status < 500


@dataclass(frozen=True)
class RouteSeen:
    """What the front answered on one route; ``problem`` is empty if all is well.

    ``nginx`` is what Nginx wrote to its error log about it, ``access`` to its access log.
    ``findings`` are the results of asking the front in other ways, as for any address. ``direct``
    is what each container answered itself; ``has_token`` whether a token was sent. ``told`` is why
    a service on this machine, or a folder, fails.
    """

    route: FrontRoute
    says: str
    problem: str
    is_unreachable: bool
    ms: int
    nginx: tuple[Entry, ...] = ()
    findings: tuple[Finding, ...] = ()
    direct: tuple[Direct, ...] = ()
    access: Access | None = None
    has_token: bool = False
    told: Told | None = None

    @property
    def hops(self) -> int:
        """How many servers an answer passes through: Nginx answers for files by itself."""
        return 1 if self.route.source == "static" else 2


@dataclass(frozen=True)
class StackSeen:
    """Everything that was seen. ``changes`` are the steps that ``up`` would take.

    ``loaded`` and ``on_disk`` are generations of the Nginx configuration: in force, and mounted.
    """

    changes: tuple[str, ...]
    loaded: str
    on_disk: str
    is_published: bool
    services: Mapping[str, ServiceSeen]
    routes: tuple[RouteSeen, ...]
