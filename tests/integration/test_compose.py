"""Docker Compose and stack are interchangeable: same containers from one file, each sees both."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import docker
import pytest

from stack.layout.images import Source
from tests.integration.projects import (
    REALTIME,
    SITE,
    WS_ROUTE,
    Project,
    compose,
    echo_service,
    everything,
    project_in,
)
from tests.odd_values import ODD_VALUES

Description = Mapping[str, Any]  # what makes a container, by aspect
COMPOSE = "com.docker.compose"
LABELS = ("project", "service", "container-number", "oneoff", "project.working_dir")
SERVICES = ("nginx", "ws", "redis", "postgres", "own", "made")
ENV_FILE = """\
# a comment
FROM_FILE=as it is
OVERRIDDEN=by the file
SINGLE='$kept # whole'
export COMMENTED=value # and why
DOUBLE="a b # c"
EMPTY=
ESCAPED="\\tone\\nand \\"two\\" for \\$5"
LINES='one
  two # three
'
FILLED="${FROM_FILE}, ${NOT_SET:-$$HOME}"
YAML: 1e3
"""
ODD = {f"ODD_{number}": value.replace("$", "$$") for number, value in enumerate(ODD_VALUES)}


@dataclass(frozen=True)
class Twins:
    """The containers of one project, as each of the two tools made them, by name."""

    stack: Mapping[str, Description]
    compose: Mapping[str, Description]
    left: list[object]  # what `stack down` left of what Compose made


@pytest.fixture(scope="module")
def twins(
    docker_client: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
    source: Source,
    python_image: str,
) -> Iterator[Twins]:
    with project_in(docker_client, tmp_path_factory.mktemp("twins"), source) as project:
        write_rich(project, python_image)
        project.stack("up")
        by_stack = described(project)
        project.stack("down")
        compose(project, "--file", f"{project.state}/compose.yaml", "up", "--detach", "--wait")
        by_compose = described(project)
        project.stack("down", "--volumes", "--yes")
        yield Twins(by_stack, by_compose, everything(project))


@pytest.mark.parametrize("service", SERVICES)
def test_both_make_the_same_container(twins: Twins, service: str) -> None:
    ours, theirs = (without_place(only(made, service)) for made in (twins.stack, twins.compose))
    assert ours
    assert ours == theirs


def test_neither_makes_more_containers(twins: Twins) -> None:
    assert twins.stack.keys() == twins.compose.keys()


def test_stack_down_removes_what_compose_made(twins: Twins) -> None:
    assert twins.left == []


def test_compose_sees_and_removes_what_stack_started(echoing: Project) -> None:
    echoing.stack("up")
    assert compose(echoing, "ps", "--services").split() == ["echo", "nginx"]
    assert re.search(r"echo-1 .*listening on 8000", compose(echoing, "logs", "--no-color"))
    compose(echoing, "down")
    assert everything(echoing) == []


def test_a_rendered_file_gives_the_same_wherever_it_lies(
    project: Project, python_image: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (project.folder / "own.env").write_text(ENV_FILE)
    odd = {"env": ODD, "env_file": "own.env", "volumes": ["./echo:/echo:ro", "./site:/it's $$1"]}
    project.write({**SITE, "own": echo_service(python_image, **odd)}, {"/": "site", "/own": "own"})
    project.stack("up")
    wanted = without_place(described(project))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    project.stack("render", "--out", "within/it")
    project.stack("render", "--out", str(elsewhere))
    (running,) = project.folder.glob(".stack/**/compose.yaml")
    for folder in (running.parent, project.folder / "within" / "it", elsewhere):
        compose(project, "down")
        compose(project, "--file", str(folder / "compose.yaml"), "up", "--detach", cwd="/")
        assert without_place(described(project)) == wanted


def without_place(made: Mapping[str, Description]) -> dict[str, Description]:
    """Leave out what names the folder of the Compose file."""
    return {
        name: {**each, "labels": {**each["labels"], "project.working_dir": ""}}
        for name, each in made.items()
    }


def test_up_takes_over_what_compose_started_from_the_file_of_what_runs(echoing: Project) -> None:
    echoing.stack("up")
    echoing.stack("down")
    compose(echoing, "--file", f"{echoing.state}/compose.yaml", "up", "--detach", "--wait")
    assert "200 OK" in echoing.stack("up")
    assert "up to date" in echoing.stack("up")
    assert len(echoing.containers()) == 2


def write_rich(project: Project, image: str) -> None:
    """Write a project that uses everything that a container can be made from."""
    (project.folder / "db").mkdir()
    (project.folder / "db" / "first.sql").write_text("select 1;\n")
    (project.folder / "own.env").write_text(ENV_FILE)
    own = echo_service(
        image,
        env={"OVERRIDDEN": "by env", **ODD},
        env_file="./own.env",
        volumes=["./echo:/echo:ro", "cache:/cache", "./site:/site"],
        replicas=2,
        memory="96m",
        needs=["ws", "redis"],
        ready={"command": ["python", "-c", "print('$PATH')", "1e3", "0o17"]},
    )
    build = {"context": "./echo", "args": {"BASE": image}}
    services = {
        **SITE,
        **REALTIME,
        "postgres": {"preset": "postgres", "init": "./db", "memory": "3g"},
        "own": own,
        "made": {"build": build, "port": 8000, "needs": ["postgres"]},
        "dev": {"host": 9},
    }
    routes = {"/": "site", "/own": "own", "/made": "made", "/dev": "dev"}
    project.write(services, {**routes, **WS_ROUTE})


def only(made: Mapping[str, Description], service: str) -> dict[str, Description]:
    return {name: each for name, each in made.items() if each["labels"]["service"] == service}


def described(project: Project) -> dict[str, Description]:
    return {str(each.name): description(each.attrs) for each in project.containers()}


def description(seen: Mapping[str, Any]) -> Description:
    """Pick out of `docker inspect` what a container was asked to be, in one order."""
    config, host = seen["Config"], seen["HostConfig"]
    return {
        "image": (config["Image"], seen["Image"]),
        "entrypoint": config["Entrypoint"],
        "command": config["Cmd"],
        "environment": sorted(config["Env"]),
        "mounts": sorted(mount(each) for each in seen["Mounts"]),
        "networks": networks(seen),
        "ports": (config["ExposedPorts"], host["PortBindings"]) if host["PortBindings"] else None,
        "user": config["User"],
        "capabilities": (host["CapAdd"], host["CapDrop"]),
        "security": host["SecurityOpt"],
        "read only": host["ReadonlyRootfs"],
        "tmpfs": host.get("Tmpfs"),
        "health check": config.get("Healthcheck"),
        "stop": (config.get("StopSignal"), config.get("StopTimeout")),
        "hosts": host["ExtraHosts"] or [],
        "restart": host["RestartPolicy"],
        "limits": (host["NanoCpus"], host["PidsLimit"], host["ShmSize"]),
        "memory": [host[key] for key in ("Memory", "MemorySwap", "MemoryReservation")],
        "privileged": (host["Privileged"], host["PidMode"], host["IpcMode"], host.get("Init")),
        "logs": host["LogConfig"],
        "labels": {key: config["Labels"][f"{COMPOSE}.{key}"] for key in LABELS},
        "needs": sorted(re.findall(r"(?:^|,)([^:]+)", config["Labels"][f"{COMPOSE}.depends_on"])),
    }


def mount(each: Mapping[str, Any]) -> tuple[Any, ...]:
    return each["Type"], each.get("Name", each["Source"]), each["Destination"], each["RW"]


def networks(seen: Mapping[str, Any]) -> dict[str, list[str]]:
    """Give a container's names in each network, without the id that the engine adds itself."""
    attached = seen["NetworkSettings"]["Networks"]
    return {
        name: sorted(set(each["Aliases"]) - {seen["Id"][:12]}) for name, each in attached.items()
    }
