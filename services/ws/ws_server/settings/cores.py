"""Says how many processors this process may use; asks the kernel, decides nothing."""

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def available(cgroup: Path = CGROUP) -> int:
    """How many worker processes can run at once: the cores, or less if a quota says so.

    Half a core is none: a worker that is throttled answers late, and all its clients wait.
    """
    quota = _quota(cgroup)
    cores = _cores()
    return cores if quota is None else max(1, min(cores, int(quota)))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota(cgroup: Path) -> float | None:
    """The processors that the control group may use; None without a limit.

    https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files, and version 1 before it.
    """
    try:
        if (cgroup / "cpu.max").exists():
            text = (cgroup / "cpu.max").read_text()
        else:
            parts = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            text = " ".join((cgroup / "cpu" / part).read_text().strip() for part in parts)
        limit, period = (int(word) for word in text.split())
    except (OSError, ValueError):  # no control groups, or the word "max"
        return None
    return limit / period if limit > 0 < period else None
