"""Exports the counters to Prometheus, read at each scrape; changes none of them.

Names as https://prometheus.io/docs/practices/naming asks: a prefix, base units, ``_total``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ws_server.api.gauge import Gauge
from ws_server.core.hub import Hub
from ws_server.stats import Histogram, Stats
from ws_server.upkeep import Dependency

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, eq=False)
class Metrics(Collector):
    """The metrics of this process; ``gauges`` are read at each scrape."""

    hub: Hub
    stats: Stats
    dependencies: Sequence[Dependency]
    gauges: Sequence[Gauge]

    def render(self) -> bytes:
        """Return the text of one scrape."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        ProcessCollector(registry=registry)
        return generate_latest(registry)

    def collect(self) -> Iterable[Metric]:
        """Return all metrics."""
        yield from self._now()
        yield from self._traffic()
        yield from self._endings()
        yield from self._outside()

    def _now(self) -> Iterable[Metric]:
        hub = self.hub
        sessions, waiting = hub.sessions, sum(each.receiver.size for each in hub.sessions)
        subscriptions = sum(members for _, members in hub.channels.names())
        yield _gauge("connections", "Connections that are open.", len(sessions))
        others = sum(each.transport != "websocket" for each in sessions)
        yield _gauge("fallback_connections", "Those of them without a WebSocket.", others)
        yield _gauge("users", "Users that are signed in.", hub.users)
        yield _gauge("subscriptions", "Subscriptions of all connections.", subscriptions)
        yield _gauge("channels", "Channels that somebody here subscribed.", len(hub.channels))
        yield _gauge("queue_bytes", "Bytes that wait for their clients.", waiting)
        for gauge in self.gauges:
            yield _gauge(gauge.name, gauge.help, gauge.read())
        up = GaugeMetricFamily("ws_dependency_up", "1 while it can be used.", labels=["dependency"])
        for part in self.dependencies:
            up.add_metric([part.name], float(part.is_ready))
        yield up
        refusing = GaugeMetricFamily(
            "ws_dependency_degraded",
            "1 while it refuses a part of its work, such as writes.",
            labels=["dependency"],
        )
        for part in self.dependencies:
            refusing.add_metric([part.name], float(bool(part.degraded)))
        yield refusing

    def _traffic(self) -> Iterable[Metric]:
        stats = self.stats
        yield _counter("connections_opened", "Connections that were accepted.", stats.connections)
        yield _counter("commands", "Commands of clients.", stats.commands)
        yield _counter("received_bytes", "Bytes of frames from clients.", stats.received_bytes)
        yield _counter("publications", "Publications of clients and the API.", stats.publications)
        yield _counter("messages_sent", "Pushes, once a receiver.", stats.messages)
        yield _counter("sent_bytes", "Bytes of frames with pushes.", stats.sent_bytes)
        yield _histogram(
            "broadcast_seconds", "Time to write to all members.", {(): stats.broadcasts}, ()
        )
        yield _counter("gaps_closed", "Holes in a channel that were looked into.", stats.gaps)
        yield _by("recoveries", "Recoveries by their result.", ("result",), stats.recoveries)
        yield _by(
            "dropped_messages", "Messages that a slow client lost.", ("policy",), stats.dropped
        )

    def _endings(self) -> Iterable[Metric]:
        stats = self.stats
        yield _by("errors", "Commands that were answered by an error.", ("code",), stats.errors)
        yield _by("disconnects", "Closes by the server.", ("code",), stats.disconnects)
        yield _by("unsubscribes", "Subscriptions ended by it.", ("code",), stats.unsubscribes)
        yield _by("refused_handshakes", "Handshakes without a 101.", ("status",), stats.refused)

    def _outside(self) -> Iterable[Metric]:
        stats = self.stats
        yield _by(
            "api_requests",
            "Requests to the HTTP API: error code, HTTP status, or 0.",
            ("method", "code"),
            stats.api,
        )
        yield _by("hook_calls", "Calls of the hooks.", ("hook", "outcome"), stats.hooks)
        by_hook = {(hook,): found for hook, found in stats.hook_seconds.items()}
        yield _histogram("hook_seconds", "Time until a hook has answered.", by_hook, ("hook",))


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"ws_{name}", text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"ws_{name}", text, value)


def _by(name: str, text: str, labels: Sequence[str], counts: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(f"ws_{name}", text, labels=labels)
    for key, value in tuple(counts.items()):
        values = key if isinstance(key, tuple) else (key,)
        family.add_metric([str(each) for each in values], value)
    return family


def _histogram(name: str, text: str, by: Mapping[Any, Histogram], labels: Sequence[str]) -> Metric:
    family = HistogramMetricFamily(f"ws_{name}", text, labels=labels)
    for key, found in by.items():
        buckets, count = [], 0
        for bound, within in zip((*found.bounds, "+Inf"), found.counts, strict=True):
            count += within
            buckets.append((str(bound), float(count)))
        family.add_metric(key, buckets, found.total)
    return family
