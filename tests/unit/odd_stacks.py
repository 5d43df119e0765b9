"""Generates stack.yaml files that nobody wants: mutations, soup of signs, nonsense in right places.

The same number gives the same file, so that a failure can be repeated by its number.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
REAL = [
    path.read_text(encoding="utf-8")
    for path in sorted([ROOT / "stack.yaml", *ROOT.glob("tests/render/cases/*/stack.yaml")])
    if path.stat().st_size < 20_000
]
SIGNS = "[]{}:,-?&*!|>'\"%@`#=~<\\/$ \t\n\n\r\0\x07\x1b\x7f\x85\u2028\ufeff\ud7ff\U0001f600aZ09é_."
WORDS = ["---", "...", "<<: *a", "&a", "*a", "!!python/name:os", "%YAML 9.9", "${", "${A:?}", "$$"]
WORDS += ["? ", ": ", "- ", "|9", ">-", "!<x", "%TAG ! x", "'", '"', "\t", "\\x", "\\U00110000"]
VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1 << 70,
        65536,
        1.5,
        float("nan"),
        float("inf"),
        "",
        " ",
        "x" * 300,
    ),
    *("x" * 70_000, "a\0b", "a\nb", "\ud7ff", "é", "9" * 5000, "1e400", "../..", "/", "//", "/etc"),
    *(
        "/dev/zero",
        "~",
        "*",
        "[",
        "${HOME}",
        "${NO:?}",
        "$",
        "%s",
        "{{x}}",
        "{% x %}",
        ";",
        "}",
        "#",
    ),
    *([], {}, [[]], {"": ""}, {"a": None}, [None], [{}], {"x" * 300: 1}, {1: 2}, {None: None}),
    *(
        "unix:/x",
        "http://",
        "1h",
        "-1h",
        "99999999999999d",
        "1:30",
        "0x1F",
        "2026-01-01",
        "a:b:c:d",
    ),
]
KEYS: list[Any] = [
    *("", " ", "name", "front", "services", "routes", "deploy", "images", "to", "env", "needs"),
    *("volumes", "ready", "build", "preset", "static", "host", "port", "<<", "=", "x" * 300, "é"),
    *(
        "A=B",
        "a.b",
        "/",
        "/a b",
        1,
        1.5,
        True,
        None,
        "nginx",
        "..",
        "a\nb",
        "replicas",
        "namespaces",
    ),
]


def odd_stack(number: int) -> bytes:
    """Give the file of that number."""
    chance = random.Random(number)
    return chance.choice(KINDS)(chance)


def mutated(chance: random.Random) -> bytes:
    """A real file with some edits as a careless hand or a broken merge makes them."""
    text = chance.choice(REAL)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.choice((0, 1, 3, 30)))
        new = chance.choice(("", chance.choice(SIGNS), chance.choice(WORDS), text[at:end] * 2))
        text = text[:at] + new + text[end:]
    return text.encode(errors="surrogatepass")


def torn(chance: random.Random) -> bytes:
    """A real file with bytes of no text in it, or only a part of it."""
    data = bytearray(chance.choice(REAL).encode())
    for _ in range(chance.randrange(4)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data[: chance.randrange(len(data) + 1)])


def soup(chance: random.Random) -> bytes:
    """Signs that mean something to YAML, in no order."""
    parts = [*SIGNS, *WORDS, "name", "services:", "routes:", "a: b\n"]
    return "".join(chance.choices(parts, k=chance.randrange(1, 80))).encode()


def noise(chance: random.Random) -> bytes:
    """Random bytes."""
    return chance.randbytes(chance.choice((0, 1, 7, 100, 4000)))


def tree(chance: random.Random, depth: int = 0) -> Any:
    """Random YAML, as far as it can be dumped."""
    if depth > 5 or chance.random() < 0.4:
        return chance.choice(VALUES)
    if chance.random() < 0.3:
        return [tree(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {chance.choice(KEYS): tree(chance, depth + 1) for _ in range(chance.randrange(5))}


def random_yaml(chance: random.Random) -> bytes:
    """Random values under keys that stack knows, in both of YAML's styles."""
    return _dumped(chance, tree(chance))


def nonsense(chance: random.Random) -> bytes:
    """A real file with some of its values and keys replaced by what does not belong there."""
    value = yaml.safe_load(chance.choice(REAL))
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        _spoil(chance, value)
    return _dumped(chance, value)


def _spoil(chance: random.Random, value: Any) -> None:
    while isinstance(value, dict | list) and value:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = chance.choice(keys)
        if isinstance(value[key], dict | list) and value[key] and chance.random() < 0.75:
            value = value[key]
            continue
        new = tree(chance, 4) if chance.random() < 0.5 else chance.choice(VALUES)
        if isinstance(value, dict) and chance.random() < 0.4:
            value[chance.choice(KEYS)] = value.pop(key)
        else:
            value[key] = new
        return


def _dumped(chance: random.Random, value: Any) -> bytes:
    style = chance.choice((None, None, False, True))
    unicode = chance.random() < 0.5
    try:
        text = yaml.safe_dump(value, default_flow_style=style, allow_unicode=unicode)
    except (yaml.YAMLError, RecursionError):
        text = repr(value)
    return str(text).encode(errors="surrogatepass")


KINDS: list[Callable[[random.Random], bytes]] = [
    *(mutated, mutated, torn, soup, noise, random_yaml, nonsense, nonsense, nonsense)
]
