"""The answer of ``stack lint`` in each of its formats. Pure."""

from typing import Any, Literal

from stack.diagnose.formats.as_json import document, finding_object
from stack.diagnose.formats.github import github_lines, harmless
from stack.diagnose.formats.line import of_diff
from stack.diagnose.formats.sarif import sarif_log
from stack.diagnose.formats.text import counted, lint_lines, quantity
from stack.diagnose.lint.answer import Answer

Format = Literal["text", "json", "github", "sarif"]


def value(answer: Answer, form: Format, version: str) -> dict[str, Any]:
    """Return the answer as JSON or SARIF; ``version`` is that of stack."""
    if form == "sarif":
        return sarif_log(answer.findings, version)
    return document(
        answer.findings,
        files=list(answer.files),
        routes=answer.routes,
        diff=list(answer.diff),
        fixed=[finding_object(finding) for finding in answer.fixed],
    )


def lines(answer: Answer, form: Format) -> list[str]:
    """Return the answer as text or GitHub commands, after the changes made.

    GitHub reads lines of its log as commands, so lines of files are not shown there.
    """
    done = [f"fixed {found.where}  {found.code}  {found.message}" for found in answer.fixed]
    if form == "github":
        own = [harmless(line.replace("\n", "\\n")) for line in (*done, summary(answer))]
        return [*own[:-1], *github_lines(answer.findings), own[-1]]
    shown = [] if answer.is_only_diff and answer.diff else answer.findings
    told = lint_lines(shown, answer.sources, summary(answer))
    diff = [of_diff(line) for line in answer.diff]
    return [line for part in (diff, done) if part for line in (*part, "")] + told


def summary(answer: Answer) -> str:
    """Return the closing line: ``1 error, 2 warnings in 3 files``."""
    if not answer.findings:
        return _silence(answer)
    files = {finding.place.file for finding in answer.findings if finding.place}
    said = f"{counted(answer.findings)} in {quantity(len(files), 'file')}"
    if answer.waiting:
        return f"{said}; stack lint --fix fixes {answer.waiting}"
    return said


def _silence(answer: Answer) -> str:
    name = answer.files[0] if len(answer.files) == 1 else quantity(len(answer.files), "file")
    if not answer.routes:
        return f"{name}: no findings, but no WebSocket route was seen; name one with --route PATH"
    return f"{name}: no findings on {quantity(answer.routes, 'WebSocket route')}"
