"""Opens the connection to a Redis that takes writes; keeps none."""

import asyncio
import importlib
from dataclasses import replace
from typing import TYPE_CHECKING

from ws_server.broker.base import BrokerDownError
from ws_server.broker.identity import Identity
from ws_server.settings.config import RedisAddress

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

CONNECT_TIMEOUT = 2.0  # seconds


async def connect(address: RedisAddress) -> "Connection":
    """Sign in to the Redis of the address, or to its master if it is a replica.

    Raises what redis-py raises, TimeoutError, and BrokerDownError if there is no master.
    """
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
        address = replace(address, host=host, port=port)
    raise BrokerDownError(f"{address.host}:{address.port} is a replica, and so is its master")


async def _open(address: RedisAddress) -> "Connection":
    # Importing redis-py takes long; in a thread, the server answers meanwhile.
    module = await asyncio.to_thread(importlib.import_module, "redis.asyncio.connection")
    retry = importlib.import_module("redis.asyncio.retry")
    backoff = importlib.import_module("redis.backoff")
    connection: Connection = module.Connection(
        host=address.host,
        port=address.port,
        db=address.db,
        username=address.username,
        password=address.password,
        protocol=3,
        driver_info=None,
        socket_connect_timeout=CONNECT_TIMEOUT,
        # With one, writes are wrapped in wait_for, which on Python 3.11 can swallow the
        # cancellation that ends this connection: nothing would ever open another.
        socket_timeout=None,
        retry=retry.Retry(backoff.NoBackoff(), 0),
    )
    async with asyncio.timeout(CONNECT_TIMEOUT):
        await connection.connect()  # type: ignore[no-untyped-call]  # redis-py types it not
    return connection


async def _identity(connection: "Connection") -> Identity:
    await connection.send_packed_command(connection.pack_command("INFO", "replication"))
    return Identity.read(bytes(await connection.read_response(disable_decoding=True)))
