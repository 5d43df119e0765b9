"""What is copied into other projects: the pre-commit hook and the workflow call what there is."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.command_line import Stack

ROOT = Path(__file__).parents[2]
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
WORKFLOW: dict[str, Any] = yaml.safe_load(
    (ROOT / "examples/github-action/lint.yaml").read_text(encoding="utf-8")
)
COMMANDS = [
    shlex.split(step["run"])
    for job in WORKFLOW["jobs"].values()
    for step in job["steps"]
    if step.get("run", "").startswith("stack ")
]


@pytest.mark.parametrize(
    "file",
    [
        "nginx.conf",
        "deploy/nginx-dev.conf",
        "docker/nginx/shop.conf",
        "conf.d/a.conf",
        "etc/nginx/sites-available/default",
        "nginx/default.conf.template",
    ],
)
def test_the_hook_runs_for_nginx_files(file: str) -> None:
    assert re.search(HOOK["files"], file)


@pytest.mark.parametrize(
    "file", ["redis.conf", "nginx/mime.types", "nginx.conf/x.py", "docs/nginx.md"]
)
def test_the_hook_leaves_other_files_alone(file: str) -> None:
    assert not re.search(HOOK["files"], file)


@pytest.mark.parametrize(
    "command", [[*HOOK["entry"].split(), "nginx.conf"], *COMMANDS], ids=" ".join
)
def test_what_is_called_is_there(stack: Stack, command: list[str]) -> None:
    file = stack.folder / command[-1]
    file.parent.mkdir(exist_ok=True)
    file.write_text("events {}\nhttp {\n    server {\n        listen 80;\n    }\n}\n")
    assert command[0] == "stack"
    assert stack(*command[1:]).code == 0


def test_the_workflow_calls_lint() -> None:
    assert [command[1] for command in COMMANDS] == ["lint"]
