"""The Nginx of the container image reads and runs what is rendered, hardened as stack runs it.

How it routes is tested without containers in tests/render, on the same text.
"""

import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import httpx
import pytest
from docker.models.containers import Container
from docker.models.networks import Network

from stack.config import presets
from stack.layout import images
from stack.layout.render import generation
from tests.integration.containers import (
    HARDENED,
    LABEL,
    OwnContainers,
    eventually,
    logs,
    made,
    own_containers,
    printed,
    published,
)
from tests.render.front import make_certificate
from tests.render.golden import CASES

FOLDER = "/etc/nginx/stack"
NGINX = presets.PRESETS[presets.NGINX]
HOSTS = {"host.docker.internal": "127.0.0.1"}


@pytest.fixture(scope="module")
def place(docker_client: docker.DockerClient) -> Iterator[OwnContainers]:
    with own_containers(docker_client) as one:
        yield one


@pytest.fixture(scope="module")
def image(docker_client: docker.DockerClient, source: images.Source) -> str:
    return made(docker_client, images.recipe_for("nginx", source))


def dev_file(source: images.Source) -> str:
    """Name the expected file for the Nginx of these images."""
    return "nginx-dev.debian.conf" if source == "debian" else "nginx-dev.conf"


def test_the_image_has_the_nginx_that_files_are_rendered_for(
    place: OwnContainers, image: str, source: images.Source
) -> None:
    container = place.client.containers.create(
        image, ["-v"], entrypoint=["nginx"], labels={LABEL: place.mark}
    )
    container.start()
    container.wait(timeout=30)
    version = ".".join(map(str, images.nginx_version(source)))
    assert f"nginx/{version}." in logs(container)


def checked(place: OwnContainers, image: str, text: str, folder: Path, *options: str) -> str:
    """Run ``nginx -t`` over a text in the image and give what it says."""
    file = folder / "nginx.conf"
    file.write_text(text)
    container = place.client.containers.create(
        image,
        ["-t", "-c", f"{FOLDER}/nginx.conf", *options],
        entrypoint=["nginx"],
        labels={LABEL: place.mark},
        extra_hosts=HOSTS,
        user="0:0",
    )
    container.put_archive("/etc/nginx", packed(folder))
    container.start()
    container.wait(timeout=30)
    return logs(container)


def packed(folder: Path) -> bytes:
    """Give the files of a folder as a tar archive below ``stack/``."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.add(folder, arcname="stack")
    return stream.getvalue()


@pytest.mark.parametrize("is_dev", [True, False], ids=["dev", "deploy"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_images_nginx_accepts_it_without_a_warning(
    place: OwnContainers,
    image: str,
    source: images.Source,
    case: Path,
    is_dev: bool,
    tmp_path: Path,
) -> None:
    make_certificate(tmp_path)
    text = (case / "expected" / (dev_file(source) if is_dev else "nginx.conf")).read_text()
    needed = re.search(r"Nginx ([0-9.]+) or newer", text)
    if needed and tuple(map(int, needed[1].split("."))) > (*images.nginx_version(source), 99):
        pytest.skip(f"it says that it needs Nginx {needed[1]}")
    # The one thing that is not in the image: the certificate of the deployment machine.
    text = re.sub(r"(ssl_certificate +).*;", rf"\1{FOLDER}/certificate.pem;", text)
    text = re.sub(r"(ssl_certificate_key +).*;", rf"\1{FOLDER}/key.pem;", text)
    said = checked(place, image, text, tmp_path)
    assert "test is successful" in said, said
    assert not re.search(r"\[(?:warn|error|alert|crit|emerg)\]", said), said


@pytest.fixture
def network(place: OwnContainers) -> Iterator[Network]:
    """A network of its own: Docker's DNS answers on user networks only."""
    one = place.client.networks.create(f"{LABEL}-{place.mark}", labels={LABEL: place.mark})
    yield one
    place.clear()
    one.remove()


@pytest.fixture
def front(
    place: OwnContainers, image: str, source: images.Source, network: Network, tmp_path: Path
) -> Container:
    """Nginx as stack runs it, under the demo's configuration, with no upstream at all."""
    tmp_path.chmod(0o755)
    demo = next(case for case in CASES if case.name == "demo")
    (tmp_path / "nginx.conf").write_text((demo / "expected" / dev_file(source)).read_text())
    assert NGINX.entrypoint
    return place.run(
        image,
        port=NGINX.port,
        entrypoint=list(NGINX.entrypoint),
        user=NGINX.user,
        tmpfs=dict(place.split(":") for place in NGINX.tmpfs),
        volumes=[f"{tmp_path}:{FOLDER}:ro"],
        network=network.name,
        extra_hosts=HOSTS,
        **HARDENED,
    )


def test_it_starts_without_upstreams_and_finds_one_that_appears(
    place: OwnContainers,
    network: Network,
    front: Container,
    source: images.Source,
    python_image: str,
) -> None:
    url = f"http://127.0.0.1:{published(front, NGINX.port)}"
    said = eventually(lambda: httpx.get(f"{url}/.stack/generation").text)
    demo = next(case for case in CASES if case.name == "demo")
    assert said.strip() == generation((demo / "expected" / dev_file(source)).read_text())
    down = httpx.get(f"{url}/ws")
    assert (down.status_code, "<code>ws:3002</code>" in down.text) == (502, True)
    upstream = place.client.containers.create(
        python_image, ["python3", "-m", "http.server", "3002"], labels={LABEL: place.mark}
    )
    network.connect(upstream, aliases=["ws"])
    upstream.start()
    eventually(lambda: _assert_status(f"{url}/ws", 404))


def _assert_status(url: str, status: int) -> None:
    assert httpx.get(url).status_code == status


def test_it_logs_json_and_complains_about_nothing(front: Container) -> None:
    url = f"http://127.0.0.1:{published(front, NGINX.port)}"
    eventually(lambda: httpx.get(f"{url}/ws?token=SECRET"))
    written = printed(front, '"path":"/ws"')
    assert "SECRET" not in written
    assert not re.search(r"\[(?:warn|error|alert|crit|emerg)\]", written), written
