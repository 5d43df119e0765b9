"""The realtime service's internal port: open to those that need the service, and to nobody else."""

from collections.abc import Iterator

import docker
import pytest
from docker.models.containers import Container

from stack.layout.images import Source
from tests.integration.containers import shell
from tests.integration.projects import (
    REALTIME,
    SITE,
    WS_ROUTE,
    Project,
    Services,
    echo_service,
    project_in,
)

PUBLISH = """
import json, os, pathlib, urllib.request
key = pathlib.Path(os.environ["WS_API_KEY_FILE"]).read_text().strip()
body = json.dumps({"channel": "room:1", "data": 1}).encode()
asked = urllib.request.Request(os.environ["WS_API_URL"] + "/publish", body, {"X-API-Key": key})
print(urllib.request.urlopen(asked, timeout=10).read().decode())
"""
SCRAPE = """
import os, urllib.request
url = os.environ["WS_API_URL"].removesuffix("/api") + "/metrics"
print(urllib.request.urlopen(url, timeout=10).read().decode())
"""


@pytest.fixture(scope="module")
def shop(
    docker_client: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
    source: Source,
    python_image: str,
) -> Iterator[Project]:
    """Two replicas, a service that publishes, and one that has nothing to do with them."""
    with project_in(docker_client, tmp_path_factory.mktemp("shop"), source) as one:
        one.write(services(python_image, "api"), {"/": "site", **WS_ROUTE})
        one.stack("up")
        yield one


def services(image: str, *needing: str) -> Services:
    own = {
        name: echo_service(image, needs=["ws", "redis"] if name in needing else ["redis"])
        for name in ("api", "other")
    }
    return {**SITE, **REALTIME, **own}


def reached(container: Container, ws: list[Container], port: int) -> list[str]:
    """Give where the realtime service answers on a port: its names, and all its addresses."""
    ends = [end for each in ws for end in each.attrs["NetworkSettings"]["Networks"].values()]
    places = ["ws", "ws.internal", *(str(each.name) for each in ws)]
    places += [end["IPAddress"] for end in ends]
    tries = "; ".join(
        f"timeout 2 bash -c 'exec 3<>/dev/tcp/{place}/{port}' 2>/dev/null && echo {place}"
        for place in places
    )
    return shell(container, f"{tries}; true").split()


def test_who_needs_it_reaches_each_replica(shop: Project) -> None:
    ws = shop.containers("ws")
    network = f"{shop.name}_ws-api"
    addresses = [each.attrs["NetworkSettings"]["Networks"][network]["IPAddress"] for each in ws]
    assert len(addresses) == 2
    assert {"ws.internal", *addresses} <= set(reached(shop.container("api"), ws, 3003))
    assert "{" in shell(shop.container("api"), f"python -c '{PUBLISH}'")
    assert "ws_connections" in shell(shop.container("api"), f"python -c '{SCRAPE}'")


@pytest.mark.parametrize("service", ["nginx", "other", "redis", "postgres"])
def test_nobody_else_reaches_it(shop: Project, service: str) -> None:
    assert reached(shop.container(service), shop.containers("ws"), 3003) == []


@pytest.mark.parametrize("service", ["nginx", "other"])
def test_clients_and_neighbours_reach_the_port_for_clients(shop: Project, service: str) -> None:
    assert "ws" in reached(shop.container(service), shop.containers("ws"), 3002)


def test_its_network_leads_nowhere_else(shop: Project) -> None:
    assert shop.client.networks.get(f"{shop.name}_ws-api").attrs["Internal"] is True


def test_who_comes_to_need_it_and_no_longer_does_is_let_in_and_out(
    shop: Project, python_image: str
) -> None:
    shop.write(services(python_image), {"/": "site", **WS_ROUTE})
    shop.stack("up")
    ws = shop.containers("ws")
    assert reached(shop.container("api"), ws, 3003) == []
    assert f"{shop.name}_ws-api" not in {str(each.name) for each in shop.client.networks.list()}
    assert "127.0.0.1" in shell(
        ws[0], "timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.0.1/3003' && echo 127.0.0.1"
    )
    shop.write(services(python_image, "other"), {"/": "site", **WS_ROUTE})
    shop.stack("up")
    assert "ws.internal" in reached(shop.container("other"), shop.containers("ws"), 3003)
    assert reached(shop.container("api"), shop.containers("ws"), 3003) == []
    assert "up to date" in shop.stack("up")
