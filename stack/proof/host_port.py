"""Concludes why Nginx, in a container, gets no answer from a port of this machine. Pure.

Reports only what the listening sockets and the attempts to connect prove.
"""

from dataclasses import dataclass

from stack.finding import Cause
from stack.probe.proc_net import Listener, is_loopback
from stack.proof import causes
from stack.proof.devserver import DevServer

_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - the addresses of others
_UNKNOWN_NAME = ("name or service not known", "temporary failure in name resolution")
_REACHED = ("closed without an answer", "no answer within 2 s")


@dataclass(frozen=True)
class Told:
    """What is wrong with a service on this machine, its cause, the step, and what was seen."""

    cause: Cause
    message: str
    fix: str
    seen: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Attempts:
    """What was seen of one port of this machine.

    ``listening`` is empty if the system does not show listeners. ``inside`` is what a container got
    from it. ``server`` is what answered here; ``is_open``: something accepts connections here,
    ``is_tls``: by TLS.
    """

    port: int
    listening: tuple[Listener, ...]
    inside: str
    is_open: bool
    is_tls: bool = False
    server: DevServer | None = None

    @property
    def here(self) -> tuple[Listener, ...]:
        """The listeners of the port."""
        return tuple(item for item in self.listening if item.port == self.port)


def explain(service: str, tried: Attempts) -> Told:
    """Return why no answer comes from a port of this machine."""
    port = tried.port
    listens = said(tried.here) if tried.listening else ""
    pairs = (("listens on", listens), ("from a container", tried.inside))
    seen = tuple(pair for pair in pairs if pair[1])
    if not tried.here and not tried.is_open:
        fix = f"start it on port {port}, or correct stack.yaml: services.{service}.host"
        return Told(causes.HOST_SILENT, f"nothing listens on port {port}", fix, seen)
    if tried.inside in _UNKNOWN_NAME:
        message = "this engine does not know the name of this machine, host.docker.internal"
        fix = "docker version: host-gateway needs Docker Engine 20.10 or later"
        return Told(causes.HOST_BLOCKED, message, fix, seen)
    if tried.is_tls:
        message, fix = f"port {port} speaks https, but Nginx connects by http", _WITHOUT_TLS
        return Told(causes.HOST_BLOCKED, message, fix, seen)
    if tried.here and all(is_loopback(item) for item in tried.here):
        names = " and ".join(dict.fromkeys(item.address for item in tried.here))
        message = f"port {port} is open on {names} only, which containers cannot reach"
        return Told(causes.HOST_LOOPBACK, message, _everywhere(tried), seen)
    if tried.inside.startswith(_REACHED):
        message = f"port {port} accepts the connection but gives no answer in HTTP"
        return Told(causes.HOST_BLOCKED, message, "check the terminal of your dev server", seen)
    if not tried.here:
        message = f"port {port} answers here, but not to a container"
        return Told(causes.HOST_BLOCKED, message, _everywhere(tried), seen)
    if not any(item.address in _EVERYWHERE for item in tried.here):
        message = f"port {port} is open on {said(tried.here)}, but Nginx uses another address"
        return Told(causes.HOST_LOOPBACK, message, _everywhere(tried), seen)
    message = f"port {port} is open on all addresses, but not for containers: a firewall"
    fix = f"allow containers, with ufw: ufw allow proto tcp to any port {port}"
    return Told(causes.HOST_BLOCKED, message, fix, seen)


def said(listening: tuple[Listener, ...]) -> str:
    """Return listeners in words."""
    return ", ".join(f"{item.address}:{item.port}" for item in listening) or "nothing"


_WITHOUT_TLS = "start it without https (the front can speak it: front: { tls: true })"


def _everywhere(tried: Attempts) -> str:
    if not tried.server:
        return (
            "start your dev server on 0.0.0.0, such as: "
            "vite --host 0.0.0.0, next dev -H 0.0.0.0, uvicorn --host 0.0.0.0"
        )
    return f"start it on all addresses: {tried.server.everywhere.format(port=tried.port)}"
