"""Puts answers side by side: each with what tells it from the others, cut to a line. Pure."""

from collections.abc import Iterator, Sequence

from stack.diagnose.exchange import Exchange

_LENGTH = 90  # characters of a value
_NONE = "-"
_SWITCHING = ("Upgrade", "Connection", "Sec-WebSocket-Accept")
_HEADERS = (
    *("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Location", "WWW-Authenticate"),
    *("Content-Type", "Server", "Via", "X-Powered-By"),
)
_Rows = dict[str, list[str]]


def side_by_side(exchanges: Sequence[Exchange]) -> list[tuple[str, str]]:
    """Give label and text of each: status and time, then what differs, and the body's beginning.

    One answer alone shows all that it says of itself.
    """
    rows = {name: values for name, values in _rows(exchanges).items() if _tells(values)}
    width = max(map(len, rows), default=0)
    shown: list[tuple[str, str]] = []
    for number, exchange in enumerate(exchanges):
        lines = [f"{exchange.says} ({exchange.seconds * 1000:.0f} ms)"]
        cells = ((name, values[number]) for name, values in rows.items())
        lines += [f"{name:<{width}}  {cell}" for name, cell in cells if cell]
        shown.append((exchange.question.label, "\n".join(lines)))
    return shown


def _rows(exchanges: Sequence[Exchange]) -> _Rows:
    """Give a value for each answer by header; empty where there is nothing to compare."""
    rows = {name: [_header(item, name) for item in exchanges] for name in _HEADERS}
    for name in _SWITCHING:  # what every 101 has and no other answer has tells nothing
        rows[name] = [_header(item, name) if item.status == 101 else "" for item in exchanges]
    rows["TLS"] = [item.tls for item in exchanges]
    return {**rows, "Body": list(_bodies(exchanges))}


def _tells(values: Sequence[str]) -> bool:
    """Whether a row is worth its place: not all alike, or the word of one answer alone."""
    said = [value for value in values if value]
    return len(set(said)) > 1 or (len(values) == 1 and bool(said) and said != [_NONE])


def _header(exchange: Exchange, name: str) -> str:
    if not exchange.head:
        return ""
    value = exchange.head.get(name.lower())
    if name == "Location":
        value = value.partition("?")[0]  # the query may hold a token
    return _cut(value) or _NONE


def _bodies(exchanges: Sequence[Exchange]) -> Iterator[str]:
    first = ""
    for exchange in exchanges:
        text = _cut(exchange.text) if exchange.head and exchange.status != 101 else ""
        yield "the same" if first and text == first else text
        first = first or text


def _cut(text: str) -> str:
    """Give one line of it: a server's line breaks could imitate lines of ours."""
    line = " ".join(text[:1000].split())
    return line if len(line) <= _LENGTH else f"{line[: _LENGTH - 1]}…"
