"""Finds given values in text, in every form in which programs write them. Pure.

A value is found as it is, URL-encoded, escaped for JSON, a shell, YAML or HTML, and in Base64,
there also as part of something longer, such as the credentials ``user:password``.

No form changes letters and digits, so a run of them (the anchor) is looked for first, all anchors
by one pattern; only around an anchor the whole value is. So the time does not grow with the values.
"""

import base64
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

MIN_BASE64 = 8  # characters that tell a value within Base64 from chance
TELLING = 4  # characters of an anchor that is seldom found by chance
LONGEST_ANCHOR = 8
_WIDEST = 44  # characters that one may take in another form: a space that YAML folded
SHARED = 3  # characters at the beginning that anchors with the same ones share in the pattern
# Where a word can begin: behind no letter or digit, or behind an escape (\n, %3D, ␛[31m).
BEFORE = (
    r"(?:(?<!\w)|(?<=\\[nrtbfv0])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})"
    r"|(?<=\\x[0-9A-Fa-f]{2})|(?<=[\[;\d]\dm)|(?<=\[m))"
)
_IN_BASE64 = r"[A-Za-z0-9+/_-]"
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_MORE = {
    "'": [r"'\\?''", "'\"'\"'", "''"],  # by a shell and in YAML
    "$": [r"\$\$"],  # in a Compose file
    "%": ["%25"],
    **{char: [rf"\\{{1,4}}{name}"] for char, name in zip("\b\f\r\t", "bfrt", strict=True)},
}
_HALF = re.compile("[\udc80-\udcff]")  # what stands for a byte that is no UTF-8 (PEP 383)
Span = tuple[int, int]


@dataclass(frozen=True)
class Form:
    """A value as it may be written; it begins at most ``far`` characters before its anchor."""

    anchor: str
    pattern: re.Pattern[str]
    far: int

    def around(self, text: str, place: int) -> Span | None:
        """Return where it stands in the text, if the anchor at ``place`` is part of it."""
        for start in range(max(0, place - self.far), place + 1):
            found = self.pattern.match(text, start)
            if found and found.end() > place:
                return found.span()
        return None


class Finder:
    """Finds all forms of some values."""

    def __init__(self, values: Collection[str]) -> None:
        spelt = dict.fromkeys(each for value in values for each in (value, _as_read(value)))
        forms = [form for value in spelt for form in _forms(value)]
        self._bare = [form for form in forms if not form.anchor]
        self._forms: dict[str, list[Form]] = {}
        for form in forms:
            if form.anchor:
                self._forms.setdefault(form.anchor, []).append(form)
        # Where one anchor begins with another, only the longer one is found.
        own = {anchor: list(forms) for anchor, forms in self._forms.items()}
        for anchor, forms in self._forms.items():
            for end in range(1, len(anchor)):
                forms += own.get(anchor[:end], [])
        self._anchors = re.compile(f"(?=({_alternation(set(self._forms))}))")

    def replace(self, text: str, mask: str) -> str:
        """Put ``mask`` in the place of every value."""
        parts, done = [], 0
        for start, end in _merged(self._spans(text)):
            parts += [text[done:start], mask]
            done = end
        return "".join([*parts, text[done:]])

    def _spans(self, text: str) -> Iterator[Span]:
        for form in self._bare:
            yield from (found.span() for found in form.pattern.finditer(text))
        if not self._forms:
            return
        for found in self._anchors.finditer(text):
            for form in self._forms[found[1]]:
                if span := form.around(text, found.start()):
                    yield span


@lru_cache(maxsize=8)
def finder(values: frozenset[str]) -> Finder:
    """Return what finds the values; made once for the same ones."""
    return Finder(values)


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """Join spans that overlap: of two values in each other nothing stays."""
    last: Span | None = None
    for span in sorted(set(spans)):
        if last and span[0] < last[1]:
            last = (last[0], max(last[1], span[1]))
            continue
        if last:
            yield last
        last = span
    if last:
        yield last


def _forms(value: str) -> Iterator[Form]:
    before, after = (BEFORE, r"(?!\w)") if _is_word(value) else ("", "")
    yield _form(value, [_fragment(char) for char in value], before, after)
    for core in _cores(value):
        tail = rf"{_IN_BASE64}?(?:=|%3[dD]){{0,2}}"
        coded = [_fragment_of_base64(char) for char in core]
        yield _form(f" {core}", [f"{_IN_BASE64}?", *coded], "", tail)
    whole = base64.b64encode(_raw(value)).decode().rstrip("=")
    if len(whole) < MIN_BASE64:
        before, after = rf"{BEFORE}(?<!{_IN_BASE64})", rf"(?!{_IN_BASE64})={{0,2}}"
        yield _form(whole, [_fragment_of_base64(char) for char in whole], before, after)


def _form(value: str, fragments: list[str], before: str, after: str) -> Form:
    """Choose the anchor: the first run of letters and digits that tells much, or the longest."""
    runs = [(run.start(), run[0]) for run in re.finditer(r"[A-Za-z0-9]+", value)]
    telling = [run for run in runs if len(run[1]) >= TELLING]
    place, anchor = (telling or sorted(runs, key=lambda run: -len(run[1])) or [(0, "")])[0]
    widths = [_WIDEST if len(fragment) > 1 else 1 for fragment in fragments[:place]]
    pattern = re.compile(f"{before}{''.join(fragments)}{after}")
    return Form(anchor[:LONGEST_ANCHOR], pattern, sum(widths))


def _is_word(value: str) -> bool:
    """Whether a value may be part of another word, and so is masked only as a whole one."""
    return len(value) < 8 or value.isdigit() or (value.isalpha() and len(value) < 20)


def _alternation(values: Collection[str], shared: int = SHARED) -> str:
    """Return a pattern for any of the values, the longest first, sharing equal beginnings."""
    if len(values) == 1 or not shared:
        return f"(?:{'|'.join(sorted(values, key=len, reverse=True))})"
    groups: dict[str, set[str]] = {}
    for value in values:
        groups.setdefault(value[:1], set()).add(value[1:])
    ends = groups.pop("", None) is not None
    inner = [head + _alternation(rest, shared - 1) for head, rest in sorted(groups.items())]
    return f"(?:{'|'.join([*inner, *([''] if ends else [])])})"


def _fragment(char: str) -> str:
    """Return what matches a character as it is or escaped; repetitions are bounded."""
    if char.isascii() and char.isalnum():
        return char
    if char == "\n":
        return r"(?:(?:\r|\\{1,4}r)?(?:\n[ \t]{0,40}|\\{1,4}n)|(?:%0[dD])?%0[aA])"
    if char == " ":
        return r"(?:\\{0,4}\s{1,40}|\+|%20)"
    if char == "\\":
        return r"(?:\\{1,8}|%5[cC])"
    units = re.findall("....", char.encode("utf-16-be", "surrogatepass").hex())
    forms = [
        rf"\\{{0,7}}{re.escape(char)}",
        "".join(f"%{_any_case(f'{byte:02x}')}" for byte in _raw(char)),
        "".join(rf"\\{{1,4}}u{_any_case(unit)}" for unit in units),
        f"&#(?:{ord(char)}|x{_any_case(f'{ord(char):x}')});",
        *_MORE.get(char, ()),
        *([f"&{_ENTITIES[char]};"] if char in _ENTITIES else []),
    ]
    if not char.isascii():
        forms.append("".join(rf"\\{{1,4}}x{byte:02x}" for byte in _raw(char)))
    return f"(?:{'|'.join(sorted(forms, key=len, reverse=True))})"


def _fragment_of_base64(char: str) -> str:
    both = {"+": "(?:[+-]|%2[bB])", "/": r"(?:\\?/|_|%2[fF])"}
    return both.get(char, char)


def _any_case(digits: str) -> str:
    return "".join(f"[{d}{d.upper()}]" if d.isalpha() else d for d in digits)


def _cores(value: str) -> Iterable[str]:
    """Return what Base64 makes of a value at each of three places, whatever stands around it."""
    raw = _raw(value)
    for offset, first in ((0, 0), (1, 2), (2, 3)):
        coded = base64.b64encode(bytes(offset) + raw).decode()
        core = coded[first : 8 * (offset + len(raw)) // 6]
        if len(core) >= MIN_BASE64:
            yield core


def _as_read(value: str) -> str:
    """Return a value as whoever read it put U+FFFD in the place of bytes that are no UTF-8."""
    return _raw(value).decode(errors="replace")


def _raw(text: str) -> bytes:
    """Return the bytes of a text, also where they are no UTF-8."""
    return b"".join(
        char.encode(errors="surrogateescape" if _HALF.fullmatch(char) else "surrogatepass")
        for char in text
    )
