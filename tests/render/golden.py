"""The golden folders: cases/<name>/stack.yaml and what is rendered from it. Compares nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path

import yaml

from stack.config.model import Stack
from stack.layout.images import Source, nginx_version
from stack.layout.render import render_compose, render_nginx_deploy, render_nginx_dev
from stack.layout.topology import lay_out
from stack.project.load import load

CASES = sorted((Path(__file__).parent / "cases").iterdir())

IMAGES = {name: f"example/{name}:1" for name in ("nginx", "realtime", "redis", "postgres")}
"""Instead of the real references: the realtime one changes with every change of the server."""


def render_compose_of(stack: Stack) -> str:
    """Give the compose.yaml of a case."""
    return render_compose(stack, lay_out(stack, IMAGES))


def render_for(source: Source) -> Callable[[Stack], str]:
    """Give what renders for the Nginx in the images of a source."""
    return lambda stack: render_nginx_dev(stack, nginx_version(source))


RENDERERS: dict[str, Callable[[Stack], str]] = {
    "compose.yaml": render_compose_of,
    "nginx-dev.conf": render_for("registry"),
    "nginx-dev.debian.conf": render_for("debian"),
    "nginx.conf": render_nginx_deploy,
}
"""Which function writes which file of a case."""


def stack_of(case: Path, folder: Path) -> Stack:
    """Load a case as a user's file, beside the folders that it names."""
    text = (case / "stack.yaml").read_text()
    shutil.copy(case / "stack.yaml", folder)
    for service in yaml.safe_load(text)["services"].values():
        for key in ("static", "build", "init"):
            if key in service:
                made = folder / service[key].replace("$$", "$")
                made.mkdir(exist_ok=True)
                (made / "Dockerfile").touch()
    return load(folder / "stack.yaml", {})
