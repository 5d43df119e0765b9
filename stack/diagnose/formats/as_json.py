"""Findings as one JSON document, for programs. Pure."""

from collections.abc import Sequence
from typing import Any

from stack.diagnose.formats.side_by_side import side_by_side
from stack.finding import Finding


def document(findings: Sequence[Finding], **more: Any) -> dict[str, Any]:
    """Return the findings and whether none is an error; ``more`` says what was looked at."""
    return {
        "ok": all(finding.severity != "error" for finding in findings),
        **more,
        "findings": [finding_object(finding) for finding in findings],
    }


def finding_object(finding: Finding) -> dict[str, Any]:
    """Return one finding, nothing cut; ``file`` and ``line`` are null without a file."""
    return {
        "code": finding.code,
        "name": finding.cause.name,
        "severity": finding.severity,
        "title": finding.cause.title,
        "where": finding.where,
        "file": finding.place.file if finding.place else None,
        "line": finding.place.line if finding.place else None,
        "message": finding.message,
        "why": finding.cause.why,
        "seen": [
            {"label": label, "text": text}
            for label, text in (*side_by_side(finding.answers), *finding.seen)
        ],
        "fix": finding.fix,
        "edits": [
            {
                "file": edit.file,
                "first": edit.first,
                "last": edit.last,
                "lines": list(edit.lines),
                "safe": edit.is_safe,
            }
            for edit in finding.edits
        ],
        "link": finding.cause.link,
    }
