"""Projects that hold something, and what is asked of them: for tests of whose it is; no tests."""

import shutil
from dataclasses import replace
from pathlib import Path

from tests.integration.projects import REALTIME, SITE, Project, everything, free_port

STORED = {**SITE, "redis": REALTIME["redis"]}
REDIS = 'REDISCLI_AUTH="$(cat /run/secrets/password)" redis-cli'
# A Compose project with a volume that we would mount.
COMPOSE_FILE = """\
name: {name}
services:
  cache: {{ image: "{image}", entrypoint: [sleep, "1000"], volumes: ["redis:/data"] }}
volumes: {{ redis: {{}} }}
"""


def start_and_store(project: Project) -> None:
    """Start a project that holds something, saved: Redis itself saves once an hour."""
    project.write(STORED, {"/": "site"})
    project.stack("up")
    project.stack("exec", "redis", "sh", "-c", f"{REDIS} set kept yes && {REDIS} save")


def kept(project: Project) -> str:
    """Give what it holds."""
    return project.stack("exec", "redis", "sh", "-c", f"{REDIS} get kept").strip()


def clone_of(project: Project, folder: Path) -> Project:
    """Copy what a repository holds: not what stack keeps beside it."""
    shutil.copytree(project.folder, folder, ignore=shutil.ignore_patterns(".stack"))
    return replace(project, folder=folder, port=free_port())


def belongings(project: Project) -> set[str]:
    """Give the ids of all that carries the project's name on the engine."""
    return {str(getattr(one, "id", "")) for one in everything(project)}
