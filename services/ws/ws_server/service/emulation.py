"""Brings what a client posts to the process that holds its stream; knows no HTTP.

Behind a load balancer any replica may get the request: the replica that has the stream is asked, as
in a survey, and its answer is whether it took the frame.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from ws_server.service.control import Fields
from ws_server.service.service import Service
from ws_server.service.survey import Survey

Taken = Literal["taken", "full", "gone"]
"""Whether the stream took a frame; ``gone`` when there is no such stream."""
Take = Callable[[str], Taken]


class Emulation:
    """The streams of this process by their session, and the way to those of the other replicas."""

    def __init__(self, service: Service, survey: Survey) -> None:
        self._service = service
        self._survey = survey
        self._streams: dict[str, Take] = {}
        survey.answers["frame"] = self._answer

    @property
    def node(self) -> str:
        """The name of this replica, as a client has to repeat it."""
        return self._service.broker.replica

    @contextmanager
    def open(self, session: str, take: Take) -> Iterator[None]:
        """Let ``take`` have the frames of a session."""
        self._streams[session] = take
        try:
            yield
        finally:
            del self._streams[session]

    async def deliver(self, node: str, session: str, frame: str) -> Taken:
        """Hand a frame to its stream, wherever that is. Raises BrokerDownError."""
        if node == self.node:
            return self._take(session, frame)
        if node not in await self._service.broker.replicas():
            return "gone"
        answers = await self._survey.ask("frame", node, session=session, frame=frame)
        return answers[0] if answers else "gone"

    def _answer(self, fields: Fields) -> Taken:
        return self._take(str(fields["session"]), str(fields["frame"]))

    def _take(self, session: str, frame: str) -> Taken:
        take = self._streams.get(session)
        return take(frame) if take else "gone"
