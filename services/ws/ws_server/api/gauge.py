"""A number that any part of the server has for ``/metrics``; knows no exporter."""

from collections.abc import Callable
from typing import NamedTuple


class Gauge(NamedTuple):
    """``name`` without prefix but with its unit; ``read`` is called at every scrape."""

    name: str
    help: str
    read: Callable[[], float]
