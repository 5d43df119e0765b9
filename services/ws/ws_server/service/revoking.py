"""Revokes tokens on all replicas, and ends here what they opened; verifies none."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from ws_server.core import codes
from ws_server.core.revocation import REMEMBERED, Revocation, Revocations
from ws_server.core.session import Session
from ws_server.service import control
from ws_server.service.control import Fields, Handler
from ws_server.service.service import Service


class Revoking:
    """What is revoked, as far as this replica knows, and what follows from it."""

    def __init__(self, service: Service, known: Revocations) -> None:
        self.known = known
        self.handlers: Mapping[str, Handler] = {"revoke": self._revoked}
        self._service = service
        self._is_looking = False

    async def revoke(
        self,
        *,
        user: str = "",
        token_id: str = "",
        issued_before: float | None = None,
        until: float | None = None,
    ) -> None:
        """Revoke what a user was given until now (or an earlier time), or one token by its ``jti``.

        On all replicas: its connections are closed, and it opens none. The times are Unix time;
        after ``until`` the revocation is forgotten. Raises BrokerDownError.
        """
        now = await self._service.broker.time()  # of all replicas, whichever was asked
        until = now + REMEMBERED if until is None else until
        before = now if issued_before is None else issued_before
        await self._tell(Revocation(user, token_id, before, until))

    async def repeat(self) -> None:
        """Tell a broker that may have lost all; replicas that start later hear it from there."""
        for revocation in self.known.current():
            await self._tell(revocation)

    def _revoked(self, _service: Service, fields: Fields) -> None:
        """End what a replica revoked."""
        user, token_id = str(fields.get("user") or ""), str(fields.get("token_id") or "")
        told = Revocation(user, token_id, float(fields["before"]), float(fields["until"]))
        if told.user:
            self.known.revoke_user(told.user, told.before, told.until)
            self._end(self._service.hub.of_user(told.user))
        if told.token_id and self.known.revoke_token(told.token_id, told.until):
            self._end_all()

    async def _tell(self, revocation: Revocation) -> None:
        message = control.encode("revoke", **asdict(revocation))
        await self._service.broker.command(message, until=revocation.until)

    def _end(self, sessions: Iterable[Session]) -> None:
        """Close those of the sessions whose token is revoked, and end such subscriptions.

        Not by 3503: the client asks the application for another token, which decides who gets one.
        """
        is_revoked = self.known.is_revoked
        for session in tuple(sessions):
            if session.claims and is_revoked(session.claims):
                session.receiver.close(codes.STATE_INVALIDATED)
                continue
            for channel, subscription in tuple(session.channels.items()):
                if subscription.token and is_revoked(subscription.token):
                    self._service.unsubscribe(session, channel, codes.SUBSCRIPTION_EXPIRED)

    def _end_all(self) -> None:
        """Look at every session, soon and once, however many tokens were revoked until then."""
        if not self._is_looking:
            self._is_looking = True
            self._service.later(self._look())

    async def _look(self) -> None:
        self._is_looking = False
        self._end(self._service.hub.sessions)
