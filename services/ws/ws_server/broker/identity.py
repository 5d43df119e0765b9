"""Which data a Redis has: as long as its identity stays, it has forgotten nothing. Pure.

A restart gives another ``run_id``, and a promotion another ``master_replid``: what was acknowledged
before may be gone, whatever is written to a file (``appendfsync everysec`` loses a second of a host
that crashes, and a promoted replica what it had not received). A replication offset that goes back
is another memory in the same process, such as that of a machine that was restored.
https://redis.io/docs/latest/commands/info/
"""

from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Identity:
    """One reading of ``INFO replication``; ``master`` is that of a replica."""

    replication_id: str
    is_master: bool
    offset: int = field(compare=False)
    master: tuple[str, int] = ("", 0)

    @classmethod
    def read(cls, info: bytes) -> Self:
        """Read the answer of Redis. Raises ValueError for another text."""
        said = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
        try:
            return cls(
                said["master_replid"],
                said["role"] == "master",
                int(said["master_repl_offset"]),
                (said.get("master_host", ""), int(said.get("master_port", 0))),
            )
        except KeyError as missing:
            raise ValueError(f"INFO replication has no {missing}") from missing

    def has_all_of(self, earlier: Self) -> bool:
        """Whether a Redis with this identity has all that it had at an earlier reading."""
        return self == earlier and self.offset >= earlier.offset


def run_id(info: bytes) -> str:
    """Return the ``run_id`` in the answer to ``INFO server``; "" if there is none."""
    lines = (line for line in info.decode().splitlines() if line.startswith("run_id:"))
    return next(lines, "").removeprefix("run_id:")
