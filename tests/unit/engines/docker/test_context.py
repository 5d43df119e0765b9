"""A context's digest changes with what a build would see, and with nothing else."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from stack.engines.docker.context import context_digest, holds, packed, sent
from stack.errors import EngineError


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / ".dockerignore").write_text("# a comment\n*.log\n\nnode_modules\n")
    (tmp_path / "app.py").write_text("print(1)\n")
    return tmp_path


def test_age_does_not_count(context: Path) -> None:
    before = context_digest(context)
    os.utime(context / "app.py", (0, 0))
    assert context_digest(context) == before


def test_ignored_files_do_not_count(context: Path) -> None:
    before = context_digest(context)
    (context / "node_modules").mkdir()
    (context / "node_modules" / "x.js").write_text("1")
    (context / "run.log").write_text("1")
    assert context_digest(context) == before


@pytest.mark.parametrize("name", ["app.py", "Dockerfile", "new.py"])
def test_contents_count(context: Path, name: str) -> None:
    before = context_digest(context)
    (context / name).write_text("FROM busybox\n")
    assert context_digest(context) != before


def test_the_executable_bit_counts(context: Path) -> None:
    before = context_digest(context)
    (context / "app.py").chmod(0o755)
    assert context_digest(context) != before


def test_a_link_counts_by_its_target(context: Path) -> None:
    link = context / "link"
    link.symlink_to("app.py")
    before = context_digest(context)
    link.unlink()
    link.symlink_to("Dockerfile")
    assert context_digest(context) != before


def test_arguments_and_target_count(context: Path) -> None:
    digests = {
        context_digest(context),
        context_digest(context, args={"A": "1"}),
        context_digest(context, args={"A": "2"}),
        context_digest(context, target="dev"),
    }
    assert len(digests) == 4


def test_a_dockerfile_outside_counts(
    context: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other") / "Dockerfile.dev"
    other.write_text("FROM scratch\n")
    before = context_digest(context, str(other))
    other.write_text("FROM scratch\nCOPY app.py .\n")
    assert context_digest(context, str(other)) != before


def test_a_missing_dockerfile_is_said(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no Dockerfile there") as caught:
        context_digest(tmp_path / "api")
    assert caught.value.hint.startswith("create ")


def test_a_packed_context_is_the_same_everywhere() -> None:
    files = {"b/c": b"2", "a": b"1"}
    assert packed(files) == packed(dict(sorted(files.items())))


def test_a_packed_context_holds_folders_and_files() -> None:
    with tarfile.open(fileobj=io.BytesIO(packed({"a": b"1", "b/c": b"22"}))) as archive:
        shape = [(m.name, m.isdir(), m.mode, m.mtime) for m in archive]
    assert shape == [("b", True, 0o755, 0), ("a", False, 0o644, 0), ("b/c", False, 0o644, 0)]


@pytest.mark.parametrize("name", [".stack", "site/.stack", "stack-bundle", "a/stack-failure"])
@pytest.mark.parametrize("brought_back", ["", "!**/.stack/**\n!**\n"])
def test_what_stack_keeps_is_in_no_context(context: Path, name: str, brought_back: str) -> None:
    with (context / ".dockerignore").open("a") as file:
        file.write(brought_back)
    (context / name).parent.mkdir(exist_ok=True)
    before = context_digest(context)
    (context / name / "shop" / "secrets").mkdir(parents=True)
    (context / name / "shop" / "secrets" / "redis-password").write_text("secret")
    if "stack-" in name:
        (context / f"{name}.tar.gz").write_text("secret")
    files, recipe = sent(context, "Dockerfile")
    with tarfile.open(fileobj=files) as archive:
        names = archive.getnames()
    assert recipe == "Dockerfile"
    assert {"Dockerfile", "app.py"} <= set(names)
    assert not [one for one in names if "shop" in one or "stack-" in one]
    assert context_digest(context) == before


def test_a_dockerfile_beside_the_context_is_sent_too(context: Path, tmp_path: Path) -> None:
    folder = tmp_path / "api"
    folder.mkdir()
    files, recipe = sent(folder, "../Dockerfile")
    with tarfile.open(fileobj=files) as archive:
        assert set(archive.getnames()) - {".dockerignore"} == {recipe}


def test_what_others_would_send(context: Path) -> None:
    secrets = context / "api" / ".stack" / "shop" / "secrets"
    assert not holds(context, secrets)
    secrets.mkdir(parents=True)
    (secrets / "redis-password").write_text("secret")
    assert holds(context, secrets)
    assert not holds(context / "site", secrets)
    (context / ".dockerignore").write_text("**/.stack\n")
    assert not holds(context, secrets)
