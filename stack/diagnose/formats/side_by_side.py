"""Puts answers side by side, each with its differences from the others. Pure."""

from collections.abc import Sequence

from stack.probe.exchange import Exchange

LINE = 90  # characters of a value that are shown
_NONE = "-"
_SWITCHING = ("Upgrade", "Connection", "Sec-WebSocket-Accept")
_HEADERS = (
    *("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Location", "WWW-Authenticate"),
    *("Server", "Via", "X-Powered-By"),
)
_Rows = dict[str, list[str]]


def side_by_side(exchanges: Sequence[Exchange], length: int | None = None) -> list[tuple[str, str]]:
    """Return label and text of each: status and time, then the differences, and the body's
    beginning.

    A single answer shows all that it contains. Each value is cut to ``length`` characters.
    """
    rows = {
        name: [_cut(value, length) for value in values] for name, values in _rows(exchanges).items()
    }
    width = max(map(len, rows), default=0)
    shown: list[tuple[str, str]] = []
    for number, exchange in enumerate(exchanges):
        lines = [f"{exchange.says} ({exchange.seconds * 1000:.0f} ms)"]
        cells = ((name, values[number]) for name, values in rows.items())
        lines += [f"{name:<{width}}  {cell}" for name, cell in cells if cell]
        shown.append((exchange.question.label, "\n".join(lines)))
    return shown


def _rows(exchanges: Sequence[Exchange]) -> _Rows:
    """Return by name what each answer says; empty for an answer without such a value."""
    rows = {name: [_header(item, name) for item in exchanges] for name in _HEADERS}
    # What every correct 101 has, and no other answer, is no difference.
    switched = [item if item.status == 101 else None for item in exchanges]
    if any(item and not item.is_open for item in switched):
        rows |= {name: [_header(item, name) for item in switched] for name in _SWITCHING}
    rows["TLS"] = [item.tls for item in exchanges]
    rows = {name: values for name, values in rows.items() if _tells(values)}
    kinds = [item.head.get("content-type") if item.head else "" for item in exchanges]
    texts = [item.text if item.head and item.status != 101 else "" for item in exchanges]
    told = {"Content-Type": _once(kinds, ""), "Body": _once(texts, "the same")}
    return rows | {name: values for name, values in told.items() if any(values)}


def _tells(values: Sequence[str]) -> bool:
    """Whether a row is useful: the values differ, or belong to one answer alone."""
    said = {value for value in values if value}
    return len(said) > 1 or (len(values) == 1 and bool(said - {_NONE}))


def _header(exchange: Exchange | None, name: str) -> str:
    if not exchange or not exchange.head:
        return ""
    value = exchange.head.get(name.lower())
    if name == "Location":
        value = value.partition("?")[0]  # the query may hold a token
    return _one_line(value) or _NONE


def _once(values: Sequence[str], again: str) -> list[str]:
    """Return ``again`` instead of the first one's whole text a second time."""
    first = next(filter(None, values), "")
    place = values.index(first) if first else 0
    return [
        again if number > place and first and value == first else _one_line(value)
        for number, value in enumerate(values)
    ]


def _one_line(text: str) -> str:
    """Return one line of it: a server's line breaks could imitate our own lines."""
    return " ".join(text.split())


def _cut(line: str, length: int | None) -> str:
    return line if length is None or len(line) <= length else f"{line[: length - 1]}…"
