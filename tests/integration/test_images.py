"""The Debian images keep the contract of the official ones, and carry nothing of this machine."""

import io
import json
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import docker
import pytest
import redis
from docker.errors import ImageNotFound

from stack.engines.docker.build import build_context, build_image, ensure, registry_answers
from stack.engines.docker.connect import connect
from stack.engines.docker.context import packed
from stack.errors import EngineError
from stack.layout import images
from stack.layout.images import NAMES, Build, Pull
from tests.integration.containers import (
    HARDENED,
    LABEL,
    OwnContainers,
    building,
    eventually,
    logs,
    own_containers,
    printed,
    published,
    shell,
)
from tests.integration.layers import files_of, foreign_certificates

pytestmark = pytest.mark.integration

# It names no temp paths: on a read-only root Nginx only starts where their folders are there.
NGINX_CONF = """\
pid /tmp/nginx.pid;
error_log /dev/stderr notice;
events {}
http {
    access_log /dev/stdout;
    include /etc/nginx/mime.types;
    server { listen 8080; location / { return 200 "front\\n"; } }
}
"""


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = connect()
    yield client
    client.close()


@pytest.fixture(scope="module")
def built(client: docker.DockerClient) -> dict[str, str]:
    recipes = {name: images.recipe_for(name, "debian") for name in NAMES}
    threads = [Thread(target=ensure, args=(client, r, print)) for r in recipes.values()]
    with building():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return {name: recipe.reference for name, recipe in recipes.items()}


@pytest.fixture
def place(client: docker.DockerClient) -> Iterator[OwnContainers]:
    with own_containers(client) as place:
        yield place


def get(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
        return bytes(answer.read())


# Nginx


def test_nginx_serves_a_mounted_configuration_hardened(
    place: OwnContainers, built: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "nginx.conf").write_text(NGINX_CONF)
    tmp_path.chmod(0o755)
    container = place.run(
        built["nginx"],
        *("nginx", "-c", "/etc/nginx/stack/nginx.conf", "-g", "daemon off;"),
        port=8080,
        user="101:101",
        tmpfs={"/tmp": ""},
        volumes={str(tmp_path): {"bind": "/etc/nginx/stack", "mode": "ro"}},
        **HARDENED,
    )
    assert eventually(lambda: get(published(container, 8080))) == b"front\n"
    printed(container, '"GET / HTTP/1.1" 200')


def test_nginx_without_arguments_serves_its_folder(
    place: OwnContainers, built: dict[str, str]
) -> None:
    container = place.run(built["nginx"], port=80)
    assert b"nginx" in eventually(lambda: get(published(container, 80)))
    printed(container, "GET / HTTP/1.1")
    assert shell(container, "id -u nginx; id -g nginx").split() == ["101", "101"]
    assert container.attrs["Config"]["StopSignal"] == "SIGQUIT"
    shell(container, "bash --version; test -f /etc/nginx/mime.types -a -d /var/cache/nginx")


# Redis


def ask(port: int, password: str | None = None) -> redis.Redis:
    link = redis.Redis(port=port, password=password, decode_responses=True)
    link.ping()
    return link


def test_redis_keeps_its_data_hardened(place: OwnContainers, built: dict[str, str]) -> None:
    container = place.run(
        built["redis"],
        *("--requirepass", "secret", "--appendonly", "yes"),
        port=6379,
        user="999:999",
        volumes={place.volume(): {"bind": "/data"}},
        **HARDENED,
    )
    eventually(lambda: ask(published(container, 6379), "secret")).set("kept", "yes")
    with pytest.raises(redis.AuthenticationError):
        ask(published(container, 6379)).get("kept")
    before = time.monotonic()
    container.stop()
    assert time.monotonic() - before < 3
    container.start()
    link = eventually(lambda: ask(published(container, 6379), "secret"))
    assert link.get("kept") == "yes"


def test_redis_started_as_root_takes_the_data_and_drops(
    place: OwnContainers, built: dict[str, str]
) -> None:
    data = {place.volume(): {"bind": "/data"}}
    filler = place.run(built["redis"], "sh", "-c", "chown 0:0 /data; echo > /data/x", volumes=data)
    assert filler.wait()["StatusCode"] == 0
    container = place.run(built["redis"], port=6379, volumes=data)
    # No password and no loopback: protected-mode is off, as in the official image.
    assert eventually(lambda: ask(published(container, 6379))).set("a", "b")
    assert shell(container, "stat -c %u:%g /proc/1 /data; stat -c %u /data/x").split() == [
        "999:999",
        "999:0",
        "999",
    ]


def test_redis_reads_a_configuration_file(
    place: OwnContainers, built: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "my.conf").write_text("maxclients 77\nsave ''\n")
    tmp_path.chmod(0o755)
    conf = {str(tmp_path): {"bind": "/conf", "mode": "ro"}}
    container = place.run(built["redis"], "/conf/my.conf", port=6379, volumes=conf)
    link = eventually(lambda: ask(published(container, 6379)))
    assert link.config_get("maxclients") == {"maxclients": "77"}
    assert link.config_get("protected-mode") == {"protected-mode": "no"}


# What is made, and what is not


def test_a_second_ensure_builds_nothing(client: docker.DockerClient, built: dict[str, str]) -> None:
    before = {name: client.images.get(ref).id for name, ref in built.items()}
    said: list[str] = []
    since = int(time.time())
    for name in NAMES:
        ensure(client, images.recipe_for(name, "debian"), said.append)
    events = client.events(since=since, until=int(time.time()) + 1, decode=True)
    touched = {str(event.get("Actor", {}).get("Attributes", {}).get("name")) for event in events}
    assert said == []
    assert {name: client.images.get(ref).id for name, ref in built.items()} == before
    assert touched.isdisjoint(built.values())


def test_our_images_say_whose_they_are(client: docker.DockerClient, built: dict[str, str]) -> None:
    for name, reference in built.items():
        assert client.images.get(reference).labels["dev.stack.image"] == name


@pytest.mark.parametrize("name", [*NAMES, "python"])
def test_an_image_carries_nothing_of_this_machine(
    client: docker.DockerClient, built: dict[str, str], name: str
) -> None:
    reference = built.get(name) or images.debian_image(name).reference
    image = client.images.get(reference)
    past = json.dumps([image.attrs["Config"], image.history()])
    assert not re.search(r"(?i)https?_proxy|_cert\b|cert_file|ca_bundle|requestsca", past)
    files = list(files_of(image))
    assert not [path for path, text in files if path.startswith("etc/apt/") and b"Proxy" in text]
    assert foreign_certificates(files) == set()


def test_a_proxy_argument_leaves_no_trace(
    client: docker.DockerClient, built: dict[str, str], place: OwnContainers
) -> None:
    reference = f"stack-test:{place.mark}"
    dockerfile = f'FROM {built["redis"]}\nRUN test -n "$http_proxy"\n'
    build_image(
        client,
        reference,
        fileobj=io.BytesIO(packed({"Dockerfile": dockerfile.encode()})),
        custom_context=True,
        buildargs={"http_proxy": "http://user:hunter2@127.0.0.1:9"},
    )
    image = client.images.get(reference)
    saved = b"".join(image.save())
    past = json.dumps([image.attrs, image.history()])
    client.images.remove(reference)
    assert b"hunter2" not in saved
    assert "hunter2" not in past


def test_a_users_folder_is_built_only_when_it_changed(
    client: docker.DockerClient, built: dict[str, str], place: OwnContainers, tmp_path: Path
) -> None:
    reference = f"stack-test:{place.mark}"
    (tmp_path / "Dockerfile").write_text(f"FROM {built['redis']}\nARG A\nCOPY app.txt /\n")
    (tmp_path / "app.txt").write_text("1")
    said: list[str] = []

    def once(**args: str) -> str:
        return build_context(client, reference, tmp_path, "Dockerfile", args, said.append)

    first = once(A="1")
    assert once(A="1") == first
    assert len(said) == 1
    (tmp_path / "app.txt").write_text("2")
    second = once(A="1")
    third = once(A="2")
    client.images.remove(reference)
    assert len({first, second, third}) >= 2
    assert len(said) == 3
    with pytest.raises(ImageNotFound):
        client.images.get(first)


def test_a_rebuild_leaves_no_dangling_stage(
    client: docker.DockerClient, built: dict[str, str], place: OwnContainers, tmp_path: Path
) -> None:
    # Others remove images meanwhile, so only those with the label are asked for.
    stage = f"ARG BASE\nFROM ${{BASE}} AS made\nLABEL {LABEL}={place.mark}\nCOPY app.txt /\n"
    (tmp_path / "Dockerfile").write_text(f"{stage}FROM ${{BASE}}\nCOPY --from=made /app.txt /\n")
    base = images.recipe_for("redis", "debian")
    name = f"stack/test-{place.mark}"
    for tag in ("1", "2"):
        (tmp_path / "app.txt").write_text(tag)
        files = images.members(tmp_path)
        ensure(client, Build(name[6:], f"{name}:{tag}", tmp_path, files, base), print)
    marked = {"dangling": True, "label": f"{LABEL}={place.mark}"}
    dangling = client.images.list(filters=marked)
    tags = {tag for image in client.images.list(name) for tag in image.tags}
    for tag in tags:
        client.images.remove(tag)
    assert tags == {f"{name}:1", f"{name}:2", f"{name}:made"}
    assert dangling == []


@pytest.mark.parametrize("reference", ["127.0.0.1:1/none", "127.0.0.1:1/none:1"])
def test_a_failed_pull_says_what_to_do(client: docker.DockerClient, reference: str) -> None:
    with pytest.raises(EngineError, match=f"image {reference}: cannot be pulled: ") as caught:
        ensure(client, Pull(reference), print)
    assert "docker login" in caught.value.hint
    assert not registry_answers(client, reference)


def test_a_failed_build_shows_its_end(
    client: docker.DockerClient, built: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {built['redis']}\nRUN echo so it goes; exit 3\n")
    with pytest.raises(EngineError) as caught:
        build_context(client, "stack-test:failed", tmp_path, "Dockerfile", {}, print)
    assert "image stack-test:failed: the build failed" in caught.value.message
    assert "\n  so it goes" in caught.value.message
    assert "correct the step" in caught.value.hint


def test_the_realtime_image_imports_its_server(place: OwnContainers, built: dict[str, str]) -> None:
    program = "import ws_server.server, redis, websockets"
    python = "/opt/ws/bin/python"
    container = place.run(built["realtime"], "-c", program, entrypoint=[python], **HARDENED)
    assert container.wait()["StatusCode"] == 0, logs(container)
