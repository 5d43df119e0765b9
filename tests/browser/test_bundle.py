"""The committed bundle is what its sources give: nobody needs Node to look at the page."""

import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "services" / "web"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the page in a folder of its own, with what package-lock.json pins."""
    folder = tmp_path_factory.mktemp("web")
    shutil.copytree(WEB, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "public/app.js").unlink()
    for command in ("npm ci --no-audit --no-fund --ignore-scripts", "npm run build"):
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True, timeout=300)
    return folder


@pytest.mark.parametrize("name", ["app.js", "centrifuge-js.LICENSE.txt"])
def test_the_bundle_is_fresh(built: Path, name: str) -> None:
    committed, fresh = WEB / "public" / name, built / "public" / name
    assert committed.read_text() == fresh.read_text(), "run: make page"


def test_the_page_loads_nothing_from_elsewhere() -> None:
    page = (WEB / "public/index.html").read_text()
    assert "http://" not in page
    assert "https://" not in page
