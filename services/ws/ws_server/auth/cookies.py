"""Finds the session cookies of Auth.js, whole or in chunks; verifies nothing."""

from collections.abc import Sequence

from ws_server.auth.authjs import V4_COOKIES, V5_COOKIES

MAX_CHUNKS = 16


def sessions_in(headers: Sequence[str], own: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return the names and values of all session cookies, those of the newest version first.

    Before them come those with names of one's ``own``.

    There may be several: a browser sends the cookies of all projects on localhost.
    """
    cookies: dict[str, str] = {}
    for pair in ";".join(headers).split(";"):
        name, _, value = pair.strip().partition("=")
        cookies.setdefault(name, value.strip('"'))  # the first is the most specific one
    whole = ((name, _joined(cookies, name)) for name in (*own, *V5_COOKIES, *V4_COOKIES))
    return [(name, value) for name, value in whole if value]


def _joined(cookies: dict[str, str], name: str) -> str:
    if name in cookies:
        return cookies[name]
    chunks: list[str] = []
    while len(chunks) < MAX_CHUNKS and (chunk := cookies.get(f"{name}.{len(chunks)}")):
        chunks.append(chunk)
    return "".join(chunks)
