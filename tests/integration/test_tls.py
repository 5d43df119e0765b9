"""The front with `tls: true`: https and wss, by an authority that one can trust."""

import ssl
import subprocess

import httpx
import pytest
from websockets.sync.client import connect

from stack.probe.ask import ask
from stack.probe.exchange import Exchange, Question, Target
from tests.integration.projects import SITE, Project, echo_service


@pytest.fixture
def secure(project: Project, python_image: str, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A page and the echo service behind https; the authority is made for this test alone."""
    monkeypatch.setenv("XDG_DATA_HOME", str(project.folder / "data"))
    services = {**SITE, "echo": echo_service(python_image)}
    routes = {"/": "site", "/echo": {"to": "echo", "websocket": True}}
    project.write(services, routes, front={"port": project.port, "tls": True})
    return project


def trusting(project: Project) -> ssl.SSLContext:
    """Trust what `up` says is to be trusted."""
    return ssl.create_default_context(cafile=str(project.folder / "data/stack/authority.pem"))


def answer(project: Project, host: str) -> Exchange:
    """Ask as a browser does that trusts the authority."""
    trust = str(project.folder / "data/stack/authority.pem")
    return ask(Question(Target("", host, project.port, "/", tls=True, trust=trust), "", ()), 10)


def test_https_and_wss_come_from_one_origin(secure: Project) -> None:
    said = secure.stack("up")
    assert f"https://localhost:{secure.port}/" in said
    assert str(secure.folder / "data/stack/authority.pem") in said
    page = httpx.get(f"https://localhost:{secure.port}/", verify=trusting(secure))
    assert page.status_code == 200
    plain = httpx.get(f"http://127.0.0.1:{secure.port}/a?b=c")
    assert (plain.status_code, plain.headers["location"]) == (
        308,
        f"https://127.0.0.1:{secure.port}/a?b=c",
    )
    url = f"wss://localhost:{secure.port}/echo"
    with connect(url, ssl=trusting(secure)) as socket:
        socket.recv()  # the request as it arrived
        socket.send("through TLS")
        assert socket.recv() == "through TLS"
    assert "nothing to change" in secure.stack("up", "--dry-run")
    assert answer(secure, f"{secure.name}.localhost").status == 200
    assert answer(secure, f"other-{secure.name}.localhost").failure == "certificate"
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"https://localhost:{secure.port}/", verify=ssl.create_default_context())


def test_an_authority_that_could_sign_for_more_is_replaced(secure: Project) -> None:
    folder = secure.folder / "data/stack"
    folder.mkdir(parents=True)
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=stack -days 99"
    files = ["-keyout", str(folder / "authority.key"), "-out", str(folder / "authority.pem")]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    assert "by a new authority" in secure.stack("up", "--dry-run")
    said = secure.stack("up")
    assert f"trust {folder / 'authority.pem'} in your browser instead of it" in said
    assert f"rm {folder / 'authority-old.pem'}" in said
    assert answer(secure, "localhost").status == 200
    assert "authority-old" in secure.stack("up")
    (folder / "authority-old.pem").unlink()
    assert "authority-old" not in secure.stack("up")
