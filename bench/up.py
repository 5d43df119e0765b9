"""Measures stack beside Docker Compose: same file, same images, in turns, whole processes.

    python -m bench.up [--rounds 5] [--many-rounds 2] [--services 30] [--json]

It says what it measured also where that falls short: the exit code is 0 in any case.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.figures import Figure, as_json, table
from bench.projects import Place, Text, demo, many, place, source
from tests.integration.compose_plugin import compose_command

ROOT = Path(__file__).parents[1]
STEPS = ("cold", "no-op", "down")
WANTED = {"cold": 0.8, "no-op": 0.6, "down": 1.0}
HELP_WITHIN = 0.06  # seconds
DEMO_RENDER_WITHIN = 0.05
BIG_RENDER_WITHIN = 1.0
BIG = 500  # services

Commands = Mapping[str, Sequence[str]]
Times = dict[str, list[float]]  # step → seconds of each round


def main() -> None:
    """Measure everything and print it."""
    options = _options()
    images = source()
    with tempfile.TemporaryDirectory() as folder:
        stack = installed(Path(folder))
        figures = [
            *compared(stack, "demo", demo(images), options.rounds),
            *compared(stack, "demo, Compose by levels", demo(images), options.many, by_levels),
            *compared(
                stack, f"{options.services} services", many(images, options.services), options.many
            ),
            Figure("stack --help", _repeat([stack, "--help"], 10), wanted=HELP_WITHIN),
            *rendering(stack, "demo", demo(images), DEMO_RENDER_WITHIN),
            *rendering(stack, f"{BIG} services", many(images, BIG), BIG_RENDER_WITHIN),
        ]
    print(as_json(figures) if options.json else table(figures))


def installed(folder: Path) -> str:
    """Install stack as a user has it, and give its command.

    Packages that only tests need would be loaded too: PyJWT takes cryptography wherever it is.
    """
    _progress("installing stack into an environment of its own")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return str(folder / "bin" / "stack")


def compared(
    stack: str,
    title: str,
    text: Text,
    rounds: int,
    change: Callable[[Place], None] = lambda _: None,
) -> list[Figure]:
    """Bring a project up, up again and down, by stack and by Compose, taking turns to begin.

    ``change`` edits what Compose is given; without it, that is the rendered file.
    """
    ours: Times = defaultdict(list)
    theirs: Times = defaultdict(list)
    with place(text) as by_stack, place(text) as by_compose:
        timed([stack, "images"], by_stack)
        timed([stack, "render"], by_compose)
        change(by_compose)
        turns = [(stack_commands(stack), by_stack, ours), (compose_commands(), by_compose, theirs)]
        for number in range(rounds):
            for commands, where, times in turns[:: -1 if number % 2 else 1]:
                for step in STEPS:
                    times[step].append(timed(commands[step], where))
            _progress(f"{title}: round {number + 1} of {rounds}")
    return [
        Figure(f"{title}, {step}", ours[step], theirs[step], WANTED[step])
        for step in STEPS
        if rounds
    ]


def by_levels(where: Place) -> None:
    """Let Compose start a service when what it needs is healthy, as most Compose files say.

    The rendered file does without, because our WebSocket server waits by itself.
    """
    file = where.folder / "compose.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("service_started", "service_healthy"), encoding="utf-8")


def stack_commands(stack: str) -> Commands:
    """Give what a user of stack types."""
    up = [stack, "up"]
    return {"cold": up, "no-op": up, "down": [stack, "down", "--volumes", "--yes"]}


def compose_commands() -> Commands:
    """Give what a user of Compose types for the same."""
    compose = compose_command()
    up = [*compose, "up", "--detach", "--wait"]
    return {"cold": up, "no-op": up, "down": [*compose, "down", "--volumes"]}


def rendering(stack: str, title: str, text: Text, wanted: float) -> list[Figure]:
    """Time the rendering itself and the whole command."""
    with place(text) as where:
        own = [_rendered(where) for _ in range(5)]
        command = _repeat([stack, "render"], 5, where)
    return [
        Figure(f"render {title}", own, wanted=wanted),
        Figure(f"render {title}, whole command", command),
    ]


def timed(command: Sequence[str], where: Place | None = None) -> float:
    """Give the seconds from the start of a process to its end, which has to be a good one."""
    folder = where.folder if where else None
    begun = time.perf_counter()
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    took = time.perf_counter() - begun
    if ended.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return took


def _rendered(where: Place) -> float:
    module = Path(__file__).with_name("render.py")
    command = [sys.executable, str(module), str(where.folder / "stack.yaml")]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(said.stdout)


def _repeat(command: Sequence[str], times: int, where: Place | None = None) -> list[float]:
    return [timed(command, where) for _ in range(times)]


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure stack beside Docker Compose.")
    parser.add_argument("--rounds", type=int, default=5, help="of the demo")
    parser.add_argument("--many-rounds", type=int, default=2, dest="many", help="of the big one")
    parser.add_argument("--services", type=int, default=30, help="of the big one")
    parser.add_argument("--json", action="store_true", help="every single run as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # either way, what was started is removed
        signal.signal(number, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
