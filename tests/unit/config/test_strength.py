"""A secret is as strong to stack as it is to the realtime service, which would not start."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ws_server.settings import strength as theirs

from stack.config import strength as ours

ALPHABET = string.ascii_letters + string.digits
LIKELY = st.one_of(
    st.text(),
    st.text(ALPHABET, min_size=28, max_size=40),
    st.text("ab", min_size=30, max_size=34),
    st.builds(
        lambda part, times: part * times, st.text(min_size=1, max_size=18), st.integers(2, 6)
    ),
    st.builds(
        lambda word, rest: word + rest, st.sampled_from(theirs.WELL_KNOWN), st.text(ALPHABET)
    ),
)


@given(LIKELY)
def test_both_say_the_same(secret: str) -> None:
    assert ours.weakness_of(secret) == theirs.weakness_of(secret)


@pytest.mark.parametrize("word", theirs.WELL_KNOWN)
def test_both_know_the_same_examples(word: str) -> None:
    secret = f"{word}-0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT"
    assert ours.weakness_of(secret) == theirs.weakness_of(secret) != ""
