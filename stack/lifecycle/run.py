"""Carries out a Plan: steps at the same time where they do not depend on each other.

Knows neither engines nor terminals: ``perform`` does a step, the answers are Results.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from stack.engines.steps import Key, Plan, Step
from stack.errors import StackError
from stack.os_errors import from_os_error

MAX_WORKERS = 48


@dataclass(frozen=True)
class Started:
    """A step began."""

    step: Step


@dataclass(frozen=True)
class Finished:
    """A step ended; times are seconds since the run began. ``error`` is None when it worked."""

    step: Step
    start: float
    end: float
    error: StackError | None = None


Result = Started | Finished


def run(
    plan: Plan, perform: Callable[[Step], None], call_off: Callable[[], None]
) -> Iterator[Result]:
    """Yield Started and Finished as they happen.

    After a failure no new step begins, ``call_off`` tells running waits to stop, and running steps
    are finished; also when the caller stops (Ctrl-C), so no step is left half done. What
    ``perform`` raises besides StackError is a bug and is raised here.
    """
    begun = time.monotonic()
    waiting = {step.key: step for step in plan.steps}
    done = set[Key]()
    under_way: dict[Future[Finished], Step] = {}
    failed = False
    with ThreadPoolExecutor(min(MAX_WORKERS, len(plan.steps) or 1)) as pool:
        try:
            while waiting or under_way:
                able = [] if failed else _able(waiting, done)
                for step in able:
                    del waiting[step.key]
                    yield Started(step)
                    under_way[pool.submit(_timed, perform, step, begun)] = step
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    del under_way[future]
                    result = future.result()
                    yield result
                    done.add(result.step.key)
                    if result.error and not failed:
                        failed = True
                        call_off()
        finally:
            call_off()


def critical_path(results: list[Finished]) -> list[Finished]:
    """Return the chain of steps that determined the duration of the run, first step first."""
    by_key = {result.step.key: result for result in results}
    chain: list[Finished] = []
    last = max(results, key=lambda result: result.end, default=None)
    while last is not None:
        chain.append(last)
        before = [by_key[key] for key in last.step.after if key in by_key]
        last = max(before, key=lambda result: result.end, default=None)
    return chain[::-1]


def _able(waiting: dict[Key, Step], done: set[Key]) -> list[Step]:
    return [step for step in waiting.values() if done.issuperset(step.after)]


def _timed(perform: Callable[[Step], None], step: Step, begun: float) -> Finished:
    start = time.monotonic() - begun
    error: StackError | None = None
    try:
        perform(step)
    except StackError as raised:
        error = raised
    except OSError as trouble:  # a full disk is not a bug
        error = from_os_error(trouble)
    return Finished(step, start, time.monotonic() - begun, error)
