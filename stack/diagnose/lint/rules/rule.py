"""What a rule of ``stack lint`` is: a cause and the function that finds it. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stack.diagnose.nginx.site import Site
from stack.finding import Cause, Edit, Finding, Place, Severity


@dataclass(frozen=True)
class Hit:
    """Where a rule's cause was seen; ``severity`` and ``fix`` only if the cause's do not apply."""

    place: Place
    message: str
    edits: tuple[Edit, ...] = ()
    severity: Severity | None = None
    fix: str = ""
    seen: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Rule:
    """A cause and its check."""

    cause: Cause
    check: Callable[[Site], Iterable[Hit]]

    def findings(self, site: Site) -> list[Finding]:
        """Return everything that the check finds."""
        return [
            Finding(
                cause=self.cause,
                where=str(hit.place),
                message=hit.message,
                fix=hit.fix or self.cause.fix,
                severity=hit.severity or self.cause.severity,
                seen=hit.seen,
                place=hit.place,
                edits=hit.edits,
            )
            for hit in self.check(site)
        ]
