"""Our frames against the library's, byte for byte."""

import pytest
from websockets.frames import Frame, Opcode
from ws_server.transport import frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_frame_is_the_library_s_frame(size: int) -> None:
    payload = b"x" * size
    assert frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)
