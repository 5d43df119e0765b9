"""Takes secrets out of text and JSON values: given ones by value, others by shape. Pure."""

import re
from collections.abc import Iterable
from typing import Any

from stack.redaction.forms import finder
from stack.redaction.mask import MASK
from stack.redaction.shapes import mask_shapes
from stack.redaction.values import is_plain, says_secret

_PAIR = re.compile(r"(?s)(-{0,2}[A-Za-z_][\w.-]{0,100}+=)(.+)")


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace every given value, in all its forms, and all that looks secret, by a mask."""
    given = frozenset(value for secret in secrets if (value := secret.strip()))
    return mask_shapes(finder(given).replace(text, MASK) if given else text)


def cleaned(value: Any, secrets: Iterable[str], name: str = "") -> Any:
    """Take the secrets out of every text in a JSON value; ``name`` is the key that it stands under.

    Its shape stays, so that JSON stays JSON.
    """
    if isinstance(value, dict):
        of_value = value.get("name", value.get("key"))
        names: dict[str, str] = {"value": of_value} if isinstance(of_value, str) else {}
        return {
            key if key.isalpha() else redact(key, secrets): cleaned(
                item, secrets, names.get(key) or key
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        return _cleaned_list(value, secrets, name)
    return _cleaned_text(value, secrets, name) if isinstance(value, str) else value


def _cleaned_list(values: list[Any], secrets: Iterable[str], name: str) -> list[Any]:
    """Clean a list, which may be the arguments of a command: a value follows its option."""
    found, option = [], ""
    for value in values:
        found.append(cleaned(value, secrets, option or name))
        is_option = isinstance(value, str) and re.fullmatch(r"--?[A-Za-z][\w-]*", value)
        option = value if is_option else ""
    return found


def _cleaned_text(text: str, secrets: Iterable[str], name: str) -> str:
    if says_secret(name) and not is_plain(text) and not text.startswith("-"):
        return MASK
    pair = _PAIR.fullmatch(text)
    if pair and says_secret(pair[1]) and not is_plain(pair[2]):
        return pair[1] + MASK
    return redact(text, secrets)
