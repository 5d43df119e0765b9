"""Decides which values are secret, by their names and by their look. Pure.

The rule, tested from both sides:

* Under a name that says so (``DB_PASSWORD``, ``clientSecret``), a value is secret whatever it is,
  unless it is *plain*: a switch, a path, an address without credentials, ``${A_VARIABLE}``.
* Under a name of a session (``SESSION_ID``, ``connect.sid``) it is if it is long and holds digits.
* Under any other name it is secret if it *looks random*: no words, numbers, versions, addresses.
* A secret is masked wherever it stands, unless that would hide too much: fewer than four
  characters, fewer than six digits, a common word, or a name of the project's own (``postgres``).
  Such a one is masked only beside its name.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

Pair = tuple[str, str]  # a name and its value; the name is empty where there is none

SHORTEST = 4  # characters of a value that is masked wherever it stands
FEWEST_DIGITS = 6  # of a number: shorter ones are ports, sizes and process ids
PIECE = 1000  # characters; a longer value is masked in pieces


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# A name with one of these says that its value is secret, unless its last word says what else it is.
_STRONG = _words(
    "password passwords passwd pswd pwd pw passphrase passcode passkey secret secrets secretkey "
    "token tokens apikey apikeys privatekey accesskey credential credentials creds webhook dsn"
)
_ENDS = ("pw", *(word for word in _STRONG if len(word) > SHORTEST))  # BINDPW, PGPASSWORD, authtoken
# These say it only at the end: AUTH_PROVIDER and KEY_SIZE are no secrets.
_WEAK = _words(
    "pass auth key keys salt pepper jwt cookie cookies signature otp psk license bearer "
    "authorization pat"
)
# These say it where the value is long and holds digits: SESSION=redis is a store, and no session.
_LONG = _words("session sess sid sessid sessionid phpsessid jsessionid csrf xsrf ticket nonce")
LONG = 16  # characters
_AFTER = _words(
    "base value current previous old new next primary secondary default dev development test prod "
    "production staging local live raw b64 base64 hex pem string json"
)
_ABOUT = _words(
    "file files path dir folder url uri endpoint host port domain ttl expiry expires expiration "
    "lifetime timeout age seconds minutes hours days length size count limit max min name names id "
    "ids type kind alg algorithm issuer audience scope scopes method mode policy rounds enabled "
    "required header prefix suffix provider store backend login reset rotation version format "
    "hasher validators field param bucket region realm"
)
_ADDRESSES = {"webhook", "dsn"}  # their URL is the secret
_AMOUNTS = {"max", "min", "num", "total", "used"}  # MAX_TOKENS

_SWITCHES = _words(
    "true false yes no on off none null nil undefined enabled disabled auto default required "
    "optional"
)
_COMMON = _SWITCHES | _words(
    "production development staging testing test tests dev prod local localhost example sample "
    "password passwd secret token changeme change-me admin administrator root user username guest "
    "postgres postgresql mysql mariadb redis mongo mongodb rabbitmq nginx node python docker linux "
    "debug info warn warning error trace http https bearer basic digest redacted hidden public "
    "private internal external server client application service database"
)
_REFERENCE = re.compile(
    r"\$\$?(?:\w+|\{\w+\})|\{\{[^}]*\}\}|<[\w -]+>|\*+|([A-Za-z]+ )?\[redacted\]\W*"
)
_PATH = re.compile(r"(?:~|\.{1,2})?/[\w./@ -]*")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[\w.-]*(?::\d+)?(?:/[\w./-]*)?", re.IGNORECASE)
_USERINFO = re.compile(r"://[^\s:/@]*:([^\s/]+)@")
_ASSIGNED = re.compile(r"([A-Za-z][\w. -]{0,80})=([^;&\s]+)")
_PART = re.compile(r"[^\W_]+")
_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_BLOB = re.compile(r"(?=.*[+=])(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9+/]{16,}={0,2}")
_HEX = re.compile(r"[0-9a-f]{16,}|[0-9A-F]{16,}")


@lru_cache(maxsize=4096)
def says_secret(name: str) -> bool:
    """Tell whether a name says that its value is secret: ``DB_PASSWORD``, ``apiKey``."""
    words = _words_of(name)
    if not words or (words[-1].endswith("s") and words[0] in _AMOUNTS):
        return False
    if words[-1] in _STRONG | _WEAK or words[-1].endswith(_ENDS):
        return True
    if words[-1] in {"url", "uri"} and _ADDRESSES.intersection(words):
        return True
    return words[-1] not in _ABOUT and any(word in _STRONG for word in words)


def _words_of(name: str) -> list[str]:
    """Return the words of a name without those behind that say nothing: ``JWT_SECRET_OLD_2``."""
    words = [word.lower() for word in _WORDS.findall(name[-200:])]
    while words and (words[-1] in _AFTER or words[-1].isdigit()):
        words.pop()
    return words


def _is_session(name: str, value: str) -> bool:
    """Tell a session, a ticket and the like by the name, as far as the value may be one."""
    words = _words_of(name)
    if words[-1:] == ["id"]:
        words.pop()
    is_long = len(value) >= LONG and not re.search(r"\s", value) and re.search(r"\d", value)
    return bool(is_long and words and words[-1] in _LONG)


def is_plain(value: str) -> bool:
    """Tell whether a value is readable under any name: a switch, a path, an address, a reference.

    A mask is, too. A path or an address with a part that looks random is not.
    """
    text = value.strip()
    if not text or text.lower() in _SWITCHES or _REFERENCE.fullmatch(text):
        return True
    is_place = _PATH.fullmatch(text) or _URL.fullmatch(text)
    return bool(is_place) and not looks_random(text)


def looks_random(value: str) -> bool:
    """Tell whether something in a value is no word, number, version, address or path."""
    return any(_is_random(item) for item in value.split())


def secret_values(pairs: Iterable[Pair], plain: Collection[str] = ()) -> set[str]:
    """Return what has to be masked wherever it stands, of names with their values.

    ``plain`` are names of the project's own, which stay readable.
    """
    parts = (part for name, value in pairs for part in _parts(name, value))
    found = {piece for part in parts for piece in _pieces(part)}
    return {part for part in found if _can_be_masked(part) and part not in plain}


def named(value: Any, name: str = "") -> Iterator[Pair]:
    """Return every text in a JSON value with the name that it has there, also in ``NAME=value``."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from named(item, str(key))
    elif isinstance(value, list):
        option = ""
        for item in value:
            yield from named(item, option or name)
            option = item if isinstance(item, str) and item.startswith("-") else ""
    elif isinstance(value, str):
        before, equals, rest = value.partition("=")
        is_pair = equals and re.fullmatch(r"-*[\w.-]{1,100}", before)
        yield (before, rest) if is_pair else (name, value)


def _parts(name: str, value: str) -> Iterator[str]:
    """Return the secret value, and what of it programs may show by itself."""
    text = value.strip()
    if is_plain(text):
        return
    is_said = says_secret(name) or _is_session(name, text)
    yield from [text] if is_said else filter(looks_random, text.split())
    for inner in _USERINFO.findall(text):
        yield from (inner, unquote(inner))
    for key, inner in _inside(text):
        yield from _parts(key, inner)
    if is_said:
        yield from (part for part in re.split(r"[,;\s\"'{}\[\]]+", text) if looks_random(part))
        _user, _, password = text.partition(":")
        if password and not re.search(r"[:/\s{]", password):
            yield password


def _inside(text: str) -> Iterator[Pair]:
    """Return the pairs of a value that is JSON, a query or a connection string."""
    if text[:1] in {"{", "["}:
        try:
            yield from named(json.loads(text))
        except (ValueError, RecursionError):
            return
    else:
        for key, inner in _ASSIGNED.findall(text):
            if says_secret(key):
                yield key, inner


def _pieces(text: str) -> Iterator[str]:
    """Return the whole, and the long lines of it: each may stand in a log by itself."""
    lines = [line.strip() for line in text.splitlines()]
    for item in {text, *(line for line in lines if len(line) >= 16 and line[:5] != "-----")}:
        starts = range(0, max(1, len(item) - 15), PIECE)  # no crumb at the end
        ends = [*starts[1:], len(item)]
        yield from (item[start:end] for start, end in zip(starts, ends, strict=True))


def _can_be_masked(value: str) -> bool:
    is_short = len(value) < (FEWEST_DIGITS if value.isdigit() else SHORTEST)
    return not is_short and value.lower() not in _COMMON


def _is_random(item: str) -> bool:
    """Judge something without spaces by its parts of letters and digits, and by its signs."""
    if len(item) < 8 or _REFERENCE.fullmatch(item):
        return False
    if any(_has_short_runs(part, 3) for part in _PART.findall(item)):
        return True
    # aB3-xY9-zK2: parts too short to tell, and together no version or region.
    if _has_short_runs(re.sub(r"[-_+~]", "", item), 2):
        return True
    if "://" in item:
        return False
    if _BLOB.fullmatch(item):
        return True
    has_sign = re.search(r"[!#$%^&*~]|@(?!.*\.)", item)
    is_mixed = re.search(r"[A-Za-z]", item) and re.search(r"\d", item)
    return bool(has_sign and is_mixed) and "=" not in item[:-2]


def _has_short_runs(part: str, shortest: float) -> bool:
    """Tell whether runs of letters and of digits are short on average, as in no word."""
    if len(part) < 8 or part.isdigit() or not part.isalnum():
        return False
    runs = len(_RUN.findall(part)) or 1
    if part.isalpha():  # camelCase has a word to each run
        return len(part) >= 12 and len(part) / runs < min(shortest, 2.5)
    return bool(_HEX.fullmatch(part)) or len(part) >= 20 or len(part) / runs < shortest
