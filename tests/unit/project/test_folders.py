"""Folders and files are looked at before anything runs, and all that is wrong is said at once."""
# ruff: noqa: E501 - the table reads best with one case a line

import os
from pathlib import Path

import pytest

from stack.errors import ConfigError
from stack.project.load import load
from tests.unit.written import loaded, problems, service


def problem(folder: Path, line: str) -> str:
    message, _ = problems(folder, service(line))
    return message.partition(": ")[2]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("w: {static: nope}", "services.w.static: there is no folder nope"),
        ("w: {build: nope}", "services.w.build: there is no folder nope"),
        ("w: {preset: postgres, init: nope}", "services.w.init: there is no folder nope"),
        ("w: {image: x, env_file: nope}", "services.w.env_file: there is no file nope"),
        ("w: {build: empty}", "services.w.build: there is no file empty/Dockerfile"),
        (
            "w: {build: {context: empty, dockerfile: dev.Dockerfile}}",
            "services.w.build: there is no file empty/dev.Dockerfile",
        ),
        (
            "w: {image: x, volumes: ['a:/a', './nope:/b']}",
            "services.w.volumes.1: there is no folder or file ./nope",
        ),
        (
            "w: {image: x, volumes: ['/nope:/b']}",
            "services.w.volumes.0: there is no folder or file /nope",
        ),
        ("w: {static: a.txt}", "services.w.static: a.txt is not a folder"),
        ("w: {build: a.txt}", "services.w.build: a.txt is not a folder"),
        ("w: {image: x, env_file: empty}", "services.w.env_file: empty is not a regular file"),
        ("w: {image: x, env_file: pipe}", "services.w.env_file: pipe is not a regular file"),
        (
            "w: {static: lost}",
            "services.w.static: there is no folder lost: it is a link to gone, which does not exist",
        ),
        (
            "w: {image: x, volumes: ['./lost:/b']}",
            "services.w.volumes.0: there is no folder or file ./lost: it is a link to gone, which does not exist",
        ),
        ("w: {static: a.txt/b}", "services.w.static: there is no folder a.txt/b: not a directory"),
        (
            "w: {static: loop}",
            "services.w.static: there is no folder loop: too many levels of symbolic links",
        ),
        (
            "w: {static: closed}",
            "services.w.static: closed is readable by its owner only, and not by the user of the container",
        ),
    ],
)
def test_what_is_wrong_with_it_is_said(tmp_path: Path, line: str, wanted: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").touch()
    (tmp_path / "lost").symlink_to("gone")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "closed").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe")
    assert problem(tmp_path, line) == wanted


@pytest.mark.parametrize("target", ["../out/Dockerfile", "{folder}/api/real"])
def test_a_dockerfile_that_leads_out_of_its_context_is_told(tmp_path: Path, target: str) -> None:
    for folder in ("api", "out"):
        (tmp_path / folder).mkdir()
    (tmp_path / "out" / "Dockerfile").touch()
    (tmp_path / "api" / "real").touch()
    (tmp_path / "api" / "Dockerfile").symlink_to(target.format(folder=tmp_path))
    message, hint = problems(tmp_path, service("w: {build: api}"))
    assert message == (
        "stack.yaml:3:7: services.w.build: api/Dockerfile is a link out of the context, "
        "which engines do not follow"
    )
    real = "../out/Dockerfile" if target.startswith("..") else "real"
    assert hint == f"write build: {{ context: api, dockerfile: {real} }}"
    loaded(tmp_path, service(f"w: {{build: {{context: api, dockerfile: {real}}}}}"))


def test_a_dockerfile_may_be_a_link_within_its_context(tmp_path: Path) -> None:
    (tmp_path / "api" / "docker").mkdir(parents=True)
    (tmp_path / "api" / "docker" / "dev").touch()
    (tmp_path / "api" / "Dockerfile").symlink_to("docker/dev")
    loaded(tmp_path, service("w: {build: api}"))
    (tmp_path / "link").symlink_to("api")
    loaded(tmp_path, service("w: {build: link}"))


def test_all_are_said_at_once_with_their_lines(tmp_path: Path) -> None:
    lines = "a: {static: one}\n  b: {build: two}\n  c: {image: x, env_file: three, volumes: ['./four:/f']}"
    message, hint = problems(tmp_path, service(lines))
    assert message.splitlines() == [
        "stack.yaml:3:7: services.a.static: there is no folder one",
        "stack.yaml:4:7: services.b.build: there is no folder two",
        "stack.yaml:5:17: services.c.env_file: there is no file three",
        "stack.yaml:5:44: services.c.volumes.0: there is no folder or file ./four",
    ]
    assert hint.splitlines() == [
        f"mkdir -p {tmp_path}/one",
        f"mkdir -p {tmp_path}/two",
        f"ls -la {tmp_path}",
        f"mkdir -p {tmp_path}/four",
    ]


def test_a_hint_can_be_pasted(tmp_path: Path) -> None:
    _, hint = problems(tmp_path, service("w: {static: 'my $$HOME; x'}"))
    assert hint == f"mkdir -p '{tmp_path}/my $HOME; x'"


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("./data", "mkdir -p {}/data"),
        ("./conf.d", "mkdir -p {}/conf.d"),
        ("./a.b/data", "mkdir -p {}/a.b/data"),
        ("./missing.py", "ls -la {}"),
        ("./.npmrc", "ls -la {}"),
        ("./no/such/a.conf", "ls -la {}"),
        ("./lost", "ls -ld {}/lost"),
        ("./a.txt/b", "ls -ld {}/a.txt/b"),
    ],
)
def test_a_folder_is_made_only_where_one_is_missing(tmp_path: Path, source: str, hint: str) -> None:
    (tmp_path / "lost").symlink_to("gone")
    (tmp_path / "a.txt").touch()
    _, said = problems(tmp_path, service(f"w: {{image: x, volumes: ['{source}:/b']}}"))
    assert said == hint.format(tmp_path)


def test_what_is_missing_is_made_beside_its_stack_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "stack.yaml").write_text(service("w: {static: ./site}"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load(Path("sub/stack.yaml"), {})
    assert caught.value.hint == "mkdir -p sub/site"


def test_what_is_there_is_fine(tmp_path: Path) -> None:
    for folder in ("site", "api", "db", "data"):
        (tmp_path / folder).mkdir()
    for file in ("api/Dockerfile", ".env", "settings.toml"):
        (tmp_path / file).touch()
    (tmp_path / "link").symlink_to("site")
    lines = (
        "a: {static: link}\n  b: {build: api, env_file: .env}\n  c: {preset: postgres, init: db}\n"
        "  d: {image: x, volumes: ['./data:/d', './settings.toml:/etc/s:ro', 'data:/v']}"
    )
    assert len(loaded(tmp_path, service(lines)).services) == 5
