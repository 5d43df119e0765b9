"""The doctor on stacks of our own: silent on a healthy one, and the nearest cause otherwise."""

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml
from docker.models.containers import Container

from stack.layout.render import generation
from tests.integration.containers import eventually
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
    (ws,) = [item for item in seen["routes"] if item["route"] == "/ws"]
    assert (ws["hop_count"], ws["token_accepted"]) == (2, True)
    assert [(one["name"], one["answer"], one["ok"]) for one in ws["direct"]] == [
        (f"{demo.name}-ws-{number}", upgraded, True) for number in (1, 2)
    ]
    text = demo.stack("doctor")
    assert re.search(
        r"✓ /ws    ws    101 in \d+ ms through 2 hops, token accepted; "
        r"without Nginx \d+, \d+ ms\n",
        text,
    )
    assert "no findings: 3 routes answered correctly" in text


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
    config = echoing.state / "nginx/nginx.conf"
    text = config.read_text()
    config.write_text(text.replace(generation(text), "0" * len(generation(text))))
    assert codes(echoing) == [("WS202", "nginx")]


def test_a_host_service_is_told_apart_by_what_listens(project: Project) -> None:
    with listener("127.0.0.1") as port:
        project.write({**SITE, "app": {"host": port}}, {"/": "site", "/app": "app"})
        project.stack("up")
        assert codes(project) == [("WS205", "app")]
    assert codes(project) == [("WS204", "app")]


def test_a_container_that_hangs_is_named_among_its_like(
    project: Project, python_image: str
) -> None:
    echo = echo_service(python_image, replicas=2)
    project.write({**SITE, "echo": echo}, {"/": "site", "/echo": {"to": "echo", "websocket": True}})
    project.stack("up")
    project.container("echo", 2).kill("SIGSTOP")
    (finding,) = doctor(project)["findings"]
    assert (finding["code"], finding["where"]) == ("WS213", "echo")
    assert finding["message"].startswith(f"{project.name}-echo-2 fails on /echo")
    seen = {item["label"]: item["text"] for item in finding["seen"]}
    assert seen[f"{project.name}-echo-1 itself"].startswith("101 Switching Protocols in ")
    assert seen[f"{project.name}-echo-2 itself"] == "no answer within 2 s"


def test_a_service_that_is_not_ready_is_told_and_what_needs_it_is_not(
    project: Project, python_image: str
) -> None:
    api = echo_service(python_image, needs=["postgres"], ready={"http": "/missing"})
    services = {**SITE, "postgres": {"preset": "postgres"}, "api": api}
    project.write(services, {"/": "site", "/api": "api"})
    assert project.run("up", "--timeout", "20").returncode == 1
    (finding,) = doctor(project)["findings"]
    assert (finding["code"], finding["where"]) == ("WS212", "api")
    asked = "asked HTTP on /missing: HTTP/1.1 404 Not Found"
    assert {"label": f"{project.name}-api-1", "text": asked} in finding["seen"]
    # All but init, which is the first process; the kernel spares that and the shell that asks.
    postgres = project.container("postgres")
    assert postgres.exec_run(["sh", "-c", "kill -STOP -1"]).exit_code == 0
    assert codes(project) == [("WS212", "postgres")]


def test_what_the_front_spoils_is_shown_beside_the_answer_of_the_service(
    echoing: Project,
) -> None:
    echoing.stack("up")
    reload_with(echoing, r"proxy_set_header Upgrade +\$upgrade;", 'proxy_set_header Upgrade "";')
    first, *_ = doctor(echoing)["findings"]
    assert (first["code"], first["where"]) == ("WS214", "echo")
    seen = {item["label"]: item["text"] for item in first["seen"]}
    assert "200" in seen["/echo by the front"]
    assert seen[f"{echoing.name}-echo-1 itself"].startswith("101 Switching Protocols in ")
    assert seen["access log"].startswith("200: ")
    assert ":8000 gave 200" in seen["access log"]
    echoing.stack("up")  # the fix that it names
    assert doctor(echoing)["findings"] == []


def test_an_address_that_no_container_has_is_told(echoing: Project) -> None:
    echoing.stack("up")
    networks = echoing.container("echo").attrs["NetworkSettings"]["Networks"]
    (address,) = [network["IPAddress"] for network in networks.values()]
    gone = f"{address.rpartition('.')[0]}.250"
    reload_with(echoing, r"set \$upstream .*;", f"set $upstream {gone}:8000;")
    first, *_ = doctor(echoing)["findings"]
    assert (first["code"], first["where"]) == ("WS216", "echo")
    assert first["message"].startswith(f"Nginx uses {gone}:8000,")


def test_an_nginx_without_a_connection_left_is_told(echoing: Project) -> None:
    echoing.stack("up")
    reload_with(
        echoing, r"worker_connections +4096;|worker_processes +2;", "", "worker_connections 8;"
    )
    with contextlib.ExitStack() as held:
        for _ in range(8):  # half a request each: idle ones would be closed for new ones
            one = held.enter_context(socket.create_connection(("127.0.0.1", echoing.port)))
            one.sendall(b"GET / HTTP/1.1\r\n")
        first, *_ = doctor(echoing)["findings"]
    assert (first["code"], first["where"]) == ("WS217", "nginx")
    assert "worker_connections are not enough" in str(first["seen"])


def reload_with(project: Project, pattern: str, text: str, events: str = "") -> None:
    """Change the configuration behind the back of stack, and let Nginx load it."""
    config = project.state / "nginx/nginx.conf"
    changed, count = re.subn(pattern, text, config.read_text())
    assert count
    config.write_text(changed.replace("events {", f"events {{ {events}"))
    nginx = project.container("nginx")
    before = workers(nginx)
    nginx.kill("SIGHUP")

    def is_new() -> None:
        now = workers(nginx)
        assert now
        assert not now & before

    eventually(is_new)


def workers(nginx: Container) -> set[str]:
    """Give the process ids of Nginx' workers that still take requests."""
    rows = nginx.top()["Processes"]
    return {row[1] for row in rows if row[-1].endswith("worker process")}


@contextlib.contextmanager
def listener(address: str) -> Iterator[int]:
    """Listen on a free port of one address of this machine."""
    with socket.create_server((address, 0)) as server:
        yield int(server.getsockname()[1])


def test_a_stranger_at_the_front_port_is_not_taken_for_the_stack(echoing: Project) -> None:
    echoing.stack("up")
    echoing.stack("down")
    server = ThreadingHTTPServer(("127.0.0.1", echoing.port), SimpleHTTPRequestHandler)
    with server:
        threading.Thread(target=server.serve_forever).start()
        found = doctor(echoing)
        server.shutdown()
    assert {route["ok"] for route in found["routes"]} == {False}
    assert codes(echoing)[0] == ("WS203", "nginx")
