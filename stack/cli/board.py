"""The live board of a terminal: one line per service while ``up`` works. The only user of rich."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from stack.config.presets import NGINX
from stack.engines.steps import (
    AwaitReady,
    AwaitRoute,
    Key,
    MakeImage,
    PlaceConfig,
    RemoveContainer,
    RunContainer,
    StartContainer,
    Step,
)
from stack.lifecycle.run import Finished, Result

_DOING = {
    MakeImage: "image",
    RemoveContainer: "stopping",
    RunContainer: "starting",
    StartContainer: "starting",
    AwaitReady: "waiting for an answer",
    AwaitRoute: "asking the front",
}


class Board:
    """Shows each service's last step; lines of ``note`` scroll above it."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.lines: dict[str, Text | Spinner] = {}
        self.under_way: dict[Key, str] = {}  # step key → service
        self.live = Live(console=Console(), refresh_per_second=12, transient=True)

    def __enter__(self) -> Self:
        self.live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.live.__exit__(kind, error, trace)

    def note(self, text: str) -> None:
        """Put a line above the board."""
        self.live.console.print(Text(f"  {text}", style="dim"))

    def show(self, result: Result) -> None:
        """Update the board with an event."""
        service = service_of(result.step)
        if not service:
            return
        if isinstance(result, Finished):
            self.under_way.pop(result.step.key, None)
            self._settle(service, result)
        else:
            self.under_way[result.step.key] = service
            doing = _DOING.get(type(result.step), "preparing")
            self.lines[service] = Spinner("dots", Text(f"{service:<14} {doing}"), style="cyan")
        self.live.update(Group(*self.lines.values()))

    def _settle(self, service: str, result: Finished) -> None:
        if result.error:
            self.lines[service] = Text(f"✗ {service:<14} failed", style="red")
        elif service not in self.under_way.values():
            seconds = time.monotonic() - self.begun
            self.lines[service] = Text.assemble(
                ("✓ ", "green"), f"{service:<14} ", (f"{seconds:.1f} s", "dim")
            )


def service_of(step: Step) -> str:
    """Return the service that a step is about; empty for one that the user starts."""
    match step:
        case MakeImage() | RunContainer() | AwaitReady():
            return step.container.service
        case RemoveContainer() | StartContainer():
            return step.seen.service
        case AwaitRoute():
            return "" if step.route.source == "host" else step.route.service
        case PlaceConfig():
            return NGINX
        case _:
            return "networks"
