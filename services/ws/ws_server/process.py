"""Runs the server in an event loop and handles signals; the only module that knows uvloop."""

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
    """Serve until SIGTERM or SIGINT, which end the process; return 1 if the port is in use."""
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
    # Exit at once: an import that still runs in a thread must not delay the stop of the container.
    sys.stdout.flush()
    os._exit(0)


def _work(settings: Settings, shared: Shared, number: int, channel: socket.socket) -> None:
    """Run one worker until a signal or the end of the master."""
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
    # A connection consists of hundreds of objects: a collection over thousands of connections
    # blocks the loop for tenths of a second and finds almost nothing.
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
    except ImportError:  # optional: not built for every platform
        return None
    return uvloop.new_event_loop
