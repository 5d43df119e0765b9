"""What can be done to a project, as frozen values with their dependencies; does none of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from stack.engines.running import SeenContainer
from stack.layout.topology import Container, FrontRoute


class Verb(StrEnum):
    """What a step does."""

    MOVE = "move"
    MAKE = "make"
    GIVE = "give"
    WRITE = "write"
    CREATE = "create"
    REMOVE = "remove"
    CONFIGURE = "configure"
    START = "start"
    RESTART = "restart"
    AWAIT = "ready"
    WATCH = "watch"
    PROVE = "prove"


class Kind(StrEnum):
    """What a step does it to."""

    STATE = "state"
    SECRET = "secret"  # noqa: S105 - a kind of thing
    SECRETS = "secrets"
    CERTIFICATE = "certificate"
    FILE = "file"
    IMAGE = "image"
    NETWORK = "network"
    VOLUME = "volume"
    CONTAINER = "container"
    ROUTE = "route"


@dataclass(frozen=True, order=True)
class Key:
    """What distinguishes a step from all others of its plan: ``remove network data``."""

    verb: Verb
    kind: Kind
    name: str

    def __str__(self) -> str:
        """As the user reads it."""
        match self.verb, self.kind:
            case Verb.MOVE, Kind.STATE:
                return f"move .stack to {self.name}"
            case Verb.GIVE, Kind.SECRETS:
                return f"give {self.name} its secrets"
            case ((Verb.START | Verb.RESTART | Verb.AWAIT | Verb.WATCH), Kind.CONTAINER):
                return f"{self.verb} {self.name}"
            case ((Verb.WRITE | Verb.CONFIGURE), _):
                return f"{self.verb} {self.name}"
            case _, (Kind.IMAGE | Kind.ROUTE):
                return f"{self.kind} {self.name}"
            case _:
                return f"{self.verb} {self.kind} {self.name}"


CONFIGURE = Key(Verb.CONFIGURE, Kind.FILE, "nginx")


@dataclass(frozen=True)
class Step:
    """One thing to do. ``key`` names it within a plan, ``after`` the steps that come first."""

    key: Key
    after: tuple[Key, ...] = ()

    @property
    def says(self) -> str:
        """What it does, for ``--dry-run`` and the log."""
        return str(self.key)


@dataclass(frozen=True)
class MoveState(Step):
    """Move the project's files from ``.stack`` to a folder of their own below it."""


@dataclass(frozen=True)
class MakeSecret(Step):
    """Create a missing secret, or restore it from a ``container`` that still has it."""

    name: str = field(kw_only=True)
    container: str = field(kw_only=True, default="")
    file: str = field(kw_only=True, default="")  # where it is in that container

    @property
    def says(self) -> str:
        """What it does and where from."""
        return f"{self.key} (again, from {self.container})" if self.container else str(self.key)


@dataclass(frozen=True)
class MakeCertificate(Step):
    """Make the certificate of the front, and the authority if there is no suitable one."""

    is_new_authority: bool = field(kw_only=True)

    @property
    def says(self) -> str:
        """What it does, and whether browsers have to trust a new authority."""
        return f"{self.key}, by a new authority" if self.is_new_authority else str(self.key)


@dataclass(frozen=True)
class CopySecrets(Step):
    """Write the copies of secrets that a service's containers mount."""

    container: Container = field(kw_only=True)


@dataclass(frozen=True)
class WriteCompose(Step):
    """Write the Compose file of what will run."""


@dataclass(frozen=True)
class MakeImage(Step):
    """Pull or build the image of a service; ``is_forced`` even if nothing changed."""

    container: Container = field(kw_only=True)
    is_forced: bool = field(kw_only=True, default=False)


@dataclass(frozen=True)
class CreateNetwork(Step):
    """Create a network of the project."""

    name: str = field(kw_only=True)
    internal: bool = field(kw_only=True)


@dataclass(frozen=True)
class RemoveNetwork(Step):
    """Remove a network that the project no longer has."""

    name: str = field(kw_only=True)


@dataclass(frozen=True)
class CreateVolume(Step):
    """Create a volume of the project."""

    name: str = field(kw_only=True)


@dataclass(frozen=True)
class RemoveVolume(Step):
    """Remove a volume and all its data; only ``down --volumes`` plans this."""

    name: str = field(kw_only=True)


@dataclass(frozen=True)
class RemoveAnonymous(Step):
    """Remove an anonymous volume, and all its data; only ``down --volumes`` plans this."""

    volume: str = field(kw_only=True)


@dataclass(frozen=True)
class RemoveContainer(Step):
    """Stop and remove a container; anonymous volumes stay.

    ``is_built``: its image is built from a Dockerfile of the user, and may have a newer one.
    """

    seen: SeenContainer = field(kw_only=True)
    why: str = field(kw_only=True)
    is_built: bool = field(kw_only=True, default=False)

    @property
    def says(self) -> str:
        """What it does and why."""
        return f"{self.key} ({self.why})"


@dataclass(frozen=True)
class RunContainer(Step):
    """Create and start a container; ``inherited`` are anonymous volumes, by their place."""

    container: Container = field(kw_only=True)
    number: int = field(kw_only=True)
    fingerprint: str = field(kw_only=True)
    inherited: tuple[tuple[str, str], ...] = field(kw_only=True, default=())


@dataclass(frozen=True)
class StartContainer(Step):
    """Start a container that exists, is unchanged and does not run."""

    seen: SeenContainer = field(kw_only=True)


@dataclass(frozen=True)
class RestartContainer(Step):
    """Stop and start a container without recreating it."""

    seen: SeenContainer = field(kw_only=True)


@dataclass(frozen=True)
class PlaceConfig(Step):
    """Put the Nginx configuration in its place; ``container_id`` of a running Nginx reloads it."""

    container_id: str | None = field(kw_only=True)


@dataclass(frozen=True)
class AwaitReady(Step):
    """Wait until a container answers in its own protocol."""

    container: Container = field(kw_only=True)
    number: int = field(kw_only=True)


@dataclass(frozen=True)
class AwaitRoute(Step):
    """Wait until the front answers on a route."""

    route: FrontRoute = field(kw_only=True)


@dataclass(frozen=True)
class Plan:
    """Steps in an order that respects ``after``."""

    steps: tuple[Step, ...]

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change something; the others only look."""
        return tuple(step for step in self.steps if not isinstance(step, AwaitReady | AwaitRoute))

    def starts(self, service: str) -> bool:
        """Whether a container of the service starts, be it new or not."""
        return any(
            (isinstance(step, RunContainer) and step.container.service == service)
            or (isinstance(step, StartContainer) and step.seen.service == service)
            for step in self.steps
        )

    def split(self, kind: type[Step]) -> tuple["Plan", "Plan"]:
        """Return the plan of the steps of one kind, and the plan of all others."""
        first = [step for step in self.steps if isinstance(step, kind)]
        rest = [step for step in self.steps if not isinstance(step, kind)]
        return Plan(pruned(first)), Plan(pruned(rest))


def pruned(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Drop dependencies on steps that are not in the plan: they are already satisfied."""
    keys = {step.key for step in steps}
    return tuple(
        type(step)(**{**vars(step), "after": tuple(key for key in step.after if key in keys)})
        for step in steps
    )
