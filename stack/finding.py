"""What a diagnosis reports: a constant cause, and where it was seen. Pure values."""

from dataclasses import dataclass
from typing import Literal

from stack.probe.exchange import Exchange

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Cause:
    """What is true of a kind of finding wherever it is found; ``stack explain`` prints it.

    ``code`` is stable: ``stack lint`` finds WS0nn in a file, ``stack doctor`` finds WS1nn and up on
    the wire. ``name`` is a slug and names the folder of its test cases. ``bad`` and ``good`` are
    examples as a user would write them: Nginx configuration for WS0nn, requests and answers for the
    others. ``link`` leads to the authoritative text (Nginx documentation, an RFC).
    """

    code: str
    name: str
    severity: Severity
    title: str
    why: str
    fix: str
    link: str
    bad: str = ""
    good: str = ""


@dataclass(frozen=True)
class Place:
    """A line of a file; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Edit:
    """Replace the lines ``first`` to ``last`` of a file (both included) with ``lines``.

    ``last`` is ``first - 1`` for an insertion before ``first``. ``is_safe`` means that ``--fix``
    may write it: no request that worked before gets another answer afterwards.
    """

    file: str
    first: int
    last: int
    lines: tuple[str, ...]
    is_safe: bool = False


@dataclass(frozen=True)
class Finding:
    """One conclusion: its cause, where it applies, what was seen, and what to change.

    ``where`` is a hop for the doctor and ``file:line`` for the linter. ``message`` is one line in
    lower case without the place. ``answers`` are evidence to be put side by side, ``seen`` is more
    of it as pairs of a label and what was seen: ``("addresses", "172.18.0.3")``. ``fix`` is a
    command or an edit in words. ``severity`` is the cause's unless this case is weaker.
    """

    cause: Cause
    where: str
    message: str
    fix: str
    severity: Severity
    seen: tuple[tuple[str, str], ...] = ()
    answers: tuple[Exchange, ...] = ()
    place: Place | None = None
    edits: tuple[Edit, ...] = ()

    @property
    def code(self) -> str:
        """The stable code of the cause."""
        return self.cause.code
