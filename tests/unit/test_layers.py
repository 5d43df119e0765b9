"""The import rules of docs/design.md: who may import what, and how large a thing may grow."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "stack").rglob("*.py"))
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in FILES}
SERVICES = sorted((ROOT / "services").rglob("*.py"))

# A package, and the only modules (or folders of modules) that may know it.
ONLY_IN = {
    "docker": ["stack.engines.docker"],
    "jinja2": ["stack.render"],
    "typer": ["stack.cli"],
    "rich": ["stack.board"],
    "crossplane": ["stack.diagnose.nginx_conf"],
    "h2": ["stack.diagnose.http2"],
    "psutil": ["stack.front", "stack.diagnose.listeners"],
    # install.py knocks at the engine's own socket: a file of this machine, not the network.
    "socket": ["stack.diagnose.dial", "stack.diagnose.listeners", "stack.engines.install"],
    "ssl": ["stack.diagnose.dial", "stack.engines.docker.wheels"],
}
PURE = [
    "stack.access",
    "stack.compose",
    "stack.diagnose.access_log",
    "stack.diagnose.address",
    "stack.diagnose.causes",
    "stack.diagnose.conclusions.after",
    "stack.diagnose.conclusions.auth",
    "stack.diagnose.conclusions.forwarded",
    "stack.diagnose.conclusions.handshake",
    "stack.diagnose.conclusions.hops",
    "stack.diagnose.conclusions.http2",
    "stack.diagnose.conclusions.limits",
    "stack.diagnose.conclusions.message",
    "stack.diagnose.conclusions.origin",
    "stack.diagnose.conclusions.page",
    "stack.diagnose.conclusions.path",
    "stack.diagnose.conclusions.reach",
    "stack.diagnose.conclusions.redirect",
    "stack.diagnose.conclusions.server",
    "stack.diagnose.conclusions.tls",
    "stack.diagnose.conclusions.vendor",
    "stack.diagnose.catalogue",
    "stack.diagnose.edits",
    "stack.diagnose.evidence",
    "stack.diagnose.exchange",
    "stack.diagnose.finding",
    "stack.diagnose.frames",
    "stack.diagnose.formats.document",
    "stack.diagnose.formats.github",
    "stack.diagnose.formats.lint",
    "stack.diagnose.formats.manual",
    "stack.diagnose.formats.sarif",
    "stack.diagnose.formats.text",
    "stack.diagnose.handshake",
    "stack.diagnose.lint",
    "stack.diagnose.measured",
    "stack.diagnose.nginx_limits",
    "stack.diagnose.nginx_log",
    "stack.diagnose.nginx_scope",
    "stack.diagnose.nginx_site",
    "stack.diagnose.nginx_tree",
    "stack.diagnose.own_causes",
    "stack.diagnose.questions",
    "stack.diagnose.rules.answers",
    "stack.diagnose.rules.connection",
    "stack.diagnose.rules.edits",
    "stack.diagnose.rules.examples",
    "stack.diagnose.rules.headers",
    "stack.diagnose.rules.hosts",
    "stack.diagnose.rules.limits",
    "stack.diagnose.rules.locations",
    "stack.diagnose.rules.maps",
    "stack.diagnose.rules.origin",
    "stack.diagnose.rules.privacy",
    "stack.diagnose.rules.rule",
    "stack.diagnose.rules.stream",
    "stack.diagnose.rules.streams",
    "stack.diagnose.rules.target",
    "stack.diagnose.rules.timeouts",
    "stack.diagnose.rules.upgrades",
    "stack.diagnose.rules.upstreams",
    "stack.diagnose.rules.version",
    "stack.diagnose.side_by_side",
    "stack.diagnose.upgrade",
    "stack.diagnose.x509",
    "stack.devserver",
    "stack.document",
    "stack.env_file",
    "stack.errors",
    "stack.hosts",
    "stack.labels",
    "stack.model",
    "stack.names",
    "stack.ownership",
    "stack.plan",
    "stack.presets",
    "stack.redact",
    "stack.routing",
    "stack.running",
    "stack.secret_forms",
    "stack.secret_shapes",
    "stack.secret_values",
    "stack.shape",
    "stack.steps",
    "stack.syntax",
    "stack.token",
    "stack.topology",
    "stack.trouble",
    "stack.validate",
]
IMPURE = {"os", "pathlib", "shutil", "socket", "ssl", "subprocess", "tempfile", "time", "datetime"}
IMPURE |= {"io", "random", "secrets", "urllib.request", "http", "threading", "requests", "docker"}
# auth reads moments as dates, and never asks for the time.
ALLOWED = {"stack.diagnose.conclusions.auth": {"datetime"}}


def imports(path: Path, *, late: bool = True) -> Iterator[str]:
    """Give the dotted names that a file imports; without ``late`` only those at its top."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if late else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_there_is_something_to_look_at() -> None:
    assert {"stack.cli", "stack.diagnose.dial", *PURE} <= MODULES.keys()


def test_no_module_imports_itself_through_others() -> None:
    graph = {
        name: set(imports(path, late=False)) & MODULES.keys() for name, path in MODULES.items()
    }
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("package", ONLY_IN)
def test_a_package_is_known_in_one_place(package: str) -> None:
    users = {
        name
        for name, path in MODULES.items()
        if any(f"{found}.".startswith(f"{package}.") for found in imports(path))
    }
    assert not [user for user in users if not user.startswith(tuple(ONLY_IN[package]))]


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_touches_no_disk_clock_or_network(name: str) -> None:
    found = IMPURE.intersection(imports(MODULES[name])) - ALLOWED.get(name, set())
    called = {
        node.id
        for node in ast.walk(ast.parse(MODULES[name].read_text()))
        if isinstance(node, ast.Name)
    }
    assert (found, called & {"open", "input", "print"}) == (set(), set())


@pytest.mark.parametrize("name", PURE)
def test_what_a_pure_module_imports_of_ours_is_pure(name: str) -> None:
    ours = {found for found in imports(MODULES[name]) if found in MODULES and found != "stack"}
    assert ours <= set(PURE)


def test_stack_and_services_do_not_import_each_other() -> None:
    assert not [p for p in SERVICES if any(f.split(".")[0] == "stack" for f in imports(p))]
    assert not [
        p for p in FILES if any(f.split(".")[0] in {"services", "ws_server"} for f in imports(p))
    ]


def test_only_report_prints() -> None:
    users = [
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert set(users) == {"stack.report"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_for_and_stays_small(path: Path) -> None:
    text = path.read_text()
    if path.name == "__init__.py":
        assert text == ""
        return
    assert text.startswith('"""')
    assert len(text.splitlines()) <= 400
    large = [f.name for f in functions(path) if (f.end_lineno or 0) - f.lineno >= 50]
    assert not large
