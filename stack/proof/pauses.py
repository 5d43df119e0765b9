"""Reads from a slow source, such as a log, without blocking while it is silent."""

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

from stack.errors import StackError

Item = TypeVar("Item")


def with_pauses(items: Iterator[Item], pause: float) -> Iterator[Item | None]:
    """Yield the items, and None whenever none came for ``pause`` seconds.

    They are read in a thread, which may stay behind waiting when the reader stops. A StackError of
    the source is raised here.
    """
    arrived: queue.SimpleQueue[Item | StackError | None] = queue.SimpleQueue()

    def read() -> None:
        try:
            for item in items:
                arrived.put(item)
            arrived.put(None)
        except StackError as error:
            arrived.put(error)

    threading.Thread(target=read, daemon=True, name="pauses").start()
    while True:
        try:
            item = arrived.get(timeout=pause)
        except queue.Empty:
            yield None
            continue
        if item is None:
            return
        if isinstance(item, StackError):
            raise item
        yield item
