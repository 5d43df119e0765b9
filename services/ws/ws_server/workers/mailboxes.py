"""Lets the workers of one container request data from each other; does not know which.

No port is needed: a request is one end of a new socket pair, sent to a mailbox that all processes
inherit, and the answer arrives at the other end.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from ws_server.workers.handover import hand_over

TIMEOUT = 1.0  # seconds that a worker has to answer; a stuck one must not block the others
_END = b"\0"  # an answer without it is truncated
_CHUNK = 2**18


class Mailboxes:
    """The mailboxes of all workers; create them before the first fork.

    They outlive a worker: its replacement finds the unanswered requests.
    """

    def __init__(self, many: int) -> None:
        kind = socket.SOCK_DGRAM  # never splits a request; full after a few unread ones
        self._mailboxes = [socket.socketpair(type=kind) for _ in range(many)]
        for end in (end for pair in self._mailboxes for end in pair):
            end.setblocking(False)

    async def ask(self, numbers: Sequence[int]) -> dict[int, bytes | None]:
        """Return the answers of these workers; None for those that do not answer within TIMEOUT."""
        answers = await asyncio.gather(*map(self._ask, numbers))
        return dict(zip(numbers, answers, strict=True))

    async def _ask(self, number: int) -> bytes | None:
        answer = bytearray()
        ours, theirs = socket.socketpair()
        with ours, suppress(OSError):  # TimeoutError is an OSError
            with theirs:
                if not hand_over(self._mailboxes[number][0], theirs):
                    return None
            ours.setblocking(False)
            async with asyncio.timeout(TIMEOUT):
                while chunk := await asyncio.get_running_loop().sock_recv(ours, _CHUNK):
                    answer += chunk
        return bytes(answer.removesuffix(_END)) if answer.endswith(_END) else None

    @contextmanager
    def answering(self, number: int, render: Callable[[], bytes]) -> Iterator[None]:
        """Answer requests as the worker with this number; ``render`` returns no NUL bytes."""
        mailbox, loop = self._mailboxes[number][1], asyncio.get_running_loop()
        answers: set[asyncio.Task[None]] = set()

        def take() -> None:
            with suppress(BlockingIOError):
                while True:
                    _, descriptors, _, _ = socket.recv_fds(mailbox, 1, 1)
                    for descriptor in descriptors:
                        answer = _answer(socket.socket(fileno=descriptor), render)
                        answers.add(task := loop.create_task(answer))
                        task.add_done_callback(answers.discard)

        loop.add_reader(mailbox, take)
        try:
            yield
        finally:
            loop.remove_reader(mailbox)


async def _answer(asker: socket.socket, render: Callable[[], bytes]) -> None:
    with asker, suppress(OSError):  # the requester is gone
        asker.setblocking(False)
        await asyncio.get_running_loop().sock_sendall(asker, render() + _END)
