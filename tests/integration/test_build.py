"""A service with a Dockerfile: what goes into its image, and whose an image of its name is."""

import pytest

from tests.integration.projects import Project, labelled

ROUTES = {"/": "api"}
MARK = "stack.test"


@pytest.fixture
def built(project: Project, python_image: str) -> Project:
    """A project whose service is built from the very folder in which stack.yaml lies."""
    command = ["python3", "-m", "http.server", "8000"]
    service = {"build": ".", "port": 8000, "command": command}
    project.write({"api": service, "redis": {"preset": "redis"}}, ROUTES)
    recipe = f"FROM {python_image}\nLABEL {MARK}={project.name}\nCOPY . /srv/\n"
    (project.folder / "Dockerfile").write_text(recipe)
    return project


def inside(project: Project) -> str:
    """List all files that the image holds of the project's folder."""
    command = "find /srv -type f"
    return bytes(project.client.containers.run(image(project), command, remove=True)).decode()


def image(project: Project) -> str:
    return f"{project.name}-api"


def dangling(project: Project) -> list[str]:
    marked = {"dangling": True, "label": f"{MARK}={project.name}"}
    return [str(one.id) for one in project.client.images.list(filters=marked)]


def test_secrets_are_in_no_image_and_what_stack_writes_changes_none(built: Project) -> None:
    built.stack("up")
    built.stack("bundle")
    assert built.json("up", "--dry-run")["steps"] == []
    assert "up to date" in built.stack("up")
    files = inside(built)
    assert "/srv/Dockerfile" in files
    assert "/.stack" not in files
    assert "stack-bundle" not in files


def test_a_pattern_of_the_user_brings_no_secret_back(built: Project) -> None:
    (built.folder / ".dockerignore").write_text("!.stack\n!**/.stack/**\n")
    built.stack("up")
    assert "/.stack" not in inside(built)


def test_render_says_where_compose_would_copy_secrets(built: Project) -> None:
    said = built.stack("render")
    assert "services.api.build: docker compose would copy .stack" in said
    (built.folder / ".dockerignore").write_text("**/.stack\n")
    assert "would copy" not in built.stack("render")


def test_a_foreign_image_of_that_name_is_refused_and_kept(
    built: Project, python_image: str
) -> None:
    built.client.images.get(python_image).tag(image(built))
    before = built.client.images.get(image(built)).id
    for command in (("up",), ("up", "--dry-run")):
        said = built.fails(*command)
        assert "services.api.build: an image that stack did not make has the name" in said
    assert f"docker tag {image(built)} {image(built)}:kept && docker rmi {image(built)}" in said
    assert built.client.images.get(image(built)).id == before
    assert built.client.containers.list(all=True, filters=labelled(built.name)) == []
    built.client.images.remove(image(built))


def test_a_rebuild_leaves_no_dangling_image(built: Project) -> None:
    for text in ("1", "2", "3"):
        (built.folder / "new.txt").write_text(text)
        built.stack("up")
    assert dangling(built) == []
