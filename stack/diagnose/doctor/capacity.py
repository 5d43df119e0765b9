"""Opens many WebSockets at once and holds them, to find how many a path accepts. Judges nothing."""

import contextlib
import resource
import selectors
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from stack.diagnose.doctor.measured import Load
from stack.errors import ConfigError
from stack.probe import dial
from stack.probe.ask import MAX_FRAMES, open_with
from stack.probe.dial import Connection
from stack.probe.exchange import Ending, Exchange, Question, read_ending
from stack.probe.handshake import CLOSE_1000

ABREAST = 8  # handshakes at the same time; more would look like an attack
PATIENCE = 2.0  # seconds that one handshake may take
HOLD = 0.5  # seconds that all are held together; connections over a limit are closed by then
PAUSE = 0.3  # seconds in which a server notices that a client has left
SPARE_FILES = 100  # other files that this process opens
Held = tuple[Exchange, Connection]


def require_files(connections: int) -> None:
    """Raise ConfigError if this process may not open that many sockets."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + SPARE_FILES
    if allowed != resource.RLIM_INFINITY and allowed < needed:
        raise ConfigError(
            f"--connections {connections}: this process may open only {allowed} files",
            f"ulimit -n {needed}",
        )


def measure(question: Question, wanted: int, deadline: float) -> Load:
    """Open that many, hold them together, and close them all; stop soon after the first refusal."""
    start = time.monotonic()
    held: list[Held] = []
    try:
        refusal = _open(question, wanted, held, deadline)
        refusal = _end(held, min(deadline, time.monotonic() + HOLD)) or refusal
        load = Load(wanted, len(held), time.monotonic() - start, refusal)
        return _try_again(load, question, held, deadline) if refusal else load
    finally:
        _close(held)


def _open(question: Question, wanted: int, held: list[Held], deadline: float) -> Exchange | None:
    """Fill ``held`` with parallel handshakes, and one by one after the first refusal.

    Parallel handshakes take slots from each other while they last; only a single one shows how a
    full path refuses. None if all opened, or if time ran out before one was refused.
    """
    refusal = None
    with ThreadPoolExecutor(ABREAST) as pool:
        while len(held) < wanted and time.monotonic() < deadline:
            count = 1 if refusal else min(ABREAST, wanted - len(held))
            answers = list(pool.map(lambda _: _knock(question, deadline), range(count)))
            held += [(record, line) for record, line in answers if line]
            refused = [r for r, line in answers if not line and not _is_cut_short(r, deadline)]
            if refusal and refused:
                return refused[0]
            refusal = refusal or (refused[0] if refused else None)
    return refusal if len(held) < wanted else None


def _try_again(load: Load, question: Question, held: list[Held], deadline: float) -> Load:
    """Ask once more after a pause and, if it is refused, again after closing one of those held."""
    load = replace(load, later=_one_more(question, held, deadline))
    if not held or not load.later or load.later.is_usable:
        return load
    _close([held.pop()])
    return replace(load, freed=_one_more(question, held, deadline))


def _one_more(question: Question, held: list[Held], deadline: float) -> Exchange | None:
    if time.monotonic() + PAUSE >= deadline:
        return None
    time.sleep(PAUSE)
    record, line = _knock(question, deadline)
    if line is None:
        return None if _is_cut_short(record, deadline) else record
    more = [(record, line)]
    ended = _end(more, min(deadline, time.monotonic() + PAUSE))
    held += more
    return ended or record


def _knock(question: Question, deadline: float) -> tuple[Exchange, Connection | None]:
    return open_with(question, min(deadline, time.monotonic() + PATIENCE))


def _is_cut_short(record: Exchange, deadline: float) -> bool:
    """Whether no answer came because our own time was over, which says nothing about the server."""
    return bool(record.failure) and time.monotonic() >= deadline


def _end(held: list[Held], until: float) -> Exchange | None:
    """Watch for a while; take out of ``held`` what the server ends, and return the first of these.

    An ordinary close (1000, 1001) is not a refusal.
    """
    start = time.monotonic()
    unread = {index: record.body for index, (record, _) in enumerate(held)}
    ended: dict[int, Ending] = {}
    with selectors.DefaultSelector() as selector:
        for index, (record, line) in enumerate(held):
            if ending := read_ending(record.body, 0.0, record.compresses):
                ended[index] = ending
            else:
                selector.register(line.stream, selectors.EVENT_READ, index)
        while selector.get_map() and (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                index = key.data
                record, line = held[index]
                chunk = _received(line)
                unread[index] += chunk or b""
                ending = read_ending(unread[index], time.monotonic() - start, record.compresses)
                if chunk == b"":
                    ending = ending or Ending(1006, "", time.monotonic() - start)
                if ending:
                    ended[index] = ending
                if ending or len(unread[index]) > MAX_FRAMES:
                    selector.unregister(line.stream)
    refused = [index for index, ending in sorted(ended.items()) if ending.code not in {1000, 1001}]
    first = replace(held[refused[0]][0], ending=ended[refused[0]]) if refused else None
    for index in reversed(refused):
        dial.hang_up(held.pop(index)[1])
    return first


def _received(line: Connection) -> bytes | None:
    """Return the received data; None if there is none (TLS has messages of its own)."""
    try:
        return dial.receive(line, time.monotonic() + 0.05)
    except TimeoutError:
        return None
    except OSError:
        return b""


def _close(held: Sequence[Held]) -> None:
    for _, line in held:
        with contextlib.suppress(OSError):
            dial.send(line, CLOSE_1000, time.monotonic() + 0.05)
    for _, line in held:
        dial.hang_up(line)
