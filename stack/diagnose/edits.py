"""Applies the edits of findings to the texts of files, and shows them as a diff. Pure."""

import difflib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stack.finding import Edit, Finding

NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True)
class Fixed:
    """The result of the safe edits: the new ``texts`` of the changed files, and their findings.

    The edits of ``done`` are in ``texts``. Those of ``left`` touch what an earlier finding changes,
    and wait for a second run.
    """

    texts: dict[str, str]
    done: tuple[Finding, ...]
    left: tuple[Finding, ...]


def is_fixable(finding: Finding) -> bool:
    """Whether ``--fix`` may write all that the finding asks for."""
    return bool(finding.edits) and all(edit.is_safe for edit in finding.edits)


def fix(findings: Iterable[Finding], sources: Mapping[str, str]) -> Fixed:
    """Carry out the safe edits; those of one finding are all made, or none."""
    lengths = {name: len(_lines(text)) for name, text in sources.items()}
    chosen: dict[Edit, None] = {}
    near: dict[tuple[str, int], list[Edit]] = {}
    done: list[Finding] = []
    left: list[Finding] = []
    for finding in filter(is_fixable, findings):
        # Two findings may need the same map.
        new = [edit for edit in dict.fromkeys(finding.edits) if edit not in chosen]
        fits = all(_fits(edit, lengths.get(edit.file, -1)) for edit in new)
        known = (
            (edit, other) for edit in new for at in _lines_of(edit) for other in near.get(at, ())
        )
        pairs = itertools.chain(known, itertools.combinations(new, 2))
        if fits and not any(_overlaps(*pair) for pair in pairs):
            chosen.update(dict.fromkeys(new))
            for edit in new:
                for at in _lines_of(edit):
                    near.setdefault(at, []).append(edit)
            done.append(finding)
        else:
            left.append(finding)
    return Fixed(_texts(list(chosen), sources), tuple(done), tuple(left))


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Return ``text`` after edits that do not overlap, made from the bottom up.

    Lines end as the first one does.
    """
    lines = text.split("\n")
    ending = "\r" if lines[0].endswith("\r") else ""
    for edit in sorted(edits, key=lambda edit: (edit.first, edit.last), reverse=True):
        lines[edit.first - 1 : edit.last] = [f"{line}{ending}" for line in edit.lines]
    return "\n".join(lines)


def diff(file: str, old: str, new: str) -> list[str]:
    """Return a unified diff for ``patch -p1``, or nothing."""
    name = file.lstrip("/")
    lines = difflib.unified_diff(_lines(old), _lines(new), f"a/{name}", f"b/{name}")
    return [part for line in lines for part in _parts(line)]


def preview(edits: Iterable[Edit], sources: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the changed lines for a reader, ``- old`` and ``+ new``, below ``file:line``.

    ``sources`` are the lines of files.
    """
    shown: list[str] = []
    for edit in edits:
        lines = sources.get(edit.file)
        if lines is None or not _fits(edit, len(lines)):
            continue
        old = lines[edit.first - 1 : edit.last]
        for line in list(difflib.unified_diff(old, edit.lines, n=0, lineterm=""))[2:]:
            if line.startswith("@@"):
                start, _, count = line.split()[1].lstrip("-").partition(",")
                # 3,0 is: after line 3
                shown.append(f"{edit.file}:{edit.first - 1 + int(start) + (count == '0')}")
            else:
                shown.append(f"{line[0]} {line[1:]}".rstrip())
    return shown


def _texts(edits: Sequence[Edit], sources: Mapping[str, str]) -> dict[str, str]:
    """Return the new texts of the files that really change."""
    texts = {
        file: apply(sources[file], [edit for edit in edits if edit.file == file])
        for file in dict.fromkeys(edit.file for edit in edits)
    }
    return {file: text for file, text in texts.items() if text != sources[file]}


def _fits(edit: Edit, lines: int) -> bool:
    """Whether a file with so many lines has those that are to change."""
    return 1 <= edit.first <= edit.last + 1 <= lines + 1


def _lines_of(edit: Edit) -> Iterator[tuple[str, int]]:
    """Return the lines that an edit affects: two that overlap have one in common."""
    yield from ((edit.file, line) for line in range(edit.first, max(edit.first, edit.last) + 1))


def _overlaps(one: Edit, other: Edit) -> bool:
    """Whether two edits change one line, or insert at one place: the order would matter."""
    if one.file != other.file:
        return False
    if one.first == other.first:  # a line may be inserted before one that stays when it is replaced
        return (one.last < one.first) == (other.last < other.first)
    above, below = sorted((one, other), key=lambda edit: edit.first)
    return below.first <= above.last


def _lines(text: str) -> list[str]:
    """Split where Nginx counts lines: at line feeds alone."""
    *lines, rest = text.split("\n")
    return [f"{line}\n" for line in lines] + ([rest] if rest else [])


def _parts(line: str) -> list[str]:
    if line.endswith("\n") or line.startswith(("---", "+++", "@@")):
        return [line.rstrip("\r\n")]
    return [line, NO_NEWLINE]
