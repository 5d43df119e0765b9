"""Saves what explains the state of a stack: one folder and one tar, without any secret.

``stack up --ci`` makes one when it fails, ``stack bundle`` at any time. It also lists what could
not be collected (no stack.yaml, no engine); nothing else is changed.
"""

import json
import platform
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stack.bundle.folder import write_bundle
from stack.bundle.summary import Failure, Row, Summary, markdown
from stack.config.presets import NGINX
from stack.diagnose.nginx.log import entries
from stack.diagnose.own import gather
from stack.engines.docker.engine import DockerEngine
from stack.engines.running import Running
from stack.errors import StackError
from stack.files import read
from stack.hint import naming, quoted
from stack.lifecycle import derive, status
from stack.lifecycle.locate import Located
from stack.lifecycle.outcome import Outcome
from stack.lifecycle.status import ServiceStatus
from stack.project import hidden
from stack.project.project import Project
from stack.project.state import State
from stack.proof.ready import NotReadyError
from stack.redaction.redact import cleaned, redact
from stack.redaction.values import named, secret_values

FAILED = "stack-failure"  # not hidden: artifact uploads leave hidden files out
ASKED = "stack-bundle"
LOG_LINES = 5000
LARGEST = 5_000_000  # characters of one file, of which the last are kept
FRONT_LINES = 2000  # of the front's error log
PARALLEL = 8
COMPOSE = "rendered/compose.yaml"


@dataclass(frozen=True)
class Scene:
    """What there is to look at. What is missing has its reason in ``problems``."""

    folder: Path
    located: Located | None = None
    engine: DockerEngine | None = None
    outcome: Outcome | None = None
    problems: tuple[StackError, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    which: str = ""  # the option that a command needs for the same stack file

    @property
    def project(self) -> Project | None:
        """What stack.yaml says, if it can be read."""
        return self.located.project if self.located else None


@dataclass
class _Found:
    """What was found: texts and JSON values by the names of their files."""

    files: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, StackError] = field(default_factory=dict)  # what could not be had, and why
    is_well: bool = False  # whether the status was seen, and all of it was healthy
    is_idle: bool = False  # whether it was seen that there is no container
    running: Running = field(default_factory=Running)
    services: list[Row] = field(default_factory=list)
    routes: list[Row] = field(default_factory=list)
    front_log: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def collect(scene: Scene, name: str) -> tuple[Path, Summary]:
    """Write the folder and the tar; return the folder, and the summary of the bundle."""
    found = _Found()
    looks: list[tuple[str, Callable[[Scene, _Found], None]]] = [
        ("outcome", _outcome),
        ("versions", _versions),
        ("containers", _containers),
        ("front", _front),
        ("rendered", _rendered),
        ("status", _status),
        ("plan", _plan),
    ]
    for what, look in looks:
        try:
            look(scene, found)
        except StackError as error:
            found.missing[what] = error
    if found.missing:
        found.files["missing.json"] = {what: error.message for what, error in found.missing.items()}
    secrets = _secrets(scene, found)
    summary = _summary(scene, found, secrets)
    written = {"summary.md": markdown(summary), **_written(found.files, secrets)}
    return write_bundle(scene.folder, name, written), summary


def _written(files: Mapping[str, Any], secrets: frozenset[str]) -> dict[str, str]:
    """Return each file as text without secrets, under a name without secrets."""
    written: dict[str, str] = {}
    for name, content in files.items():
        if isinstance(content, str):
            text = redact(content, secrets)
        else:
            text = json.dumps(cleaned(content, secrets), indent=2, ensure_ascii=False) + "\n"
        if len(text) > LARGEST and isinstance(content, str):
            text = text[text.find("\n", len(text) - LARGEST) + 1 :]
        shown = redact(name, secrets)
        while shown in written:
            shown += "~"
        written[shown] = text
    return written


def _secrets(scene: Scene, found: _Found) -> frozenset[str]:
    """Return everything that must not be shown: values that are written, generated, or in a
    container.
    """
    own: set[str] = hidden.secrets_of(scene.environ)
    names: set[str] = set()
    if scene.located:
        owner = scene.located.owner
        own |= set(State(Path(owner.folder), owner.project).secret_values())
        names = {owner.project}
    if scene.project:
        own |= set(hidden.known(scene.project))
        names |= hidden.own_names(hidden.layout_of(scene.project))
    if scene.outcome and scene.outcome.prepared:
        own |= set(scene.outcome.prepared.hidden)
    for seen in found.running.containers:
        names |= {seen.name, seen.service}
    own |= secret_values(hidden.pairs_of_compose(found.files.get(COMPOSE, "")), names)
    for seen in found.running.containers:
        inspected = found.files.get(f"inspect/{seen.name}.json", {})
        config = inspected.get("Config", {})
        pairs = [*named(config.get("Env") or []), *hidden.said_pairs(config)]
        own |= secret_values(pairs, names)
    return frozenset(own)


def _summary(scene: Scene, found: _Found, secrets: frozenset[str]) -> Summary:
    name = scene.located.owner.project if scene.located else scene.folder.name
    failures = [
        {
            "message": error.message,
            "hint": naming(error.hint or "fix what it names, then: stack up", scene.which),
            "log": list(error.evidence) if isinstance(error, NotReadyError) else [],
        }
        for error in _causes(scene, found, name)
    ]
    clean: dict[str, Any] = cleaned(
        {
            "project": name,
            "services": _named(found.services, scene.which),
            "routes": _named(found.routes, scene.which),
            "front_log": found.front_log,
            "changes": found.changes,
        },
        secrets,
    )
    told = [
        Failure(each["message"], each["hint"], tuple(each["log"]))
        for each in cleaned(failures, secrets)
    ]
    return Summary(failures=told, versions=found.versions, is_well=found.is_well, **clean)


def _causes(scene: Scene, found: _Found, name: str) -> list[StackError]:
    """Return what failed, and what could not be looked at; each once, even if found twice."""
    outcome = scene.outcome
    failed = (*outcome.failures, *outcome.warnings) if outcome else ()
    met: dict[str, StackError] = {}
    for error in (*scene.problems, *failed, *found.missing.values()):
        met.setdefault(error.message, error)
    if not met and found.is_idle:
        return [StackError(f"nothing of {name} runs", "stack up")]
    return list(met.values())


def _outcome(scene: Scene, found: _Found) -> None:
    if scene.outcome is None:
        return
    found.files["failures.json"] = [
        _failure(error, scene.which) for error in (*scene.outcome.failures, *scene.outcome.warnings)
    ]
    found.files["steps.json"] = [
        {"step": str(item.step.key), "start": item.start, "end": item.end, "ok": not item.error}
        for item in scene.outcome.results
    ]


def _named(rows: list[Row], which: str) -> list[Row]:
    """Add the option for the command's stack file to the steps."""
    return [(who, how, is_well, naming(step, which)) for who, how, is_well, step in rows]


def _failure(error: StackError, which: str) -> dict[str, object]:
    told: dict[str, object] = {"message": error.message, "hint": naming(error.hint, which)}
    if isinstance(error, NotReadyError):
        told |= {"probe": error.probe, "last_answer": error.answer, "log": list(error.evidence)}
    return told


def _versions(scene: Scene, found: _Found) -> None:
    found.versions |= {"stack": version("stack"), "Python": sys.version.split()[0]}
    found.versions["system"] = platform.platform()
    found.files["versions.json"] = found.versions
    if scene.engine:
        found.versions["Docker Engine"] = scene.engine.version()


def _containers(scene: Scene, found: _Found) -> None:
    """Look at every container of the project: its log, and the engine's data about it."""
    engine = scene.engine
    if engine is None:
        return
    found.running = engine.observe()
    found.is_idle = not found.running.containers
    names = [seen.name for seen in found.running.containers]
    with ThreadPoolExecutor(PARALLEL) as pool:
        logs = pool.map(lambda name: engine.logs(name, LOG_LINES), names)
        for name, lines in zip(names, logs, strict=True):
            found.files[f"logs/{name}.log"] = "\n".join(lines) + "\n"
    for seen in found.running.containers:
        found.files[f"inspect/{seen.name}.json"] = engine.inspect(seen.name)
        state = f"{seen.state}: {seen.status}"
        found.services.append(
            (seen.name, state, seen.is_running, f"stack logs {quoted(seen.service)}")
        )


def _front(scene: Scene, found: _Found) -> None:
    """Read the front's error log, without the requests that it quotes, and its version."""
    alive = [seen for seen in found.running.of(NGINX) if seen.is_running]
    if scene.engine is None or not alive:
        return
    *said, _ = scene.engine.execute(alive[0].name, ["nginx", "-v"])
    found.versions["Nginx"] = str(said[0]).rpartition("/")[2] if said else "unknown"
    command = ["tail", "-n", str(FRONT_LINES), gather.ERROR_LOG]
    *lines, code = scene.engine.execute(alive[0].name, command)
    if code == 0:
        seen = entries(map(str, lines))
        told = [f"[{each.level}] {each.message} {each.upstream}".rstrip() for each in seen]
        found.files["logs/front-errors.log"] = "\n".join(told) + "\n"
        found.front_log = told[-10:]


def _rendered(scene: Scene, found: _Found) -> None:
    """Copy the files that were applied, as they are on disk."""
    if scene.located is None:
        return
    owner = scene.located.owner
    kept = State(Path(owner.folder), owner.project)
    kept.check()
    for name, path in {COMPOSE: kept.compose, "rendered/nginx.conf": kept.config}.items():
        if text := read(path):
            found.files[name] = text


def _status(scene: Scene, found: _Found) -> None:
    """Ask the front on every route."""
    if scene.located is None or scene.engine is None:
        return
    seen = status.status(scene.located, scene.engine, _say_nothing)
    found.is_well = seen.is_well
    rows = [vars(row) for row in seen.services]
    routes = [vars(row) for row in seen.routes]
    found.files["status.json"] = {"ok": seen.is_well, "services": rows, "routes": routes}
    found.services = [
        (row.container or row.service, f"{row.state}: {row.detail}", row.is_well, _step(row))
        for row in seen.services
    ]
    found.routes = [
        (f"{row.route} → {row.service}", row.answer, row.ok, "stack doctor") for row in seen.routes
    ]


def _step(row: ServiceStatus) -> str:
    return "stack up" if row.state == "missing" else f"stack logs {quoted(row.service)}"


def _plan(scene: Scene, found: _Found) -> None:
    """Add what ``up`` would change now."""
    if scene.project is None or scene.engine is None:
        return
    planned = derive.plan_project(scene.project, scene.engine, _say_nothing)
    found.changes = [step.says for step in planned.whole.changes]
    found.files["plan.json"] = {"steps": found.changes}


def _say_nothing(_: str) -> None:
    return
