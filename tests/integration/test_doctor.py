"""The doctor on stacks of our own: silent on a healthy one, and the nearest cause otherwise."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import yaml

from stack.render import generation
from tests.integration.projects import SITE, Project, echo_service


def doctor(project: Project) -> dict[str, Any]:
    """Run `stack doctor --json`, whatever its exit code, and give the document."""
    (seen,) = project.events("doctor")
    return seen


def codes(project: Project) -> list[tuple[str, str]]:
    return [(item["code"], item["where"]) for item in doctor(project)["findings"]]


def test_a_healthy_stack_has_no_findings(demo: Project) -> None:
    seen = doctor(demo)
    assert (seen["ok"], seen["findings"]) == (True, [])
    answers = {item["route"]: item["answer"] for item in seen["routes"]}
    upgraded = "101 Switching Protocols"
    assert answers == {"/": "200 OK", "/echo": upgraded, "/ws": upgraded}
    text = demo.stack("doctor")
    assert "no findings: 3 routes answered as wanted" in text


def test_before_up_it_names_what_does_not_run(echoing: Project) -> None:
    done = echoing.run("doctor")
    assert done.returncode == 1
    assert f"{echoing.name}-nginx-1 does not run" in done.stdout
    assert "fix: stack up" in done.stdout


def test_a_container_that_ended_is_named_with_its_log(echoing: Project) -> None:
    echoing.stack("up")
    echoing.container("echo").kill()
    (finding,) = doctor(echoing)["findings"]
    assert (finding["code"], finding["where"]) == ("WS203", "echo")
    assert {"label": "its log", "text": "starting\nlistening on 8000"} in finding["seen"]


def test_a_wrong_port_gets_the_edit(project: Project, python_image: str) -> None:
    echo = echo_service(python_image, port=9000)
    project.write({**SITE, "echo": echo}, {"/": "site", "/echo": "echo"})
    assert project.run("up", "--timeout", "3").returncode == 1
    (finding,) = doctor(project)["findings"]
    assert (finding["code"], finding["fix"]) == ("WS207", "stack.yaml: services.echo.port: 8000")


def test_a_route_of_no_websocket_is_examined_as_an_address(
    project: Project, python_image: str
) -> None:
    route = {"to": "echo", "websocket": True}
    project.write({**SITE, "echo": echo_service(python_image)}, {"/": "site", "/missing": route})
    assert project.run("up", "--timeout", "3").returncode == 1
    (finding,) = doctor(project)["findings"]
    assert finding["severity"] == "error"
    assert finding["code"].startswith("WS1")
    assert "404" in str(finding["seen"])


def test_a_changed_file_is_a_warning(echoing: Project) -> None:
    echoing.stack("up")
    file = echoing.folder / "stack.yaml"
    content = yaml.safe_load(file.read_text())
    content["services"]["echo"]["env"] = {"COLOUR": "red"}
    file.write_text(yaml.safe_dump(content))
    assert codes(echoing) == [("WS201", "stack.yaml")]
    assert echoing.run("doctor").returncode == 0


def test_a_configuration_that_was_not_loaded_is_told(echoing: Project) -> None:
    echoing.stack("up")
    config = echoing.folder / ".stack/nginx/nginx.conf"
    text = config.read_text()
    config.write_text(text.replace(generation(text), "0" * len(generation(text))))
    assert codes(echoing) == [("WS202", "nginx")]


def test_a_host_service_is_told_apart_by_what_listens(project: Project) -> None:
    with listener("127.0.0.1") as port:
        project.write({**SITE, "app": {"host": port}}, {"/": "site", "/app": "app"})
        project.stack("up")
        assert codes(project) == [("WS205", "app")]
    assert codes(project) == [("WS204", "app")]


@contextlib.contextmanager
def listener(address: str) -> Iterator[int]:
    """Listen on a free port of one address of this machine."""
    with socket.create_server((address, 0)) as server:
        yield int(server.getsockname()[1])
