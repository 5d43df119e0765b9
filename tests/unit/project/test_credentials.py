"""Secrets are made once, closed to others, and each service has its own copies."""

import os
from pathlib import Path

import pytest

from stack.layout.topology import secret_names
from stack.project import credentials
from stack.project.state import State
from tests.unit.layout.test_topology import layout


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path, "shop")
    state.prepare()
    return state


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def made(state: State) -> dict[str, str]:
    """Make every secret and hand all of them over."""
    values = {name: credentials.keep(state, name) for name in secret_names(layout())}
    for container in layout().containers:
        if container.secrets:
            credentials.write_copies(state, container, {})
    return values


def test_what_was_not_made_yet_is_empty(state: State) -> None:
    assert set(credentials.known(state, layout()).values()) == {""}
    assert list(state.secrets.iterdir()) == []


def test_secrets_are_kept_and_differ(state: State) -> None:
    values = made(state)
    assert credentials.known(state, layout()) == values
    assert len(set(values.values())) == len(values) == 4
    assert all(len(value) >= 40 for value in values.values())


def test_secrets_are_closed_to_others(state: State) -> None:
    assert {mode(state.secrets / name) for name in made(state)} == {0o600}
    assert mode(state.secrets) == 0o700


def test_each_service_gets_what_it_needs_and_nothing_else(state: State) -> None:
    made(state)
    folders = {path.name: {p.name for p in path.iterdir()} for path in state.secrets.glob("*.d")}
    assert folders == {
        "api.d": {"redis-password", "postgres-password"},
        "ws.d": {"redis-password", "postgres-password", "nextauth-secret", "ws-api-key"},
        "redis.d": {"password"},
        "postgres.d": {"password"},
    }
    assert {mode(state.secrets / name) for name in folders} == {0o700}


def test_a_changed_secret_is_not_given_yet(state: State) -> None:
    redis = layout().container("redis")
    assert credentials.has_copies(state, redis, made(state))
    (state.secrets / "redis-password").write_text("by hand")
    assert not credentials.has_copies(state, redis, credentials.known(state, layout()))
    credentials.write_copies(state, redis, {})
    assert (state.secrets / "redis.d" / "password").read_text() == "by hand"


def test_a_copy_of_another_mode_is_not_given_yet(state: State) -> None:
    redis, values = layout().container("redis"), made(state)
    (state.secrets / "redis.d" / "password").chmod(0o640)
    assert not credentials.has_copies(state, redis, values)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_copy_of_another_owner_is_not_given_yet(state: State) -> None:
    redis, values = layout().container("redis"), made(state)
    os.chown(state.secrets / "redis.d" / "password", 12345, 12345)
    assert not credentials.has_copies(state, redis, values)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.parametrize(("service", "owner"), [("redis", 999), ("postgres", 999), ("ws", 10001)])
def test_root_gives_each_copy_to_the_user_that_reads_it(
    state: State, service: str, owner: int
) -> None:
    made(state)
    for copy in (state.secrets / f"{service}.d").iterdir():
        assert (mode(copy), copy.stat().st_uid, copy.stat().st_gid) == (0o600, owner, owner)


def test_without_root_the_folder_protects_readable_copies(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    made(state)
    assert mode(state.secrets / "redis.d" / "password") == 0o444
    assert mode(state.secrets / "redis.d") == 0o700
