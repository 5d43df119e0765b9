"""Projects to measure, each in a folder of its own, and all that removes them. Times nothing."""

import contextlib
import secrets
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from docker.models.containers import Container

from stack.engines.docker.connect import connect
from stack.engines.docker.opening import choose_source, open_engine
from stack.layout.images import Source, recipe_for
from stack.layout.labels import Owner
from tests.integration.projects import free_port, remove_labelled

DEMO = """\
name: {name}
images: {images}
front: {{ port: {port} }}
services:
  web:      {{ static: ./web }}
  ws:       {{ preset: realtime, replicas: 2, needs: [redis, postgres] }}
  redis:    {{ preset: redis }}
  postgres: {{ preset: postgres }}
routes:
  /:   web
  /ws: {{ to: ws, websocket: true }}
"""
MANY = """\
name: {name}
images: {images}
front: {{ port: {port} }}
services:
  web: {{ static: ./web }}
{services}
routes:
  /: web
"""


@dataclass(frozen=True)
class Place:
    """A folder with a stack.yaml."""

    name: str
    folder: Path


Text = Callable[[str, int], str]  # name and front port of a project → its stack.yaml


def source() -> Source:
    """Give where images come from on this machine: what ``images: auto`` decides."""
    engine = open_engine(Owner("bench"), frozenset, print)
    return choose_source(engine, "", lambda _: None)


def address(container: Container) -> str:
    """Give the address of a container on the engine's own network; a published port is a proxy."""
    container.reload()
    return str(container.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"])


def demo(images: Source) -> Text:
    """Give the stack.yaml of what everybody starts with: all presets, two replicas."""
    return lambda name, port: DEMO.format(name=name, port=port, images=images)


def many(images: Source, count: int, command: str = "[redis-server]") -> Text:
    """Give a stack.yaml of ``count`` small services beside the front."""
    image = recipe_for("redis", images).reference
    services = "\n".join(
        f"  s{number}: {{ image: {image}, command: {command} }}" for number in range(count)
    )
    return lambda name, port: MANY.format(name=name, port=port, images=images, services=services)


@contextlib.contextmanager
def place(text: Text) -> Iterator[Place]:
    """Write a project with a name and a port of its own; whatever it started is removed."""
    name = f"bench-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
        web = Path(folder) / "web"
        web.mkdir(mode=0o755)
        (web / "index.html").write_text("here\n", encoding="utf-8")
        (Path(folder) / "stack.yaml").write_text(text(name, free_port()), encoding="utf-8")
        try:
            yield Place(name, Path(folder))
        finally:
            remove_labelled(connect(), name)
