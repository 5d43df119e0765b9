"""Recovery: everything that is missing, or the word that something may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ws_server.core.publication import History, Position, Publication, recover

from tests.ws.core import history, offsets_of, pubs


@pytest.mark.parametrize(
    ("since", "found", "held", "missed", "position", "is_whole"),
    [
        # without a position, nothing is missing
        (None, history(top=5), (), [], (5, "e"), True),
        (None, history(top=5), pubs(6, 7), [], (7, "e"), True),
        # the same epoch
        ((3, "e"), history(4, 5, top=5), (), [4, 5], (5, "e"), True),
        ((5, "e"), history(top=5), (), [], (5, "e"), True),
        ((0, "e"), history(1, 2, top=2), (), [1, 2], (2, "e"), True),
        # from the beginning of a stream that nobody knew yet
        ((0, ""), history(1, 2, top=2), (), [1, 2], (2, "e"), True),
        ((0, ""), history(2, 3, top=3), (), [], (3, "e"), False),
        ((1, ""), history(2, top=2), (), [], (2, "e"), False),
        # another epoch
        ((3, "old"), history(4, 5, top=5), (), [], (5, "e"), False),
        ((0, "old"), history(1, top=1), (), [], (1, "e"), False),
        ((5, "old"), history(top=5), (), [], (5, "e"), False),
        # too old, cut off by a limit, and holes
        ((1, "e"), history(4, 5, top=5), (), [], (5, "e"), False),
        ((1, "e"), history(2, 3, top=5), (), [], (5, "e"), False),
        ((1, "e"), history(2, 4, top=4), (), [], (4, "e"), False),
        # too new: the stream went back in time
        ((9, "e"), history(top=5), (), [], (5, "e"), False),
        ((6, "e"), history(top=5), (), [], (5, "e"), False),
        # what came while the history was asked for
        ((3, "e"), history(4, 5, top=5), pubs(6, 7), [4, 5, 6, 7], (7, "e"), True),
        ((3, "e"), history(4, 5, top=5), pubs(4, 5, 6), [4, 5, 6], (6, "e"), True),
        ((3, "e"), history(4, 5, top=5), pubs(7), [], (7, "e"), False),
        ((5, "e"), history(top=5), pubs(6, 6), [], (6, "e"), False),
        ((5, "e"), history(4, 5, 6, top=6), (), [6], (6, "e"), True),
        # the stream was lost meanwhile, and which is newer cannot be known
        ((3, "e"), history(4, 5, top=5), pubs(1, epoch="f"), [], (1, "f"), False),
        (None, history(top=5), pubs(1, epoch="f"), [], (1, "f"), True),
        ((3, "e"), history(4, top=4), (*pubs(9, epoch="d"), *pubs(5)), [4, 5], (5, "e"), True),
        # what has no offset is no part of it
        ((3, "e"), history(4, top=4), (Publication(b"{}"),), [4], (4, "e"), True),
    ],
)
def test_recover(
    since: tuple[int, str] | None,
    found: History,
    held: tuple[Publication, ...],
    missed: list[int],
    position: tuple[int, str],
    is_whole: bool,
) -> None:
    recovery = recover(Position(*since) if since else None, found, held)
    assert offsets_of(recovery.publications) == missed
    assert (recovery.position, recovery.is_whole) == (position, is_whole)


@given(
    top=st.integers(0, 20),
    kept=st.integers(0, 20),
    since=st.integers(0, 25),
    held=st.lists(st.integers(1, 25), max_size=5),
    limit=st.integers(0, 25),
)
def test_whole_means_every_offset_once_and_in_order(
    top: int, kept: int, since: int, held: list[int], limit: int
) -> None:
    found = [offset for offset in range(top - kept + 1, top + 1) if offset > max(since, 0)][:limit]
    recovery = recover(Position(since, "e"), history(*found, top=top), pubs(*held))
    offsets = offsets_of(recovery.publications)
    if recovery.is_whole:
        assert offsets == list(range(since + 1, recovery.position.offset + 1))
    else:
        assert offsets == []
    assert recovery.position.offset >= top


def test_json_has_the_offset_only_where_there_is_one() -> None:
    assert Publication(b'{"data":1}').json == b'{"data":1}'
    assert Publication(b'{"data":1}', 7, "e").json == b'{"data":1,"offset":7}'
