"""Takes over what another folder or another tool made under the project's name, by consent.

Containers of others are removed; ``stack up`` creates its own. Networks and volumes cannot get
other labels, so they are kept as they are, and recorded as what this project may use.
"""

from collections.abc import Collection, Sequence

from stack.engines.docker.engine import DockerEngine
from stack.engines.running import Stranger
from stack.lifecycle import anonymous
from stack.lifecycle.ownership import goes_on
from stack.project.state import State

KEY = "adopted"  # in the project's memory


def adopted(state: State) -> frozenset[str]:
    """Return the names of what others made and this project may use."""
    return frozenset(state.recall(KEY).split("\n")) - {""}


def take(state: State, ids: Collection[str]) -> None:
    """Record by their ids what the project may use although others made it."""
    if ids:
        state.remember(KEY, "\n".join(sorted(adopted(state) | set(ids))))


def adopt(state: State, engine: DockerEngine, strangers: Sequence[Stranger]) -> None:
    """Take ``strangers`` over. The caller holds the lock and has consent.

    What is kept is recorded before anything is removed: if this is interrupted, no data is lost,
    and it can be repeated. Networks that the project does not use are removed by the next ``up``.
    """
    take(state, {one.id for one in strangers if one.kind != "container"})
    anonymous.keep(state, (left for one in strangers if goes_on(one) for left in one.anonymous))
    for one in strangers:
        if one.kind == "container":
            engine.take_away(one)
