"""Reads the logs of several containers as one stream of lines. Prints nothing."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from stack.errors import EngineError
from stack.lifecycle.checks import check_in_containers, check_ours, check_running
from stack.lifecycle.locate import read_if_missing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from stack.engines.base import Engine
    from stack.lifecycle.locate import Located

Line = tuple[str, str]  # the container's name and one line of its log


def logs(
    located: Located,
    engine: Engine,
    services: Collection[str],
    tail: int,
    *,
    is_endless: bool,
) -> Iterator[Line]:
    """Yield the containers' names and log lines of some services, or of all."""
    running = engine.observe()
    check_ours(located.owner, running)
    located = read_if_missing(located, running, services)
    check_running(located, running, services)
    check_in_containers(located.project, services)
    wanted = [one for one in running.containers if not services or one.service in services]
    names = sorted(one.name for one in wanted)
    yield from (follow if is_endless else last_lines)(engine, names, tail)


def last_lines(engine: Engine, containers: Sequence[str], tail: int) -> Iterator[Line]:
    """Return the last ``tail`` lines of each container, one container after the other."""
    for name in containers:
        for line in engine.logs(name, tail):
            yield name, line


def follow(engine: Engine, containers: Sequence[str], tail: int) -> Iterator[Line]:
    """Yield lines as they are written, until all containers have ended."""
    lines: queue.SimpleQueue[Line | None] = queue.SimpleQueue()

    def read(name: str) -> None:
        try:
            for line in engine.follow(name, tail):
                lines.put((name, line))
        except EngineError as error:
            lines.put((name, error.message))
        finally:
            lines.put(None)

    for name in containers:
        threading.Thread(target=read, args=(name,), daemon=True).start()
    left = len(containers)
    while left:
        item = lines.get()
        if item is None:
            left -= 1
        else:
            yield item
