"""Every case of cases/*.yaml against real sockets: the expected codes, and no others.

A case: ``servers`` (name → rules, or ``{rules, host, tls, closed, http2}``, or ``{websockets}``:
what the library's own server is given, ``says`` is sent to who comes), ``nginx`` (the inside of a
server block, or ``{main, events, http, server}``; ``{NAME}`` is a server's port, the front's own is
``{front}``; ``{conf}`` its file), ``behind`` (of one more Nginx, at ``{behind}``), ``tls`` (which
of the two has TLS: front, behind), ``hidden`` (servers that are not found when the doctor looks
around), ``url``, ``options``, ``expect`` (codes), and the ``severity`` of the first finding and
what it ``says``. ``jwt(…)`` makes a token of claims.
"""

import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml
from websockets.sync.server import ServerConnection, serve

from stack.diagnose.doctor.families import CAUSES
from stack.probe.proc_net import Listener
from tests.diagnose import emulator
from tests.diagnose.conftest import Doctor
from tests.render import front

CASES = {
    f"{path.stem}-{name}": case
    for path in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
    for name, case in yaml.safe_load(path.read_text()).items()
}
NGINX = """\
worker_processes 1;
pid nginx.pid;
error_log stderr;
{main}
events {{ {events} }}
http {{
  {http}
  access_log off;
  client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d;
  scgi_temp_path e;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  server {{
    listen 8080{tls};
    {server}
  }}
}}
"""


@contextmanager
def served(case: dict[str, Any], pems: Path, root: Path) -> Iterator[dict[str, int]]:
    """Start the servers of a case; give their ports by name."""
    with ExitStack() as stack:
        ports: dict[str, int] = {}
        for name, given in case.get("servers", {}).items():
            row: dict[str, Any] = {"rules": given} if isinstance(given, list) else given
            pair = pems / f"{row['tls']}.pem" if "tls" in row else None
            if row.get("closed"):
                ports[name] = front.free_port()
                continue
            if "websockets" in row:
                ports[name] = stack.enter_context(library(**row["websockets"]))
                continue
            host = row.get("host", "127.0.0.1")
            server = emulator.running(row["rules"], host, pair, row.get("http2"))
            ports[name] = stack.enter_context(server).port
        for key, name in (("behind", "behind"), ("nginx", "front")):
            if key in case:
                text = configuration(case, key, ports, pems, root / name)
                ports[name] = stack.enter_context(front.running(text, root / name)).port
        yield ports


def configuration(
    case: dict[str, Any], key: str, ports: dict[str, int], pems: Path, root: Path
) -> str:
    """Give a whole configuration, and put the good certificate beside it where TLS is asked for."""
    root.mkdir()
    tls = ""
    if case.get("tls") == root.name:
        for name in ("certificate.pem", "key.pem"):
            shutil.copy(pems / "good.pem", root / name)
        tls = " ssl;\nssl_certificate x;\nssl_certificate_key x"
    given = case[key] if isinstance(case[key], dict) else {"server": case[key]}
    parts = dict.fromkeys(("main", "events", "http", "server"), "") | given
    return NGINX.format(**{name: filled(text, ports) for name, text in parts.items()}, tls=tls)


@contextmanager
def library(says: str = "", **settings: Any) -> Iterator[int]:
    """Run the server of the websockets library; give its port."""

    def handle(connection: ServerConnection) -> None:
        if says:
            connection.send(says)
        for _ in connection:
            pass

    with serve(handle, "127.0.0.1", 0, **settings) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield int(server.socket.getsockname()[1])
        server.shutdown()
        thread.join(emulator.PATIENCE)


def listening(case: dict[str, Any], ports: dict[str, int]) -> Iterator[Listener]:
    """Give the servers of a case as the system would list them."""
    for name, port in ports.items():
        row = case.get("servers", {}).get(name, {})
        row = row if isinstance(row, dict) else {}
        if not row.get("closed") and name not in case.get("hidden", []):
            yield Listener(row.get("host", "127.0.0.1"), port, name)


def filled(text: str, ports: dict[str, int]) -> str:
    """Put ports and tokens into a text of a case."""
    text = re.sub(r"\{(\w+)\}", lambda found: str(ports.get(found[1], found[0])), text)
    return re.sub(r"jwt\((.*?)\)", lambda found: token(found[1]), text)


def token(claims: str) -> str:
    """Make a token; times are relative to now."""
    pairs = (part.split("=") for part in claims.split(",") if part)
    now = time.time()
    values = {k: int(now + int(v)) if k in {"exp", "nbf"} else v for k, v in pairs}
    return jwt.encode(values, "a secret of thirty-two characters", algorithm="HS256")


@pytest.mark.parametrize("name", CASES)
def test_case(
    name: str,
    run: Doctor,
    neighbours: list[Listener],
    pems: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = CASES[name]
    monkeypatch.setenv("SSL_CERT_FILE", str(pems / "root.pem"))
    with served(case, pems, tmp_path) as ports:
        neighbours += listening(case, ports)
        options = [filled(str(option), ports) for option in case.get("options", [])]
        options = [
            option.replace("{conf}", str(tmp_path / "front/nginx.conf")) for option in options
        ]
        done = run(filled(case["url"], ports), "--json", *options)
    assert done.codes == case["expect"], done.out
    errors = [item for item in done.document["findings"] if item["severity"] == "error"]
    assert done.code == (1 if errors else 0)
    if "severity" in case:
        assert done.document["findings"][0]["severity"] == case["severity"]
    if "says" in case:
        assert filled(case["says"], ports) in done.document["findings"][0]["message"]


def test_there_are_enough_cases() -> None:
    healthy = [name for name, case in CASES.items() if not case["expect"]]
    assert (len(CASES) >= 40, len(healthy) >= 8) == (True, True)


def test_every_cause_has_a_case() -> None:
    expected = {code for case in CASES.values() for code in case["expect"]}
    # No address of loopback is without an answer, and none is unreachable: see the unit tests.
    assert {cause.code for cause in CAUSES} - expected == {"WS102", "WS110"}
