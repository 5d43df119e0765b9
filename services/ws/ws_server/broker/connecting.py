"""Opens the connection to a Redis that takes writes; keeps none."""

import asyncio
import importlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ws_server.broker.base import BrokerDownError
from ws_server.broker.identity import Identity
from ws_server.settings.redis_address import RedisAddress, Tls

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

CONNECT_TIMEOUT = 2.0  # seconds


async def connect(address: RedisAddress) -> "Connection":
    """Sign in to the Redis of the address, or to its master if it is a replica.

    Raises what redis-py raises, TimeoutError, and BrokerDownError if there is no master.
    """
    if address.sentinels:
        address = await _named_by_sentinels(address)
    for _ in range(2):
        connection = await _open(address)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                identity = await _identity(connection)
            if identity.is_master:
                return connection
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        await connection.disconnect(nowait=True)
        host, port = identity.master
        address = replace(address, host=host, port=port, socket="")
    raise BrokerDownError(f"{address.host}:{address.port} is a replica, and so is its master")


async def _named_by_sentinels(address: RedisAddress) -> RedisAddress:
    """Ask one sentinel after another which server is the master."""
    # Importing redis-py takes long; in a thread, it does not block the server.
    module = await asyncio.to_thread(importlib.import_module, "redis.asyncio.sentinel")
    options = {
        "password": address.sentinel_password,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": CONNECT_TIMEOUT,
        **_tls_options(address.tls),
    }
    if address.tls:
        options["ssl"] = True
    asked = module.Sentinel(address.sentinels, sentinel_kwargs=options)
    try:
        host, port = await asked.discover_master(address.master)
    finally:
        for sentinel in asked.sentinels:
            await sentinel.aclose()
    return replace(address, host=host, port=port)


async def _open(address: RedisAddress) -> "Connection":
    module = await asyncio.to_thread(importlib.import_module, "redis.asyncio.connection")
    retry = importlib.import_module("redis.asyncio.retry")
    backoff = importlib.import_module("redis.backoff")
    options: dict[str, Any] = {
        "db": address.db,
        "username": address.username,
        "password": address.password,
        "protocol": 3,
        "driver_info": None,
        # With a timeout, writes are wrapped in wait_for, which on Python 3.11 can swallow the
        # cancellation that ends this connection: it would never reconnect.
        "socket_timeout": None,
        "retry": retry.Retry(backoff.NoBackoff(), 0),
    }
    connection: Connection
    if address.socket:
        connection = module.UnixDomainSocketConnection(path=address.socket, **options)
    else:
        options |= {"host": address.host, "port": address.port, **_tls_options(address.tls)}
        options["socket_connect_timeout"] = CONNECT_TIMEOUT
        kind = module.SSLConnection if address.tls else module.Connection
        connection = kind(**options)
    async with asyncio.timeout(CONNECT_TIMEOUT):
        await connection.connect()  # type: ignore[no-untyped-call]  # untyped in redis-py
    return connection


def _tls_options(tls: Tls | None) -> dict[str, Any]:
    if tls is None:
        return {}
    return {
        "ssl_ca_certs": tls.ca or None,
        "ssl_certfile": tls.certificate or None,
        "ssl_keyfile": tls.key or None,
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
    }


async def _identity(connection: "Connection") -> Identity:
    await connection.send_packed_command(connection.pack_command("INFO", "replication"))
    return Identity.read(bytes(await connection.read_response(disable_decoding=True)))
