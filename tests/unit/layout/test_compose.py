"""The Compose document: complete, closed, and read back exactly whatever a user wrote."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stack.layout.compose import compose_rest, compose_services
from stack.layout.render import as_yaml, render_compose
from stack.layout.topology import lay_out
from tests.examples import examples
from tests.odd_values import ODD_VALUES
from tests.unit.layout.test_topology import IMAGES, layout, stack_of

PLAIN = ("inf", "NaN", "infinity", "none", "a:b", "redis:8", "./a b", "../up", "/abs/x.y", "A-b_c")
DOCUMENTS = compose_services(layout())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_container_is_closed(name: str) -> None:
    document = DOCUMENTS[name]
    assert document["cap_drop"] == ["ALL"]
    assert document["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in document
    assert document["pids_limit"] > 0
    assert document["logging"]["options"].keys() == {"max-size", "max-file"}


def test_ports_are_published_on_this_machine_only() -> None:
    ports = {name: item["ports"] for name, item in DOCUMENTS.items() if "ports" in item}
    assert ports == {"nginx": ["127.0.0.1:8080:8080", "[::1]:8080:8080"]}


def test_networks_volumes_and_secrets_are_declared() -> None:
    rest = compose_rest(layout())
    assert rest["networks"] == {"data": {"internal": True}, "default": {}}
    assert rest["volumes"] == {"data": {}, "postgres": {}, "redis": {}}
    used = {secret["source"] for item in DOCUMENTS.values() for secret in item.get("secrets", ())}
    assert rest["secrets"].keys() == used
    assert all(value.keys() == {"file"} for value in rest["secrets"].values())


def test_own_images_wait_for_what_they_need() -> None:
    assert DOCUMENTS["api"]["depends_on"] == {
        "redis": {"condition": "service_healthy"},
        "postgres": {"condition": "service_healthy"},
    }
    assert DOCUMENTS["ws"]["depends_on"]["redis"] == {"condition": "service_started"}


def test_replicas_and_builds_are_written() -> None:
    assert DOCUMENTS["ws"]["deploy"] == {"replicas": 2}
    assert DOCUMENTS["api"]["build"] == {"context": "./api", "dockerfile": "Dockerfile"}
    assert "deploy" not in DOCUMENTS["api"]


def test_folders_are_bound_and_volumes_are_volumes() -> None:
    assert DOCUMENTS["own"]["volumes"] == [
        {"type": "volume", "source": "data", "target": "/d"},
        {"type": "bind", "source": "./x", "target": "/x", "read_only": True},
    ]


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("public", "./public"),
        ("./a b", "./a b"),
        ("/abs", "/abs"),
        ("../up", "../up"),
        (".hidden", ".hidden"),
        ("~x", "./~x"),
        ('it\'s "$x":#', './it\'s "$$x":#'),
    ],
)
def test_a_folder_with_odd_characters_stays_one_folder(folder: str, source: str) -> None:
    stack = stack_of({"app": {"static": folder}})
    volumes = compose_services(lay_out(stack, IMAGES))["nginx"]["volumes"]
    assert volumes[1] == {"type": "bind", "source": source, "target": "/srv/app", "read_only": True}


@pytest.mark.parametrize(
    ("written", "rendered"), [("$", "$$"), ("${A}", "$${A}"), ("a$$b", "a$$$$b"), ("€", "€")]
)
def test_dollars_are_doubled_wherever_a_string_is(written: str, rendered: str) -> None:
    app = {"image": "x", "port": 1, "command": [written], "env": {"A": written}}
    document = compose_services(lay_out(stack_of({"app": app}), IMAGES))["app"]
    assert (document["command"], document["environment"]) == ([rendered], {"A": rendered})


def test_paths_are_seen_from_where_the_file_lies() -> None:
    own = {"build": "./api", "port": 1, "env_file": "app.env", "needs": ["redis"]}
    own |= {"volumes": ["../x:/x", "/abs:/abs", "data:/d"]}
    stack = stack_of({"app": own, "redis": {"preset": "redis"}})
    layed_out = lay_out(stack, IMAGES)
    app = compose_services(layed_out, "../..")["app"]
    assert app["build"]["context"] == "../../api"
    assert app["env_file"] == "../../app.env"
    assert [volume["source"] for volume in app["volumes"]] == ["../../../x", "/abs", "data"]
    files = [secret["file"] for secret in compose_rest(layed_out, "../$")["secrets"].values()]
    assert all(file.startswith("../$$/.stack/") for file in files)


def test_labels_stand_where_they_are_wanted() -> None:
    own = {"redis": {"a": "$b"}, "nginx": {"a": "b"}}
    labels = {"services": own, "networks": {"data": {"c": "d"}}}
    labels |= {"volumes": {"redis": {"e": "f"}}}
    services, rest = (make(layout(), ".", labels) for make in (compose_services, compose_rest))
    assert services["redis"]["labels"] == {"a": "$$b"}
    assert services["nginx"]["labels"] == {"dev.stack.front": "http://localhost:8080", "a": "b"}
    others = services.keys() - {"redis", "nginx"}
    assert not any("labels" in services[name] for name in others)
    assert rest["networks"] == {"data": {"internal": True, "labels": {"c": "d"}}, "default": {}}
    assert rest["volumes"] == {"data": {}, "postgres": {}, "redis": {"labels": {"e": "f"}}}


@pytest.mark.parametrize("value", [value for value in ODD_VALUES if value not in PLAIN])
def test_what_a_reader_may_take_for_something_else_is_quoted(value: str) -> None:
    assert as_yaml([value])[:3] in {"- '", '- "', "- |"}
    assert as_yaml({value: 1})[0] in "'\"?"


@pytest.mark.parametrize("value", PLAIN)
def test_plain_text_is_left_plain(value: str) -> None:
    assert as_yaml([value]) == f"- {value}"


def undollared(value: Any) -> Any:
    if isinstance(value, str):
        assert "$" not in value.replace("$$", "")
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [undollared(item) for item in value]
    if isinstance(value, dict):
        return {key: undollared(item) for key, item in value.items()}
    return value


nasty = st.sampled_from(
    [
        *"\"'$#:{}[]&*!|>%@`~ \t\n\r\\,?-=é😀",
        *["\ufeff", "\x1b", "\x7f", "\x01", "\u202e", "${", "$$", ": ", " #", "\n---\n", "<<"],
        *["null", "yes", "1.10", "{{", "{%", "#}"],
    ]
)
breaks = "\x85\u2028\u2029"  # line breaks of YAML 1.1 only
written = st.characters(exclude_categories=["Cs"], exclude_characters=breaks)
text = st.lists(nasty | written, min_size=1, max_size=12).map("".join)


@given(text, text, text, text)
@settings(max_examples=examples(60), deadline=None)
def test_whatever_is_written_is_read_back_exactly(a: str, b: str, c: str, d: str) -> None:
    api = {"build": {"context": f"./{d}", "args": {"A": a}}, "port": 1, "env": {"B": b}}
    api |= {"command": [c, a], "ready": {"command": [d]}, "volumes": [f"./{a}:/x"]}
    stack = stack_of({"app": api})
    layed_out = lay_out(stack, IMAGES)
    read = yaml.safe_load(render_compose(stack, layed_out))
    assert {
        "name": "shop",
        "services": compose_services(layed_out),
        **compose_rest(layed_out),
    } == read
    made = undollared(read["services"])["app"]
    assert (made["environment"], made["command"]) == ({"B": b}, [c, a])
    assert (made["build"]["args"], made["healthcheck"]["test"]) == ({"A": a}, ["CMD", d])


@pytest.mark.parametrize("character", breaks, ids=["U+0085", "U+2028", "U+2029"])
def test_line_breaks_of_old_yaml_come_back(character: str) -> None:
    stack = stack_of({"app": {"image": "x", "port": 1, "env": {"A": f"a{character}b"}}})
    read = yaml.safe_load(render_compose(stack, lay_out(stack, IMAGES)))
    assert read["services"]["app"]["environment"] == {"A": f"a{character}b"}
