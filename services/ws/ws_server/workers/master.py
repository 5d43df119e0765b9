"""Runs several worker processes behind one port: accepts connections, restarts and stops workers.

Separate listeners on one port (SO_REUSEPORT) would leave long-lived connections unbalanced, so the
master accepts, and passes each connection to the worker with the fewest.
"""

import gc
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NoReturn

from ws_server.log import Log
from ws_server.settings.config import Settings
from ws_server.workers.handover import hand_over
from ws_server.workers.listener import listen
from ws_server.workers.mailboxes import Mailboxes
from ws_server.workers.peers import Shared
from ws_server.workers.slots import Slot, Slots

Work = Callable[[Settings, Shared, int, socket.socket], None]
AT_ONCE = 64  # connections accepted per wake-up
BACKLOG = 1024
MAX_DEATHS = 5  # of workers within PERIOD; more is a fault that restarts do not fix
PERIOD = 60.0  # seconds
MARGIN = 2.0  # seconds that workers get in addition to their drain timeout


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker as the master sees it."""

    pid: int
    slot: Slot
    channel: socket.socket


class Master:
    """The master of all workers; ``work`` runs in the process of each worker."""

    def __init__(self, settings: Settings, log: Log, work: Work) -> None:
        self._log = log
        self._work = work
        self._listener = listen(settings.host, settings.port, BACKLOG)
        self._listener.setblocking(False)
        self._settings = replace(settings, port=int(self._listener.getsockname()[1]))
        self._shared = _share(settings)
        self._workers: dict[int, Worker] = {}
        self._deaths: list[float] = []
        self._is_stopping = False
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return 0 if drained, 1 if workers die repeatedly."""
        self._listen_to_signals()
        self._selector.register(self._listener, selectors.EVENT_READ)
        gc.freeze()  # else the first collection in a worker would copy every shared page
        for number in range(self._settings.workers):
            self._workers[number] = self._fork(number)
        self._log.info("workers", port=self._settings.port, workers=len(self._workers))
        while not self._is_stopping and self._count_deaths() <= MAX_DEATHS:
            self._wait(None)
            self._accept()
            for number in self._reap():
                self._workers[number] = self._fork(number)
        self._stop()
        return 0 if self._is_stopping else 1

    def _listen_to_signals(self) -> None:
        for end in (self._woken, self._waker):
            end.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._waker.fileno())
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._heard)

    def _heard(self, _number: int, _frame: object) -> None:
        self._is_stopping = True

    def _wait(self, seconds: float | None) -> None:
        self._selector.select(seconds)
        with suppress(BlockingIOError):
            self._woken.recv(4096)

    def _accept(self) -> None:
        try:
            for _ in range(AT_ONCE):
                connection, _address = self._listener.accept()
                with connection:
                    self._place(connection)
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:  # no file descriptors left: waiting clients wait longer
            self._log.warning("accept_failed", error=str(error))
            time.sleep(0.1)

    def _place(self, connection: socket.socket) -> None:
        """Pass it to the worker with the fewest connections; those not ready come last."""
        now = time.monotonic()
        workers = self._workers.values()
        for worker in sorted(
            workers, key=lambda worker: (worker.slot.state(now) is None, worker.slot.load)
        ):
            if hand_over(worker.channel, connection):
                worker.slot.handed()
                return
        self._log.warning("no_worker")

    def _fork(self, number: int) -> Worker:
        slot = self._shared.slots.all[number]
        slot.clear()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        pid = os.fork()
        if not pid:
            ours.close()
            self._become(number, theirs)
        theirs.close()
        return Worker(pid, slot, ours)

    def _become(self, number: int, channel: socket.socket) -> NoReturn:
        """Become a worker, which must never return into the master's code."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for sign in (signal.SIGTERM, signal.SIGINT):  # until its loop has a handler
                signal.signal(sign, lambda _number, _frame: os._exit(0))
            self._selector.close()
            for other in (self._listener, self._woken, self._waker):
                other.close()
            for worker in self._workers.values():
                worker.channel.close()
            self._work(self._settings, self._shared, number, channel)
            code = 0
        except BaseException as error:  # must not propagate into the master's code
            self._log.fault("worker_failed", worker=number, error=type(error).__name__)
        finally:
            sys.stdout.flush()
            os._exit(code)

    def _reap(self) -> list[int]:
        """Return the slots whose workers ended. As PID 1, also reap adopted children."""
        empty = []
        for pid, code in iter(_ended, None):
            found = [number for number, worker in self._workers.items() if worker.pid == pid]
            for number in found:
                self._workers.pop(number).channel.close()
                empty.append(number)
                if not self._is_stopping:
                    self._log.warning("worker_died", worker=number, pid=pid, code=code)
                    self._deaths.append(time.monotonic())
        return empty

    def _count_deaths(self) -> int:
        since = time.monotonic() - PERIOD
        self._deaths = [moment for moment in self._deaths if moment > since]
        return len(self._deaths)

    def _stop(self) -> None:
        """Stop accepting, let all workers drain at the same time, and kill those that do not."""
        if not self._is_stopping:
            self._log.fault("workers_keep_dying", deaths=len(self._deaths), seconds=PERIOD)
        self._selector.unregister(self._listener)
        self._listener.close()
        if self._shared.api is not None:
            self._shared.api.close()
        self._tell(signal.SIGTERM)
        deadline = time.monotonic() + self._settings.drain_timeout + MARGIN
        while self._workers and (left := deadline - time.monotonic()) > 0:
            self._wait(left)
            self._reap()
        self._tell(signal.SIGKILL)
        self._log.info("stopped", killed=len(self._workers))

    def _tell(self, number: signal.Signals) -> None:
        for worker in self._workers.values():
            with suppress(ProcessLookupError):
                os.kill(worker.pid, number)


def _share(settings: Settings) -> Shared:
    # API requests are short: any free worker may accept one, and they wait until a worker runs.
    api = None if settings.api_key is None else listen(settings.api_host, settings.api_port)
    return Shared(Slots(settings.workers), Mailboxes(settings.workers), api)


def _ended() -> tuple[int, int] | None:
    """Return a child that ended and its exit code (negative: the signal), or None."""
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(status)) if pid else None
