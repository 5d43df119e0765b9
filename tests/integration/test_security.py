"""What the design promises about least privilege and secrets, looked at on the running stack."""

import contextlib
import json
import os
import re
import socket
from collections.abc import Callable, Iterator

import httpx
import psutil
import pytest
from docker.models.containers import Container

from stack.layout import images
from tests.integration.conftest import Neighbour
from tests.integration.containers import eventually, logs, printed, shell
from tests.integration.outside import can_be_built, outside_with_a_server
from tests.integration.projects import Project
from tests.integration.wire import forge, opened, refusal

PRESETS = ["nginx", "ws", "redis", "postgres"]
STORES = ["redis", "postgres"]
# CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID and NET_BIND_SERVICE, as bits: what an image
# that starts as root may keep. Ours keep nothing.
USER_CAPABILITIES = 0x4EB
PORTS = {"redis": 6379, "postgres": 5432}
LOOPBACK = {"127.0.0.1", "::1"}


# What is open


def test_only_the_front_port_is_published_and_only_on_loopback(demo: Project) -> None:
    open_ports = [
        (binding["HostIp"], int(binding["HostPort"]))
        for each in demo.containers()
        for bindings in each.ports.values()
        for binding in bindings or ()
    ]
    assert sorted(open_ports) == [("127.0.0.1", demo.port), ("::1", demo.port)]


def test_no_other_address_of_this_machine_answers(demo: Project) -> None:
    listening = [one for one in psutil.net_connections("tcp") if one.status == "LISTEN"]
    places = [one.laddr for one in listening if one.laddr]
    assert {place.ip for place in places if place.port == demo.port} <= LOOPBACK
    assert all(connects(ip, demo.port) for ip in LOOPBACK)
    assert [ip for ip in own_addresses() if connects(ip, demo.port)] == []


def test_no_proxy_of_the_engine_leads_to_another_container(demo: Project) -> None:
    mine = {
        endpoint["IPAddress"]
        for each in demo.containers()
        for endpoint in each.attrs["NetworkSettings"]["Networks"].values()
    }
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "docker-proxy" and mine.intersection(process.info["cmdline"]):
            said = process.info["cmdline"]
            assert said[said.index("-host-ip") + 1] in LOOPBACK
            assert said[said.index("-host-port") + 1] == str(demo.port)


def own_addresses() -> list[str]:
    found = [address for each in psutil.net_if_addrs().values() for address in each]
    families = (socket.AF_INET, socket.AF_INET6)
    ips = [one.address for one in found if one.family in families and "%" not in one.address]
    return [ip for ip in ips if ip not in LOOPBACK]


def connects(ip: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((ip, port), timeout=1):
        return True
    return False


# The stores


@pytest.mark.parametrize("store", STORES)
def test_the_front_reaches_no_store(demo: Project, store: str) -> None:
    nginx, port = demo.container("nginx"), PORTS[store]
    networks = demo.container(store).attrs["NetworkSettings"]["Networks"]
    for place in (store, *(endpoint["IPAddress"] for endpoint in networks.values())):
        assert not reaches(nginx, place, port)
    assert reaches(nginx, "ws", 3002)


def test_the_stores_are_on_the_internal_network_only(demo: Project) -> None:
    for store in STORES:
        networks = demo.container(store).attrs["NetworkSettings"]["Networks"]
        assert list(networks) == [f"{demo.name}_data"]
    assert demo.client.networks.get(f"{demo.name}_data").attrs["Internal"] is True


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of something that answers on port 80 behind this machine."""
    if not can_be_built():
        pytest.skip("needs root, iproute2 and an engine on this machine, to build an outside")
    with outside_with_a_server(tmp_path_factory.mktemp("outside")) as address:
        yield address


@pytest.mark.parametrize("store", STORES)
def test_no_way_leads_out_of_a_store(demo: Project, outside: str, store: str) -> None:
    wait_for(lambda: reaches(demo.container("nginx"), outside, 80))
    assert not reaches(demo.container(store), outside, 80)


def reaches(container: Container, place: str, port: int) -> bool:
    """Whether a TCP connection can be opened from inside a container."""
    command = ["timeout", "2", "bash", "-c", f"exec 3<>/dev/tcp/{place}/{port}"]
    code, _ = container.exec_run(command)
    assert code in {0, 1, 124}  # opened, refused or unknown, no answer
    return code == 0


def wait_for(question: Callable[[], bool]) -> None:
    def attempt() -> None:
        assert question()

    eventually(attempt)


def client(demo: Project, neighbour: Neighbour, store: str, command: str, **env: str) -> str:
    """Run the store's own client in a container of its own, on the network of the data."""
    reference = images.recipe_for("redis" if store == "redis" else "postgres", demo_source(demo))
    container = neighbour(
        *("sh", "-c", command),
        image=reference.reference,
        network=f"{demo.name}_data",
        env=env,
        entrypoint=[],
    )
    container.wait()
    return b"".join(container.get_logs()).decode()


def demo_source(demo: Project) -> images.Source:
    return "debian" if demo.images == "debian" else "registry"


def password(demo: Project, store: str) -> str:
    return (demo.state / "secrets" / f"{store}-password").read_text()


def test_redis_answers_only_to_its_password(demo: Project, neighbour: Neighbour) -> None:
    ping = "redis-cli -h redis ping 2>&1"
    assert "NOAUTH" in client(demo, neighbour, "redis", ping)
    assert "WRONGPASS" in client(demo, neighbour, "redis", ping, REDISCLI_AUTH="guess")
    right = password(demo, "redis")
    assert client(demo, neighbour, "redis", ping, REDISCLI_AUTH=right).startswith("PONG")


def test_postgres_answers_only_to_its_password(demo: Project, neighbour: Neighbour) -> None:
    ask = "psql -h postgres -U postgres -w -tAc 'select 41 + 1' 2>&1"
    assert "no password supplied" in client(demo, neighbour, "postgres", ask)
    wrong = client(demo, neighbour, "postgres", ask, PGPASSWORD="guess")
    assert "password authentication failed" in wrong
    right = password(demo, "postgres")
    assert client(demo, neighbour, "postgres", ask, PGPASSWORD=right).startswith("42")


# Privileges


@pytest.mark.parametrize("service", [*PRESETS, "echo"])
def test_every_process_runs_without_privileges(demo: Project, service: str) -> None:
    for each in demo.containers(service):
        # The engine starts a health check as root, and is another user before the check runs.
        own = "for p in /proc/[0-9]*; do grep -q runc $p/comm 2>/dev/null || cat $p/status; done"
        status = shell(each, f"({own}) 2>/dev/null || true")
        seen: dict[str, set[str]] = {}
        for name, _, value in (line.partition(":\t") for line in status.splitlines()):
            seen.setdefault(name, set()).update(value.split())
        assert "0" not in seen["Uid"] | seen["Gid"]
        assert seen["NoNewPrivs"] == {"1"}
        assert {int(value, 16) for value in seen["CapEff"] | seen["CapPrm"]} == {0}
        bound = {int(value, 16) for value in seen["CapBnd"]}
        assert bound == ({USER_CAPABILITIES} if service == "echo" else {0})


@pytest.mark.parametrize("service", [*PRESETS, "echo"])
def test_what_a_container_may_take_has_an_end(demo: Project, service: str) -> None:
    host = demo.container(service).attrs["HostConfig"]
    assert host["LogConfig"]["Type"] == "json-file"
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    assert host["PidsLimit"] == 4096
    assert all(re.fullmatch(r"size=\d+m", options) for options in host.get("Tmpfs", {}).values())
    assert (host["Memory"] > 0) == (service != "echo")


@pytest.mark.parametrize("service", PRESETS)
def test_every_tmpfs_is_as_large_as_said(demo: Project, service: str) -> None:
    container = demo.container(service)
    for place, options in container.attrs["HostConfig"].get("Tmpfs", {}).items():
        told = shell(container, f"df --block-size=1M --output=size {place} | tail -1")
        assert f"size={told.strip()}m" == options


@pytest.mark.parametrize("service", PRESETS)
def test_a_preset_writes_nowhere_but_in_its_data(demo: Project, service: str) -> None:
    container = demo.container(service)
    for folder in ("/", "/etc", "/usr/bin", "/run/secrets", "/etc/nginx/stack"):
        # As root, so that nothing but the file system can be what refuses.
        # By its exit code: a busy engine loses the output of a command now and then.
        done = container.exec_run(["touch", f"{folder}/x"], user="0")
        assert done.exit_code == 1, done.output


def test_no_container_sees_the_engine_or_the_host(demo: Project) -> None:
    for each in demo.containers():
        config = each.attrs["HostConfig"]
        assert not config["Privileged"]
        assert "host" not in {config["PidMode"], config["IpcMode"], config["NetworkMode"]}
        assert not [mount for mount in each.attrs["Mounts"] if "docker.sock" in mount["Source"]]


# Secrets


def test_the_state_is_closed_to_other_users(demo: Project) -> None:
    state = demo.state
    for folder in (state.parent, state, state / "secrets", *(state / "secrets").glob("*.d")):
        assert folder.stat().st_mode & 0o777 == 0o700
    # Without root no file can be given to a container's user: then the folder is what protects it.
    allowed = {0o600} if os.geteuid() == 0 else {0o600, 0o444}
    files = [path for path in (state / "secrets").rglob("*") if path.is_file()]
    assert len(files) >= 6
    assert {path.stat().st_mode & 0o777 for path in files} <= allowed


def test_secrets_are_in_no_file_but_their_own(demo: Project) -> None:
    demo.stack("render")
    files = [path for path in demo.folder.rglob("*") if path.is_file()]
    rendered = [path for path in files if "secrets" not in path.parts]
    assert {"nginx.conf", "compose.yaml", "nginx-dev.conf"} <= {path.name for path in rendered}
    texts = {path: path.read_bytes().decode(errors="replace") for path in rendered}
    assert [path for path, text in texts.items() if holds_secret(demo, text)] == []


def test_secrets_are_in_nothing_that_the_engine_tells(demo: Project) -> None:
    for each in demo.containers():
        told = [each.attrs, each.image.attrs, each.image.history()] if each.image else []
        assert not holds_secret(demo, json.dumps(told))
    filters = {"label": f"com.docker.compose.project={demo.name}"}
    objects = [
        *demo.client.networks.list(filters=filters),
        *demo.client.volumes.list(filters=filters),
    ]
    assert not holds_secret(demo, json.dumps([each.attrs for each in objects]))


@pytest.mark.parametrize("service", [*PRESETS, "echo"])
def test_secrets_are_in_no_environment_and_no_command_line(demo: Project, service: str) -> None:
    for each in demo.containers(service):
        read = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'"
        text = shell(each, read)
        assert "PATH=" in text
        assert not holds_secret(demo, text)


def holds_secret(project: Project, text: str) -> bool:
    values = project.secrets()
    assert len(values) == 4  # two passwords, the secret of tokens, the key of the API
    return any(value in text for value in values)


async def test_tokens_and_secrets_reach_no_log(demo: Project) -> None:
    token, bad = forge(demo, channels=["room:1"]), forge(demo, key="k" * 43)
    await show(demo, token)
    await refusal(f"{demo.ws_url}?token={bad}", headers={"Authorization": f"Bearer {bad}"})
    printed(demo.container("nginx"), '"path":"/none"')
    written = {str(each.name): logs(each) for each in demo.containers()}
    for name, text in written.items():
        assert not holds_secret(demo, text), name
        assert token.rpartition(".")[2] not in text, name
        assert bad.rpartition(".")[2] not in text, name


async def show(demo: Project, token: str) -> None:
    """Send a token in every place where it can stand, and in requests that go wrong."""
    async with opened(f"{demo.ws_url}?token={token}", f"bearer.{token}", "centrifuge-json") as one:
        await one.send('{"id": 1, "connect": {}}')
        await one.recv()
        await one.send(f'{{"id": 2, "connect": {{"token": "{token}"}} nonsense')
    async with httpx.AsyncClient() as client:
        for path in ("/", "/ws", "/ws/x", "/echo", "/none"):
            await client.get(f"{demo.url}{path}?token={token}", headers={"Cookie": f"t={token}"})
    for line in (
        f"GET /?token={token} HTTP/9.9",
        f"get /?{token}",
        f"GET /%zz?token={token} HTTP/1.1",
    ):
        with socket.create_connection(("127.0.0.1", demo.port), timeout=5) as raw:
            raw.sendall(f"{line}\r\nHost: localhost\r\n\r\n".encode())
            raw.recv(1)
