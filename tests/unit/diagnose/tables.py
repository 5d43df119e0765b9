"""Tables of near misses: a row says in words what is so, gives the evidence, and what follows.

In each table one row or more holds; in the others exactly one condition of the rule does not.
"""

import pytest

from stack.diagnose.doctor.conclude import conclude
from stack.diagnose.doctor.evidence import Evidence

Rows = dict[str, tuple[Evidence, str]]


def table(rows: Rows) -> pytest.MarkDecorator:
    """Run a test of ``seen`` and ``expected`` for each row, by the words of the row."""
    return pytest.mark.parametrize(("seen", "expected"), list(rows.values()), ids=list(rows))


def concluded(seen: Evidence) -> str:
    """Give code and severity of all that is concluded; empty when all is well."""
    return ", ".join(f"{finding.code} {finding.severity}" for finding in conclude(seen))


def told(seen: Evidence) -> str:
    """Give the message of what stands first."""
    return conclude(seen)[0].message


def advised(seen: Evidence) -> str:
    """Give what to change of what stands first."""
    return conclude(seen)[0].fix


def shown(seen: Evidence) -> list[str]:
    """Give the names of the answers that prove what stands first, without the suspect's own."""
    return [answer.question.label for answer in conclude(seen)[0].answers[1:]]
