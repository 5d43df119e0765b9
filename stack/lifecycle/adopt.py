"""Takes over what another folder or another tool made under the project's name, by consent.

Containers of others go; ``stack up`` makes its own. Networks and volumes cannot be given other
labels, so they are kept as they are, and written down as what this project may use.
"""

from collections.abc import Collection, Sequence

from stack.engines.docker.engine import DockerEngine
from stack.engines.running import Stranger
from stack.lifecycle import nameless
from stack.lifecycle.ownership import goes_on
from stack.project.state import State

KEY = "adopted"  # in the project's memory


def adopted(state: State) -> frozenset[str]:
    """Return the names of what others made and this project may use."""
    return frozenset(state.recall(KEY).split("\n")) - {""}


def take(state: State, ids: Collection[str]) -> None:
    """Write down by their ids what the project may use though others made it."""
    if ids:
        state.remember(KEY, "\n".join(sorted(adopted(state) | set(ids))))


def adopt(state: State, engine: DockerEngine, strangers: Sequence[Stranger]) -> None:
    """Take ``strangers`` over. The caller holds the lock and has consent.

    What is kept is written down before anything is removed: whatever ends this, no data is lost,
    and it can be done again. Networks that the project does not use go with the next ``up``.
    """
    take(state, {one.id for one in strangers if one.kind != "container"})
    nameless.keep(state, (left for one in strangers if goes_on(one) for left in one.nameless))
    for one in strangers:
        if one.kind == "container":
            engine.take_away(one)
