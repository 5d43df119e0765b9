"""Findings as lines for people: where, what, the lines in question, the edit. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from stack.diagnose.edits import preview
from stack.diagnose.formats.line import Line, Style, of_diff
from stack.diagnose.formats.side_by_side import LINE, side_by_side
from stack.finding import Finding, Place

AROUND = 1  # lines of a file shown before and after the one in question
_STYLES = {"error": Style.BAD, "warning": Style.DOUBTFUL, "info": Style.NOTABLE}
WIDTH = 80  # longer lines of an excerpt are cut, but for the one in question if no edit shows it


def doctor_lines(
    findings: Sequence[Finding], sources: Mapping[str, str] | None = None
) -> list[str]:
    """Return the doctor's findings, evidence side by side; ``sources`` are texts by file name."""
    return _separated(_blocks(findings, sources or {}))


def lint_lines(findings: Sequence[Finding], sources: Mapping[str, str], summary: str) -> list[str]:
    """Return the linter's findings with excerpts of ``sources``, and ``summary`` at the end."""
    return _separated([*_blocks(findings, sources), [summary]])


def counted(findings: Sequence[Finding]) -> str:
    """Return how many there are of each kind: ``1 error, 2 warnings``; nothing without findings."""
    kinds = [finding.severity for finding in findings]
    names = [kind for kind in ("error", "warning", "info") if kind in kinds]
    return ", ".join(quantity(kinds.count(kind), kind) for kind in names)


def ticked(is_well: bool, text: str) -> Line:
    """Give a line of a table, with a mark that says whether it is well."""
    mark, style = ("✓", Style.GOOD) if is_well else ("✗", Style.BAD)
    return Line("  ", (mark, style), f" {text}")


def quantity(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 file``, ``2 files``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _blocks(findings: Sequence[Finding], sources: Mapping[str, str]) -> Iterator[list[str]]:
    place = max((len(finding.where) for finding in findings), default=0)
    kind = max((len(finding.severity) for finding in findings), default=0)
    files = {name: text.split("\n") for name, text in sources.items()}
    told: Place | None = None
    for finding in findings:
        gap = " " * (kind - len(finding.severity))
        yield [
            Line(
                f"{finding.where:<{place}}  ",
                (finding.severity, _STYLES[finding.severity]),
                f"{gap} {finding.code}  {_line(finding.message)}",
            ),
            *(_excerpt(finding, files) if finding.place != told else []),
            *_seen(finding),
            *_end(finding, files),
        ]
        told = finding.place


def _excerpt(finding: Finding, files: Mapping[str, Sequence[str]]) -> list[str]:
    place = finding.place
    lines = files.get(place.file, ()) if place else ()
    if not place or not 1 <= place.line <= len(lines):
        return []
    first, last = max(1, place.line - AROUND), min(len(lines), place.line + AROUND)
    width = len(str(last))
    shown = {n for edit in finding.edits for n in range(edit.first, edit.last + 1)}
    whole = {place.line} - shown
    return [
        _marked(
            _cut(f"  {'>' if n == place.line else ' '} {n:>{width}} | {lines[n - 1]}", n in whole)
        )
        for n in range(first, last + 1)
    ]


def _cut(line: str, is_whole: bool) -> str:
    line = line.rstrip()
    return line if is_whole or len(line) <= WIDTH else f"{line[: WIDTH - 1].rstrip()}…"


def _marked(line: str) -> str:
    return Line("  ", (">", Style.BAD), line[3:]) if line.startswith("  >") else line


def _seen(finding: Finding) -> list[str]:
    """Put what was seen in columns; the next lines of an answer stay under its first."""
    seen = (*side_by_side(finding.answers, LINE), *finding.seen)
    width = max((len(label) for label, _ in seen), default=0)
    return [
        f"  {_line(label) if number == 0 else '':<{width}}  {part}".rstrip()
        for label, text in seen
        for number, part in enumerate(text.split("\n"))
    ]


def _end(finding: Finding, files: Mapping[str, Sequence[str]]) -> list[str]:
    changes = [of_diff(f"    {line}") for line in preview(finding.edits, files)]
    more_about = Line((f"  more: stack explain {finding.code}", Style.FAINT))
    fix, *more = finding.fix.split("\n")
    said = [f"  fix: {fix}", *(f"       {line}" for line in more)] if finding.fix else []
    return [*changes, *said, more_about]


def _separated(blocks: Iterable[Sequence[str]]) -> list[str]:
    """Put an empty line between blocks."""
    lines = [line for block in blocks for line in (*block, "")]
    return lines[:-1]


def _line(text: str) -> str:
    """Put a text on one line if it must be one: a server's text could imitate other findings."""
    return text.replace("\n", "\\n")
