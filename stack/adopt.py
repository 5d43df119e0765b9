"""Takes over what another folder or another tool made under the project's name, by consent.

Containers and networks of others go; ``stack up`` makes them anew. A volume cannot be given other
labels, so it is kept as it is, and written down as one that this project may use.
"""

from collections.abc import Collection, Sequence

from stack.engines.docker.engine import DockerEngine
from stack.running import Stranger
from stack.state import State

KEY = "adopted"  # in the project's memory


def adopted(state: State) -> frozenset[str]:
    """Give the names of what others made and this project may use."""
    return frozenset(state.recall(KEY).split("\n")) - {""}


def take(state: State, ids: Collection[str]) -> None:
    """Write down by their ids what the project may use though others made it."""
    if ids:
        state.remember(KEY, "\n".join(sorted(adopted(state) | set(ids))))


def adopt(state: State, engine: DockerEngine, strangers: Sequence[Stranger]) -> list[str]:
    """Take ``strangers`` over; give a line for each. The caller holds the lock and has consent.

    Volumes are written down before anything is removed: whatever ends this, no data is lost, and
    it can be done again.
    """
    take(state, {one.id for one in strangers if one.kind == "volume"})
    done = [f"kept     {one.name}" for one in strangers if one.kind == "volume"]
    for kind in ("container", "network"):
        for one in strangers:
            if one.kind == kind:
                engine.take_away(one)
                done.append(f"removed  {one.name}")
    return done
