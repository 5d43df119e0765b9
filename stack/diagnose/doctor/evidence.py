"""All that one examination gathered, and the words to look things up in it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stack.diagnose.doctor.measured import Load, Sizes
from stack.diagnose.doctor.variation import Variation
from stack.diagnose.nginx.limits import Written
from stack.finding import Cause, Finding, Severity
from stack.probe.exchange import Exchange, Headers, Target

TOKEN_NAMES = ("token", "access_token", "auth", "jwt")  # of query parameters


@dataclass(frozen=True)
class Options:
    """What the user asked for. Times in seconds; ``headers`` already hold cookies and token.

    ``connections`` is how many WebSockets to open at once, ``message`` how many bytes to send in
    one message; 0 for none. ``written`` is the configuration in between for the path.
    """

    target: Target
    hops: tuple[Target, ...] = ()
    headers: Headers = ()
    origin: str = ""
    subprotocols: tuple[str, ...] = ()
    token: str = ""
    page: Target | None = None
    insecure: bool = False
    idle: float = 0.0
    timeout: float = 10.0
    secrets: tuple[str, ...] = ()
    connections: int = 0
    message: int = 0
    written: Written | None = None


@dataclass(frozen=True)
class Evidence:
    """The handshake at each hop, and variations of it at the suspect and at the next hop.

    ``bases`` begin with the URL itself; ``suspect`` is an index into them. ``now`` is in Unix
    seconds. ``varied`` are questions to the suspect, ``varied_next`` to the next hop.
    """

    options: Options
    now: float
    bases: tuple[Exchange, ...]
    suspect: int = 0
    varied: tuple[Exchange, ...] = ()
    varied_next: tuple[Exchange, ...] = ()
    neighbours: tuple[Exchange, ...] = ()
    redirects: tuple[Exchange, ...] = ()
    page: Exchange | None = None
    programs: tuple[tuple[int, str], ...] = field(default=())
    listeners: tuple[tuple[str, int], ...] = ()
    load: Load | None = None
    sizes: Sizes | None = None

    @property
    def base(self) -> Exchange:
        """The handshake at the suspect, as a browser would send it."""
        return self.bases[self.suspect]

    @property
    def target(self) -> Target:
        """The suspect."""
        return self.base.question.target

    @property
    def where(self) -> str:
        """The suspect in words: its name, if it has one, and its address."""
        target = self.target
        return f"{target.name} ({target.url})" if target.name else target.url

    @property
    def next(self) -> Exchange | None:
        """The handshake at the next hop after the suspect, which works; None without one."""
        after = self.bases[self.suspect + 1 :]
        return after[0] if after else None

    def of(self, variation: Variation) -> Exchange | None:
        """Return what the suspect answered to this variation, if it was asked."""
        return next(iter(_answers(self.varied, variation)), None)

    @property
    def again(self) -> tuple[Exchange, ...]:
        """What the suspect answered when the same question was repeated."""
        return _answers(self.varied, Variation.AGAIN, Variation.AGAIN_ALONE)

    def of_next(self, variation: Variation) -> Exchange | None:
        """Return what the next hop after the suspect answered to this variation."""
        return next(iter(_answers(self.varied_next, variation)), None)

    def opens(self, variation: Variation) -> bool:
        """Whether this variation, unlike the base, opens a WebSocket at the suspect."""
        varied = self.of(variation)
        return varied is not None and varied.is_open and not self.base.is_open


@dataclass(frozen=True)
class Examination:
    """What was seen and what it means; ``sources`` are the texts of files that findings name."""

    evidence: Evidence
    findings: tuple[Finding, ...]
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_healthy(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)


Seen = tuple[str, str] | Exchange


def found(
    evidence: Evidence,
    cause: Cause,
    message: str,
    fix: str = "",
    seen: Iterable[Seen] = (),
    severity: Severity | None = None,
) -> Finding:
    """Return a finding at the suspect; its own answer comes first, beside the other answers."""
    rest = list(seen)
    return Finding(
        cause,
        evidence.where,
        message,
        fix or cause.fix,
        severity or cause.severity,
        seen=tuple(item for item in rest if not isinstance(item, Exchange)),
        answers=(evidence.base, *(item for item in rest if isinstance(item, Exchange))),
    )


def asked(*exchanges: Exchange | None) -> tuple[Exchange, ...]:
    """Return those that were asked, as evidence."""
    return tuple(item for item in exchanges if item)


def is_alike(one: Exchange, other: Exchange | None) -> bool:
    """Whether two answers have the same status and body: most likely from the same server."""
    if other is None or one.head is None or other.head is None:
        return False
    return one.status == other.status and one.body[:200] == other.body[:200]


def _answers(exchanges: Iterable[Exchange], *variations: Variation) -> tuple[Exchange, ...]:
    return tuple(item for item in exchanges if item.question.variation in variations)
