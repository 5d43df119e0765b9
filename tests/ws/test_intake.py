"""What arrives in chunks of any size is read as the library would read it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from ws_server.clients.intake import MANY, Connection
from ws_server.clients.wire import Binary
from ws_server.core.frame import extent, is_plain, plain_frames
from ws_server.server import CONNECTION

from tests.ws.test_transport import HANDSHAKE

MOST = 70_000
SIZES = st.sampled_from([0, 1, 125, 126, 127, 300, 65_535, 65_536])
FRAMES = st.lists(
    st.tuples(st.sampled_from(["text", "ping", "split", "binary"]), SIZES), max_size=6
)

module_loop = pytest.mark.asyncio(loop_scope="module")


def text(size: int) -> bytes:
    return ("aä" * size).encode()[:size].decode(errors="ignore").encode().ljust(size, b"x")


def client_frames(kind: str, size: int) -> list[Frame]:
    body = text(size)
    if kind == "split":
        half = size // 2
        ping = Frame(Opcode.PING, b"between")
        return [Frame(Opcode.TEXT, body[:half], fin=False), ping, Frame(Opcode.CONT, body[half:])]
    return [Frame({"text": Opcode.TEXT, "ping": Opcode.PING, "binary": Opcode.BINARY}[kind], body)]


def of_kind(kind: str, size: int) -> tuple[str, int]:
    return (kind, min(size, 125)) if kind == "ping" else (kind, size)


@given(FRAMES.map(lambda frames: [of_kind(*each) for each in frames]))
def test_plain_frames_are_taken_and_no_others(wanted: list[tuple[str, int]]) -> None:
    frames = [frame for each in wanted for frame in client_frames(*each)]
    parts = [frame.serialize(mask=True) for frame in frames]
    stream, at, taken = b"".join(parts), 0, list[bytes]()
    for frame, part in zip(frames, parts, strict=True):
        is_whole = frame.opcode is Opcode.TEXT and frame.fin and len(frame.data) <= 65_535
        assert is_plain(stream, at, 65_535) is is_whole
        assert extent(stream, at) == len(part)
        end = plain_frames(stream, at, 65_535, at + 1, taken)
        assert end == at + len(part) if is_whole else end == at
        at += len(part)
    texts = [f.data for f in frames if f.opcode is Opcode.TEXT and f.fin and len(f.data) <= 65_535]
    assert taken == texts


@given(SIZES.filter(lambda size: size <= 65_535), st.data())
def test_a_frame_that_is_not_whole_waits(size: int, data: st.DataObject) -> None:
    whole = Frame(Opcode.TEXT, text(size)).serialize(mask=True)
    cut = data.draw(st.integers(1, len(whole) - 1))
    taken: list[bytes] = []
    assert plain_frames(whole[:cut], 0, 65_535, 9, taken) == 0
    assert is_plain(whole[:cut], 0, 65_535)
    assert not taken


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[tuple[int, list[bytes], asyncio.Event]]:
    """A server that keeps the messages of a connection until it closes."""
    got: list[bytes] = []
    done = asyncio.Event()

    async def keep(connection: ServerConnection) -> None:
        assert isinstance(connection, Connection)
        got.clear()
        while messages := await connection.receive():
            got.extend(messages)
        done.set()

    async with serve(keep, "127.0.0.1", 0, max_size=MOST, **CONNECTION) as listener:
        yield listener.sockets[0].getsockname()[1], got, done


@module_loop
@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 1000, 10**6])
async def test_messages_do_not_depend_on_the_chunks(
    server: tuple[int, list[bytes], asyncio.Event], step: int
) -> None:
    port, got, done = server
    done.clear()
    sizes = [0, 1, 125, 126, 300] if step < 7 else [0, 1, 125, 126, 300, 40_000, 66_000]
    wanted = [(kind, size) for size in sizes for kind in ("text", "split", "binary", "text")]
    frames = [frame for each in wanted for frame in client_frames(*each)]
    stream = b"".join(frame.serialize(mask=True) for frame in frames)
    # Some of it comes before the answer to the handshake, which no client does.
    stream = HANDSHAKE + stream + Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for start in range(0, len(stream), step):
        writer.write(stream[start : start + step])
        if start % (50 * step) == 0:
            await writer.drain()
            await asyncio.sleep(0)
    async with asyncio.timeout(20):
        answer = await reader.read()
        await done.wait()
    writer.close()
    assert b" 101 " in answer
    assert answer.endswith(b"\x88\x02\x03\xe8")
    assert answer.count(b"between") == len(sizes)
    assert got == [text(size) for _, size in wanted]
    binary = [isinstance(message, Binary) for message in got]
    assert binary == [kind == "binary" for kind, _ in wanted]


@module_loop
async def test_too_large_a_message_is_refused(
    server: tuple[int, list[bytes], asyncio.Event],
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server[0])
    writer.write(HANDSHAKE + Frame(Opcode.TEXT, b"x" * (MOST + 1)).serialize(mask=True))
    async with asyncio.timeout(5):
        assert b"\x03\xf1" in await reader.read()  # 1009
    writer.close()


async def test_who_sends_more_than_is_received_is_not_read() -> None:
    may_receive, counts = asyncio.Event(), list[int]()

    async def slow(connection: ServerConnection) -> None:
        assert isinstance(connection, Connection)
        await may_receive.wait()
        while messages := await connection.receive():
            counts.append(len(messages))

    async with serve(slow, "127.0.0.1", 0, **CONNECTION) as listener:
        port = listener.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        many = Frame(Opcode.TEXT, b"x").serialize(mask=True) * (20 * MANY)
        writer.write(many + Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True))
        await asyncio.sleep(0.2)
        may_receive.set()
        async with asyncio.timeout(10):
            await reader.read()
        writer.close()
    assert sum(counts) == 20 * MANY
    assert max(counts) <= 2 * MANY
