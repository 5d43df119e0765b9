"""The cases of ``stack lint`` as data: files in ``cases/<rule>/``, and what their comments say.

``# lint: --route /chat --nginx-version 1.24.0`` in the first line gives options, ``# nginx
refuses: why`` says that Nginx does not start with it, ``# <- WS001`` at the end of a line expects
that finding there.
"""

import argparse
import re
import shlex
from pathlib import Path

from stack.diagnose.edits import apply
from stack.diagnose.lint.judge import RULES, Options, lint
from stack.diagnose.nginx.conf import read
from stack.finding import Finding

ROOT = Path(__file__).parent / "cases"
BAD = sorted(ROOT.glob("*/bad_*.conf"))
GOOD = sorted([*ROOT.glob("*/good_*.conf"), *ROOT.glob("healthy/*.conf")])
CODES = {rule.cause.name: rule.cause.code for rule in RULES}


def name(path: Path) -> str:
    """Name a case for pytest."""
    return f"{path.parent.name}/{path.stem}"


def options(path: Path) -> Options:
    """Read the options of a case's first line."""
    first = path.read_text().partition("\n")[0]
    parser = argparse.ArgumentParser()
    parser.add_argument("--route", action="append", default=[])
    parser.add_argument("--nginx-version", default="")
    said = re.match(r"# lint: (.*)", first)
    found = parser.parse_args(shlex.split(said[1]) if said else [])
    numbers = [int(part) for part in found.nginx_version.split(".") if part]
    version = (numbers[0], numbers[1], numbers[2]) if numbers else None
    return Options(version, tuple(found.route))


def expected(path: Path) -> set[tuple[str, int]]:
    """Give the codes that comments expect, with their lines."""
    return {
        (code, number)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for code in re.findall(r"# <- (WS\d+)", line)
    }


def seen(path: Path, judged: Options) -> list[Finding]:
    """Lint a file."""
    return lint(read(path), judged)


def mended(path: Path, finding: Finding, folder: Path) -> Path:
    """Write the file with a finding's own edits into a folder."""
    copy = folder / path.name
    copy.write_text(apply(path.read_text(), finding.edits))
    return copy
