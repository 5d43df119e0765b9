"""A number for ``/metrics`` that any part of the server can provide; knows no exporter."""

from collections.abc import Callable
from typing import NamedTuple


class Gauge(NamedTuple):
    """``name`` has a unit but no prefix; ``read`` is called at every scrape."""

    name: str
    help: str
    read: Callable[[], float]
