"""Findings as SARIF 2.1.0, which code scanning reads. Pure.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from stack.finding import Cause, Edit, Finding, Place, Severity

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


def sarif_log(findings: Sequence[Finding], version: str) -> dict[str, Any]:
    """Return a log with one run; ``version`` is that of stack."""
    causes = list(dict.fromkeys(finding.cause for finding in findings))
    driver = {"name": "stack lint", "version": version, "rules": [_rule(cause) for cause in causes]}
    run = {
        "tool": {"driver": driver},
        "results": [_result(finding, causes.index(finding.cause)) for finding in findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(cause: Cause) -> dict[str, Any]:
    return {
        "id": cause.code,
        "name": "".join(word.capitalize() for word in cause.name.split("-")),
        "shortDescription": {"text": cause.title},
        "fullDescription": {"text": cause.why},
        "help": {"text": f"{cause.why}\n\n{cause.fix}"},
        "helpUri": cause.link,
        "defaultConfiguration": {"level": LEVELS[cause.severity]},
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": LEVELS[finding.severity],
        "message": {"text": finding.message},
    }
    if finding.place:
        result["locations"] = [_location(finding.place)]
    if finding.edits:
        changes = [_change(edit) for edit in finding.edits]
        text = finding.fix or finding.cause.fix
        result["fixes"] = [{"description": {"text": text}, "artifactChanges": changes}]
    return result


def _location(place: Place) -> dict[str, Any]:
    where = {"artifactLocation": {"uri": _uri(place.file)}, "region": {"startLine": place.line}}
    return {"physicalLocation": where}


def _change(edit: Edit) -> dict[str, Any]:
    """Replace whole lines: a region ends before the first column of the line after them."""
    region = {
        "startLine": edit.first,
        "startColumn": 1,
        "endLine": edit.last + 1,
        "endColumn": 1,
    }
    text = "".join(f"{line}\n" for line in edit.lines)
    return {
        "artifactLocation": {"uri": _uri(edit.file)},
        "replacements": [{"deletedRegion": region, "insertedContent": {"text": text}}],
    }


def _uri(file: str) -> str:
    path = quote(file, errors="surrogateescape")  # a name need not be UTF-8
    return f"file://{path}" if path.startswith("/") else path
