"""The front port: who holds it is named before anything is done, and a lost one is noticed."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import docker
import httpx
import pytest
from docker.models.containers import Container

from tests.integration.containers import own_containers, published
from tests.integration.projects import SITE, Project, labelled, project_in

ROUTES = {"/": "site"}
EVERYWHERE = "0.0.0.0"
LISTEN = """
import socket, sys
host, port = sys.argv[1:]
family = socket.AF_INET6 if ":" in host else socket.AF_INET
server = socket.create_server((host, int(port)), family=family, dualstack_ipv6=host == "::")
print("listening", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def site(project: Project) -> Project:
    """The smallest project, not started: Nginx and a static page."""
    project.write(SITE, ROUTES)
    return project


@pytest.mark.parametrize("host", ["127.0.0.1", EVERYWHERE, "::", "::1"])
def test_a_process_that_holds_the_port_is_named(site: Project, host: str) -> None:
    with listening(host, site.port) as process:
        said = site.fails("up")
    asked = "::1" if host == "::1" else "127.0.0.1"
    assert f"front.port: {site.port} on {asked} is held by python" in said
    assert f"(process {process.pid})" in said
    assert f"front: {{ port: {site.port + 1} }}" in said
    assert leftovers(site) == []


def test_a_container_that_holds_the_port_is_named(site: Project, python_image: str) -> None:
    with own_containers(site.client) as place:
        holder = place.run(python_image, "sleep", "60", port=80)
        port = published(holder, 80)
        site.write(SITE, ROUTES, front={"port": port})
        said = site.fails("up")
    assert f"front.port: {port} is published by the container {holder.name}" in said
    assert f"hint: docker stop {holder.name}\n" in said
    assert "docker-proxy" not in said
    assert leftovers(site) == []


@pytest.mark.parametrize("held", ["{port}:53/udp", "127.0.0.2:{port}:53"])
def test_a_port_that_is_no_port_of_the_front_is_in_nobodys_way(
    site: Project, python_image: str, held: str
) -> None:
    command = ["docker", "run", "--detach", "--rm", "--publish", held.format(port=site.port)]
    done = subprocess.run(
        [*command, python_image, "sleep", "60"], capture_output=True, text=True, check=True
    )
    try:
        assert "is up" in site.stack("up")
    finally:
        site.client.containers.get(done.stdout.strip()).remove(force=True)


def test_another_project_that_holds_the_port_is_named(
    site: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("first")
    with project_in(site.client, folder, site.images) as first:
        first.write(SITE, ROUTES)
        first.stack("up")
        site.write(SITE, ROUTES, front={"port": first.port})
        said = site.fails("up")
    assert f"is published by the container {first.name}-nginx-1" in said
    assert f"hint: cd {folder} && stack down\n" in said
    assert leftovers(site) == []


def test_a_new_port_that_is_taken_leaves_the_old_one_open(site: Project) -> None:
    site.stack("up")
    other = Project(site.client, site.folder, site.images).port
    site.write(SITE, ROUTES, front={"port": other})
    with listening("127.0.0.1", other) as process:
        assert f"(process {process.pid})" in site.fails("up")
    assert is_served(site)


def test_a_port_that_the_engine_lost_is_opened_again(site: Project) -> None:
    """As moby#51758 does it: Nginx runs, and is the wanted one, but nothing is published."""
    site.stack("up")
    lose_port(site.client, site.container("nginx"))
    assert not is_served(site)
    assert "the engine lost its port" in site.stack("up", "--dry-run")
    site.stack("up")
    assert is_served(site)


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[subprocess.Popen[str]]:
    """Run a process that listens, until the end of the block."""
    command = [sys.executable, "-c", LISTEN, host, str(port)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "listening\n"
        yield process
        process.kill()


def leftovers(project: Project) -> list[object]:
    """Give all that carries the project's label."""
    client, mine = project.client, labelled(project.name)
    networks, volumes = client.networks.list(filters=mine), client.volumes.list(filters=mine)
    return [*project.containers(), *networks, *volumes]


def is_served(project: Project) -> bool:
    """Whether the static page comes through the front port that the project was made with."""
    try:
        return httpx.get(project.url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def lose_port(client: docker.DockerClient, nginx: Container) -> None:
    """Put in the place of Nginx one that is equal but for its published port."""
    name, labels, seen = nginx.name, nginx.labels, nginx.attrs
    network = next(iter(seen["NetworkSettings"]["Networks"]))
    nginx.remove(force=True)
    again = client.containers.create(
        seen["Config"]["Image"],
        entrypoint=seen["Config"]["Entrypoint"],
        labels=labels,
        name=name,
        network=network,
        user=seen["Config"]["User"],
        tmpfs=seen["HostConfig"]["Tmpfs"],
        volumes=[f"{each['Source']}:{each['Destination']}:ro" for each in seen["Mounts"]],
    )
    again.start()
