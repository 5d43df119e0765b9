"""The requests and results of commands, as values. Does nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stack.errors import StackError, StoppedError

if TYPE_CHECKING:
    from pathlib import Path

    from stack.engines.steps import Plan
    from stack.layout.topology import FrontRoute
    from stack.lifecycle.run import Finished
    from stack.project.project import Prepared


@dataclass(frozen=True)
class Options:
    """How ``up`` and ``restart`` behave.

    ``timeout`` is in seconds, for services to answer; no ``services`` means all of them;
    ``build`` makes images of Dockerfiles again although their content is the same.
    """

    timeout: float
    services: tuple[str, ...] = ()
    build: bool = False


@dataclass(frozen=True)
class RouteCheck:
    """What the front answered on one route."""

    route: FrontRoute
    says: str
    is_well: bool


@dataclass
class Outcome:
    """What a command did."""

    project: str
    plan: Plan
    prepared: Prepared | None = None
    results: list[Finished] = field(default_factory=list)
    routes: list[RouteCheck] = field(default_factory=list)
    warnings: list[StackError] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def url(self) -> str:
        """The front as a browser writes it."""
        return self.prepared.front.origin if self.prepared else ""

    @property
    def authority(self) -> Path | None:
        """The certificate of the authority that a browser has to trust, if the front speaks TLS."""
        return self.prepared.authority if self.prepared else None

    @property
    def is_well(self) -> bool:
        """Whether everything worked and every route answers correctly."""
        return not self.failures and all(check.is_well for check in self.routes)

    @property
    def failures(self) -> list[StackError]:
        """What went wrong; waits that were called off because of it are not causes."""
        errors = [result.error for result in self.results if result.error]
        return [error for error in errors if not isinstance(error, StoppedError)] or errors
