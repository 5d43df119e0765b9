"""Writes docs/findings.md from the catalogue of causes. Run by ``make reference``."""

from collections.abc import Sequence
from pathlib import Path

from stack.diagnose.catalogue import all_causes
from stack.finding import Cause

INTRODUCTION = """\
# Every finding

Made from the rules by `make reference`; a test keeps it so. `stack explain WS001` prints the same
on the command line. A code keeps its meaning for ever.

`stack lint FILE…` sees WS0nn in an Nginx configuration; `stack doctor [URL]` sees the others on the
wire. An error breaks WebSockets, a warning degrades them or will break them some day, an info
is a suspicion. A finding can be weaker than its row here says.
"""


def findings() -> str:
    """Give the text of docs/findings.md."""
    causes = all_causes()
    return "\n".join([INTRODUCTION, *_index(causes), *(_entry(cause) for cause in causes)])


def _index(causes: Sequence[Cause]) -> list[str]:
    rows = [
        f"| [{cause.code}](#{cause.code.lower()}) | {cause.severity} | {_cell(cause.title)} |"
        for cause in causes
    ]
    return ["| code | severity | what |", "|---|---|---|", *rows, ""]


def _entry(cause: Cause) -> str:
    """Give one entry; its heading is the code alone, so that links to it stay true."""
    language = "nginx" if is_of_file(cause) else "text"
    lines = [f"## {cause.code}", "", f"**{_inline(cause.title)}** · `{cause.name}`", ""]
    lines += [_inline(cause.why), ""]
    for title, example in (("Wrong", cause.bad), ("Right", cause.good)):
        if example:
            lines += [f"{title}:", "", f"```{language}", example.strip("\n"), "```", ""]
    lines += [f"Fix: {_inline(cause.fix)}", "", f"More: <{cause.link}>"]
    return "\n".join([*lines, ""])


def is_of_file(cause: Cause) -> bool:
    """Tell whether ``stack lint`` sees the cause, in a file."""
    return cause.code.startswith("WS0")


def _inline(text: str) -> str:
    """Keep Markdown from taking ``<host>`` for HTML."""
    parts = text.split("`")
    outside = [part.replace("<", "\\<") if n % 2 == 0 else part for n, part in enumerate(parts)]
    return "`".join(outside)


def _cell(text: str) -> str:
    return _inline(text).replace("|", "\\|")


if __name__ == "__main__":
    target = Path(__file__).with_name("findings.md")
    target.write_text(findings(), encoding="utf-8")
