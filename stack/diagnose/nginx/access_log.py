"""Reads the access log of a rendered Nginx configuration: which server answered. Pure.

Its format is ``log_format json`` of templates/nginx/blocks.j2, which has no query and no header,
and so no token.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Access:
    """One request as Nginx logged it.

    ``tries`` pairs each upstream address (``172.18.0.4:3002``) that Nginx asked with the status
    that it answered; empty if Nginx answered by itself.
    """

    status: int
    tries: tuple[tuple[str, str], ...]


def last_access(lines: Iterable[str], path: str) -> Access | None:
    """Return the last request for the path; None without one."""
    found = None
    for line in lines:
        record = _record(line)
        if record.get("path") == path:
            found = record
    return _access(found) if found else None


def _record(line: str) -> dict[str, object]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _access(record: dict[str, object]) -> Access | None:
    status = record.get("status")
    addresses, answers = (_listed(record.get(key)) for key in ("upstream", "upstream_status"))
    if not isinstance(status, int):
        return None
    return Access(status, tuple(zip(addresses, answers, strict=False)))


def _listed(value: object) -> list[str]:
    """Split what Nginx writes for several tries: ``a, b``, and ``a : b`` after an internal
    redirect.
    """
    words = str(value or "").replace(" : ", ", ").split(", ")
    return [word for word in words if word not in {"", "-"}]
