"""Finds which of the containers that an ``up`` started have ended. Starts and changes nothing.

A container that ends with an error has failed, whether it could be asked or not. One that ends with
0 and needs no answer (no ``port``, no ``ready``) did its work, as a migration does: it is done.
"""

from collections.abc import Iterator

from stack.engines.base import Engine
from stack.layout.names import container_name
from stack.layout.topology import Topology
from stack.lifecycle.plan import is_silent
from stack.project.state import State
from stack.proof.ready import NotReadyError, Ready

_KEY = "done"  # of State.recall: the ids of containers that did their work


def remembered(state: State) -> frozenset[str]:
    """Return the ids of containers that an ``up`` saw end with 0."""
    return frozenset(state.recall(_KEY).split())


def failures(ready: Ready, topology: Topology) -> Iterator[tuple[str, NotReadyError]]:
    """Return which watched containers ended with an error and did not come back."""
    for item in topology.containers:
        for name in _ended(ready, topology, item.service):
            code = ready.engine.exit_code(name)
            if code and code > 0:
                yield name, ready.ended(name, code)


def remember_done(ready: Ready, topology: Topology, state: State) -> None:
    """Record which containers did their work: an ``up`` does not start them a second time."""
    found = {
        str(ready.engine.inspect(name)["Id"])
        for item in topology.containers
        if is_silent(item)
        for name in _ended(ready, topology, item.service)
        if ready.engine.exit_code(name) == 0
    }
    if found - remembered(state):
        state.remember(_KEY, " ".join(sorted(found | _existing(ready.engine, state))))


def _existing(engine: Engine, state: State) -> set[str]:
    return {seen.id for seen in engine.observe().containers} & remembered(state)


def _ended(ready: Ready, topology: Topology, service: str) -> list[str]:
    numbers = range(1, topology.container(service).replicas + 1)
    names = (container_name(topology.project, service, number) for number in numbers)
    return [name for name in names if name in ready.watch.exits]
