"""Asks all replicas for numbers that only they have, and adds them up; knows no HTTP.

A question is a control message to every replica; each answers the one that asked by another.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count
from typing import TYPE_CHECKING, Any

from ws_server.core import codes
from ws_server.service import control
from ws_server.service.control import Fields, Handler
from ws_server.service.reading import RefusedError
from ws_server.service.service import Service

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ANSWER = 2 * 1024 * 1024  # bytes; all come at once, and Redis disconnects slow receivers
PATIENCE = 1.0  # seconds; a replica that died a moment ago does not answer


@dataclass(slots=True)
class _Question:
    wanted: int
    answers: list[Any] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Survey:
    """The questions of one replica that are under way."""

    def __init__(self, service: Service, name: str) -> None:
        self.handlers: Mapping[str, Handler] = {"question": self._answer, "answer": self._note}
        self.answers: dict[str, Callable[[Fields], object]] = {
            "replica": self._numbers_of_this,
            "channels": self._channels_of_this,
        }
        """What this replica answers, by what the question is about."""
        self._service = service
        self._name = name
        self._started = time.monotonic()
        self._numbers = count(1)
        self._questions: dict[int, _Question] = {}

    async def channels(self, pattern: str) -> dict[str, int]:
        """Return how many clients each channel has, of those that match.

        Raises BrokerDownError, and RefusedError when those of one replica are too many.
        """
        total: Counter[str] = Counter()
        for answer in await self.ask("channels", pattern=pattern):
            if answer is None:
                raise RefusedError(codes.LIMIT_EXCEEDED)
            total.update(answer)
        return dict(total)

    async def replicas(self) -> list[dict[str, object]]:
        """Return the numbers of each replica. Raises BrokerDownError."""
        return await self.ask("replica")

    async def ask(self, about: str, replica: str = "", **fields: object) -> list[Any]:
        """Return what the replicas answer, or the one that is named, within PATIENCE.

        Raises BrokerDownError.
        """
        broker, number = self._service.broker, next(self._numbers)
        question = _Question(1 if replica else len(await broker.replicas()))
        self._questions[number] = question
        message = control.encode(
            "question", about=about, by=broker.replica, number=number, **fields
        )
        try:
            await broker.command(message, replica)
            async with asyncio.timeout(PATIENCE):
                await question.done.wait()
        except TimeoutError:
            self._service.log.warning(
                "survey_incomplete", answers=len(question.answers), replicas=question.wanted
            )
        finally:
            del self._questions[number]
        return question.answers

    def _answer(self, service: Service, fields: Fields) -> None:
        answer = self.answers[fields["about"]](fields)
        message = control.encode("answer", number=fields["number"], answer=answer)
        if len(message) > MAX_ANSWER:
            message = control.encode("answer", number=fields["number"], answer=None)
        service.later(service.broker.command(message, str(fields["by"])))

    def _note(self, _service: Service, fields: Fields) -> None:
        question = self._questions.get(fields["number"])
        if question is None:
            return
        question.answers.append(fields["answer"])
        if len(question.answers) >= question.wanted:
            question.done.set()

    def _channels_of_this(self, fields: Fields) -> dict[str, int]:
        pattern = str(fields["pattern"])
        return {
            channel: members
            for channel, members in self._service.hub.channels.names()
            if members and (not pattern or fnmatchcase(channel, pattern))
        }

    def _numbers_of_this(self, _fields: Fields) -> dict[str, object]:
        hub = self._service.hub
        return {
            "uid": self._service.broker.replica,
            "name": self._name,
            "version": "",
            "num_clients": len(hub.sessions),
            "num_users": hub.users,
            "num_channels": len(hub.channels),
            "num_subs": sum(len(session.channels) for session in hub.sessions),
            "uptime": int(time.monotonic() - self._started),
        }
