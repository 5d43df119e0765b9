"""Writes a stack.yaml and loads it: what it gives, or what is said against it. Tests nothing."""

from pathlib import Path

import pytest

from stack.config.model import Stack
from stack.errors import ConfigError
from stack.project.load import load

OK = "services:\n  app: {host: 3000}\nroutes:\n  /: app\n"
ENVIRON = {
    "PORT": "81",
    "EMPTY": "",
    "EVIL": "a\nfront: {port: 1}",
    "FLAG": "true",
    "LONG": "9" * 12,
}
NAMES = "use lower case letters, digits, - and _, at most 63"
TOP = "known in stack.yaml: name, images, front, services, routes, deploy"
FORMS = "write ${NAME}, ${NAME:-default} or ${NAME:?text}, and $$ for a dollar sign"


def service(line: str) -> str:
    """Give a stack with one more service, on line 3."""
    return f"services:\n  app: {{host: 3000}}\n  {line}\nroutes:\n  /: app\n"


def problems(folder: Path, content: str | bytes) -> tuple[str, str]:
    file = folder / "stack.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        load(file, ENVIRON)
    return caught.value.message, caught.value.hint


def loaded(folder: Path, content: str) -> Stack:
    (folder / "stack.yaml").write_bytes(content.encode())
    return load(folder / "stack.yaml", ENVIRON)
