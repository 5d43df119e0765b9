"""An engine of plain values for what needs one answer of it; whatever else is asked fails."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from stack.engines.base import Exit, Holder
from stack.engines.running import Running
from stack.engines.steps import Step
from stack.errors import EngineError


@dataclass
class FakeEngine:
    """Answers from its fields and remembers what it was told."""

    holder: Holder | None = None
    said: list[str | int] = field(default_factory=list)  # what execute yields
    lines: dict[str, list[str]] = field(default_factory=dict)
    told: list[tuple[str, ...]] = field(default_factory=list)
    codes: dict[str, int | None] = field(default_factory=dict)  # how containers ended
    started: str = "2026-01-01T00:00:00.123456789Z"
    running: Running | None = None

    def holder_of(self, port: int) -> Holder | None:
        return self.holder

    def execute(
        self, container: str, command: list[str], environment: Mapping[str, str] | None = None
    ) -> Iterator[str | int]:
        self.told.append((container, *command))
        yield from self.said

    def signal(self, container: str, name: str) -> None:
        self.told.append((container, name))

    def logs(self, container: str, tail: int) -> list[str]:
        return self.lines.get(container, [])[-tail:]

    def follow(self, container: str, tail: int | None) -> Iterator[str]:
        if container not in self.lines:
            raise EngineError(f"{container}: no such container")
        yield from self.lines[container]

    def observe(self, images: Collection[str] = ()) -> Running:
        if self.running is None:
            raise NotImplementedError
        return self.running

    def apply(self, step: Step) -> None:
        raise NotImplementedError

    def exit_code(self, container: str) -> int | None:
        return self.codes[container]

    def exits(self, on_exit: Callable[[Exit], None]) -> Callable[[], None]:
        raise NotImplementedError

    def published(self, container: str) -> list[tuple[str, int, int]]:
        raise NotImplementedError

    def inspect(self, container: str) -> dict[str, object]:
        return {"Id": f"id-{container}", "State": {"StartedAt": self.started}}
