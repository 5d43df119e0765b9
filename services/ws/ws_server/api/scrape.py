"""Joins the metrics of all workers of a container; each sample gets a label for its worker."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

LABEL = "worker"


@dataclass(frozen=True, eq=False)
class _Joined(Collector):
    families: Iterable[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.families


def joined(texts: Mapping[int, bytes | None]) -> bytes:
    """Join the texts of all workers, by number; None is a worker that did not answer."""
    up = GaugeMetricFamily("ws_worker_up", "1 if the worker has answered.", labels=[LABEL])
    families: dict[str, Metric] = {up.name: up}
    for number, text in sorted(texts.items()):
        up.add_metric([str(number)], float(text is not None))
        for one in text_string_to_metric_families((text or b"").decode()):
            new = Metric(one.name, one.documentation, one.type)
            family = families.setdefault(one.name, new)
            for sample in one.samples:
                labels = sample.labels | {LABEL: str(number)}
                family.add_sample(sample.name, labels, sample.value)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Joined(families.values()))
    return generate_latest(registry)
