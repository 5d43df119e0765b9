"""The import rules of docs/design.md: who may import what, and how large a thing may grow."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "services" / "ws"


def modules(base: Path, package: str) -> dict[str, Path]:
    files = sorted((base / package).rglob("*.py"))
    return {".".join(path.relative_to(base).with_suffix("").parts): path for path in files}


STACK, WS = modules(ROOT, "stack"), modules(SERVICE, "ws_server")
MODULES = STACK | WS
# From the ground up: an entry imports only entries that stand before it.
ORDER = {
    "stack": (
        *("errors", "hint", "os_errors", "reading", "files", "assets", "redaction", "probe"),
        *("finding", "config", "layout", "project", "engines", "proof", "lifecycle"),
        *("diagnose", "bundle", "cli"),
    ),
    "stack.diagnose": ("edits", "nginx", "lint", "doctor", "own", "formats", "catalogue"),
    "ws_server": (
        *("healthcheck", "log", "heap", "stats", "upkeep", "core", "settings", "postgres"),
        *("broker", "auth", "outbox", "workers", "service", "clients", "fallback", "api"),
        *("server", "composition", "process", "__main__"),
    ),
}
# A package, and the only modules (or folders of modules) that may know it.
ONLY_IN = {
    "docker": ["stack.engines.docker"],
    "jinja2": ["stack.layout.render"],
    "typer": ["stack.cli"],
    "rich": ["stack.cli.board"],
    "crossplane": ["stack.diagnose.nginx.conf"],
    "h2": ["stack.probe.http2"],
    "shlex": ["stack.hint"],
    "psutil": ["stack.lifecycle.front", "stack.probe.listeners"],
    # machine.py asks the engine's own socket: a file of this machine, not the network.
    "socket": ["stack.probe.dial", "stack.probe.listeners", "stack.engines.machine"],
    "ssl": ["stack.probe.dial", "stack.engines.docker.wheels"],
}
# Folders, and single modules of others, that touch no disk, clock or network.
PURE = (
    *("stack.errors", "stack.finding", "stack.hint"),
    *("stack.redaction", "stack.config", "stack.layout"),
    *("stack.probe.exchange", "stack.probe.frames", "stack.probe.handshake"),
    *("stack.probe.proc_net", "stack.project.token", "stack.engines.running"),
    *("stack.engines.steps", "stack.proof.causes", "stack.proof.devserver"),
    *("stack.proof.host_port", "stack.lifecycle.ownership", "stack.lifecycle.plan"),
    *("stack.diagnose.edits", "stack.diagnose.catalogue", "stack.diagnose.formats"),
    *("stack.diagnose.nginx.access_log", "stack.diagnose.nginx.limits"),
    *("stack.diagnose.nginx.log", "stack.diagnose.nginx.scope", "stack.diagnose.nginx.site"),
    *("stack.diagnose.nginx.tree", "stack.diagnose.lint.answer", "stack.diagnose.lint.judge"),
    *("stack.diagnose.lint.rules", "stack.diagnose.doctor.address"),
    *("stack.diagnose.doctor.families", "stack.diagnose.doctor.conclusions"),
    *("stack.diagnose.doctor.evidence", "stack.diagnose.doctor.measured"),
    "stack.diagnose.doctor.questions",
    *("stack.diagnose.doctor.conclude", "stack.diagnose.doctor.variation"),
    "stack.diagnose.doctor.x509",
    *("stack.diagnose.own.causes", "stack.diagnose.own.conclude", "stack.diagnose.own.routes"),
    "stack.diagnose.own.seen",
    "ws_server.core",
)
IMPURE = {"os", "pathlib", "shutil", "socket", "ssl", "subprocess", "tempfile", "time", "datetime"}
IMPURE |= {"io", "random", "secrets", "urllib.request", "http", "threading", "requests", "docker"}
IMPURE |= {"asyncio"}
ALLOWED = {
    # They read what ships with stack, and nothing else.
    "stack.layout.images": {"pathlib", "stack.assets"},
    "stack.layout.render": {"stack.assets"},
    "stack.layout.names": {"pathlib"},  # PurePath, which is text with parts
    # It reads moments as dates, and never asks for the time.
    "stack.diagnose.doctor.conclusions.auth": {"datetime"},
    # For the names of status codes.
    "ws_server.core.handshake": {"http"},
}
# Modules of one name are about one thing, seen at another stage; any other name occurs once.
MIRRORS = {
    "causes": "the causes that a part finds",
    "conclude": "evidence to findings: of an address, and of our own stack",
    "doctor": "the command, and what it prints",
    "front": "what runs it, and how its configuration changes",
    "github": "GitHub's commands: of findings, and of a failed step",
    "handshake": "the bytes, and what can be concluded",
    "http2": "how it is asked, and what can be concluded",
    "limits": "what a configuration holds, the rule, and what can be concluded",
    "images": "where they come from, and the verb that makes them",
    "lint": "the command, and what it prints",
    "namespaces": "what the options mean, and how they are read",
    "origin": "the rule, and what can be concluded",
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path, *, late: bool = True) -> frozenset[str]:
    """Give the dotted names that a file imports; without ``late`` only those at its top."""
    found = set()
    for node in ast.walk(tree(path)) if late else tree(path).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_in(name: str, places: tuple[str, ...] | list[str]) -> bool:
    return any(f"{name}.".startswith(f"{place}.") for place in places)


def pure_modules() -> list[str]:
    return [name for name in MODULES if is_in(name, PURE) and not name.endswith("__init__")]


def test_no_module_imports_itself_through_others() -> None:
    graph = {name: imports(path, late=False) & MODULES.keys() for name, path in MODULES.items()}
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("parent", ORDER)
def test_an_entry_imports_only_what_stands_below_it(parent: str) -> None:
    order, depth = ORDER[parent], parent.count(".") + 1
    inside = {name: path for name, path in MODULES.items() if name.startswith(f"{parent}.")}
    entries = {name.split(".")[depth] for name in inside} - {"__init__"}
    assert entries == set(order)
    upwards = [
        f"{name} → {found}"
        for name, path in inside.items()
        for found in imports(path) & inside.keys()
        if (here := name.split(".")[depth]) != (there := found.split(".")[depth])
        and order.index(there) > order.index(here)
    ]
    assert upwards == []


@pytest.mark.parametrize("package", ONLY_IN)
def test_a_package_is_known_in_one_place(package: str) -> None:
    users = {
        name for name, path in STACK.items() if any(is_in(f, [package]) for f in imports(path))
    }
    assert [user for user in users if not is_in(user, ONLY_IN[package])] == []


@pytest.mark.parametrize("name", pure_modules())
def test_a_pure_module_touches_no_disk_clock_or_network(name: str) -> None:
    path = MODULES[name]
    found = imports(path) & IMPURE
    called = {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)}
    ours = {one for one in imports(path) & MODULES.keys() if not is_in(one, PURE)}
    assert (found | ours) - ALLOWED.get(name, set()) == set()
    assert called & {"open", "input", "print"} == set()


def test_each_pure_place_exists() -> None:
    assert [place for place in PURE if not any(is_in(name, [place]) for name in MODULES)] == []


def test_stack_and_services_do_not_import_each_other() -> None:
    assert not [
        name for name, path in WS.items() if any(is_in(f, ["stack"]) for f in imports(path))
    ]
    theirs = ["services", "ws_server"]
    assert not [
        name for name, path in STACK.items() if any(is_in(f, theirs) for f in imports(path))
    ]


def test_a_file_name_occurs_twice_only_where_that_is_meant() -> None:
    twice = set()
    for package in (STACK, WS):
        counted = Counter(name.rpartition(".")[2] for name in package)
        twice |= {name for name, count in counted.items() if count > 1}
    assert twice == {*MIRRORS, "__init__"}


def test_only_report_prints() -> None:
    users = {
        name
        for name, path in STACK.items()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert users == {"stack.cli.report"}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_for_and_stays_small(name: str) -> None:
    path = MODULES[name]
    text = path.read_text()
    if path.name == "__init__.py":
        assert text == ""
        return
    assert text.startswith('"""')
    assert len(text.splitlines()) <= 400
    large = [f.name for f in functions(path) if (f.end_lineno or 0) - f.lineno >= 50]
    assert not large
