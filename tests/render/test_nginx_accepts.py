"""Nginx itself, and gixy, read every expected file; whether it behaves is tested elsewhere."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.render import front
from tests.render.golden import CASES, RENDERERS

EXPLAINED = {
    "ssrf": "a stripped target begins with / (its map says so), so it cannot change the host",
    "missing_resolver": "only localhost is resolved once: it is in /etc/hosts and does not move",
}
"""What gixy reports on production files, and why it stays."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("accepted")
    front.make_certificate(root)
    return root


@pytest.mark.parametrize("name", [name for name in RENDERERS if name.endswith(".conf")])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nginx_accepts_it_without_a_warning(case: Path, name: str, folder: Path) -> None:
    text = (case / "expected" / name).read_text()
    ports = {port: front.free_port() for port in ("80", "443", "8080")}
    done = front.check(front.localized(text, folder, ports), folder)
    assert done.returncode == 0, done.stderr
    assert not re.search(r"\[(?:warn|error|alert|crit|emerg)\]", done.stderr), done.stderr


def findings(file: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "gixy.cli", "--format", "json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gixy_reports_nothing_unexplained_for_production(case: Path) -> None:
    found = findings(case / "expected/nginx.conf")
    assert [finding for finding in found if finding["plugin"] not in EXPLAINED] == []


def test_gixy_would_report_something(tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text("http { server { location /a { alias /srv/a/; } } }")
    assert "alias_traversal" in {finding["plugin"] for finding in findings(file)}
