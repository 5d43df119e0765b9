"""Caches the keys of an identity provider; verifies nothing.

Their URL is a setting; nothing in a token (``jku``, ``x5u``) changes it.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ws_server.auth.keyset import PublicKey, keys_in
from ws_server.core.claims import InvalidTokenError, VerifierDownError
from ws_server.log import Log

FRESH = 300.0  # seconds after which the keys are fetched again
PAUSE = 10.0  # seconds between two fetches that unknown keys cause
ABSENT = 30.0  # seconds that an unknown key id is remembered
RETRY = 2.0  # seconds after a failed fetch
TIME_LIMIT = 3.0  # seconds per fetch, in total
SIZE_LIMIT = 512 * 1024
MAX_ABSENT = 1000

Fetch = Callable[[], Awaitable[bytes]]


class Jwks:
    """The keys by ``kid``: cached, fetched once at a time, and kept if a fetch fails."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float], log: Log) -> None:
        self._fetch = fetch
        self._clock = clock
        self._log = log
        self._keys: dict[str, PublicKey] | None = None
        self._absent: dict[str, float] = {}  # unknown key ids, and how long they count as unknown
        self._loaded_at = self._tried_at = float("-inf")
        self._has_failed = False
        self._fetching: asyncio.Task[bool] | None = None

    async def find(self, name: str) -> PublicKey:
        """Return the key with that ``kid``.

        Raises InvalidTokenError if it does not exist, VerifierDownError if that is not known.
        """
        now = self._clock()
        if self._absent.get(name, now) > now:
            raise InvalidTokenError("it is signed with an unknown key (kid)")
        has_looked = await self._refresh() if self._wants_fetch(name, now) else False
        if self._keys is None:
            raise VerifierDownError("the keys cannot be fetched")
        if name in self._keys:
            return self._keys[name]
        if has_looked:
            self._remember_absent(name)
            raise InvalidTokenError("it is signed with an unknown key (kid)")
        # It may be new, but unknown keys limit how often the document is fetched.
        raise VerifierDownError("the key is not known yet")

    def _wants_fetch(self, name: str, now: float) -> bool:
        is_known = self._keys is not None and name in self._keys
        if self._fetching is not None:
            return not is_known
        if self._has_failed and now - self._tried_at < RETRY:
            return False
        if now - self._loaded_at >= FRESH:
            return True
        return not is_known and now - self._tried_at >= PAUSE

    def _remember_absent(self, name: str) -> None:
        if len(self._absent) >= MAX_ABSENT:
            del self._absent[next(iter(self._absent))]
        self._absent[name] = self._clock() + ABSENT

    async def _refresh(self) -> bool:
        """Whether a fetch that ended now updated the keys."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._load())
        # Shielded: several tasks wait for the same fetch, and one of them may be cancelled.
        return await asyncio.shield(self._fetching)

    async def _load(self) -> bool:
        self._tried_at = self._clock()
        try:
            async with asyncio.timeout(TIME_LIMIT):
                document = await self._fetch()
            self._keys = await asyncio.to_thread(keys_in, document)
            self._loaded_at = self._clock()
            self._has_failed = False
        except (OSError, ValueError) as error:
            self._has_failed = True
            self._log.warning("jwks_failed", error=f"{type(error).__name__}: {error}"[:200])
        finally:
            self._fetching = None
        return not self._has_failed


def source(url: str) -> Fetch:
    """Return a function that reads the document at that URL: http, https or a file."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return lambda: asyncio.to_thread(_read, Path(unquote(parts.path)))
    return lambda: _get(url)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return _limited(file.read(SIZE_LIMIT + 1))


async def _get(url: str) -> bytes:
    aiohttp = await asyncio.to_thread(importlib.import_module, "aiohttp")
    try:
        async with (
            aiohttp.ClientSession() as client,
            client.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise OSError(f"the answer has status {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                _limited(body)
            return bytes(body)
    except aiohttp.ClientConnectorError as error:
        raise OSError(str(error)) from None
    except aiohttp.ClientError as error:  # its text may contain the URL with a password
        raise OSError(type(error).__name__) from None


def _limited(document: bytes | bytearray) -> bytes:
    if len(document) > SIZE_LIMIT:
        raise ValueError(f"it has more than {SIZE_LIMIT} bytes")
    return bytes(document)
