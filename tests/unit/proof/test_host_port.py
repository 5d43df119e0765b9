"""What is said of a port of this machine is what its sockets prove, and no more."""

from typing import Any

import pytest

from stack.finding import Cause
from stack.probe.proc_net import Listener
from stack.proof import causes, devserver
from stack.proof.host_port import Attempts, explain

SSH = Listener("0.0.0.0", 22)
REFUSED = "connection refused"


def tried(*addresses: str, inside: str = REFUSED, **more: Any) -> Attempts:
    here = tuple(Listener(address, 3000) for address in addresses)
    return Attempts(3000, (SSH, *here), inside, **{"is_open": bool(addresses), **more})


@pytest.mark.parametrize(
    ("attempts", "cause", "message"),
    [
        (tried(inside=""), causes.HOST_SILENT, "nothing listens on port 3000"),
        (tried("127.0.0.1"), causes.HOST_LOOPBACK, "port 3000 is open on 127.0.0.1 only"),
        (tried("::1"), causes.HOST_LOOPBACK, "port 3000 is open on ::1 only"),
        (tried("127.0.0.1", "::1"), causes.HOST_LOOPBACK, "is open on 127.0.0.1 and ::1 only"),
        (tried("192.0.2.5"), causes.HOST_LOOPBACK, "is open on 192.0.2.5:3000, but Nginx uses"),
        (tried("0.0.0.0", inside="no answer"), causes.HOST_BLOCKED, "a firewall"),
        (tried("::", inside="no route to host"), causes.HOST_BLOCKED, "a firewall"),
        (
            tried("0.0.0.0", inside="name or service not known"),
            causes.HOST_BLOCKED,
            "this engine does not know the name of this machine",
        ),
        (
            tried("0.0.0.0", inside="closed without an answer", is_tls=True),
            causes.HOST_BLOCKED,
            "port 3000 speaks https",
        ),
        (
            tried("0.0.0.0", inside="closed without an answer"),
            causes.HOST_BLOCKED,
            "accepts the connection but gives no answer in HTTP",
        ),
        (
            Attempts(3000, (), REFUSED, is_open=True),  # a system that does not tell who listens
            causes.HOST_BLOCKED,
            "port 3000 answers here, but not to a container",
        ),
    ],
)
def test_each_way_to_fail_is_told_apart(attempts: Attempts, cause: Cause, message: str) -> None:
    told = explain("app", attempts)
    assert told.cause is cause
    assert message in told.message


@pytest.mark.parametrize(
    ("server", "command"),
    [
        (devserver.VITE, "vite --port 3000 --host 0.0.0.0"),
        (devserver.NEXT, "next dev -p 3000 -H 0.0.0.0"),
        (devserver.DJANGO, "python manage.py runserver 0.0.0.0:3000"),
    ],
)
def test_the_flag_is_the_one_of_the_server_that_answered(
    server: devserver.DevServer, command: str
) -> None:
    told = explain("app", tried("127.0.0.1", server=server))
    assert told.fix == f"start it on all addresses: {command}"


def test_for_an_unknown_server_the_flags_are_examples() -> None:
    assert "such as: vite --host 0.0.0.0" in explain("app", tried("127.0.0.1")).fix
