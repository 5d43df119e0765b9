"""Ordinary trouble is no bug of ours: a disk that fills up at any moment of up, and the bundle."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from stack.layout import images
from tests.integration.projects import SITE, project_in


@contextlib.contextmanager
def disk_of(folder: Path, inodes: int) -> Iterator[Path]:
    """Give a file system that has room for so many files."""
    disk = folder / "disk"
    disk.mkdir()
    options = f"size=2m,nr_inodes={inodes}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.parametrize("room", range(1, 13))
def test_a_full_disk_has_its_place_and_a_next_step(
    docker_client: docker.DockerClient, source: images.Source, tmp_path: Path, room: int
) -> None:
    with (
        disk_of(tmp_path, 16 + room) as disk,
        project_in(docker_client, disk, source) as project,
    ):
        project.write({**SITE, "redis": {"preset": "redis"}}, {"/": "site"})
        for command in (("up", "--ci"), ("bundle",)):
            done = project.run(*command)
            assert done.returncode in {0, 1}, done.stderr
            if done.returncode:
                assert "no space left on the disk" in done.stderr
                assert "hint: free some space: df -h " in done.stderr
        assert project.run("down").returncode == 0
