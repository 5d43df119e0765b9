"""What a family of conclusions is, as values; each one has a file beside this one. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from stack.diagnose.doctor.evidence import Evidence
from stack.finding import Cause, Finding

Conclusion = Callable[[Evidence], Finding | None]


class Remark(Protocol):
    """A conclusion that is added to the cause, or stands alone if nothing failed."""

    def __call__(self, evidence: Evidence, *, has_failed: bool) -> Finding | None:
        """Return the remark if it applies."""


@dataclass(frozen=True)
class Family:
    """The causes of one subject, and how they are found.

    ``specific`` are asked in the order of the registry, and ``general`` once no specific one of
    any family holds. ``remarks`` are added to the first that holds.
    """

    causes: tuple[Cause, ...]
    specific: tuple[Conclusion, ...] = ()
    general: tuple[Conclusion, ...] = ()
    remarks: tuple[Remark, ...] = ()
