"""What is revoked is closed on every replica, and does not come back; what is newer does."""

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ws_server.broker.memory import MemoryBroker
from ws_server.core.claims import Claims
from ws_server.core.revocation import Revocations, RevokedTokenError
from ws_server.service import control

from tests.ws.harness import Running, running, token, until
from tests.ws.redis_server import RealRedis


def claims(user: str = "alice", issued_at: float = 0.0, token_id: str = "") -> Claims:
    return Claims(user, 1e12, issued_at=issued_at, token_id=token_id)


def test_older_tokens_of_a_user_are_refused() -> None:
    known = Revocations(lambda: 1000.0)
    known.revoke_user("alice", before=900.5, until=2000)
    assert known.is_revoked(
        claims(issued_at=900)
    )  # in the same second: whole seconds are all we know
    assert not known.is_revoked(claims(issued_at=901))
    assert known.is_revoked(claims())  # says not when it was issued
    assert not known.is_revoked(claims("bob"))
    with pytest.raises(RevokedTokenError):
        known.refuse(claims())


def test_an_older_revocation_takes_nothing_back() -> None:
    known = Revocations(lambda: 1000.0)
    known.revoke_user("alice", before=900, until=2000)
    known.revoke_user("alice", before=100, until=1500)
    assert known.is_revoked(claims(issued_at=800))


def test_one_token_by_its_id() -> None:
    known = Revocations(lambda: 1000.0)
    known.revoke_token("t1", until=2000)
    assert known.is_revoked(claims(token_id="t1", issued_at=5000))
    assert not known.is_revoked(claims(token_id="t2"))
    assert not known.is_revoked(claims())


def test_what_is_told_again_takes_no_room() -> None:
    known = Revocations(lambda: 1000.0)
    for _ in range(3):  # at every reconnect to Redis
        known.revoke_user("alice", before=900, until=2000)
        known.revoke_token("t1", until=2000)
    assert len(known._ends) == len(known) == 2


WHO = st.sampled_from(["", "a", "b"])


@given(st.lists(st.tuples(st.booleans(), WHO, st.integers(0, 40), st.integers(0, 10)), max_size=40))
def test_what_is_over_is_forgotten_and_nothing_else(
    steps: list[tuple[bool, str, int, int]],
) -> None:
    """Against the plainest model: the list of all revocations."""
    now = 0.0
    known = Revocations(lambda: now)
    all_of_them: list[tuple[bool, str, float]] = []
    for is_user, who, life, wait in steps:
        now += wait
        if not who:
            continue
        all_of_them.append((is_user, who, now + life))
        if is_user:
            known.revoke_user(who, before=1e9, until=now + life)
        else:
            known.revoke_token(who, until=now + life)
        for each in ("a", "b"):
            holds = {kind for kind, name, until in all_of_them if name == each and now < until}
            assert known.is_revoked(claims(each)) is (True in holds)
            assert known.is_revoked(claims("x", token_id=each)) is (False in holds)
        living = {(kind, name) for kind, name, until in all_of_them if now < until}
        assert len(known) == len(living)


def issued(ago: float, **more: Any) -> dict[str, Any]:
    return {"iat": int(time.time() - ago), **more}


async def test_a_token_from_the_future_does_not_outlive_a_revocation(live: Running) -> None:
    async with live.client() as client, live.client() as other:
        assert "connect" in await client.sign_in(**issued(-8))  # the issuer's clock is ahead
        await live.server.parts.revoking.revoke(user="alice")
        assert (await client.closed())[0] == 3014
        await other.send({"id": 1, "connect": {"token": token(**issued(-60))}})
        code, reason = await other.closed()
        assert code == 3500
        assert "issued in the future" in str(reason)


async def test_a_user_is_revoked_on_all_replicas() -> None:
    broker = MemoryBroker()
    async with running(broker) as one, running(broker) as two:
        async with one.client() as here, two.client() as there, two.client() as bob:
            await here.sign_in(**issued(10))
            await there.sign_in()
            await bob.sign_in(sub="bob")
            await one.server.parts.revoking.revoke(user="alice")
            for client in (here, there):
                assert await client.closed() == (3014, "state invalidated")
            assert await bob.ask({"id": 2, "ping": {}}) == {"id": 2, "ping": {}}
        for live in (one, two):
            async with live.client() as client:
                assert (await client.sign_in(**issued(10)))["error"]["code"] == 109
                assert "connect" in await client.sign_in(**issued(-1))


async def test_one_token_is_revoked_and_the_users_others_are_not(live: Running) -> None:
    async with live.client() as lost, live.client() as kept:
        await lost.sign_in(jti="one")
        await kept.sign_in(jti="two")
        await live.server.parts.revoking.revoke(token_id="one")
        assert await lost.closed() == (3014, "state invalidated")
        assert "refresh" in await kept.ask({"id": 2, "refresh": {"token": token(jti="three")}})
        await kept.send({"id": 3, "refresh": {"token": token(jti="one")}})
        assert await kept.closed() == (3005, "connection expired")


async def test_a_revoked_subscription_token_ends_its_subscription(live: Running) -> None:
    async with live.client() as client:
        await client.sign_in()
        wish = {"channel": "secret:1", "token": token(channel="secret:1", jti="ticket")}
        assert "subscribe" in await client.ask({"id": 2, "subscribe": wish})
        await live.server.parts.revoking.revoke(token_id="ticket")
        push = (await client.receive())["push"]
        assert (push["channel"], push["unsubscribe"]["code"]) == ("secret:1", 2501)
        assert (await client.ask({"id": 3, "subscribe": wish}))["error"]["code"] == 109


async def test_a_session_that_was_refreshed_lives_by_its_newer_token(live: Running) -> None:
    async with live.client() as client:
        await client.sign_in(jti="one", **issued(10))
        await client.ask({"id": 2, "refresh": {"token": token(jti="two", **issued(0))}})
        await live.server.parts.revoking.revoke(token_id="one")
        await live.server.parts.revoking.revoke(user="alice", issued_before=time.time() - 5)
        await asyncio.sleep(0.05)
        assert await client.ask({"id": 3, "ping": {}}) == {"id": 3, "ping": {}}


async def test_in_authorization_a_revoked_token_is_401(live: Running) -> None:
    await live.server.parts.revoking.revoke(token_id="one")
    request = (
        "GET /ws HTTP/1.1\nHost: x\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Key: x"
    )
    request += f"\nSec-WebSocket-Version: 13\nAuthorization: Bearer {token(jti='one')}"
    answer = await live.http(request)
    assert answer.startswith("HTTP/1.1 401")
    assert answer.endswith("The token was refused: it was revoked.\n")


async def test_a_thousand_revocations_look_at_the_sessions_once(live: Running) -> None:
    parts = live.server.parts
    for number in range(1000):
        fields = {"token_id": f"t{number}", "before": 0, "until": time.time() + 60}
        parts.node.control(control.encode("revoke", **fields))
    assert len(parts.service._tasks) == 1
    assert len(parts.revoking.known) == 1000


async def test_what_is_known_looks_at_no_session_again(live: Running) -> None:
    """Every replica tells all that it knows, whenever Redis is there again."""
    service, node = live.server.parts.service, live.server.parts.node
    message = control.encode("revoke", token_id="one", before=0, until=time.time() + 60)
    node.control(message)
    await service.settled()
    node.control(message)
    assert not service._tasks


@pytest.mark.parametrize("fields", [{}, {"user": "alice"}, {"user": "a", "until": "soon"}])
async def test_an_order_that_is_not_understood_is_left_alone(
    live: Running, fields: dict[str, Any]
) -> None:
    live.server.parts.node.control(control.encode("revoke", **fields))
    assert len(live.server.parts.revoking.known) == 0


@pytest.mark.integration
@pytest.mark.parametrize("ahead", [-3600, 3600, 500 * 86_400])
async def test_the_time_of_a_revocation_is_that_of_redis(
    redis: RealRedis, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    async with running(redis=redis.address) as live:
        parts = live.server.parts
        await until(lambda: parts.broker.is_ready)
        await parts.revoking.revoke(user="bob")
        real = time.time
        with monkeypatch.context() as patch:  # the clock of this replica is wrong
            patch.setattr(time, "time", lambda: real() + ahead)
            parts.service.clocks = replace(parts.service.clocks, wall=time.time)
            await parts.revoking.revoke(user="alice")
        seconds = int(redis.ask("TIME")[0])
        told = [json.loads(each)["revoke"] for each in redis.ask("ZRANGE", "ws:orders", "0", "-1")]
        assert sorted(each["user"] for each in told) == ["alice", "bob"]  # neither was forgotten
        assert all(abs(each["before"] - seconds) < 5 for each in told)
