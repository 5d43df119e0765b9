"""A service of a running stack publishes over HTTP, and nobody outside can."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

import docker
import httpx
import pytest

from stack.layout import images
from tests.integration.containers import shell
from tests.integration.projects import SITE, WS_ROUTE, Project, project_in
from tests.integration.wire import signed_in

PUBLISH = """
import json, os, sys, urllib.request
key = open(os.environ["WS_API_KEY_FILE"]).read()
body = json.dumps({"channel": "news", "data": sys.argv[1]}).encode()
url = os.environ["WS_API_URL"] + "/publish"
request = urllib.request.Request(url, body, {"X-API-Key": key if len(sys.argv) < 3 else "guess"})
print(urllib.request.urlopen(request, timeout=5).read().decode())
"""


@pytest.fixture(scope="module")
def publishing(
    docker_client: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
    source: images.Source,
    python_image: str,
) -> Iterator[Project]:
    """Two replicas of two workers, and a service that needs them; without slow Postgres."""
    with project_in(docker_client, tmp_path_factory.mktemp("publishing"), source) as project:
        ws = {"preset": "realtime", "replicas": 2, "needs": ["redis"]}
        ws |= {"env": {"WS_WORKERS": "2"}}
        app: dict[str, Any] = {"image": python_image, "command": ["sleep", "infinity"]}
        app |= {"needs": ["ws"], "port": 8000, "ready": {"command": ["true"]}}
        services = {**SITE, "redis": {"preset": "redis"}, "ws": ws, "app": app}
        project.write(services, {"/": "site", **WS_ROUTE})
        project.stack("up")
        yield project


SCRAPE = """
import os, urllib.request
url = os.environ["WS_API_URL"].removesuffix("/api") + "/metrics"
print(urllib.request.urlopen(url, timeout=5).read().decode())
"""


def publish(project: Project, *arguments: str) -> str:
    return shell(
        project.container("app"), shlex.join(["python3", "-c", PUBLISH, *arguments]) + " 2>&1"
    )


async def test_a_service_publishes_with_the_key_that_it_was_given(publishing: Project) -> None:
    async with (
        signed_in(publishing, "news") as (first, _),
        signed_in(publishing, "news") as (two, _),
    ):
        for data in ("one", "two"):
            assert json.loads(publish(publishing, data)) == {"result": {}}
        assert await first.pushed(2) == await two.pushed(2) == ["one", "two"]


def test_one_scrape_of_a_container_has_its_workers(publishing: Project) -> None:
    text = shell(publishing.container("app"), shlex.join(["python3", "-c", SCRAPE]))
    assert 'ws_worker_up{worker="0"} 1.0\nws_worker_up{worker="1"} 1.0\n' in text
    for worker in "01":
        assert f'ws_dependency_up{{dependency="redis",worker="{worker}"}} 1.0\n' in text


def test_another_key_opens_nothing(publishing: Project) -> None:
    with pytest.raises(AssertionError, match="401"):
        publish(publishing, "x", "wrong")


@pytest.mark.parametrize("path", ["/api/info", "/metrics", "/ws/api/info", "/ws/metrics"])
def test_the_front_leads_to_neither_api_nor_metrics(publishing: Project, path: str) -> None:
    key = (publishing.state / "secrets" / "ws-api-key").read_text()
    for method in ("GET", "POST"):
        headers = {"X-API-Key": key}
        answer = httpx.request(method, publishing.url + path, headers=headers, timeout=10)
        assert answer.status_code >= 400
        assert "nodes" not in answer.text
        assert "ws_connections" not in answer.text


def test_the_port_is_published_nowhere_and_the_key_shown_nowhere(publishing: Project) -> None:
    for number in (1, 2):
        container = publishing.container("ws", number)
        assert not any(container.attrs["NetworkSettings"]["Ports"].values())
    key = (publishing.state / "secrets" / "ws-api-key").read_text()
    shown = [str(each.attrs) + each.logs().decode() for each in publishing.containers()]
    assert not [text for text in shown if key in text]
