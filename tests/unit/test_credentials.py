"""Secrets are made once, closed to others, and each service has its own copies."""

import os
from pathlib import Path

import pytest

from stack import credentials
from stack.state import State
from tests.unit.test_topology import layout


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path)
    state.prepare()
    return state


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_secrets_are_made_once_and_differ(state: State) -> None:
    first = credentials.ensure(state, layout())
    assert first == credentials.ensure(state, layout())
    assert len(set(first.values())) == len(first) == 4
    assert all(len(value) >= 40 for value in first.values())


def test_secrets_are_closed_to_others(state: State) -> None:
    names = credentials.ensure(state, layout())
    assert {mode(state.secrets / name) for name in names} == {0o600}
    assert mode(state.secrets) == 0o700


def test_an_empty_secret_is_made_anew(state: State) -> None:
    (state.secrets / "redis-password").write_text("")
    assert credentials.ensure_value(state, "redis-password")


def test_each_service_gets_what_it_needs_and_nothing_else(state: State) -> None:
    values = credentials.ensure(state, layout())
    credentials.hand_over(state, layout(), values)
    folders = {path.name: {p.name for p in path.iterdir()} for path in state.secrets.glob("*.d")}
    assert folders == {
        "api.d": {"redis-password", "postgres-password"},
        "ws.d": {"redis-password", "postgres-password", "nextauth-secret", "ws-api-key"},
        "redis.d": {"password"},
        "postgres.d": {"password"},
    }
    assert {mode(state.secrets / name) for name in folders} == {0o700}


def test_a_changed_secret_is_handed_over_again(state: State) -> None:
    values = credentials.ensure(state, layout())
    credentials.hand_over(state, layout(), values)
    (state.secrets / "redis-password").write_text("by hand")
    credentials.hand_over(state, layout(), credentials.ensure(state, layout()))
    assert (state.secrets / "redis.d" / "password").read_text() == "by hand"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.parametrize(("service", "owner"), [("redis", 999), ("postgres", 999), ("ws", 10001)])
def test_root_gives_each_copy_to_the_user_that_reads_it(
    state: State, service: str, owner: int
) -> None:
    credentials.hand_over(state, layout(), credentials.ensure(state, layout()))
    for copy in (state.secrets / f"{service}.d").iterdir():
        assert (mode(copy), copy.stat().st_uid, copy.stat().st_gid) == (0o600, owner, owner)


def test_without_root_the_folder_protects_readable_copies(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    credentials.hand_over(state, layout(), credentials.ensure(state, layout()))
    assert mode(state.secrets / "redis.d" / "password") == 0o444
    assert mode(state.secrets / "redis.d") == 0o700
