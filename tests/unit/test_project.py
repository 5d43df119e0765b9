"""What follows from a stack.yaml: rendered again only when something changed, secrets kept."""

from pathlib import Path

import pytest

from stack import project, state
from stack.project import Prepared, Project, open_project, prepare

TEXT = "name: shop\nservices: {app: {host: 3000}}\nroutes: {/: app}\n"


def opened(folder: Path, text: str = TEXT) -> Project:
    (folder / "stack.yaml").write_text(text)
    return open_project(folder / "stack.yaml", {})


def applied(opened: Project) -> Prepared:
    """Prepare, and put the configuration where ``up`` puts it."""
    prepared = prepare(opened, "debian")
    state.write(opened.state.config, prepared.config)
    return prepared


def test_an_unchanged_stack_renders_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = applied(opened(tmp_path))
    monkeypatch.setattr(project, "render_nginx_dev", lambda *_: pytest.fail("rendered"))
    assert prepare(opened(tmp_path), "debian").config == first.config


def test_a_changed_stack_is_rendered_anew(tmp_path: Path) -> None:
    applied(opened(tmp_path))
    changed = prepare(opened(tmp_path, TEXT.replace("3000", "3001")), "debian")
    assert "host.docker.internal:3001" in changed.config


@pytest.mark.parametrize("name", ["nginx/nginx.conf", "compose.yaml"])
def test_a_file_that_somebody_edited_is_rendered_anew(name: str, tmp_path: Path) -> None:
    first = applied(opened(tmp_path))
    (tmp_path / ".stack" / name).write_text("# mine\n")
    assert prepare(opened(tmp_path), "debian").config == first.config
    assert "# mine" not in (tmp_path / ".stack/compose.yaml").read_text()


def test_images_of_another_source_are_rendered_anew(tmp_path: Path) -> None:
    applied(opened(tmp_path))
    prepare(opened(tmp_path), "registry")
    assert "image: nginx:" in (tmp_path / ".stack/compose.yaml").read_text()
