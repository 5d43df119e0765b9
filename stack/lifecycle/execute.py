"""Runs a command in a container of the project, as ``stack exec`` does."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from stack.errors import StackError
from stack.lifecycle.checks import check_in_containers, check_ours, check_running
from stack.lifecycle.locate import read_if_missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.engines.base import Engine
    from stack.lifecycle.locate import Located


def execute(
    located: Located,
    engine: Engine,
    service: str,
    command: list[str],
    *,
    is_terminal: bool,
) -> Iterator[str | int]:
    """Run a command in the first container of a service: output lines, then the exit code.

    The ``docker`` command is used if it is installed: it can pass on typed or piped input.
    """
    running = engine.observe()
    check_ours(located.owner, running)
    located = read_if_missing(located, running, [service])
    check_running(located, running, [service])
    check_in_containers(located.project, [service])
    alive = [seen for seen in running.of(service) if seen.is_running]
    if not alive:
        raise StackError(f"{service}: does not run", "stack up")
    if docker := shutil.which("docker"):
        how = "-it" if is_terminal else "-i"
        os.execv(docker, ["docker", "exec", how, alive[0].id, *command])  # noqa: S606
    yield from engine.execute(alive[0].name, command)
