"""A real Nginx in front of the replicas, on one port in each of its lives. Judges nothing."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.projects import free_port
from tests.render.front import BINARY

SITE = """
daemon off;
{user}
worker_processes 2;
pid {root}/nginx.pid;
worker_shutdown_timeout 2s;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    upstream ws {{ least_conn; {servers} }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://ws;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_set_header Host $http_host;
            proxy_connect_timeout 2s;
        }}
    }}
}}
"""


@dataclass
class Nginx:
    """A master and its workers, in a process group of their own so that they can die together."""

    root: Path
    upstreams: list[int]
    port: int = field(default_factory=free_port)
    process: Process | None = None

    async def start(self) -> None:
        """Return when it listens."""
        configuration = self.root / "nginx.conf"
        configuration.write_text(self._text())
        self.process = await asyncio.create_subprocess_exec(
            *(str(BINARY), "-p", str(self.root), "-e", str(self.root / "error.log")),
            *("-c", str(configuration)),
            start_new_session=True,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        async with asyncio.timeout(10):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.05)

    def reload(self) -> None:
        """New workers at once; the old ones close what they have after two seconds."""
        if self.process:
            self.process.send_signal(signal.SIGHUP)

    async def end(self, number: signal.Signals) -> None:
        """Send a signal to all its processes and wait for the end."""
        if self.process and self.process.returncode is None:
            os.killpg(self.process.pid, number)
            async with asyncio.timeout(10):
                await self.process.wait()

    def _text(self) -> str:
        servers = " ".join(
            f"server 127.0.0.1:{port} max_fails=1 fail_timeout=1s;" for port in self.upstreams
        )
        # Workers of a root master drop to nobody, who may not enter the folder.
        user = "user root;" if os.geteuid() == 0 else ""
        return SITE.format(root=self.root, port=self.port, servers=servers, user=user)
