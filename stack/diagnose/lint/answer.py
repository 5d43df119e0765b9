"""What the linter judged and what it changed, as values; how that is shown is for formats. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stack.finding import Finding


@dataclass(frozen=True)
class Answer:
    """What was judged, and what is to be said of it.

    ``files`` are named as the user did, ``sources`` are the texts of all that was read, and
    ``routes`` is how many WebSocket routes were seen. ``diff`` shows the edits where that was
    asked for, in place of the findings with ``is_only_diff``. ``fixed`` were mended; ``waiting``
    is how many more --fix can mend.
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
