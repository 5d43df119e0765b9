"""A container that ends by itself with an error fails `up`; one that did its work is done."""

import json
from typing import Any

import pytest

from tests.integration.projects import SITE, Project

ENDS = "echo no table; exit 3"


def worker(image: str, script: str) -> dict[str, Any]:
    """Describe a service without `port` and `ready`."""
    return {"image": image, "command": ["sh", "-c", script]}


@pytest.mark.parametrize("script", [ENDS, f"sleep 0.4; {ENDS}"], ids=["at once", "soon"])
def test_what_nobody_can_ask_fails_with_its_log(
    project: Project, python_image: str, script: str
) -> None:
    project.write({**SITE, "worker": worker(python_image, script)}, {"/": "site"})
    for _ in range(2):  # also when it is started again
        said = project.fails("up")
        assert "error: worker: ended with exit code 3 soon after its start" in said
        assert "  │ no table\n  hint: stack logs worker\n" in said


def test_what_answers_and_then_ends_fails_too(project: Project, python_image: str) -> None:
    """It says that it is ready, and another service takes longer than it lives."""
    web = worker(python_image, "echo ready; sleep 5; exit 4") | {"ready": {"log": "ready"}}
    slow = worker(python_image, "sleep 10; echo ready; sleep 60") | {"ready": {"log": "ready"}}
    project.write({**SITE, "web": web, "slow": slow}, {"/": "site"})
    assert "web: ended with exit code 4 soon after its start" in project.fails("up")


def test_work_is_done_once(project: Project, python_image: str) -> None:
    project.write({**SITE, "migrate": worker(python_image, "echo migrated")}, {"/": "site"})
    project.stack("up")
    assert f"{project.name} is up to date" in project.stack("up")
    status = project.json("status")
    assert [row["state"] for row in status["services"] if row["service"] == "migrate"] == ["done"]
    assert project.stack("logs", "migrate").count("migrated") == 1
    assert json.loads(project.run("doctor", "--json").stdout)["findings"] == []
    bundle = project.json("bundle")
    assert bundle["says"].endswith("everything runs and every route answers")
    assert project.stack("status", "--project", project.name)
    project.stack("restart", "migrate")
    assert project.stack("logs", "migrate").count("migrated") == 2


def test_a_worker_that_was_stopped_is_no_work_that_was_done(
    project: Project, python_image: str
) -> None:
    graceful = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
    project.write({**SITE, "worker": worker(python_image, graceful)}, {"/": "site"})
    project.stack("up")
    project.container("worker").stop()
    assert project.container("worker").attrs["State"]["ExitCode"] == 0
    project.stack("up")
    assert project.container("worker").status == "running"
