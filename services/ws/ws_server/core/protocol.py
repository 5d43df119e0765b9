"""Turns frames into commands and answers into bytes; no sockets, no clock, no state.

The JSON form of https://centrifugal.dev/docs/transports/client_protocol: commands and replies are
objects, several of them in one frame are separated by newlines, an empty object is a ping or pong.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec

from ws_server.core.codes import ReplyError

MAX_ID = 2**32 - 1
MAX_TTL = 2**32 - 1  # seconds; the protocol's own type is uint32, and typed clients read no more
MAX_COMMANDS = 10_000  # of one frame; more would hold up everybody else for too long
PING = b"{}"

_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


class MalformedFrameError(ValueError):
    """The frame is not what the protocol allows; the text says why, without its content."""


class Command(msgspec.Struct, frozen=True):
    """One request. ``id`` is 0 when no reply is wanted; ``method`` is "" for an empty object."""

    id: int
    method: str
    params: dict[str, Any] = {}


class Publishing(msgspec.Struct, frozen=True):
    """The ``publish`` command, which comes most often; ``data`` is compact JSON."""

    method = "publish"

    id: int
    channel: str
    data: bytes


AnyCommand = Command | Publishing


class _Params(msgspec.Struct, forbid_unknown_fields=True):
    channel: str
    data: Any


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    id: Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)]
    publish: _Params


def parse(text: str | bytes) -> Any:
    """Read strict JSON. Raises ValueError, also for what is nested too deeply."""
    try:
        return _read(text if isinstance(text, str) else text.decode())
    except RecursionError:
        raise ValueError("not JSON") from None


def lines(frame: bytes) -> list[bytes]:
    """Return the commands of a text frame, each still as JSON.

    Raises MalformedFrameError, and UnicodeDecodeError.
    """
    frame.decode()  # what is passed on as it came has to be UTF-8
    if frame.count(b"\n") > MAX_COMMANDS:
        raise MalformedFrameError(f"more than {MAX_COMMANDS} commands in one frame")
    return frame.split(b"\n")


def decode(given: Iterable[bytes]) -> list[AnyCommand]:
    """Return the commands in these lines, in order.

    Raises MalformedFrameError for all of them when one is malformed.
    """
    return [_command(line) for line in given if line and not line.isspace()]


def _command(line: bytes) -> AnyCommand:
    try:
        read = _read_line(line)
        # Written anew: it is passed on, and not everybody reads all that is JSON (1e999).
        data = _write(read.publish.data)
    except (msgspec.MsgspecError, RecursionError):
        return _any_command(line)
    return Publishing(read.id, read.publish.channel, data)


def _any_command(line: bytes) -> AnyCommand:
    try:
        value = parse(line)
    except ValueError:
        raise MalformedFrameError("not JSON") from None
    if not isinstance(value, dict):
        raise MalformedFrameError("a command is a JSON object")
    command_id = value.pop("id", 0)
    if type(command_id) is not int or not 0 <= command_id <= MAX_ID:
        raise MalformedFrameError("id is an integer from 0 to 4294967295")
    if not value and command_id == 0:
        return Command(0, "")
    if len(value) != 1:
        raise MalformedFrameError("a command has an id and exactly one method")
    method, params = value.popitem()
    if not method:
        raise MalformedFrameError("a method has a name")
    if not isinstance(params, dict):
        raise MalformedFrameError("the parameters of a method are a JSON object")
    return Command(command_id, method, params)


def _refuse_constant(_name: str) -> None:
    # Python would read NaN and Infinity; no other JSON parser could read our echo of them.
    raise ValueError("not JSON")


# Made once: making it takes as long as reading a frame.
_write = msgspec.json.Encoder().encode
_read_line = msgspec.json.Decoder(_Line).decode
_read = json.JSONDecoder(parse_constant=_refuse_constant).decode


def encode(value: object) -> bytes:
    """Return compact JSON in UTF-8. Raises ValueError for what JSON cannot carry (1e999)."""
    try:
        text = _compact(value)
    except RecursionError:  # it could be read a few levels deeper than it can be written
        raise ValueError("nested too deeply") from None
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: legal as an escape, never as UTF-8
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def reply(command_id: int, method: str, result: dict[str, Any]) -> bytes:
    """Return the answer to a command that worked: ``{"id":1,"subscribe":{}}``."""
    return encode({"id": command_id, method: result})


def failure(command_id: int, error: ReplyError) -> bytes:
    """Return the answer to one that did not: ``{"id":1,"error":{"code":103,"message":"…"}}``."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.temporary:
        body["temporary"] = True
    return encode({"id": command_id, "error": body})


def client_info(user: str, client: str, conn_info: object = None) -> bytes:
    """Return a ClientInfo: who publishes or is present; ``conn_info`` is what the token says."""
    info = {"user": user, "client": client}
    return encode(info if conn_info is None else {**info, "conn_info": conn_info})


def user_of(info: bytes) -> str:
    """Return the user of a ClientInfo object that ``client_info`` made."""
    return str(json.loads(info)["user"])


def object_of(members: Mapping[str, bytes]) -> bytes:
    """Return a JSON object of values that are JSON already."""
    pairs = (encode(name) + b":" + value for name, value in members.items())
    return b"{" + b",".join(pairs) + b"}"


def publication(
    data: object, info: bytes | None = None, tags: Mapping[str, str] | None = None
) -> bytes:
    """Return what travels through the broker: a ``pub`` object. Raises ValueError as ``encode``."""
    return publication_raw(encode(data), info, encode(tags) if tags else None)


def publication_raw(data: bytes, info: bytes | None = None, tags: bytes | None = None) -> bytes:
    """Return a ``pub`` object of data and tags that are JSON already, without a newline."""
    rest = b',"info":' + info if info else b""
    rest += b',"tags":' + tags if tags else b""
    return b'{"data":' + data + rest + b"}"


def push(channel: str, kind: str, body: bytes) -> bytes:
    """Return what every subscriber gets; ``body`` is not parsed again on the way."""
    return push_head(channel, kind) + body + b"}}"


def push_head(channel: str, kind: str) -> bytes:
    """Return what stands before the body, for who pushes again and again."""
    return b'{"push":{"channel":' + encode(channel) + b',"' + kind.encode() + b'":'


def life(ttl: float) -> dict[str, object]:
    """Return the fields that say how long a token lives: ``ttl`` in seconds, ``inf`` for ever."""
    if ttl == math.inf:
        return {"expires": False}
    return {"expires": True, "ttl": min(MAX_TTL, max(1, int(ttl)))}


def notice(data: object) -> bytes:
    """Return a message of the server to one client, outside of all channels."""
    return connection_push("message", {"data": data})


def connection_push(kind: str, body: object) -> bytes:
    """Return what tells one client about its connection, outside of all channels."""
    return encode({"push": {kind: body}})


def with_data(body: bytes, data: object) -> bytes:
    """Add ``data`` to an object that is JSON already; None adds nothing."""
    if data is None:
        return body
    return body[:-1] + (b"," if len(body) > 2 else b"") + b'"data":' + encode(data) + b"}"


def reply_raw(command_id: int, method: str, result: bytes) -> bytes:
    """Return a reply with a result that is JSON already."""
    return b'{"id":%d,"%s":' % (command_id, method.encode()) + result + b"}"


def subscribed(result: dict[str, Any], publications: Iterable[bytes]) -> bytes:
    """Return a SubscribeResult: its fields, and publications that are JSON already."""
    missed = b",".join(publications)
    if not missed:
        return encode(result)
    rest = encode(result)[1:]
    return b'{"publications":[' + missed + (b"]," if len(rest) > 1 else b"]") + rest
