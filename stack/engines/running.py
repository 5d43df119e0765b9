"""What an engine has of a project: frozen values between observe and plan. Does nothing itself."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from stack.layout.labels import Owner

ANONYMOUS = re.compile("[0-9a-f]{64}")  # the engine's name of an anonymous volume
DONE = "done"  # the state of a container that did its work and ended with 0


@dataclass(frozen=True)
class AnonymousVolume:
    """An anonymous volume: the ``place`` it belonged to, and the engine's name of it.

    ``number`` is 0 for a container that none of the project follows.
    """

    service: str
    number: int
    place: str
    volume: str


@dataclass(frozen=True)
class Stranger:
    """Something with our project's name that this project did not make.

    ``anonymous`` are the anonymous volumes of a container.
    """

    kind: Literal["container", "network", "volume"]
    name: str
    id: str
    owner: Owner
    is_running: bool = False
    anonymous: tuple[AnonymousVolume, ...] = ()


@dataclass(frozen=True)
class SeenContainer:
    """One container as it is now.

    ``fingerprint`` is what ``up`` requested when it was made. ``state`` is the engine's word
    (running, exited, created, …) or DONE; ``status`` its sentence, ``Up 3 minutes (healthy)``.
    ``number`` is 0 if its label is not a number. ``published`` pairs ports of this machine with the
    container's, ``networks`` are those of the project that it is on; None if they were not
    inspected. ``front`` is the address of the front that it was made for, if it is the front.
    ``anonymous`` pairs a place in it with its anonymous volume there.
    """

    id: str
    name: str
    service: str
    number: int
    state: str
    status: str
    fingerprint: str
    image_id: str
    published: frozenset[tuple[int, int]] | None = None
    networks: frozenset[str] | None = None
    front: str = ""
    anonymous: tuple[tuple[str, str], ...] = ()

    @property
    def leaves(self) -> tuple[AnonymousVolume, ...]:
        """The anonymous volumes that stay when it is removed."""
        return tuple(AnonymousVolume(self.service, self.number, *pair) for pair in self.anonymous)

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self.state == "running"

    @property
    def is_healthy(self) -> bool:
        """Whether Docker's own health check passed last time."""
        return self.is_running and "(healthy)" in self.status

    def is_open(self, ports: Iterable[tuple[str, int, int]]) -> bool:
        """Whether it publishes ``ports``: an engine can lose them on the way (moby#51758).

        On at least one address: not every engine publishes on IPv6 as requested.
        """
        if not self.is_running or self.published is None:
            return True
        return self.published.issuperset((outer, inner) for _, outer, inner in ports)


@dataclass(frozen=True)
class SeenImage:
    """An image that the engine has; ``context`` is the digest of what we built it from.

    ``is_ours``: stack built it, or Compose did from the file that stack wrote for the project.
    """

    id: str
    context: str = ""
    is_ours: bool = True


@dataclass(frozen=True)
class Running:
    """All that an engine has of one project. Names are without the project's prefix.

    Only what the project made itself; what else has its name is in ``strangers``.
    """

    containers: tuple[SeenContainer, ...] = ()
    networks: Mapping[str, bool] = field(default_factory=dict)  # name → internal
    volumes: frozenset[str] = frozenset()
    images: Mapping[str, SeenImage] = field(default_factory=dict)  # reference → image
    strangers: tuple[Stranger, ...] = ()
    lent: frozenset[str] = frozenset()  # volumes that another tool made: used by consent, and kept
    one_offs: tuple[SeenContainer, ...] = ()  # by `docker compose run`, of our rendered file
    left: tuple[AnonymousVolume, ...] = ()  # by containers that are gone, the oldest first

    @property
    def exists(self) -> bool:
        """Whether there is more of the project than volumes."""
        return bool(self.containers or self.networks or self.one_offs)

    @property
    def own_volumes(self) -> list[str]:
        """The volumes that the project made itself."""
        return sorted(self.volumes - self.lent)

    @property
    def anonymous(self) -> tuple[AnonymousVolume, ...]:
        """The anonymous volumes that the containers have, or that their predecessors left."""
        seen = [one for container in self.containers for one in container.leaves]
        once = [replace(one, number=0) for container in self.one_offs for one in container.leaves]
        return (*self.left, *seen, *once)

    @property
    def anonymous_names(self) -> list[str]:
        """The engine's names of the anonymous volumes."""
        return sorted({one.volume for one in self.anonymous})

    def left_of(self, service: str, number: int) -> tuple[tuple[str, str], ...]:
        """Pair the places of a container that is gone with the volumes that it left there."""
        mine = [one for one in self.left if (one.service, one.number) == (service, number)]
        return tuple({one.place: one.volume for one in mine}.items())

    @property
    def front(self) -> str:
        """The address of the front that runs; empty if none does."""
        return next((one.front for one in self.containers if one.front and one.is_running), "")

    def with_done(self, ids: Collection[str]) -> "Running":
        """Return the same, with those of ``ids`` that ended with 0 marked as done."""
        return replace(
            self,
            containers=tuple(
                replace(seen, state=DONE)
                if seen.id in ids and seen.state == "exited" and "(0)" in seen.status
                else seen
                for seen in self.containers
            ),
        )

    def of(self, service: str) -> tuple[SeenContainer, ...]:
        """Return the containers of one service, lowest number first."""
        found = (seen for seen in self.containers if seen.service == service)
        return tuple(sorted(found, key=lambda seen: seen.number))


def shown(volume: str) -> str:
    """Return the name of a volume for people: of an anonymous one, its beginning."""
    return volume[:12] if ANONYMOUS.fullmatch(volume) else volume


@dataclass(frozen=True)
class Standing:
    """One stack of this machine, as ``stack list`` shows it. ``volumes`` is how many it has."""

    owner: Owner
    front: str = ""
    running: int = 0
    containers: int = 0
    volumes: int = 0

    @property
    def state(self) -> str:
        """Return in a word or two: running, stopped, ``2 of 4 run``, or only data."""
        if not self.containers:
            return "down, data kept" if self.volumes else "down"
        if self.running == self.containers:
            return "running"
        return f"{self.running} of {self.containers} run" if self.running else "stopped"
