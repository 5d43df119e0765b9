"""Which values of a project may be shown nowhere, from wherever they are told."""

from pathlib import Path

import pytest

from stack.layout.render import render_compose
from stack.project.hidden import hidden_values, known, own_names, pairs_of_compose, secrets_of
from stack.project.project import open_project, topology
from stack.redaction.values import secret_values

STACK = """\
name: shop
services:
  api:
    build: {context: ., args: {NPM_TOKEN: mellon-1}}
    port: 8000
    env: {DB_PASSWORD: "swordfish$x", MODE: production, STRIPE: sk-live-51Hx0pQz}
    env_file: api.env
    command: [serve, --password, friend-2]
  postgres: {preset: postgres}
routes: {/: api}
"""
WANTED = {"mellon-1", "swordfish$x", "sk-live-51Hx0pQz", "friend-2"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "api.env").write_text("SESSION_KEY=from-a-file\nLEVEL=debug\n")
    (tmp_path / "stack.yaml").write_text(STACK)
    return tmp_path / "stack.yaml"


def test_values_of_a_project_and_its_own_secrets(file: Path) -> None:
    project = open_project(file, {})
    layout = topology(project.stack, "registry")
    found = hidden_values(project.folder, {}, layout, ["generated"], {})
    assert set(found) == {*WANTED, "from-a-file", "generated"}
    assert {"shop", "api", "postgres", "/"} <= own_names(layout)
    assert set(known(project)) == {*WANTED, "from-a-file"}
    assert not (file.parent / ".stack").exists()


def test_a_broken_env_file_hides_nothing_else(file: Path) -> None:
    project = open_project(file, {})
    (file.parent / "api.env").write_text("SESSION_KEY='never closed\n")  # while it runs
    assert {"swordfish$x", "sk-live-51Hx0pQz"} <= set(known(project))


def test_a_rendered_file_tells_what_a_stack_yaml_said(file: Path) -> None:
    stack = open_project(file, {}).stack
    text = render_compose(stack, topology(stack, "registry"))
    assert set(WANTED) <= secret_values(pairs_of_compose(text))


@pytest.mark.parametrize(
    "text", ["", "a: [", "[]", "services: 1", "services: {a: 1, b: {build: ., environment: [x]}}"]
)
def test_a_rendered_file_that_somebody_broke_tells_nothing(text: str) -> None:
    assert not secret_values(pairs_of_compose(text))


def test_of_our_environment_only_what_says_secret_is_hidden() -> None:
    environ = {
        "GITHUB_TOKEN": "mellon-1",
        "GITHUB_SHA": "8f000c471d578f000c471d57",
        "HOME": "/root",
    }
    assert secrets_of(environ) == {"mellon-1"}


def test_a_password_that_the_user_gave_is_hidden_by_the_same_rule(file: Path) -> None:
    for given, hidden in (("mellon-9", {"mellon-9"}), ("postgres", set())):
        preset = f"{{preset: postgres, env: {{POSTGRES_PASSWORD: {given}}}}}"
        file.write_text(STACK.replace("{preset: postgres}", preset))
        assert set(known(open_project(file, {}))) == {*WANTED, "from-a-file", *hidden}
