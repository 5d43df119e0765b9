"""Keeps what explains a failed ``up``: one folder and one tar, without any secret."""

import json
import shutil
import tarfile
from pathlib import Path

from stack.engines.base import Engine
from stack.files import read, write
from stack.project import Project
from stack.ready import NotReadyError
from stack.redact import redact
from stack.running import Running
from stack.workflow import Outcome

FOLDER = "stack-failure"  # not hidden: artifact uploads leave hidden files out
LOG_LINES = 5000


def collect(project: Project, engine: Engine, outcome: Outcome) -> Path:
    """Write the folder and the tar beside stack.yaml; give the folder."""
    own = outcome.prepared.hidden if outcome.prepared else ()
    secrets = [*project.state.secret_values(), *own]
    folder = project.folder / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in _contents(project, engine, engine.observe(), outcome).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, redact(text, secrets))
    with tarfile.open(folder.with_suffix(".tar.gz"), "w:gz") as archive:
        archive.add(folder, FOLDER)
    return folder


def _contents(
    project: Project, engine: Engine, running: Running, outcome: Outcome
) -> dict[str, str]:
    files = {
        "failures.json": json.dumps(
            [_failure(error) for error in [*outcome.failures, *outcome.warnings]], indent=2
        ),
        "steps.json": json.dumps(
            [
                {"step": item.step.key, "start": item.start, "end": item.end, "ok": not item.error}
                for item in outcome.results
            ],
            indent=2,
        ),
        "rendered/compose.yaml": read(project.state.compose) or "",
        "rendered/nginx.conf": outcome.prepared.config if outcome.prepared else "",
    }
    for seen in running.containers:
        files[f"logs/{seen.name}.log"] = "\n".join(engine.logs(seen.name, LOG_LINES)) + "\n"
        files[f"inspect/{seen.name}.json"] = json.dumps(engine.inspect(seen.name), indent=2)
    return files


def _failure(error: Exception) -> dict[str, object]:
    found: dict[str, object] = {"message": str(error)}
    if isinstance(error, NotReadyError):
        found |= {"probe": error.probe, "last_answer": error.answer, "log": list(error.evidence)}
    return found
