"""``stack bundle`` where there is little to see: no stack.yaml, a broken one, no engine."""

import json
import os

import pytest

from stack.bundle import summary
from stack.cli import github
from tests.unit.command_line import OK, Stack


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "stack.yaml: not found"),
        ("services: {a: {prot: 1}}\n", "services.a.prot: unknown key"),
        (OK, "docker"),
    ],
    ids=["no stack.yaml", "a broken one", "no engine"],
)
def test_what_is_missing_is_said(stack: Stack, text: str | None, says: str) -> None:
    if text:
        (stack.folder / "stack.yaml").write_text(text)
    done = stack("bundle", "--json")
    value = json.loads(done.out.splitlines()[-1])
    assert done.code == 0
    assert value["folder"] == str(stack.folder / "stack-bundle")
    assert value["archive"] == str(stack.folder / "stack-bundle.tar.gz")
    summary = (stack.folder / "stack-bundle" / "summary.md").read_text()
    assert says in summary
    assert "**Next step**" in summary
    assert (stack.folder / "stack-bundle" / "versions.json").exists()
    assert not (stack.folder / ".stack").exists()


def test_github_gets_an_annotation_and_a_summary(stack: Stack) -> None:
    (stack.folder / "stack.yaml").write_text("name: shop\n::error::x: 1\n")
    file = stack.folder / "step.md"
    stack.monkeypatch.setenv("GITHUB_ACTIONS", "true")
    stack.monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    done = stack("bundle")
    commands = [line for line in done.out.splitlines() if line.lstrip().startswith("::")]
    assert len(commands) == 1
    assert commands[0].startswith("::error title=stack bundle::stack.yaml:1:1: ")
    assert file.read_text().startswith("## Stack ")


@pytest.mark.parametrize("reader", ["nobody", "somebody who does not read"])
def test_a_summary_that_nobody_reads_is_not_waited_for(stack: Stack, reader: str) -> None:
    pipe = stack.folder / "step.md"
    os.mkfifo(pipe)
    stack.monkeypatch.setenv("GITHUB_ACTIONS", "true")
    stack.monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pipe))
    stack.monkeypatch.setattr(github, "LARGEST", 1 << 20)
    stack.monkeypatch.setattr(summary, "markdown", lambda _: "x" * (1 << 20))
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK) if reader != "nobody" else None
    done = stack("bundle")
    assert done.code == 0
    assert done.out.count("GITHUB_STEP_SUMMARY: not written: ") == 1
    if reading:
        os.close(reading)


def test_what_is_no_text_hinders_no_bundle(stack: Stack) -> None:
    folder = stack.folder / "a\udcff"
    folder.mkdir()
    (folder / "stack.yaml").write_text(OK.replace("name: shop\n", ""))
    stack.monkeypatch.chdir(folder)
    stack.monkeypatch.setenv("MY_SECRET", "abcdefgh\udcff")
    stack.monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(stack.folder / "step.md"))
    assert stack("bundle").code == 0
    assert (folder / "stack-bundle" / "summary.md").exists()
    assert (stack.folder / "step.md").exists()


def test_its_next_step_is_about_the_same_file(stack: Stack) -> None:
    stack("bundle", "--file", "dev.yaml")
    said = (stack.folder / "stack-bundle" / "summary.md").read_text()
    assert "stack init --file dev.yaml\n" in said


def test_a_secret_of_the_environment_is_in_no_bundle(stack: Stack) -> None:
    stack.monkeypatch.setenv("CI_JOB_TOKEN", "mellon-speak-friend")
    (stack.folder / "stack.yaml").write_text("name: ${CI_JOB_TOKEN}/x\n")
    stack("bundle")
    files = [path for path in (stack.folder / "stack-bundle").rglob("*") if path.is_file()]
    assert not [path for path in files if "mellon" in path.read_text()]
