"""What a scrape shows, read back by Prometheus' own parser."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from ws_server.api.gauge import Gauge
from ws_server.broker.memory import MemoryBroker

from tests.ws.harness import API_KEY, Running, running

SERVICE = Path(__file__).parents[2] / "services" / "ws"


async def scrape(live: Running) -> dict[str, float]:
    """Every sample as ``name{label="value"}``."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(live.api_url.removesuffix("/api") + "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples: dict[str, float] = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation, family.name
        for name, labels, value, *_ in family.samples:
            shown = ",".join(f'{key}="{text}"' for key, text in labels.items())
            samples[f"{name}{{{shown}}}" if shown else name] = value
    return samples


async def test_what_is_open_and_what_passed(served: Running) -> None:
    async with served.client() as client, served.client() as other:
        await client.sign_in()
        await other.sign_in(sub="bob")
        await client.subscribe("room:1")
        await other.subscribe("room:1")
        await client.ask({"id": 3, "publish": {"channel": "room:1", "data": "x"}})
        await other.receive()
        seen = await scrape(served)
    assert seen["ws_connections"] == seen["ws_users"] == seen["ws_subscriptions"] == 2
    assert seen["ws_channels"] == seen["ws_publications_total"] == 1
    assert seen["ws_connections_opened_total"] == seen["ws_messages_sent_total"] == 2
    assert seen["ws_commands_total"] == 5
    assert seen["ws_received_bytes_total"] > seen["ws_sent_bytes_total"] > 100
    assert seen["ws_queue_bytes"] == 0
    assert seen["ws_broadcast_seconds_count"] == 1
    assert seen['ws_broadcast_seconds_bucket{le="+Inf"}'] == 1
    assert 0 < seen["ws_broadcast_seconds_sum"] < 1
    assert seen['ws_dependency_up{dependency="memory"}'] == 1
    assert seen["ws_broker_lag_seconds"] == 0
    assert seen["process_resident_memory_bytes"] > 0


async def test_what_ended_badly_by_code(served: Running) -> None:
    async with served.client() as client:
        await client.sign_in()
        await client.subscribe("denied")
        await client.socket.send(b"binary")
        await client.closed()
    await served.http("GET /nothing HTTP/1.1")
    served.server.parts.service.stats.dropped["latest"] += 3
    served.server.parts.service.stats.recoveries["recovered"] += 1
    served.server.parts.service.stats.unsubscribes[2500] += 1
    seen = await scrape(served)
    assert seen['ws_errors_total{code="103"}'] == 1
    assert seen['ws_disconnects_total{code="3501"}'] == 1
    assert seen['ws_refused_handshakes_total{status="404"}'] == 1
    assert seen['ws_dropped_messages_total{policy="latest"}'] == 3
    assert seen['ws_recoveries_total{result="recovered"}'] == 1
    assert seen['ws_unsubscribes_total{code="2500"}'] == 1


async def test_api_requests_by_method_and_code(served: Running) -> None:
    await served.api("publish", channel="a", data=1)
    await served.api("publish", channel="a*", data=1)
    async with httpx.AsyncClient() as client:
        await client.post(f"{served.api_url}/info")
    seen = await scrape(served)
    assert seen['ws_api_requests_total{code="0",method="publish"}'] == 1
    assert seen['ws_api_requests_total{code="102",method="publish"}'] == 1
    assert seen['ws_api_requests_total{code="401",method=""}'] == 1


async def test_what_is_missing_and_a_gauge_of_another_part() -> None:
    broker = MemoryBroker()
    broker.name, broker.is_ready, broker.lag = "redis", False, 0.25
    async with running(broker, api_key=API_KEY) as live:
        gauge = Gauge("outbox_lag_seconds", "Age of the oldest.", lambda: 1.5)
        live.server.parts.gauges.append(gauge)
        seen = await scrape(live)
    assert seen['ws_dependency_up{dependency="redis"}'] == 0
    assert (seen["ws_broker_lag_seconds"], seen["ws_outbox_lag_seconds"]) == (0.25, 1.5)


def test_names_are_as_prometheus_wants_them() -> None:
    text = (SERVICE / "ws_server" / "api" / "metrics.py").read_text()
    names = re.findall(r'_(?:gauge|counter|by|histogram)\(\s*"(\w+)"', text)
    assert len(names) > 15
    assert not [name for name in names if name.endswith("_total") or name.startswith("ws_")]


def test_slow_libraries_are_not_loaded_at_the_start() -> None:
    program = (
        "import ws_server.server, sys; print({'aiohttp', 'prometheus_client'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=SERVICE, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
