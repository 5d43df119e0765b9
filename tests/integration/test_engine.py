"""The engine that was meant: every way of the docker command to name one, through real fronts."""

import json
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.integration.engine_proxy import make_certificates, socket_front, tls_front
from tests.integration.projects import SITE, Project

ROUTES = {"/": "site"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture(scope="module")
def tls_port(certificates: Path) -> Iterator[int]:
    with tls_front(certificates) as port:
        yield port


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of the docker command of its own; nothing else names an engine."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    (tmp_path / "docker").mkdir()
    return tmp_path / "docker"


def docker(*arguments: str) -> str:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


def lab(
    url: str, certificates: Path | None = None, authority: str = "ca.pem", more: str = ""
) -> None:
    """Let the docker command make a context named lab."""
    options = [f"host={url}"]
    if certificates:
        options += [f"ca={certificates / authority}"]
        options += [f"{name}={certificates / name}.pem" for name in ("cert", "key")]
    docker("context", "create", "lab", "--docker", ",".join([*options, *([more] if more else [])]))


def test_a_context_at_a_socket_brings_the_stack_up_and_is_named(
    project: Project, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket_front(config / "lab.sock"):
        lab(f"unix://{config}/lab.sock")
        monkeypatch.setenv("DOCKER_CONTEXT", "lab")
        label = f"unix://{config}/lab.sock (context lab, by DOCKER_CONTEXT)"
        project.write(SITE, ROUTES)
        assert f"engine: {label}" in project.stack("up", "--dry-run")
        assert f"engine: {label}" in project.stack("up")
        assert f"engine: {label}" in project.stack("status")
        assert project.json("status")["engine"] == label
        assert project.events("up")[-1]["engine"] == label
        assert f"engine: {label}" in project.stack("list")
        assert project.json("list")["engine"] == label
        assert f"engine: {label}" in project.stack("down")
    assert config.joinpath("contexts/meta", sha256(b"lab").hexdigest()).is_dir()


@pytest.mark.parametrize("way", ["DOCKER_CONTEXT", "docker context use", "DOCKER_TLS_VERIFY"])
def test_tls_with_client_certificates(
    project: Project,
    config: Path,
    certificates: Path,
    tls_port: int,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    url = f"tcp://127.0.0.1:{tls_port}"
    if way == "DOCKER_TLS_VERIFY":
        monkeypatch.setenv("DOCKER_HOST", url)
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    else:
        lab(url, certificates)
        monkeypatch.setenv("DOCKER_CONTEXT", "lab" if way == "DOCKER_CONTEXT" else "")
        if way == "docker context use":
            docker("context", "use", "lab")
    # It would go before the engine's own authority, and is set on many company machines.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates / "another.pem"))
    assert docker("version", "--format", "{{.Server.Version}}")
    project.write(SITE, ROUTES)
    assert project.events("up", "--dry-run")[-1]["engine"].startswith(url)


@pytest.mark.parametrize("skip", [False, True])
def test_a_server_of_another_authority(
    project: Project,
    config: Path,
    certificates: Path,
    tls_port: int,
    monkeypatch: pytest.MonkeyPatch,
    skip: bool,
) -> None:
    lab(f"tcp://127.0.0.1:{tls_port}", certificates, "another.pem", f"skip-tls-verify={skip}")
    monkeypatch.setenv("DOCKER_CONTEXT", "lab")
    project.write(SITE, ROUTES)
    judge = subprocess.run(["docker", "version"], capture_output=True, check=False)
    assert (judge.returncode == 0) == skip
    if skip:
        assert json.loads(project.stack("up", "--dry-run", "--json"))["engine"]
    else:
        said = project.fails("up", "--dry-run")
        assert "its certificate is not signed by the authority of ca.pem" in said
        assert "or use the default one of this machine: unset DOCKER_CONTEXT" in said


def test_tls_without_a_client_certificate_says_what_is_missing(
    project: Project, config: Path, tls_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{tls_port}")
    project.write(SITE, ROUTES)
    assert f"engine tcp://127.0.0.1:{tls_port} (DOCKER_HOST): " in project.fails("status")


def test_an_engine_of_another_machine_is_refused(
    project: Project, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://me@192.0.2.1")
    project.write(SITE, ROUTES)
    said = project.fails("up", code=2)
    assert said.splitlines()[0].startswith(
        "error: DOCKER_HOST: ssh://me@192.0.2.1: is an engine of"
    )
    assert "run stack on that machine: ssh me@192.0.2.1" in said
