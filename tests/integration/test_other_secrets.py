"""New secrets meet a database that was made with older ones: told at once, and mended as told."""

import shutil
import subprocess
import time
from collections.abc import Iterator

import docker
import pytest

from stack.layout.images import Source
from tests.integration.projects import (
    REALTIME,
    SITE,
    STACK,
    WS_ROUTE,
    Project,
    environment,
    project_in,
)


@pytest.fixture(scope="module")
def orphaned(
    docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory, source: Source
) -> Iterator[Project]:
    """A project whose volume is there and whose secrets are gone."""
    with project_in(docker_client, tmp_path_factory.mktemp("orphaned"), source) as one:
        one.write({**SITE, **REALTIME}, {"/": "site", **WS_ROUTE})
        one.stack("up")
        one.stack("down")
        shutil.rmtree(one.folder / ".stack")
        yield one


def test_a_volume_of_other_secrets_is_told_at_once(orphaned: Project) -> None:
    start = time.monotonic()
    (error,) = [e for e in orphaned.events("up", "--timeout", "30") if e["event"] == "error"]
    assert time.monotonic() - start < 25
    volume = f"{orphaned.name}_postgres"
    assert error["message"] == (
        'postgres: password authentication failed for user "postgres": '
        f"the volume {volume} was created with other secrets"
    )
    assert "stack down --volumes" in error["hint"]
    assert "restore .stack/" in error["hint"]


def test_the_doctor_names_the_volume_and_nothing_that_follows(orphaned: Project) -> None:
    orphaned.run("up", "--timeout", "30")
    (seen,) = orphaned.events("doctor")
    (finding,) = seen["findings"]
    assert (finding["code"], finding["where"]) == ("WS211", "postgres")
    assert f"the volume {orphaned.name}_postgres" in finding["message"]


def test_the_hint_keeps_the_data(orphaned: Project) -> None:
    (error,) = [e for e in orphaned.events("up", "--timeout", "30") if e["event"] == "error"]
    (line,) = [line for line in error["hint"].splitlines() if "alter role" in line]
    command = line.partition(": ")[2].replace("stack exec", f"{STACK} exec")
    subprocess.run(
        ["bash", "-ec", command], cwd=orphaned.folder, env=environment(), check=True, timeout=30
    )
    orphaned.stack("up", "--timeout", "60")
    (seen,) = orphaned.events("doctor")
    assert seen["findings"] == []
