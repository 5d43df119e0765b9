"""Redis as teams have it: TLS, a Unix socket, users, and sentinels that name the master."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
import trustme
from ws_server.broker.connecting import connect
from ws_server.settings.redis_address import RedisAddress, Tls

from tests.integration.containers import eventually
from tests.ws.redis_server import (
    AOF,
    RDB,
    RealRedis,
    Servers,
    redis_servers,
    replica,
    user_options,
)
from tests.ws.test_redis_broker import fill

pytestmark = pytest.mark.integration
CHANNEL = "room:1"
SENTINEL = """
sentinel monitor main 127.0.0.1 {port} 2
sentinel down-after-milliseconds main 500
sentinel failover-timeout main 3000
sentinel auth-user main app
sentinel auth-pass main app
requirepass watcher
sentinel sentinel-pass watcher
"""


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with redis_servers() as place:
        yield place


async def publishes(address: RedisAddress) -> None:
    async with replica(address) as one, replica(address) as two:
        await two.broker.subscribe(CHANNEL)
        await fill(one, CHANNEL, 3)
        await two.heard.until("pub", b"3")


# TLS


@dataclass
class Certificates:
    """Of a server and of a client, from one authority; ``folder`` has those of the client."""

    folder: Path
    tls: Tls
    files: dict[str, str]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    server = authority.issue_cert("localhost")
    client = authority.issue_cert("client@example.com")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    client.cert_chain_pems[0].write_to_path(folder / "client.pem")
    client.private_key_pem.write_to_path(folder / "client.key")
    names = (folder / "ca.pem", folder / "client.pem", folder / "client.key")
    files = {
        "ca.pem": authority.cert_pem.bytes().decode(),
        "server.pem": server.cert_chain_pems[0].bytes().decode(),
        "server.key": server.private_key_pem.bytes().decode(),
    }
    return Certificates(folder, Tls(*map(str, names)), files)


@pytest.fixture(scope="module")
def encrypted(servers: Servers, certificates: Certificates) -> RedisAddress:
    """A server that wants a certificate of its clients."""
    server = servers.start_tls(*user_options("app"), files=certificates.files)
    return RedisAddress("localhost", server, 0, "app", "app", tls=certificates.tls)


async def test_over_tls_with_a_client_certificate(encrypted: RedisAddress) -> None:
    await publishes(encrypted)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"host": "127.0.0.1"}, "IP address mismatch|doesn't match"),
        ({"tls": Tls()}, "self.signed|unable to get local issuer"),
        ({"tls": None}, "Connection closed|Connection reset"),
    ],
)
async def test_what_tls_does_not_prove_is_refused(
    encrypted: RedisAddress, changed: dict[str, object], words: str
) -> None:
    with pytest.raises(Exception, match=words):
        await connect(replace(encrypted, **changed))  # type: ignore[arg-type]


async def test_a_client_certificate_is_wanted(
    encrypted: RedisAddress, certificates: Certificates
) -> None:
    with pytest.raises(Exception, match=r"(?i)certificate required|closed|reset"):
        await connect(replace(encrypted, tls=Tls(certificates.tls.ca)))


# A Unix socket, and users


@pytest.fixture
def socket(servers: Servers, tmp_path: Path) -> str:
    tmp_path.chmod(0o777)
    options = ("--unixsocket", "/shared/redis.sock", "--unixsocketperm", "777")
    servers.start(*options, *user_options("app"), shared=tmp_path)
    return str(tmp_path / "redis.sock")


async def test_over_a_unix_socket(socket: str) -> None:
    await publishes(RedisAddress("", 0, 3, "app", "app", socket=socket))


async def test_a_user_with_the_documented_rights(servers: Servers) -> None:
    rights = (*("on", ">app", "~ws:*", "&ws*"), *("+@all", "-@dangerous", "+info"))
    server = servers.start("--user", "app", *rights)
    await publishes(replace(server.address, username="app", password="app"))


# Sentinel


@dataclass
class Watched:
    """A master, its replica, and three sentinels."""

    servers: dict[int, RealRedis]
    sentinels: list[RealRedis]

    @property
    def address(self) -> RedisAddress:
        places = tuple(("127.0.0.1", each.port) for each in self.sentinels)
        return RedisAddress(
            *("", 0, 0, "app", "app"),
            sentinels=places,
            master="main",
            sentinel_password="watcher",
        )


@pytest.fixture(params=[AOF, RDB], ids=["aof", "rdb"])
def watched(request: pytest.FixtureRequest, servers: Servers) -> Watched:
    options = (*request.param, *user_options("app"))
    master, follower = servers.start(*options), servers.start(*options)
    follower.follow(master)
    configuration = SENTINEL.format(port=master.port)
    sentinels = [servers.start_sentinel(configuration, "watcher") for _ in range(3)]
    for each in sentinels:
        eventually(partial(each.ask, "SENTINEL", "CKQUORUM", "main"))
        eventually(partial(has_replica, each))
    return Watched({each.port: each for each in (master, follower)}, sentinels)


def has_replica(sentinel: RealRedis) -> None:
    assert sentinel.ask("SENTINEL", "REPLICAS", "main")


async def test_sentinels_name_the_next_master(watched: Watched) -> None:
    async with replica(watched.address) as one:
        before = await fill(one, CHANNEL, 5)
        _, port = watched.sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
        await asyncio.to_thread(watched.servers[int(port)].kill)
        await one.ready(expected=False)
        await one.ready(limit=30)
        after = await fill(one, CHANNEL, 1)
        assert after.epoch != before.epoch
        assert one.heard.reconnections == 1


async def test_one_sentinel_is_enough_to_find_it(watched: Watched) -> None:
    for each in watched.sentinels[:2]:
        await asyncio.to_thread(each.kill)
    await publishes(watched.address)


async def test_a_master_that_no_sentinel_knows(watched: Watched) -> None:
    with pytest.raises(Exception, match="No master found for 'other'"):
        await connect(replace(watched.address, master="other"))
