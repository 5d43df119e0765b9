"""Asks the application over HTTP: may this client subscribe, and what is the answer to this call.

Requests and answers are those of https://centrifugal.dev/docs/server/proxy. What goes wrong outside
is error 100, which clients try again; nobody is let in by a failure.
"""

import asyncio
import importlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ws_server.core import codes, protocol
from ws_server.core.claims import Claims, InvalidTokenError, claims_of_hook
from ws_server.core.codes import Disconnect, ReplyError
from ws_server.core.effects import Wanted
from ws_server.core.handshake import Headers
from ws_server.core.session import Session
from ws_server.log import Log
from ws_server.service.decisions import Grant, HookError, Offered
from ws_server.settings.config import HookSettings
from ws_server.stats import Stats

if TYPE_CHECKING:
    from aiohttp import ClientSession

MAX_CALLS = 64  # at a time; more wait, and their time runs
MAX_ANSWER = 2**20  # bytes
MAX_REASON = 123  # bytes that a close frame holds (RFC 6455 §5.5)
OWN_ERRORS = range(400, 2000)
OWN_DISCONNECTS = range(4000, 5000)


class BadAnswerError(Exception):
    """The hook answered what is not an answer; the text says why, without its content."""


class Asker:
    """Sends the requests of all connections, over connections that it keeps."""

    def __init__(
        self, settings: HookSettings, stats: Stats, log: Log, wall: Callable[[], float] = time.time
    ) -> None:
        self.settings = settings
        self.wall = wall
        self._stats = stats
        self._log = log
        self._client: asyncio.Future[ClientSession] | None = None
        self._failing: set[str] = set()

    async def ask(
        self, hook: str, url: str, headers: Mapping[str, str], body: Mapping[str, object]
    ) -> Mapping[str, Any]:
        """Return the ``result`` of the answer. Raises HookError."""
        if not url:
            raise HookError(codes.NOT_AVAILABLE if hook == "rpc" else codes.PERMISSION_DENIED)
        try:
            content = protocol.encode(body)
        except ValueError:  # the client sent what JSON cannot carry
            raise HookError(codes.BAD_REQUEST) from None
        started, outcome = time.perf_counter(), "failed"
        try:
            async with asyncio.timeout(self.settings.timeout):
                answer = await self._post(url, headers, content)
            outcome = "refused"
            result = judge(answer)
            outcome = "ok"
        except HookError:
            self._note(hook, "")
            raise
        except Exception as error:  # whatever it is, it is not the client's fault
            outcome = "failed"
            self._note(hook, _describe(error))
            raise HookError(codes.INTERNAL) from None
        finally:
            self._stats.hooks[hook, outcome] += 1
            self._stats.hook_seconds[hook].observe(time.perf_counter() - started)
        self._note(hook, "")
        return result

    async def stop(self) -> None:
        """Close what is kept."""
        if self._client is not None:
            await (await self._client).close()

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Any:
        if self._client is None:
            self._client = asyncio.ensure_future(_open())
        client = await asyncio.shield(self._client)
        headers = {**headers, "Content-Type": "application/json"}
        async with client.post(url, data=body, headers=headers, allow_redirects=False) as response:
            if response.status != 200:
                raise BadAnswerError(f"status {response.status}")
            content = bytearray()
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > MAX_ANSWER:
                    raise BadAnswerError(f"more than {MAX_ANSWER} bytes")
        return protocol.parse(bytes(content))

    def _note(self, hook: str, error: str) -> None:
        """Log changes, not attempts."""
        if error and hook not in self._failing:
            self._failing.add(hook)
            self._log.warning("hook_failing", hook=hook, error=error)
        elif not error and hook in self._failing:
            self._failing.discard(hook)
            self._log.info("hook_answers_again", hook=hook)


@dataclass(frozen=True, slots=True)
class HttpHooks:
    """The Hooks of one connection, with the headers that it passes on."""

    asker: Asker
    forwarded: Mapping[str, str]

    def heard(self, headers: Headers) -> "HttpHooks":
        """Keep of a handshake's headers what the settings name, and nothing else."""
        found = {name: headers.get_all(name) for name in self.asker.settings.headers}
        kept = {name: _joined(name, values) for name, values in found.items() if values}
        return HttpHooks(self.asker, kept) if kept else self

    async def subscribe(self, session: Session, wanted: Wanted) -> Grant:
        """Return when the application lets the session in. Raises HookError."""
        body = {**_who(session), "channel": wanted.channel}
        if wanted.data is not None:
            body["data"] = wanted.data
        url = self.asker.settings.subscribe_url
        result = await self.asker.ask("subscribe", url, self.forwarded, body)
        return Grant(_end(result), result.get("data"))

    async def connect(self, session: Session, data: object) -> tuple[Claims, object] | None:
        """Return who the application says that it is. Raises HookError."""
        url = self.asker.settings.connect_url
        if not url:
            return None
        body = _who(session)
        del body["user"]
        if data is not None:
            body["data"] = data
        result = await self.asker.ask("connect", url, self.forwarded, body)
        return self._claims(result), result.get("data")

    async def refresh(self, session: Session) -> Claims | None:
        """Return the claims anew. Raises HookError."""
        known = session.claims
        result = await self.asker.ask(
            "refresh", self.asker.settings.refresh_url, self.forwarded, _who(session)
        )
        if result.get("expired") is True or known is None:
            return None
        info = result.get("info", known.info)
        end = self._claims({**result, "user": known.user}).expires_at
        return replace(known, expires_at=end, info=info)

    async def publish(self, session: Session, channel: str, data: bytes) -> Offered:
        """Return what the application makes of it. Raises HookError."""
        body = {**_who(session), "channel": channel, "data": protocol.parse(data)}
        url = self.asker.settings.publish_url
        result = await self.asker.ask("publish", url, self.forwarded, body)
        changed = protocol.encode(result["data"]) if "data" in result else data
        return Offered(changed, result.get("skip_history") is True)

    async def sub_refresh(self, session: Session, channel: str) -> float | None:
        """Return the end that the application says. Raises HookError."""
        body = {**_who(session), "channel": channel}
        url = self.asker.settings.sub_refresh_url
        result = await self.asker.ask("sub_refresh", url, self.forwarded, body)
        return None if result.get("expired") is True else _end(result)

    def can_renew(self, channel: str) -> bool:
        """Whether there is a URL for it."""
        settings = self.asker.settings
        return bool(settings.sub_refresh_url if channel else settings.refresh_url)

    def _claims(self, result: Mapping[str, Any]) -> Claims:
        try:
            return claims_of_hook(result, self.asker.wall())
        except InvalidTokenError:  # the application's mistake, and not the client's
            raise HookError(codes.INTERNAL) from None

    async def call(self, session: Session, method: str, data: object) -> object:
        """Return the application's answer. Raises HookError."""
        body = {**_who(session), "data": data}
        if method:
            body["method"] = method
        url = self.asker.settings.rpc_url
        return (await self.asker.ask("rpc", url, self.forwarded, body)).get("data")


def _end(result: Mapping[str, Any]) -> float:
    """Return ``expire_at`` in Unix seconds; without one, never. Raises HookError."""
    end = result.get("expire_at") or 0
    if isinstance(end, bool) or not isinstance(end, int | float) or abs(end) > 2**53:
        raise HookError(codes.INTERNAL)
    return float(end) or math.inf


def judge(answer: object) -> Mapping[str, Any]:
    """Return its ``result``. Raises HookError if it refuses, BadAnswerError if it is no answer.

    Raises ValueError for what JSON cannot carry on.
    """
    if not isinstance(answer, dict):
        raise BadAnswerError("the answer is not an object")
    if isinstance(refusal := answer.get("disconnect"), dict):
        raise HookError(codes.INTERNAL, _disconnect(refusal))
    if isinstance(refusal := answer.get("error"), dict):
        raise HookError(_error(refusal))
    result = answer.get("result")
    if not isinstance(result, dict):
        raise BadAnswerError("the answer has no result")
    protocol.encode(result)  # now, when it can still be refused
    return result


def _disconnect(fields: Mapping[str, Any]) -> Disconnect:
    code, reason = fields.get("code"), fields.get("reason", "")
    if type(code) is not int or code not in OWN_DISCONNECTS:
        raise BadAnswerError("the code of a disconnect is from 4000 to 4999")
    if not isinstance(reason, str) or len(reason.encode(errors="replace")) > MAX_REASON:
        raise BadAnswerError(f"the reason of a disconnect has at most {MAX_REASON} bytes")
    return Disconnect(code, reason)


def _error(fields: Mapping[str, Any]) -> ReplyError:
    code, message = fields.get("code"), fields.get("message", "")
    if type(code) is not int or code not in OWN_ERRORS or not isinstance(message, str):
        raise BadAnswerError("the code of an error is from 400 to 1999")
    return ReplyError(code, message, fields.get("temporary") is True)


def _joined(name: str, values: Sequence[str]) -> str:
    text = ("; " if name.lower() == "cookie" else ", ").join(values)
    # websockets reads Latin-1 and aiohttp writes UTF-8, which is also what browsers send.
    return text.encode("latin-1").decode(errors="replace")


def _who(session: Session) -> dict[str, object]:
    return {
        "client": session.id,
        "transport": session.transport,
        "protocol": "json",
        "encoding": "json",
        "user": session.user,
    }


def _describe(error: Exception) -> str:
    """Return what went wrong; of others' exceptions the name alone: a URL can hold a password."""
    return str(error) if isinstance(error, BadAnswerError) else type(error).__name__


async def _open() -> "ClientSession":
    # Importing aiohttp takes long; in a thread, the server answers meanwhile.
    aiohttp = await asyncio.to_thread(importlib.import_module, "aiohttp")
    client: ClientSession = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=MAX_CALLS),
        cookie_jar=aiohttp.DummyCookieJar(),  # one user's cookies are nothing for another
    )
    return client
