"""Gives the server an event loop and the process's signals; the only module that knows uvloop."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import NoReturn

from ws_server.composition import compose
from ws_server.log import Log
from ws_server.settings.config import Settings
from ws_server.workers.handover import install
from ws_server.workers.master import Master
from ws_server.workers.peers import Peers, Shared


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT, which end the process; returns 1 when the port is taken."""
    try:
        if settings.workers > 1:
            return Master(settings, Log(settings.log_level), _work).run()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings))
    except OSError as error:
        address = error.filename or f"{settings.host}:{settings.port}"
        sys.stderr.write(f"ws_server: cannot listen on {address}: {error.strerror or error}\n")
        return 1


async def _serve(settings: Settings) -> NoReturn:
    stop = _stop_signals()
    _collect_rarely()
    await compose(settings, Log(settings.log_level)).run(stop)
    # At once: an import that goes on in a thread must not hold up a container that is to stop.
    sys.stdout.flush()
    os._exit(0)


def _work(settings: Settings, shared: Shared, number: int, channel: socket.socket) -> None:
    """Be one worker, until a signal or the end of the parent."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve_handed(settings, shared, number, channel))


async def _serve_handed(
    settings: Settings, shared: Shared, number: int, channel: socket.socket
) -> NoReturn:
    stop = _stop_signals()
    install(asyncio.get_running_loop(), channel, shared.slots.all[number], stop.set)
    _collect_rarely()
    log = Log(settings.log_level, worker=number)
    await compose(settings, log, peers=Peers(shared, number)).run(stop)
    sys.stdout.flush()
    os._exit(0)


def _collect_rarely() -> None:
    # A connection is hundreds of objects: walking through those of thousands, again and again,
    # holds everybody up for tenths of a second, and finds next to nothing.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _stop_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # it has no build for every platform, and is only faster
        return None
    return uvloop.new_event_loop
