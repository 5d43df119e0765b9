"""What the doctor shows of an address: all hops if it is healthy, or the findings. Pure."""

from collections.abc import Sequence
from typing import Any

from stack.diagnose.doctor.conclusions.auth import seconds_left, token_of
from stack.diagnose.doctor.evidence import Evidence, Examination
from stack.diagnose.doctor.measured import Load, Sizes
from stack.diagnose.formats.as_json import document
from stack.diagnose.formats.line import changed
from stack.diagnose.formats.text import counted, doctor_lines, quantity, ticked
from stack.probe.exchange import Exchange
from stack.redaction.redact import cleaned, redact


def address_document(seen: Examination, secrets: Sequence[str]) -> dict[str, Any]:
    """Return every hop as it answered, and the findings, without any secret."""
    evidence = seen.evidence
    hops = [
        {
            "name": base.question.target.name or None,
            "url": base.question.target.url,
            "address": base.address or None,
            "answer": base.says,
            "ok": base.is_open and not base.ending,
            "ms": round(base.seconds * 1000),
        }
        for base in evidence.bases
    ]
    left = seconds_left(token_of(evidence), evidence.now)
    seconds = None if left is None else round(left)
    measured = {"connections": _load(evidence.load), "message": _sizes(evidence.sizes)}
    value = document(seen.findings, hops=hops, token_seconds=seconds, **measured)
    clean: dict[str, Any] = cleaned(value, secrets)
    return clean


def address_lines(seen: Examination, secrets: Sequence[str]) -> list[str]:
    """Return the hops as aligned lines, the findings and the result, without any secret."""
    findings = doctor_lines(seen.findings, seen.sources)
    end = counted(seen.findings) or _healthy(seen.evidence)
    lines = [*_table(seen.evidence), *(["", *findings] if findings else []), "", end]
    return [changed(line, lambda text: redact(text, secrets)) for line in lines]


def _load(load: Load | None) -> dict[str, Any] | None:
    if load is None:
        return None
    rows = {"refusal": load.refusal, "later": load.later, "after_closing_one": load.freed}
    answers = {name: row.says if row else None for name, row in rows.items()}
    ms = round(load.seconds * 1000)
    return {"wanted": load.wanted, "opened": load.opened, "ms": ms, **answers}


def _sizes(sizes: Sizes | None) -> dict[str, Any] | None:
    if sizes is None:
        return None
    return {
        "bytes": sizes.wanted,
        "sent": sizes.sent,
        "ok": sizes.passes,
        "close": sizes.ending.code if sizes.ending else None,
        "largest_that_passes": sizes.passed or None,
        "smallest_that_fails": sizes.failed or None,
        "tries": sizes.tries,
    }


def _table(evidence: Evidence) -> list[str]:
    rows = [(_name(base), base) for base in evidence.bases]
    width = max(len(name) for name, _ in rows)
    return [
        ticked(
            base.is_open and not base.ending,
            f"{name:<{width}}  {base.says} in {base.seconds * 1000:.0f} ms".replace("\n", "\\n"),
        )
        for name, base in rows
    ]


def _name(base: Exchange) -> str:
    target = base.question.target
    return f"{target.name}  {target.url}" if target.name else target.url


def _healthy(evidence: Evidence) -> str:
    base = evidence.bases[0]
    hops = quantity(len(evidence.bases), "hop")
    left = seconds_left(token_of(evidence), evidence.now)
    token = f", token valid for {_span(left)}" if left is not None else ""
    idle = evidence.options.idle
    held = f", held open for {idle:g} s" if idle else ""
    measured = f"{_opened(evidence.load)}{_sent(evidence.sizes)}"
    return f"{base.status} in {base.seconds * 1000:.0f} ms through {hops}{token}{held}{measured}"


def _opened(load: Load | None) -> str:
    if load is None:
        return ""
    why = "" if load.opened == load.wanted else " before time ran out"
    return f", {load.opened} of {load.wanted} opened at once{why}"


def _sent(sizes: Sizes | None) -> str:
    return f", a message of {sizes.wanted:,} bytes passes" if sizes else ""


def _span(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit == "min" and seconds >= size):
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
