"""What follows from a stack.yaml: rendered again only when something changed, and never written."""

from pathlib import Path

import pytest

from stack.engines.running import Running
from stack.errors import ConfigError
from stack.lifecycle import provide
from stack.project import project
from stack.project.project import Prepared, Project, derive, open_project

TEXT = "name: shop\nservices: {app: {host: 3000}}\nroutes: {/: app}\n"


def opened(folder: Path, text: str = TEXT) -> Project:
    (folder / "stack.yaml").write_text(text)
    return open_project(folder / "stack.yaml", {})


def applied(opened: Project) -> Prepared:
    """Derive, and put everything where ``up`` puts it."""
    opened.state.prepare()
    prepared = derive(opened, "debian")
    for step in provide.plan_files(opened, prepared, Running()).steps:
        provide.make(opened, prepared, None, step)
    opened.state.write(opened.state.config, prepared.config)
    return prepared


def test_deriving_writes_nothing(tmp_path: Path) -> None:
    derive(opened(tmp_path), "debian")
    assert [path.name for path in tmp_path.iterdir()] == ["stack.yaml"]


def test_an_unchanged_stack_renders_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = applied(opened(tmp_path))
    monkeypatch.setattr(project, "render_nginx_dev", lambda *_: pytest.fail("rendered"))
    assert derive(opened(tmp_path), "debian").config == first.config


def test_the_front_is_named_as_browsers_and_dev_servers_like_it(tmp_path: Path) -> None:
    front = derive(opened(tmp_path), "debian").front
    assert (front.origin, front.url) == ("http://localhost:8080", "ws://localhost:8080/")


@pytest.mark.parametrize("loopbacks", [("127.0.0.1",), ("127.0.0.1", "::1")])
def test_what_runs_is_bound_to_the_addresses_of_this_machine(
    loopbacks: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = derive(opened(tmp_path), "debian").fingerprints
    monkeypatch.setattr(project, "loopbacks", lambda: loopbacks)
    prepared = derive(opened(tmp_path), "debian")
    bound = [address for address, _, _ in prepared.topology.container("nginx").published]
    assert bound == [*loopbacks]
    running = prepared.compose
    committed = project.rendered(opened(tmp_path), "dev", tmp_path)["compose.yaml"]
    assert ("[::1]:8080:8080" in running) == ("::1" in loopbacks)
    assert "[::1]:8080:8080" in committed
    assert prepared.fingerprints == usual


def test_the_certificate_has_the_names_that_the_authority_may_sign_for(tmp_path: Path) -> None:
    front = "front: {hosts: [Shop.Test, admin.Localhost.]}\n"
    assert opened(tmp_path, TEXT + front).names == ("shop.localhost", "admin.localhost")


def test_a_changed_stack_is_rendered_anew(tmp_path: Path) -> None:
    applied(opened(tmp_path))
    changed = derive(opened(tmp_path, TEXT.replace("3000", "3001")), "debian")
    assert "host.docker.internal:3001" in changed.config


@pytest.mark.parametrize("name", ["nginx/nginx.conf", "compose.yaml"])
def test_a_file_that_somebody_edited_is_rendered_anew(name: str, tmp_path: Path) -> None:
    first = applied(opened(tmp_path))
    (tmp_path / ".stack/shop" / name).write_text("# mine\n")
    again = derive(opened(tmp_path), "debian")
    assert (again.config, again.compose) == (first.config, first.compose)


def test_images_of_another_source_are_rendered_anew(tmp_path: Path) -> None:
    applied(opened(tmp_path))
    assert "image: nginx:" in derive(opened(tmp_path), "registry").compose


def test_two_ways_to_a_folder_are_one_project(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/stack.yaml").write_text(TEXT)
    ways = [tmp_path / "real/stack.yaml", tmp_path / "link/stack.yaml"]
    ways.append(tmp_path / "real/../link/stack.yaml")
    assert len({open_project(way, {}).owner for way in ways}) == 1


def test_two_stack_files_of_a_folder_share_no_state(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TEXT)
    (tmp_path / "b.yaml").write_text(TEXT.replace("shop", "blog"))
    roots = {open_project(tmp_path / name, {}).state.root for name in ("a.yaml", "b.yaml")}
    assert roots == {tmp_path / ".stack/shop", tmp_path / ".stack/blog"}


@pytest.mark.parametrize("name", ["bad\udcff", "a/\udce9t\udce9"])
def test_a_folder_whose_name_no_engine_takes_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    (folder / "stack.yaml").write_text(TEXT)
    with pytest.raises(ConfigError, match="the name is not UTF-8") as caught:
        open_project(folder / "stack.yaml", {})
    assert caught.value.hint.startswith("mv ")
