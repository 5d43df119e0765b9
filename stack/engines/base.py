"""What stack asks of a container engine. Knows no engine."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from stack.engines.running import Running
from stack.engines.steps import Step
from stack.layout.labels import Owner

Say = Callable[[str], None]  # shows the user one line
GONE = -1  # instead of an exit code


@dataclass(frozen=True)
class Exit:
    """A process that ended: the container's name and the exit code."""

    container: str
    code: int


@dataclass(frozen=True)
class Holder:
    """What publishes a port: a container, and its owner."""

    container: str
    owner: Owner


class Engine(Protocol):
    """Runs containers. Every method raises EngineError if the engine fails."""

    def observe(self, images: Collection[str] = ()) -> Running:
        """Return what the project has, what else has its name, and which of ``images`` exist."""

    def apply(self, step: Step) -> None:
        """Carry out one step that changes something."""

    def execute(
        self, container: str, command: list[str], environment: Mapping[str, str] | None = None
    ) -> Iterator[str | int]:
        """Run a command in a container: lines of its output, at the end the exit code.

        What must not be visible in a list of processes goes into ``environment``.
        """

    def signal(self, container: str, name: str) -> None:
        """Send a signal to a container's first process."""

    def exit_code(self, container: str) -> int | None:
        """Return how a container's process ended; None while it lives, -1 if it is gone."""

    def logs(self, container: str, tail: int) -> list[str]:
        """Return the last ``tail`` lines of a container's log."""

    def follow(self, container: str, tail: int | None) -> Iterator[str]:
        """Yield the log of a container, and its new lines until the container ends.

        Its last ``tail`` lines, or without a ``tail`` all since it was started last.
        """

    def exits(self, on_exit: Callable[[Exit], None]) -> Callable[[], None]:
        """Call ``on_exit`` whenever a container of the project ends; the returned function stops
        that.
        """

    def published(self, container: str) -> list[tuple[str, int, int]]:
        """Return the ports that are really open: address, port of this machine, container port."""

    def holder_of(self, port: int) -> Holder | None:
        """Find the container that publishes ``port`` on this machine."""

    def inspect(self, container: str) -> dict[str, object]:
        """Return all that the engine reports about a container."""
