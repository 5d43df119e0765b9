"""What a client may do, and gets without asking, by options that are off by default."""

from dataclasses import replace
from typing import Any

import pytest
from ws_server.core.claims import Claims
from ws_server.core.namespaces import Namespace, Namespaces
from ws_server.core.policy import Policy
from ws_server.settings.config import load

from tests.ws.harness import API_KEY, SECRET, Client, Running, running, token

FOR_ALL = Namespace(presence=True, history_size=5, history_ttl=60)
OPTIONS = {
    "client": replace(
        FOR_ALL,
        allow_publish_for_client=True,
        allow_history_for_client=True,
        allow_presence_for_client=True,
    ),
    "anonymous": replace(
        FOR_ALL,
        allow_subscribe_for_anonymous=True,
        allow_publish_for_anonymous=True,
        allow_history_for_anonymous=True,
        allow_presence_for_anonymous=True,
    ),
}
COMMANDS: dict[str, dict[str, Any]] = {
    "publish": {"data": 1},
    "history": {"limit": 1},
    "presence": {},
    "presence_stats": {},
}


async def errors(client: Client, channel: str) -> dict[str, int]:
    """The code of the error to each command in a channel without a subscription; 0 for none."""
    found = {}
    for method, params in COMMANDS.items():
        answer = await client.ask({"id": 5, method: {"channel": channel, **params}})
        found[method] = answer.get("error", {}).get("code", 0)
    return found


@pytest.mark.parametrize("channel", ["client:1", "anonymous:1"])
@pytest.mark.parametrize("who", ["client", "anonymous"])
async def test_options_for_those_who_do_not_listen(channel: str, who: str) -> None:
    policy = Policy(allow_anonymous=True)
    async with running(namespaces=Namespaces(OPTIONS), policy=policy) as live, live.client() as one:
        if who == "client":
            await one.sign_in()
        else:
            assert "client" in (await one.ask({"id": 1, "connect": {}}))["connect"]
        code = 0 if channel.startswith(who) else 103
        assert await errors(one, channel) == dict.fromkeys(COMMANDS, code)
        joined = await one.subscribe("anonymous:2")
        assert ("error" in joined) is (who == "client")


@pytest.mark.parametrize("who", ["client", "anonymous"])
async def test_what_all_may_never_opens_a_channel_of_some_users(who: str) -> None:
    namespaces, policy = Namespaces({"": OPTIONS[who]}), Policy(allow_anonymous=True)
    async with running(namespaces=namespaces, policy=policy) as live, live.client() as one:
        given = {"token": token()} if who == "client" else {}
        await one.ask({"id": 1, "connect": given})
        assert await errors(one, "plain") == dict.fromkeys(COMMANDS, 0)
        assert await errors(one, "#bob") == dict.fromkeys(COMMANDS, 103)
        assert (await one.subscribe("#bob"))["error"]["code"] == 103


async def test_who_has_no_user_is_let_in_only_where_that_is_allowed(live: Running) -> None:
    async with live.client() as client:
        await client.send({"id": 1, "connect": {}})
        assert (await client.closed())[0] == 3500


async def test_all_without_a_user_are_not_one_user() -> None:
    options: dict[str, Any] = {"max_connections_per_user": 1, "policy": Policy(True)}
    async with running(**options) as live, live.client() as one, live.client() as two:
        for client in (one, two):
            reply = await client.ask({"id": 1, "connect": {}})
            assert reply["connect"]["expires"] is False
        assert live.server.parts.hub.users == 0
    assert not live.server.parts.hub.sessions


async def test_a_bad_token_is_not_nobody() -> None:
    async with running(policy=Policy(True)) as live, live.client() as client:
        await client.send({"id": 1, "connect": {"token": token(b"x" * 32)}})
        assert (await client.closed())[0] == 3500


async def test_the_server_subscribes_what_the_token_says(live: Running) -> None:
    subs = {"log:1": {"data": {"role": "admin"}}, "hidden": {}}
    async with live.client() as client, live.client() as other:
        reply = (await client.sign_in(subs=subs, channels=[]))["connect"]
        assert reply["subs"]["log:1"]["data"] == {"role": "admin"}
        assert reply["subs"]["hidden"] == {}
        position = {name: reply["subs"]["log:1"][name] for name in ("epoch", "offset")}
        await other.sign_in(sub="bob")
        await other.subscribe("log:1")
        await other.ask({"id": 3, "publish": {"channel": "log:1", "data": 1}})
        assert (await client.receive())["push"]["pub"]["data"] == 1
    async with live.client() as client:  # comes back, and says up to where it has heard
        wanted = {"log:1": {"recover": True, **position}, "secret": {}}
        connect = {"token": token(subs=subs, channels=[]), "subs": wanted}
        reply = (await client.ask({"id": 1, "connect": connect}))["connect"]
        assert reply["subs"]["log:1"]["recovered"] is True
        assert [pub["data"] for pub in reply["subs"]["log:1"]["publications"]] == [1]
        assert set(reply["subs"]) == set(subs)


@pytest.mark.parametrize("subs", [["a"], {"a": 1}, {"a*": {}}, {"": {}}])
async def test_a_subs_claim_of_another_shape(live: Running, subs: object) -> None:
    async with live.client() as client:
        await client.send({"id": 1, "connect": {"token": token(subs=subs)}})
        assert (await client.closed())[0] == 3500


@pytest.mark.parametrize(
    ("user", "namespace", "channel"),
    [
        ("alice", "", "#alice"),
        ("alice", "user", "user:#alice"),
        ("oidc:alice", "", "#oidc%3Aalice"),
        ("a,b", "", None),
        ("a#b", "", None),
        ("x" * 300, "", None),
        ("", "", None),
    ],
)
def test_the_personal_channel(user: str, namespace: str, channel: str | None) -> None:
    given = [each.channel for each in Policy(False, namespace).given(Claims(user, 1.0))]
    assert given == ([channel] if channel else [])
    assert list(Policy().given(Claims(user, 1.0))) == []


async def test_the_personal_channel_hears_what_the_application_says() -> None:
    async with running(policy=Policy(False, "")) as live, live.client() as client:
        assert "#alice" in (await client.sign_in())["connect"]["subs"]
        await live.server.parts.service.publish("#alice", b'{"data":1}')
        assert (await client.receive())["push"] == {"channel": "#alice", "pub": {"data": 1}}
        assert (await client.subscribe("#bob"))["error"]["code"] == 103


@pytest.mark.parametrize("name", ["delta", "tf", "type"])
async def test_options_that_are_not_done_are_refused(live: Running, name: str) -> None:
    async with live.client() as client:
        await client.sign_in()
        subscribe = {"channel": "news", name: "x"}
        assert (await client.ask({"id": 2, "subscribe": subscribe}))["error"]["code"] == 108
        assert "subscribe" in await client.ask({"id": 2, "subscribe": {**subscribe, name: None}})
    async with live.client() as client:
        connect = {"token": token(), "subs": {"news": {name: "x"}}}
        assert (await client.ask({"id": 1, "connect": connect}))["error"]["code"] == 108


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({}, 0),
        ({"exp": 1}, 109),
        ({"channel": "room:2"}, 103),
        ({"sub": "bob"}, 103),
        ({"secret": b"x" * 32}, 103),
    ],
)
async def test_a_subscription_token_counts_where_it_is_not_needed(
    live: Running, claims: dict[str, Any], code: int
) -> None:
    given = token(**{"channel": "room:1"} | claims)
    async with live.client() as client:
        await client.sign_in()
        subscribe = {"channel": "room:1", "token": given}
        answer = await client.ask({"id": 2, "subscribe": subscribe})
        assert answer.get("error", {}).get("code", 0) == code
        if not code:
            assert answer["subscribe"]["expires"] is True
    async with live.client() as client:
        connect = {"token": token(), "subs": {"room:1": {"token": given}}}
        reply = (await client.ask({"id": 1, "connect": connect}))["connect"]
        assert ("room:1" in reply.get("subs", {})) is (code == 0)


async def test_a_token_without_an_end() -> None:
    async with running(tokens_need_end=False) as live, live.client() as client:
        assert (await client.sign_in(exp=None))["connect"]["expires"] is False
    async with running() as live, live.client() as client:
        await client.send({"id": 1, "connect": {"token": token(exp=None)}})
        assert (await client.closed())[1] == "invalid token: it has no exp claim"


def environment(**more: str) -> dict[str, str]:
    return {"NEXTAUTH_SECRET": SECRET.decode(), **more}


def test_the_settings() -> None:
    found = load(
        environment(
            WS_ALLOW_ANONYMOUS="on",
            WS_PERSONAL_CHANNEL="on",
            WS_PERSONAL_CHANNEL_NAMESPACE="user",
            WS_ALLOW_TOKENS_WITHOUT_EXP="on",
            WS_SESSION_COOKIES="shop.session, other",
        ),
        ("redis",),
    )
    assert found.policy == Policy(True, "user")
    assert not found.tokens_need_end
    assert found.session_cookies == ("shop.session", "other")
    assert load(environment(), ("redis",)).policy == Policy()


async def test_a_subscription_token_of_connect_is_remembered() -> None:
    """It says when the subscription ends, and can be revoked."""
    async with running(api_key=API_KEY) as live, live.client() as client:
        given = token(channel="priv:1", jti="sub")
        connect = {"token": token(channels=[]), "subs": {"priv:1": {"token": given}}}
        reply = (await client.ask({"id": 1, "connect": connect}))["connect"]
        assert reply["subs"]["priv:1"]["expires"] is True
        await live.api("revoke", token_id="sub")
        assert (await client.receive())["push"]["unsubscribe"]["code"] == 2501
