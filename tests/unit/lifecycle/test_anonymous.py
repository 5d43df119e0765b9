"""What containers leave is known to the next command, and only volumes that nobody named are."""

import json
from pathlib import Path

import pytest

from stack.engines.running import AnonymousVolume, SeenContainer
from stack.engines.steps import Key, Kind, Plan, RemoveContainer, Verb
from stack.lifecycle import anonymous
from stack.project.state import State

OLD, NEW = "e" * 64, "f" * 64
SEEN = SeenContainer(
    "i", "shop-db-1", "db", 1, "running", "Up", "f", "", anonymous=(("/data", OLD), ("/log", NEW))
)
STEP = RemoveContainer(Key(Verb.REMOVE, Kind.CONTAINER, "shop-db-1"), seen=SEEN, why="changed")
LEFT = (AnonymousVolume("db", 1, "/data", OLD), AnonymousVolume("db", 1, "/log", NEW))


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path, "shop")
    made.prepare()
    return made


def test_what_is_left_is_remembered_once_and_forgotten(state: State) -> None:
    for _ in range(2):
        anonymous.keep(state, anonymous.leaving(Plan((STEP,))))
    assert anonymous.remembered(state) == LEFT
    anonymous.forget(state)
    assert anonymous.remembered(state) == ()


def test_a_plan_that_leaves_nothing_writes_nothing(state: State) -> None:
    anonymous.keep(state, anonymous.leaving(Plan(())))
    anonymous.forget(state)
    assert not (state.root / "memory.json").exists()


def test_without_a_folder_none_is_made_and_all_is_lost(tmp_path: Path) -> None:
    assert anonymous.keep_if_possible(State(tmp_path, "shop"), LEFT) == {OLD, NEW}
    assert not (tmp_path / ".stack").exists()


def test_what_is_known_is_not_lost(state: State) -> None:
    assert anonymous.keep_if_possible(state, LEFT) == frozenset()
    (state.root / "memory.json").chmod(0o444)
    assert anonymous.keep_if_possible(state, LEFT) == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "5",
        "[5]",
        json.dumps([["db", 1, "/data"]]),
        json.dumps([["db", "one", "/data", OLD]]),
        json.dumps([["db", 1, "/data", "shop_db"]]),
        json.dumps([["db", 1, "/data", f"../{OLD}"]]),
        json.dumps([["db", 1, "/data", 5]]),
    ],
)
def test_what_cannot_be_read_is_no_volume(state: State, text: str) -> None:
    state.remember("nameless", text)
    assert anonymous.remembered(state) == ()
