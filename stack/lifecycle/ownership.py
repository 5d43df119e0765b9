"""Finds the owner of a project's name, and what to do if it is another one. Pure.

A project is a name and a folder. What has the name but was not made by this project is never
changed, removed or mounted; its owner decides, or the user with ``stack adopt``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stack.errors import StackError
from stack.hint import quoted
from stack.layout.labels import Owner
from stack.layout.names import container_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from stack.engines.running import Running, Stranger
    from stack.layout.topology import Topology

MOST = 5  # names in one line


def wanted_names(topology: Topology) -> frozenset[str]:
    """Return the names of all containers, networks and volumes that the project makes."""
    project = topology.project
    return frozenset(
        [
            *(
                container_name(project, item.service, number + 1)
                for item in topology.containers
                for number in range(item.replicas)
            ),
            *(f"{project}_{name}" for name, _ in topology.networks),
            *(f"{project}_{name}" for name in topology.volumes),
        ]
    )


def in_the_way(owner: Owner, running: Running, names: Collection[str] = ()) -> list[Stranger]:
    """Return what is not the project's and has its name, by label or as one of ``names``."""
    return [
        one for one in running.strangers if one.owner.project == owner.project or one.name in names
    ]


def has_no_labels(owner: Owner, stranger: Stranger) -> bool:
    """Whether a stack that had no labels of its own yet may have made it for this project."""
    return stranger.kind != "container" and stranger.owner == Owner(owner.project)


def refusal(
    owner: Owner,
    strangers: Collection[Stranger],
    folders: Collection[str],
    *,
    is_mixed: bool = False,
) -> StackError:
    """Return who has the name and what can be done; ``folders`` are existing ones of the owners.

    If ``is_mixed`` the project runs under the name as well: Compose would remove that too.
    """
    # What is most precise about itself: a stack, then what has a folder.
    first = max((one.owner for one in strangers), key=lambda who: (bool(who.file), who.folder > ""))
    same = [one for one in strangers if _is_of(first, one.owner)]
    who, hints = _who(owner, first, same, first.folder in folders)
    if is_mixed:
        stop = stop_command(Owner(owner.project))
        own = [f"docker rm --force {quoted(one.name)}" for one in same if one.kind == "container"]
        hints = [*own, *(hint for hint in hints if hint != stop)]
    others = len(strangers) - len(same)
    more = f"; and {others} more of others" if others else ""
    message = f"{owner.file or 'stack.yaml'}: name: {owner.project} is in use by {who}"
    return StackError(f"{message}: {listed(same)}{more}", "\n".join(hints))


def _is_of(owner: Owner, other: Owner) -> bool:
    """Whether both are the same: Compose records the folder on containers only."""
    return other == owner or (not owner.file and other == Owner(owner.project))


def goes_on(stranger: Stranger) -> bool:
    """Whether its anonymous volumes continue in a container of ours: those of a stack do."""
    return bool(stranger.owner.file)


def consequences(
    project: str, strangers: Collection[Stranger], names: Collection[str]
) -> list[str]:
    """Return a line about what adopting does to each; the project uses ``names``."""
    lines = []
    for one in sorted(strangers, key=lambda one: (one.kind, one.name)):
        becomes = _becomes(project, one, one.name in names)
        lines.append(f"{becomes} {one.kind} {one.name} ({made_by(one.owner)})")
        does = "keep and use" if goes_on(one) else "leave alone"
        lines += [
            f"{does} volume {left.volume} (no name, {left.place} of {one.name})"
            for left in one.anonymous
        ]
    return lines


def _becomes(project: str, one: Stranger, is_used: bool) -> str:
    is_orphan = one.kind == "network" and one.name.startswith(f"{project}_")
    if one.kind == "container" or (is_orphan and not is_used):
        return "remove"
    return "keep and use" if is_used else "leave alone"


def made_by(owner: Owner) -> str:
    """Return who made something."""
    if owner.file:
        return f"made by stack in {owner.folder}"
    if owner.project:
        return "made by Docker Compose" + (f" in {owner.folder}" if owner.folder else "")
    return "made by hand"


def listed(strangers: Iterable[Stranger]) -> str:
    """Return names in one line, shortened if there are many."""
    names = sorted(f"{one.kind} {one.name}" for one in strangers)
    more = len(names) - MOST
    return ", ".join(names[:MOST]) + (f" and {more} more" if more > 0 else "")


def stop_command(owner: Owner, here: str = "") -> str:
    """Return the command by which the owner stops what runs, for a user in the folder ``here``."""
    if owner.file and owner.folder == here:
        return f"stack down --project {quoted(owner.project)}"
    if owner.file:
        named = "" if owner.file == "stack.yaml" else f" --file {quoted(owner.file)}"
        return f"cd {quoted(owner.folder)} && stack down{named}"
    return f"docker compose --project-name {quoted(owner.project)} down"


def _who(
    owner: Owner, other: Owner, same: Collection[Stranger], is_there: bool
) -> tuple[str, list[str]]:
    rename = f"choose another name in {owner.file}: name: {owner.project}-2"
    if other == owner:  # it has our labels, but is not one of ours
        names = [one.name for one in same if one.kind == "container"]
        return "a container of an image committed from it", [
            f"docker rm --force {quoted(name)}" for name in names
        ]
    if other.file and (other.folder, other.project) == (owner.folder, owner.project):
        return f"{other.file} of this folder", [stop_command(other), rename]
    if other.file and is_there:
        return f"the stack of {other.folder}", [stop_command(other), rename]
    if other.file:
        who = f"the stack of {other.folder}, a folder that no longer exists"
        return who, ["if the folder was moved here: stack adopt", rename]
    if other.project:
        where = f" of {other.folder}" if other.folder else ""
        is_only_data = all(one.kind == "volume" for one in same)
        first = [] if is_only_data else [stop_command(other)]
        take = "take them over (volumes with a name are kept and used): stack adopt"
        return f"the Docker Compose project {other.project}{where}", [*first, take, rename]
    take = "take it over (volumes with a name are kept and used): stack adopt"
    return "something made by hand", [take, rename]
