"""Several logs become one stream that ends, whatever happens to one of them."""

from stack.lifecycle.logs import follow, last_lines
from tests.unit.fake_engine import FakeEngine

ENGINE = FakeEngine(lines={"a": ["1", "2", "3"], "b": ["x"]})


def test_the_last_lines_one_container_after_the_other() -> None:
    assert list(last_lines(ENGINE, ["a", "b"], 2)) == [("a", "2"), ("a", "3"), ("b", "x")]


def test_following_gives_each_log_in_its_order_and_ends() -> None:
    lines = list(follow(ENGINE, ["a", "b"], 10))
    assert [line for name, line in lines if name == "a"] == ["1", "2", "3"]
    assert ("b", "x") in lines


def test_a_container_that_is_gone_does_not_end_the_others() -> None:
    lines = list(follow(ENGINE, ["gone", "b"], 10))
    assert set(lines) == {("gone", "gone: no such container"), ("b", "x")}


def test_nothing_to_follow_ends() -> None:
    assert list(follow(ENGINE, [], 10)) == []
