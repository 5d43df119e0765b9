"""Findings as GitHub workflow commands, which become annotations of a change. Pure.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

import re
from collections.abc import Sequence

from stack.finding import Finding, Severity

COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}
# What ends a value, escaped as GitHub's own toolkit does; a property also ends at : and ,
DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
# How the runner finds a command: at the beginning of a line, and the older form anywhere in one.
_COMMAND = re.compile(r"(?m)^([^\S\n]*)(?=::)|(?<=##)(?=\[)")
PROPERTY = DATA | str.maketrans({":": "%3A", ",": "%2C"})


def harmless(text: str) -> str:
    """Prevent GitHub's runner from reading a part of the text as a command."""
    return _COMMAND.sub(lambda found: f"{found[0]}\\", text)


def github_lines(findings: Sequence[Finding]) -> list[str]:
    """Return one workflow command for each finding."""
    return [_command(finding) for finding in findings]


def _command(finding: Finding) -> str:
    properties = {"title": f"{finding.code} {finding.cause.title}"}
    if finding.place:
        properties = {
            "file": finding.place.file,
            "line": str(finding.place.line),
            **properties,
        }
    given = ",".join(f"{name}={value.translate(PROPERTY)}" for name, value in properties.items())
    text = f"{finding.message}\nfix: {finding.fix}" if finding.fix else finding.message
    return f"::{COMMANDS[finding.severity]} {given}::{text.translate(DATA)}"
