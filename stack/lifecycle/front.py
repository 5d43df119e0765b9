"""The front itself: whether its port is free, and the change of its configuration.

Writes only the mounted Nginx configuration; waits only for Nginx.
"""

import contextlib
import time

from stack.config.presets import LOOPBACK
from stack.engines.base import Engine, Holder
from stack.errors import StackError
from stack.hint import quoted
from stack.layout.labels import Owner
from stack.layout.topology import CONFIG_TARGET
from stack.lifecycle.ownership import stop_command
from stack.probe.exchange import Target
from stack.probe.listeners import is_free
from stack.project.state import State
from stack.proof.ready import PAUSE, loaded_generation

RELOAD_WITHIN = 10.0  # seconds for the new generation to answer
ENGINE_SETTLES_WITHIN = 5.0  # seconds for the engine to finish starting or ending
UNKNOWN = "another process"
# What opens ports for an engine: on Linux, without root, Docker Desktop; or one visible to root.
ENGINE_PROXIES = ("docker-proxy", "rootlesskit", "com.docker", UNKNOWN)


def check_port(engine: Engine, owner: Owner, port: int) -> None:
    """Raise StackError if something else holds the front port, and name it.

    The engine is asked first: ports that its NAT holds are invisible to a bind.
    """
    another = f"or set another one in {owner.file}: front: {{ port: {port + 1} }}"
    holder = _settled_holder(engine, port)
    if holder and holder.owner != owner:
        raise StackError(
            f"front.port: {port} is published by the container {holder.container}",
            f"{_release(holder, owner.folder)}\n{another}",
        )
    taken = _taken(port)
    if taken and not holder:
        raise StackError(
            f"front.port: {port} on {taken} is held by {_holder(taken, port)}",
            f"stop it, {another}",
        )


def _settled_holder(engine: Engine, port: int) -> Holder | None:
    """Return the container that publishes the port, once the engine reports it.

    The port is open some time before its container counts as running: after a killed ``up`` the
    engine may still be starting it. The same applies when a container ends.
    """
    deadline = time.monotonic() + ENGINE_SETTLES_WITHIN
    while True:
        holder, taken = engine.holder_of(port), _taken(port)
        if holder or not taken or time.monotonic() > deadline:
            return holder
        if not _holder(taken, port).startswith(ENGINE_PROXIES):
            return None
        time.sleep(PAUSE)


def _taken(port: int) -> str:
    """Return the loopback address where the port is not free; empty if it is on all of them."""
    return next((address for address in LOOPBACK if not is_free(address, port)), "")


def place_config(
    engine: Engine, place: State, text: str, generation: str, container: str | None, front: Target
) -> None:
    """Put the configuration in its place; with a running Nginx: test it, swap it, verify the load.

    Raises StackError with Nginx's message; then the old configuration is still in place.
    """
    place.open_config_folder()
    if container is None:
        place.write(place.config, text)
        return
    following = place.config.with_name("nginx.conf.next")
    place.write(following, text)
    try:
        test = ["nginx", "-t", "-q", "-c", f"{CONFIG_TARGET}/{following.name}"]
        *said, code = engine.execute(container, test)
        if code != 0:
            raise StackError(
                "nginx-dev.conf: nginx refuses the new configuration: " + "; ".join(map(str, said)),
                "the old one is still loaded; see it with: stack render --check",
            )
        following.rename(place.config)
    finally:
        following.unlink(missing_ok=True)
    engine.signal(container, "SIGHUP")
    _await_generation(engine, container, generation, front)


def _await_generation(engine: Engine, container: str, generation: str, front: Target) -> None:
    """``nginx -s reload`` always reports success, so ask the new workers themselves."""
    deadline = time.monotonic() + RELOAD_WITHIN
    while loaded_generation(front) != generation:
        if time.monotonic() > deadline:
            last = "; ".join(engine.logs(container, 3))
            raise StackError(
                f"nginx: did not load the new configuration: {last}", "stack logs nginx"
            )
        time.sleep(PAUSE)


def _release(holder: Holder, here: str) -> str:
    """Return how to free the port that a container publishes, with the tool that started it."""
    if holder.owner.project:
        return stop_command(holder.owner, here)
    return f"docker stop {quoted(holder.container)}"


def _holder(address: str, port: int) -> str:
    import psutil  # only for this message, and slow to load

    everywhere = {"0.0.0.0", "::"}  # noqa: S104 - the addresses of others
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            local = connection.laddr
            if connection.status != psutil.CONN_LISTEN or not local or not connection.pid:
                continue
            if local.port == port and local.ip in {address, *everywhere}:
                name = psutil.Process(connection.pid).name()
                return f"{name} (process {connection.pid})"
    return UNKNOWN
