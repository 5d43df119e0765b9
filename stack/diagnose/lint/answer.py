"""What the linter judged and changed, as values; formats show them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stack.finding import Finding


@dataclass(frozen=True)
class Answer:
    """What was judged, and the findings about it.

    ``files`` are named as the user did, ``sources`` are the texts of all that was read, and
    ``routes`` is how many WebSocket routes were seen. ``diff`` shows the edits if requested,
    instead of the findings with ``is_only_diff``. ``fixed`` were fixed; ``waiting`` is how many
    more --fix can fix.
    """

    files: Sequence[str]
    routes: int
    findings: Sequence[Finding]
    sources: Mapping[str, str]
    fixed: Sequence[Finding] = ()
    diff: Sequence[str] = ()
    waiting: int = 0
    is_only_diff: bool = False

    @property
    def has_errors(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.severity == "error" for finding in self.findings)
