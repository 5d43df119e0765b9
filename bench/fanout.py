"""Measures the realtime service beside other servers, each on one core, the load on another.

    PYTHONPATH=services/ws python -m bench.fanout [--rounds N] [PEER ...]

Needs two cores, gcc, 20,000 open files, and a Docker Engine for the Redis of some rows, which is
asked at its container's own address and shares the core of the load. The peers come from Debian's
archive, from npm and by ``pip install python-socketio channels uvicorn``; one that does not start
is left out. Figures are printed and never asserted; on a machine that does other things, the
ratios within one run are worth more than the figures.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from subprocess import CalledProcessError

from bench import fanout_clients, fanout_others, fanout_peers
from bench.fanout_load import Crowd, Outcome
from bench.fanout_peers import LOAD_CORE, Peer, Running, running, through_nginx, with_redis

SUBSCRIBERS, MESSAGES, CHANNELS, EACH = 1000, 300, 1000, 20
STEADY = 4.0  # seconds of the fixed rate
SHARE = 0.6  # of the burst's rate
IDLE, RETURNING = 2000, 5000
PEERS: dict[str, Callable[[], Peer]] = {
    "websockets": fanout_peers.plain,
    "nats": fanout_others.nats,
    "nchan": fanout_others.nchan,
    "socketio": fanout_others.socket_io,
    "python-socketio": fanout_others.python_socketio,
    "channels": fanout_others.django_channels,
}
HEAD = (
    *("server", "1 x 1000", "ratio", "cpu", "p50", "p99"),
    *("1000 x 1", "ratio", "cpu", "steady", "p50", "p99", "lost"),
)


@dataclass(frozen=True)
class Row:
    """What one server did in the three loads; ``burst_cpu`` and ``many_cpu`` are processor time.

    That is in seconds a delivery, and less a matter of the machine than the rates.
    """

    name: str
    bursts: Sequence[Outcome]
    many: Sequence[Outcome]
    steady: Outcome
    burst_cpu: float
    many_cpu: float

    @property
    def burst_rate(self) -> float:
        """Deliveries a second of one channel."""
        return median(outcome.rate for outcome in self.bursts)

    @property
    def many_rate(self) -> float:
        """Deliveries a second of many channels."""
        return median(outcome.rate for outcome in self.many)

    def cells(self, first: "Row") -> tuple[str, ...]:
        """What the table shows; ratios are to the first row."""
        lost = sum(each.wanted - each.seen for each in (*self.bursts, *self.many, self.steady))
        return (
            *(self.name, f"{self.burst_rate:,.0f}/s", f"{self.burst_rate / first.burst_rate:.2f}"),
            *(_micro(self.burst_cpu), *_latencies(self.bursts)),
            *(f"{self.many_rate:,.0f}/s", f"{self.many_rate / first.many_rate:.2f}"),
            _micro(self.many_cpu),
            *(f"{self.steady.rate:,.0f}/s", *_latencies([self.steady]), str(lost)),
        )


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("peers", nargs="*", help=f"of {', '.join(PEERS)}; all of them without")
    options = parser.parse_args()
    if unknown := set(options.peers) - set(PEERS):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}")
    os.sched_setaffinity(0, {LOAD_CORE})
    ours = row(fanout_peers.ours(), options.rounds)
    print(line(HEAD), line(ours.cells(ours)), sep="\n", flush=True)
    behind = row(fanout_peers.ours(), options.rounds, behind_nginx=True)
    print(line(behind.cells(ours)), flush=True)
    with with_redis() as peer:
        print(line(row(peer, options.rounds).cells(ours)), flush=True)
    for name in options.peers or PEERS:
        try:
            cells = row(PEERS[name](), options.rounds).cells(ours)
        except (OSError, RuntimeError, CalledProcessError) as error:
            cells = (name, f"  not measured: {error}")
        print(line(cells), flush=True)
    print(idle(), returning(fanout_peers.ours()), sep="\n")
    with with_redis() as peer:
        print(returning(peer))


def row(peer: Peer, rounds: int, *, behind_nginx: bool = False) -> Row:
    """Put one server through the three loads."""
    with running(peer) as server:
        if not behind_nginx:
            return _loads(peer.name, peer, server, rounds)
        with through_nginx(server.port) as port:
            return _loads(f"{peer.name}, Nginx", peer, replace(server, port=port), rounds)


def _loads(name: str, peer: Peer, server: Running, rounds: int) -> Row:
    port, busy = server.port, server.busy
    crowd = Crowd(port, peer.dialect, ["all"] * SUBSCRIBERS)
    crowd.burst(MESSAGES)  # what is only slow the first time
    before = busy()
    bursts = [crowd.burst(MESSAGES) for _ in range(rounds)]
    burst_cpu = (busy() - before) / sum(each.seen for each in bursts)
    rate = SHARE * median(outcome.rate for outcome in bursts) / SUBSCRIBERS
    steady = crowd.steady(rate, STEADY)
    crowd.close()
    crowd = Crowd(port, peer.dialect, [f"c{number}" for number in range(CHANNELS)])
    crowd.burst(EACH)
    before = busy()
    many = [crowd.burst(EACH) for _ in range(rounds)]
    many_cpu = (busy() - before) / sum(each.seen for each in many)
    crowd.close()
    return Row(name, bursts, many, steady, burst_cpu, many_cpu)


def idle() -> str:
    """What a connection costs that does nothing, beside the library's own."""
    figures = []
    for peer in (fanout_peers.ours(), fanout_peers.plain()):
        with running(peer) as server:
            each = fanout_clients.idle_bytes(peer, server, IDLE) / 1024
            figures.append(f"{peer.name} {each:.1f} KiB")
    return f"idle, signed in, {IDLE} connections: {'  '.join(figures)}  wanted <= 20 KiB"


def returning(peer: Peer) -> str:
    """How fast everybody is back, with what was missed."""
    with running(peer) as server:
        seconds, whole = fanout_clients.reconnect(peer, server, RETURNING)
    return f"{peer.name}: {whole} of {RETURNING} recovered in {seconds:.1f} s  wanted <= 10 s"


def _micro(seconds: float) -> str:
    return f"{seconds * 1e6:.2f} us"


def _latencies(outcomes: Sequence[Outcome]) -> tuple[str, str]:
    p50, p99 = (median(each.latency(share) for each in outcomes) for share in (0.5, 0.99))
    return f"{p50 * 1000:.0f} ms", f"{p99 * 1000:.0f} ms"


def line(cells: Sequence[str]) -> str:
    """One line of the table."""
    return cells[0].ljust(24) + "".join(cell.rjust(12) for cell in cells[1:])


if __name__ == "__main__":
    main()
