"""Recipes: their shapes, and names that change with what goes in and with nothing else."""

import os
import re
import shutil
from pathlib import Path

import pytest

from stack import assets
from stack.layout import images
from stack.layout.images import NAMES, Build, Name, Pull, RootFs

TWINS: tuple[Name, ...] = ("nginx", "redis", "postgres")


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "service"
    (folder / "ws_server").mkdir(parents=True)
    (folder / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    (folder / "requirements.txt").write_text("redis==7\n")
    (folder / "ws_server" / "server.py").write_text("print(1)\n")
    return folder


def key(folder: Path, *salt: str) -> str:
    return images.digest(folder, images.members(folder), *salt)


@pytest.mark.parametrize("name", TWINS)
def test_registry_images_are_pulled_by_a_tag(name: Name) -> None:
    recipe = images.recipe_for(name, "registry")
    assert isinstance(recipe, Pull)
    assert re.fullmatch(rf"{name}:[0-9.]+", recipe.reference)


@pytest.mark.parametrize("name", TWINS)
def test_debian_images_are_built_on_one_root_fs(name: Name) -> None:
    recipe = images.recipe_for(name, "debian")
    assert isinstance(recipe, Build)
    assert recipe.base == images.root_fs()
    assert recipe.args == {"BASE": images.root_fs().reference}
    assert re.fullmatch(rf"stack/{name}:debian13-[0-9a-f]{{12}}", recipe.reference)
    assert "Dockerfile" in recipe.files
    assert not recipe.requirements


def test_the_realtime_image_stands_on_the_python_of_its_source() -> None:
    registry = images.recipe_for("realtime", "registry")
    debian = images.recipe_for("realtime", "debian")
    assert isinstance(registry, Build)
    assert isinstance(debian, Build)
    assert registry.base == Pull("python:3.13-slim")
    assert debian.base == images.debian_image("python")
    assert registry.reference != debian.reference
    assert re.fullmatch(r"stack/realtime:[0-9a-f]{12}", debian.reference)
    assert debian.requirements


def test_the_version_of_nginx_follows_from_the_pin() -> None:
    tag = images.REGISTRY["nginx"].removeprefix("nginx:")
    assert ".".join(map(str, images.nginx_version("registry"))) == tag
    assert images.nginx_version("debian") == (1, 26)


def test_the_root_fs_command_writes_a_tar_to_standard_output() -> None:
    recipe = images.root_fs()
    assert isinstance(recipe, RootFs)
    assert re.fullmatch(r"stack/debian:trixie-[0-9a-f]{12}", recipe.reference)
    lines = ("deb http://mirror.example/debian trixie main",)
    assert recipe.command(lines)[0] == "mmdebstrap"
    assert recipe.command(lines, "--include=x")[-4:] == ("--include=x", "trixie", "-", *lines)
    assert recipe.command(())[-2:] == ("trixie", "-")


def test_no_mirror_stands_in_the_code_or_the_tests() -> None:
    root = Path(__file__).parents[3]
    tree = [path for name in ("stack", "tests", "templates") for path in (root / name).rglob("*")]
    texts = (path.read_bytes() for path in tree if path.is_file() and path.suffix != ".pyc")
    assert not [text for text in texts if re.search(rb"(?:deb|security|ftp)[.]debian[.]org", text)]


def test_a_recipe_is_the_same_each_time() -> None:
    for name in NAMES:
        assert images.recipe_for(name, "debian") == images.recipe_for(name, "debian")


@pytest.mark.parametrize("name", [*TWINS, "python"])
def test_every_dockerfile_starts_from_its_base_argument(name: str) -> None:
    recipe = images.debian_image(name)
    lines = (recipe.context / "Dockerfile").read_text().splitlines()
    instructions = [line for line in lines if line and not line.startswith("#")]
    assert instructions[:2] == ["ARG BASE", "FROM ${BASE}"]


def test_digest_ignores_age_and_order(context: Path) -> None:
    before = key(context, "base")
    os.utime(context / "Dockerfile", (0, 0))
    assert key(context, "base") == before
    assert images.digest(context, reversed(images.members(context)), "base") == before


def test_digest_ignores_the_folder(context: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(context, tmp_path / "elsewhere")
    assert key(copy) == key(context)


@pytest.mark.parametrize(
    "stray",
    [
        "ws_server/__pycache__/server.cpython-313.pyc",
        "ws_server/old.pyc",
        "wheels/redis-7-py3-none-any.whl",
        "tests/test_server.py",
        "README.md",
        "README",
        ".mypy_cache/x.json",
        ".DS_Store",
    ],
)
def test_digest_ignores_what_does_not_go_in(context: Path, stray: str) -> None:
    before = key(context)
    (context / stray).parent.mkdir(exist_ok=True)
    (context / stray).write_text("anything")
    assert key(context) == before


def test_digest_sees_a_changed_file(context: Path) -> None:
    before = key(context)
    (context / "requirements.txt").write_text("redis==8\n")
    assert key(context) != before


def test_digest_sees_a_renamed_file(context: Path) -> None:
    before = key(context)
    (context / "ws_server" / "server.py").rename(context / "ws_server" / "hub.py")
    assert key(context) != before


def test_digest_sees_the_base(context: Path) -> None:
    assert key(context, "python:3.13-slim") != key(context, "stack/python:debian13-0")


def test_digest_does_not_confuse_two_neighbours() -> None:
    assert images.shortened(["ab", "c"]) != images.shortened(["a", "bc"])


def test_members_are_sorted_posix_paths(context: Path) -> None:
    assert images.members(context) == ("Dockerfile", "requirements.txt", "ws_server/server.py")


def test_the_debian_images_name_no_proxy_and_no_certificate() -> None:
    folder = assets.folder("templates") / "images"
    for file in folder.rglob("*"):
        text = file.read_text() if file.is_file() else ""
        assert not re.search(r"(?i)https?_proxy|ca-certificates\.crt|PIP_CERT", text), file
