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


def test_the_front_is_named_as_browsers_and_dev_servers_like_it(tmp_path: Path) -> None:
    door = prepare(opened(tmp_path), "debian").door
    assert (door.origin, door.url) == ("http://localhost:8080", "ws://localhost:8080/")


@pytest.mark.parametrize("loopbacks", [("127.0.0.1",), ("127.0.0.1", "::1")])
def test_what_runs_is_bound_to_the_addresses_of_this_machine(
    loopbacks: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = prepare(opened(tmp_path), "debian").fingerprints
    monkeypatch.setattr(project, "loopbacks", lambda: loopbacks)
    prepared = prepare(opened(tmp_path), "debian")
    bound = [address for address, _, _ in prepared.topology.container("nginx").published]
    assert bound == [*loopbacks]
    running = (tmp_path / ".stack/compose.yaml").read_text()
    committed = project.rendered(opened(tmp_path), "dev", tmp_path)["compose.yaml"]
    assert ("[::1]:8080:8080" in running) == ("::1" in loopbacks)
    assert "[::1]:8080:8080" in committed
    assert prepared.fingerprints == usual


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
