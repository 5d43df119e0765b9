"""The front is at localhost, on IPv4 and IPv6, and answers for its own names only."""

import asyncio
import shlex
import socket
from collections.abc import Iterator

import docker
import httpx
import pytest

from stack.layout import images
from stack.probe.ask import ask
from stack.probe.exchange import Question, Target
from tests.integration.containers import shell
from tests.integration.projects import SITE, Project, echo_service, project_in
from tests.integration.wire import opened, refusal

CALL = (
    "from urllib.request import urlopen; from urllib.error import HTTPError\n"
    "try: print(urlopen('http://nginx:8080/').status)\n"
    "except HTTPError as error: print(error.code, error.read().decode())"
)


@pytest.fixture(scope="module")
def front(
    docker_client: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
    source: images.Source,
    python_image: str,
) -> Iterator[Project]:
    """A page and the echo service; tests add names."""
    with project_in(docker_client, tmp_path_factory.mktemp("address"), source) as one:
        write(one, python_image)
        one.stack("up")
        yield one


def write(project: Project, python_image: str, *names: str) -> None:
    services = {**SITE, "echo": echo_service(python_image)}
    routes = {"/": "site", "/echo": {"to": "echo", "websocket": True}}
    project.write(services, routes, front={"port": project.port, "hosts": [*names]})


# The address


def test_up_and_status_say_localhost(front: Project) -> None:
    address = f"//localhost:{front.port}/"
    assert f"http:{address} " in front.stack("up")
    assert f"ws:{address}echo " in front.stack("up")
    assert front.events("up")[-1]["url"] == f"http://localhost:{front.port}"
    assert "127.0.0.1" not in front.stack("status")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("name", ["localhost", "{project}.localhost"])
def test_each_address_answers_for_each_name(front: Project, address: str, name: str) -> None:
    target = Target("", name.format(project=front.name), front.port, "/")
    seen = ask(Question(target, "", (), address=address), 10)
    assert (seen.status, seen.address) == (200, address)


def test_the_doctor_finds_the_name_of_the_project(front: Project) -> None:
    """The C library does not know names below localhost; browsers do."""
    url = f"ws://{front.name}.localhost:{front.port}/echo"
    assert "101 Switching Protocols" in front.stack("doctor", url)


async def test_a_websocket_opens_under_each_name(front: Project) -> None:
    for name in ("localhost", "127.0.0.1", "[::1]", f"{front.name}.localhost"):
        host = f"{name}:{front.port}"
        at = "127.0.0.1" if name.endswith(".localhost") else None
        async with opened(f"ws://{host}/echo", origin=f"http://{host}", at=at) as one:
            assert f'"{host}"' in str(await one.recv())


# The Host


@pytest.mark.parametrize("path", ["/", "/echo", "/.stack/generation", "/none"])
def test_a_foreign_name_reaches_nothing(front: Project, path: str) -> None:
    """As DNS rebinding has it: the name of the attacker's page leads to this machine."""
    answer = httpx.get(front.url + path, headers={"Host": f"evil.example:{front.port}"})
    assert (answer.status_code, answer.headers["content-type"]) == (421, "text/html")
    assert 'hosts: ["evil.example"]' in answer.text


async def test_a_foreign_name_opens_no_websocket(front: Project) -> None:
    place = f"evil.example:{front.port}"
    refused = await refusal(f"ws://{place}/echo", origin=f"http://{place}", at="127.0.0.1")
    assert refused.status_code == 421


@pytest.mark.parametrize(
    "host", ["<script>alert(1)</script>", "\"'&{x}$host", "a|b", "localhost|b"]
)
async def test_what_the_host_field_holds_is_no_markup(front: Project, host: str) -> None:
    """This Nginx takes such a name: newer ones answer 400."""
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    assert answer.split()[1] in {"400", "421"}
    assert host not in answer


def test_a_name_of_the_user_is_answered_and_only_it(front: Project, python_image: str) -> None:
    asked = {"Host": "Shop.Test:99"}
    try:
        write(front, python_image, "shop.test")
        front.stack("up")
        assert httpx.get(front.url, headers=asked).status_code == 200
        assert httpx.get(front.url, headers={"Host": "a.shop.test"}).status_code == 421
    finally:
        write(front, python_image)
        front.stack("up")
    assert httpx.get(front.url, headers=asked).status_code == 421


def test_services_that_call_the_front_are_told_its_key(front: Project, python_image: str) -> None:
    call = f"python -c {shlex.quote(CALL)}"
    try:
        said = shell(front.container("echo"), call)
        assert said.startswith("421")
        assert 'hosts: ["nginx"]' in said
        write(front, python_image, "nginx")
        front.stack("up")
        assert shell(front.container("echo"), call).strip() == "200"
    finally:
        write(front, python_image)
        front.stack("up")


def test_who_may_listen_on_ipv6_alone_is_seen(front: Project) -> None:
    """Another program on [::1] would get what browsers send to localhost."""
    front.stack("down")
    try:
        with socket.create_server(("::1", front.port), family=socket.AF_INET6):
            assert f"front.port: {front.port} on ::1 is held by" in front.fails("up")
    finally:
        front.stack("up")
