"""What the integration tests share: projects of their own, and one stack that only is looked at.

Everything has a random port and a name of its own, and is removed by label whatever happens.
"""

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

# Testcontainers cleans up by Ryuk, a container whose image comes from a registry. The tests must
# pass where none can be reached, and they clean up by label anyway. Read when it is imported.
os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"

import docker
import pytest
from testcontainers.core.container import DockerContainer

from stack.engines.docker.connect import connect
from stack.engines.docker.opening import choose_source, open_engine
from stack.layout import images
from stack.layout.labels import Owner
from tests.integration.containers import LABEL, made
from tests.integration.projects import (
    REALTIME,
    SITE,
    WS_ROUTE,
    Project,
    compose,
    echo_service,
    project_in,
)
from tests.integration.storing import COMPOSE_FILE, STORED, start_and_store

Neighbour = Callable[..., DockerContainer]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all that is here, so that `-m "not integration"` needs no engine."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    client = connect()
    yield client
    client.close()


@pytest.fixture(scope="session")
def source() -> images.Source:
    """Where images come from here: decided once, because asking a registry takes seconds."""
    engine = open_engine(Owner("it"), frozenset, print)
    return choose_source(engine, "", print)


@pytest.fixture(scope="session")
def python_image(docker_client: docker.DockerClient, source: images.Source) -> str:
    """The Python image of that source, which exists."""
    return made(docker_client, images.python(source))


@pytest.fixture
def project(
    docker_client: docker.DockerClient, tmp_path: Path, source: images.Source
) -> Iterator[Project]:
    """A project without a stack.yaml yet; removed in the end."""
    with project_in(docker_client, tmp_path, source) as one:
        yield one


@pytest.fixture
def echoing(project: Project, python_image: str) -> Project:
    """A small project, not started: a static page, and the echo service on /echo."""
    services = {**SITE, "echo": echo_service(python_image)}
    project.write(services, {"/": "site", "/echo": {"to": "echo", "websocket": True}})
    return project


@pytest.fixture
def storing(project: Project) -> Project:
    """A project of the test's own that runs and holds something."""
    start_and_store(project)
    return project


@pytest.fixture(scope="module")
def owner(
    docker_client: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
    source: images.Source,
) -> Iterator[Project]:
    """One that the tests of a module share. Each leaves it running, with what it holds."""
    with project_in(docker_client, tmp_path_factory.mktemp("owner"), source) as one:
        start_and_store(one)
        yield one


@pytest.fixture
def foreign(project: Project, source: images.Source) -> Project:
    """A Compose project of the same name, with a volume that we would mount."""
    project.write(STORED, {"/": "site"})
    image = images.recipe_for("redis", source).reference
    text = COMPOSE_FILE.format(name=project.name, image=image)
    (project.folder / "compose.yaml").write_text(text)
    compose(project, "up", "--detach")
    compose(project, "exec", "-T", "cache", "sh", "-c", "echo theirs > /data/theirs")
    return project


@pytest.fixture(scope="session")
def demo(
    docker_client: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
    source: images.Source,
    python_image: str,
) -> Iterator[Project]:
    """A whole running stack. Tests look at it and talk to it; none changes it."""
    folder = tmp_path_factory.mktemp("demo")
    with project_in(docker_client, folder, source) as one:
        # The log names who connected where; a test publishes as fast as it can.
        env = {"WS_LOG_LEVEL": "debug", "WS_MAX_COMMANDS_PER_SECOND": 0}
        ws = {**REALTIME["ws"], "env": env}
        build = {"context": "./echo", "args": {"BASE": python_image}}
        services = {**SITE, **REALTIME, "ws": ws, "echo": {"build": build, "port": 8000}}
        echo = {"to": "echo", "websocket": True}
        one.write(services, {"/": "site", "/echo": echo, **WS_ROUTE})
        one.stack("up")
        yield one


@pytest.fixture
def neighbour(docker_client: docker.DockerClient, python_image: str) -> Iterator[Neighbour]:
    """Start containers that belong to no project: `neighbour("sh", "-c", …, network=…)`."""
    mark = uuid.uuid4().hex

    def start(
        *command: str,
        image: str = python_image,
        env: Mapping[str, str] | None = None,
        **options: object,
    ) -> DockerContainer:
        container = DockerContainer(image).with_command(list(command)).with_envs(**(env or {}))
        return container.with_kwargs(labels={LABEL: mark}, **options).start()

    yield start
    for container in docker_client.containers.list(all=True, filters={"label": f"{LABEL}={mark}"}):
        container.remove(force=True, v=True)
