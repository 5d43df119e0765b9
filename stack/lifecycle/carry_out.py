"""Carries out a plan and records each result in the Outcome; watches nothing."""

from collections.abc import Callable

from stack.engines.steps import Plan, Step
from stack.lifecycle.outcome import Outcome
from stack.lifecycle.run import Finished, Result, run

OnResult = Callable[[Result], None]


def carry_out(
    plan: Plan,
    perform: Callable[[Step], None],
    call_off: Callable[[], None],
    outcome: Outcome,
    on_result: OnResult,
) -> None:
    """Carry out the steps of a plan; ``call_off`` stops those that wait."""
    for result in run(plan, perform, call_off):
        on_result(result)
        if isinstance(result, Finished):
            outcome.results.append(result)
