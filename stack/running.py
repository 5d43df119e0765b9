"""What an engine saw of a project: frozen values between observe and plan. Does nothing itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SeenContainer:
    """One container as it is now.

    ``fingerprint`` is what ``up`` was asked for when it was made. ``state`` is the engine's word
    (running, exited, created, …); ``status`` its sentence, such as ``Up 3 minutes (healthy)``.
    ``published`` pairs ports of this machine with the container's; None where nobody looked.
    """

    id: str
    name: str
    service: str
    number: int
    state: str
    status: str
    fingerprint: str
    image_id: str
    folder: str = ""
    published: frozenset[tuple[int, int]] | None = None

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

        On one address at least: not every engine publishes on IPv6 what it is asked to.
        """
        if not self.is_running or self.published is None:
            return True
        return self.published.issuperset((outer, inner) for _, outer, inner in ports)


@dataclass(frozen=True)
class SeenImage:
    """An image that the engine has; ``context`` is the digest of what we built it from."""

    id: str
    context: str = ""


@dataclass(frozen=True)
class Running:
    """All that an engine has of one project. Names are without the project's prefix."""

    containers: tuple[SeenContainer, ...] = ()
    networks: Mapping[str, bool] = field(default_factory=dict)  # name → internal
    volumes: frozenset[str] = frozenset()
    images: Mapping[str, SeenImage] = field(default_factory=dict)  # reference → image

    def of(self, service: str) -> tuple[SeenContainer, ...]:
        """Give the containers of one service, lowest number first."""
        found = (seen for seen in self.containers if seen.service == service)
        return tuple(sorted(found, key=lambda seen: seen.number))
