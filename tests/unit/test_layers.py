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
    "jinja2": ["stack.layout.render"],
    "typer": ["stack.cli"],
    "rich": ["stack.cli.board"],
    "crossplane": ["stack.diagnose.nginx.conf"],
    "h2": ["stack.probe.http2"],
    "psutil": ["stack.lifecycle.front", "stack.probe.listeners"],
    # install.py knocks at the engine's own socket: a file of this machine, not the network.
    "socket": ["stack.probe.dial", "stack.probe.listeners", "stack.engines.install"],
    "ssl": ["stack.probe.dial", "stack.engines.docker.wheels"],
}
PURE = [
    "stack.layout.access",
    "stack.layout.compose",
    "stack.diagnose.nginx.access_log",
    "stack.diagnose.doctor.address",
    "stack.diagnose.doctor.causes",
    "stack.diagnose.doctor.conclusions.after",
    "stack.diagnose.doctor.conclusions.auth",
    "stack.diagnose.doctor.conclusions.forwarded",
    "stack.diagnose.doctor.conclusions.handshake",
    "stack.diagnose.doctor.conclusions.hops",
    "stack.diagnose.doctor.conclusions.http2",
    "stack.diagnose.doctor.conclusions.limits",
    "stack.diagnose.doctor.conclusions.message",
    "stack.diagnose.doctor.conclusions.origin",
    "stack.diagnose.doctor.conclusions.page",
    "stack.diagnose.doctor.conclusions.path",
    "stack.diagnose.doctor.conclusions.reach",
    "stack.diagnose.doctor.conclusions.redirect",
    "stack.diagnose.doctor.conclusions.server",
    "stack.diagnose.doctor.conclusions.tls",
    "stack.diagnose.doctor.conclusions.vendor",
    "stack.diagnose.catalogue",
    "stack.diagnose.edits",
    "stack.diagnose.doctor.evidence",
    "stack.probe.exchange",
    "stack.finding",
    "stack.probe.frames",
    "stack.diagnose.formats.document",
    "stack.diagnose.formats.github",
    "stack.diagnose.formats.lint",
    "stack.diagnose.formats.manual",
    "stack.diagnose.formats.sarif",
    "stack.diagnose.formats.text",
    "stack.probe.handshake",
    "stack.diagnose.lint.judge",
    "stack.diagnose.doctor.measured",
    "stack.diagnose.nginx.limits",
    "stack.diagnose.nginx.log",
    "stack.diagnose.nginx.scope",
    "stack.diagnose.nginx.site",
    "stack.diagnose.nginx.tree",
    "stack.diagnose.own.causes",
    "stack.diagnose.doctor.questions",
    "stack.diagnose.lint.rules.answers",
    "stack.diagnose.lint.rules.connection",
    "stack.diagnose.lint.rules.editing",
    "stack.diagnose.lint.rules.examples",
    "stack.diagnose.lint.rules.headers",
    "stack.diagnose.lint.rules.hosts",
    "stack.diagnose.lint.rules.limits",
    "stack.diagnose.lint.rules.locations",
    "stack.diagnose.lint.rules.maps",
    "stack.diagnose.lint.rules.origin",
    "stack.diagnose.lint.rules.privacy",
    "stack.diagnose.lint.rules.rule",
    "stack.diagnose.lint.rules.stream",
    "stack.diagnose.lint.rules.tcp_routes",
    "stack.diagnose.lint.rules.target",
    "stack.diagnose.lint.rules.timeouts",
    "stack.diagnose.lint.rules.upgrades",
    "stack.diagnose.lint.rules.upstreams",
    "stack.diagnose.lint.rules.version",
    "stack.diagnose.doctor.side_by_side",
    "stack.diagnose.doctor.upgrade",
    "stack.diagnose.doctor.x509",
    "stack.proof.devserver",
    "stack.config.document",
    "stack.config.env_file",
    "stack.errors",
    "stack.config.hosts",
    "stack.layout.labels",
    "stack.config.model",
    "stack.layout.names",
    "stack.lifecycle.ownership",
    "stack.lifecycle.plan",
    "stack.config.presets",
    "stack.redaction.redact",
    "stack.layout.routing",
    "stack.engines.running",
    "stack.redaction.forms",
    "stack.redaction.shapes",
    "stack.redaction.values",
    "stack.config.shape",
    "stack.engines.steps",
    "stack.config.syntax",
    "stack.project.token",
    "stack.layout.topology",
    "stack.trouble",
    "stack.config.validate",
]
IMPURE = {"os", "pathlib", "shutil", "socket", "ssl", "subprocess", "tempfile", "time", "datetime"}
IMPURE |= {"io", "random", "secrets", "urllib.request", "http", "threading", "requests", "docker"}
# auth reads moments as dates, and never asks for the time.
ALLOWED = {"stack.diagnose.doctor.conclusions.auth": {"datetime"}}


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
    assert {"stack.cli.main", "stack.probe.dial", *PURE} <= MODULES.keys()


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
    assert set(users) == {"stack.cli.report"}


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
