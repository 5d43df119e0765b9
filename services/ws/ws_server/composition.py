"""Creates every part of the server, once, with its dependencies."""

import asyncio
import socket
import time
from collections.abc import Callable

from ws_server.api.gauge import Gauge
from ws_server.auth import jwks
from ws_server.auth.database_sessions import DatabaseSessions
from ws_server.auth.verifiers import Verifiers
from ws_server.broker.base import Broker
from ws_server.broker.brokers import broker_at
from ws_server.clients.timer import Timer
from ws_server.clients.transport import Turn
from ws_server.core.claims import Expected
from ws_server.core.commands import Rules
from ws_server.core.hub import Hub
from ws_server.core.revocation import Revocations
from ws_server.core.session import Times
from ws_server.log import Log
from ws_server.outbox.relay import Relay
from ws_server.postgres import Database
from ws_server.server import Parts, Server
from ws_server.service import control
from ws_server.service.emulation import Emulation
from ws_server.service.fanout import Fanout
from ws_server.service.hooks import Asker
from ws_server.service.node import Node
from ws_server.service.revoking import Revoking
from ws_server.service.service import Clocks, Service
from ws_server.service.survey import Survey
from ws_server.settings.config import Settings
from ws_server.stats import Stats
from ws_server.workers.peers import Peers


def compose(
    settings: Settings, log: Log, broker: Broker | None = None, peers: Peers | None = None
) -> Server:
    """Create a server from the settings; ``broker`` replaces the one that they configure."""
    hub, stats, turn = Hub(_times(settings)), Stats(), Turn()
    timer = Timer(hub.next_deadline)
    broker = broker or broker_at(settings.redis, log)
    rules = Rules(settings.namespaces, settings.max_channels, settings.max_commands_per_second)
    fanout = Fanout(hub.channels, settings.namespaces, stats, _soon, turn.flush)
    clocks = Clocks(lambda: asyncio.get_running_loop().time(), time.time)
    service = Service(hub, rules, stats, log, clocks, fanout, broker, timer.moved)
    revoking = Revoking(service, Revocations(time.time))
    survey = Survey(service, _name(settings, peers))
    handlers = {**control.HANDLERS, **revoking.handlers, **survey.handlers}
    database = Database(settings.postgres, log) if settings.postgres else None
    relay = Relay(database, broker, service.publish, log) if database and settings.outbox else None
    parts = Parts(
        service=service,
        node=Node(service, revoking, handlers),
        revoking=revoking,
        survey=survey,
        emulation=Emulation(service, survey),
        verifiers=_verifiers(settings, log, revoking),
        database=database,
        relay=relay,
        timer=timer,
        turn=turn,
        asker=_asker(settings, stats, log),
        gauges=_gauges(broker, relay),
    )
    return Server(settings, log, parts, peers)


def _times(settings: Settings) -> Times:
    return Times(
        *(settings.connect_timeout, settings.ping_interval, settings.pong_timeout),
        settings.expired_grace,
    )


def _name(settings: Settings, peers: Peers | None) -> str:
    worker = f"_{peers.number}" if peers else ""
    return f"{socket.gethostname()}_{settings.port}{worker}"


def _verifiers(settings: Settings, log: Log, revoking: Revoking) -> Verifiers:
    keys, sessions = None, None
    if settings.jwks_url:
        keys = jwks.Jwks(jwks.source(settings.jwks_url), time.monotonic, log)
    if settings.session_table and settings.postgres is not None:
        sessions = DatabaseSessions(settings.postgres, settings.session_table, time.time, log)
    return Verifiers(
        (settings.secret, *settings.previous_secrets),
        Expected(settings.jwt_audience, settings.jwt_issuer, settings.tokens_need_end),
        time.time,
        revoking.known.refuse,
        keys,
        sessions,
    )


def _asker(settings: Settings, stats: Stats, log: Log) -> Asker | None:
    hooks = settings.hooks
    return Asker(hooks, stats, log) if hooks.is_on else None


def _gauges(broker: Broker, relay: Relay | None) -> list[Gauge]:
    found = [Gauge("broker_lag_seconds", "Time of the broker's answer.", lambda: broker.lag)]
    if relay:
        lag = relay.lag
        found += [
            Gauge("outbox_rows", "Rows that are to be published.", lambda: lag.waiting),
            Gauge("outbox_oldest_seconds", "How long the first has waited.", lambda: lag.oldest),
            Gauge("outbox_shards", "Shards that this replica relays.", lambda: lag.shards),
        ]
    return found


def _soon(call: Callable[[], None]) -> None:
    """Call after all callbacks that are ready now, and after the reads that these schedule."""
    # A fan-out to thousands takes long: what is read too late for it waits for the next one.
    loop = asyncio.get_running_loop()
    loop.call_soon(loop.call_soon, call)
