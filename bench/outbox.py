"""Measures how long a commit in Postgres takes to become a message in a connected client.

    PYTHONPATH=services/ws python -m bench.outbox [--rate 500] [--seconds 20] [--rounds 3]

Server, writers and client are processes of their own, Postgres and Redis are containers. Writers
keep their rate whatever comes back (open loop). A time begins just before COMMIT is sent, so that
it holds the commit itself. Figures are printed and never asserted. The containers are asked at
their own addresses, as other containers do (on Linux); a published port goes through a proxy.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import quantiles

import psycopg
from websockets.asyncio.client import connect

from bench.projects import address, source
from stack.engines.docker.connect import connect as engine
from tests.integration.outbox.backends import Backends, started
from tests.ws.harness import Client
from tests.ws.test_process import logged, process

WRITERS = 8
CHANNEL = "bench"
WANTED = {50: 5.0, 99: 25.0}  # milliseconds by percentile
Times = dict[int, float]


def main() -> None:
    """Measure and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=500, help="transactions a second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with started(engine(), source()) as backends:
        print("commit to client      p50      p95      p99      max   rate/s    lost")
        for number in range(options.rounds):
            print(asyncio.run(measured(backends, options.rate, options.seconds, number)))
    wishes = ", ".join(f"p{name} <= {limit:g} ms" for name, limit in WANTED.items())
    print(f"wanted at {options.rate} transactions/s: {wishes}")


async def measured(backends: Backends, rate: int, seconds: int, number: int) -> str:
    """One round with a server of its own, as a line of the table."""
    uri = f"postgresql://postgres:secret@{address(backends.postgres)}/postgres"
    environment = {"REDIS_URL": f"redis://{address(backends.redis)}/0", "DATABASE_URL": uri}
    async with process(**environment) as (server, port):
        await logged(server, "outbox_leader")
        async with connect(f"ws://127.0.0.1:{port}/ws", compression=None) as socket:
            client = Client(socket)
            await client.sign_in(channels=["*"])
            await client.subscribe(CHANNEL)
            await asyncio.sleep(2)
            with ProcessPoolExecutor(1) as pool:
                loop = asyncio.get_running_loop()
                writing = loop.run_in_executor(pool, write, uri, rate, seconds)
                received = await receive(client, rate * seconds)
                committed, took = await writing
    return line(number, committed, received, took)


async def receive(client: Client, count: int) -> Times:
    """When each message came; gives up when none comes for a while."""
    times: Times = {}
    client.patience = 10
    try:
        while len(times) < count:
            message = await client.receive()
            if not message:
                await client.send({})  # the answer to a ping
            else:
                times[message["push"]["pub"]["data"]] = time.monotonic()
    except TimeoutError:
        pass
    return times


def write(uri: str, rate: int, seconds: int) -> tuple[Times, float]:
    """Commit at that rate; gives when each COMMIT was sent, and the seconds that all took."""
    return asyncio.run(_write(uri, rate, seconds))


async def _write(uri: str, rate: int, seconds: int) -> tuple[Times, float]:
    times: Times = {}
    begun = time.monotonic() + 0.5

    async def writer(first: int) -> None:
        async with await psycopg.AsyncConnection.connect(uri, autocommit=True) as link:
            for number in range(first, rate * seconds, WRITERS):
                await asyncio.sleep(begun + number / rate - time.monotonic())
                query = f"BEGIN; SELECT realtime.publish('{CHANNEL}', '{number}')"
                await link.execute(query.encode())
                times[number] = time.monotonic()
                await link.execute("COMMIT")

    await asyncio.gather(*(writer(first) for first in range(WRITERS)))
    return times, time.monotonic() - begun


def line(number: int, committed: Times, received: Times, took: float) -> str:
    """The percentiles of one round."""
    times = [1000 * (received[each] - committed[each]) for each in committed if each in received]
    lost = len(committed) - len(times)
    return f"round {number + 1}        {_cells(times)}{len(committed) / took:9.0f}{lost:8}"


def _cells(times: Sequence[float]) -> str:
    marks = quantiles(times, n=100)
    shown = [marks[49], marks[94], marks[98], max(times)]
    return "".join(f"{value:6.1f} ms" for value in shown)


if __name__ == "__main__":
    main()
