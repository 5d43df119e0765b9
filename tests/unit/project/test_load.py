"""Every bad stack.yaml gets one line a problem: file, place, path, and what to do. Never more."""
# ruff: noqa: E501 - the tables read best with one case a line

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stack.config import document
from stack.config.model import Stack
from stack.config.shape import PATTERNS
from stack.errors import ConfigError
from stack.project.load import load
from tests.examples import examples
from tests.unit.written import ENVIRON, FORMS, NAMES, OK, TOP, loaded, problems, service

# fmt: off
# What is written, and the whole message without ``stack.yaml``.
SYNTAX = [
    ("", ": is empty"),
    ("# nothing\n", ": is empty"),
    ("- a\n", ":1:1: must be a mapping of keys, not a list"),
    ("hello\n", ":1:1: must be a mapping of keys, not 'hello'"),
    ("services:\n\tapp: 1\n", ":2:1: a tab is used to indent; YAML allows only spaces"),
    (f"{OK}routes:\n  /: app\n", ":5:1: routes: written twice; first on line 3"),
    (f"{OK}---\na: 1\n", ":5:1: a second document begins here; stack.yaml has only one"),
    (f"{OK}...\na: 1\n", ":6:1: does not belong to the value above, which has ended"),
    (f"{OK}foo\n", ":5:1: a key without a colon and a space"),
    (f"{OK}name: 'abc\n", ":5:7: a quote is not closed"),
    (f"{OK}front: {{port: 80\n", ":5:8: { is not closed"),
    (f"{OK}name: @x\n", ":5:7: this character cannot begin a value"),
    (f"{OK}name: *x\n", ":5:7: no &name before it has the name of this alias"),
    (f"{OK}name: a: b\n", ":5:8: a colon where none is allowed"),
    ("a:\n   b: 1\n  c: 2\n", ":3:3: does not line up with the lines above"),
    (f"{OK}name: a\0b\n", ":5:8: the character U+0000 is not allowed in YAML"),
    (f'{OK}name: "\\0"\n', ":5:7: name: the character U+0000 cannot be used"),
    (f'{OK}name: "\\ud800"\n', ":5:7: name: the character U+D800 cannot be used"),
    (f'{OK}"\\ud800": 1\n', ":5:1: a key has an invalid character"),
    (f'{OK}"a\\x1b\\n": 1\n', ":5:1: a\\x1b\\n: unknown key"),
    (f"{OK}[a]: 2\n", ":5:1: a key must be plain text"),
    (f"{OK}1: 2\n", ":5:1: 1: unknown key"),
    (f"{OK}null: 2\n", ":5:1: null: unknown key"),
    (f"{OK}name: !!python/object:os.system x\n", None),
    (f"{OK}front: !foo {{port: 1}}\n", ":5:8: front: the tag !foo is not supported"),
    (f"{OK}front: !!set {{port}}\n", ":5:8: front: the tag !!set is not supported"),
    (f"{OK}name: !!binary aGk=\n", ":5:7: name: the tag !!binary is not supported"),
    (b"name: \xe9\n", ":1:7: byte 0xe9 is not UTF-8"),
    (OK.encode("utf-16"), ":1:1: is UTF-16, not UTF-8"),
    (b"#" * (1 << 19) + b"#", ": larger than 512 KiB"),
]
BOMBS = [
    ("&a [*a]\n", None),
    (f"{OK}front: &a {{port: *a}}\n", ":5:8: front.port: contains itself, through an alias (*name)"),
    ("services: &a\n  app: *a\n", None),
    ("[" * 100_000, ":1:42: nested too deep"),
    ("a: " + "[" * 2000 + "]" * 2000, ":1:45: nested too deep"),
    ("- " * 30_000, ":1:84: nested too deep"),
    ("".join(" " * depth + "a:\n" for depth in range(600)), ":41:43: nested too deep"),
    ("a: &a [x]\n" + "".join(f"b{n}: &a [{','.join(['*a'] * 9)}]\n" for n in range(9)), None),
    ("a: &a {x: 1}\n" + "".join(f"b{n}: &a\n  <<: [{','.join(['*a'] * 9)}]\n" for n in range(9)), None),
    ("a: &a\n  <<: *a\n", None),
]
SHAPES = [
    (f"{OK}frobs: 1\n", ":5:1: frobs: unknown key"),
    (f"{OK}front: {{prot: 80}}\n", ":5:9: front.prot: unknown key; did you mean port?"),
    (service("w: {image: x, depends_on: [a]}"), ":3:17: services.w.depends_on: unknown key; did you mean needs?"),
    (service("w: {image: x, environment: {}}"), ":3:17: services.w.environment: unknown key; did you mean env?"),
    (service("w: {image: x, ports: 1}"), ":3:17: services.w.ports: unknown key; did you mean port?"),
    (f"{OK}front: {{port: '80'}}\n", ":5:9: front.port: must be a whole number, not '80'"),
    (f"{OK}front: {{port: 80.5}}\n", ":5:9: front.port: must be a whole number, not 80.5"),
    (f"{OK}front: {{port: true}}\n", ":5:9: front.port: must be a whole number, not true"),
    (f"{OK}front: {{port: 08}}\n", ":5:9: front.port: must be a whole number, not '08'"),
    (f"{OK}front: {{port: 010}}\n", ":5:9: front.port: must be a whole number, not '010'"),
    (f"{OK}front: {{port: 1:30}}\n", ":5:9: front.port: must be a whole number, not '1:30'"),
    (f"{OK}front: {{port: 1e3}}\n", ":5:9: front.port: must be a whole number, not '1e3'"),
    (f"{OK}front: {{port: 99999}}\n", ":5:9: front.port: must be at most 65535, not 99999"),
    (f"{OK}front: {{port: -1}}\n", ":5:9: front.port: must be at least 1, not -1"),
    (f"{OK}front: x\n", ":5:1: front: must be a mapping of keys, not 'x'"),
    (f"{OK}front:\n", ":5:1: front: is empty; it must be a mapping of keys"),
    (f"{OK}name: 12\n", ":5:1: name: must be text, not 12"),
    (f"{OK}name: Shop Ö\n", f":5:1: name: 'Shop Ö' is not allowed here; {NAMES}"),
    (f"{OK}images: debain\n", ":5:1: images.source: must be one of auto, registry or debian, not 'debain'; did you mean debian?"),
    (service("w:"), ":3:3: services.w: is empty; it must be a mapping of keys"),
    (service("w: redis"), ":3:3: services.w: must be a mapping of keys, not 'redis'"),
    (service("Web: {image: x}"), f":3:3: services.Web: 'Web' is not allowed here; {NAMES}"),
    (service("'😀': {image: x}"), f":3:3: services.😀: '😀' is not allowed here; {NAMES}"),
    (service("'שלום': {image: x}"), f":3:3: services.שלום: 'שלום' is not allowed here; {NAMES}"),
    (service("w: {image: x, needs: app}"), ":3:17: services.w.needs: must be a list like [app], not 'app'"),
    (service("w: {image: x, command: run me}"), ":3:17: services.w.command: must be a list like [run, me], not 'run me'"),
    (service("w: {image: x, env: [A=1]}"), ":3:17: services.w.env: must be a mapping of keys, not a list"),
    (service("w: {image: x, env: {F-G: x}}"), ":3:23: services.w.env.F-G: 'F-G' is not allowed here; use letters, digits and _, not starting with a digit"),
    (service("w: {image: x, env: {A: [1]}}"), ":3:23: services.w.env.A: must be text, not a list"),
    (service("w: {image: x, replicas: 51}"), ":3:17: services.w.replicas: must be at most 50, not 51"),
    (service("w: {image: ''}"), ":3:7: services.w.image: must not be empty"),
    (service("w: {build: {dockerfile: x}}"), ":3:7: services.w.build.context: is missing"),
    (service("w: {preset: Redis}"), ":3:7: services.w.preset: must be one of realtime, redis or postgres, not 'Redis'; did you mean redis?"),
    ("services:\nroutes:\n  /: app\n", ":1:1: services: is empty; it must be a mapping of keys"),
    ("services: {}\nroutes: {/: a}\n", ":1:1: services: must not be empty"),
    (f"{OK}  /y:\n", ":5:3: routes./y: is empty; it must be the name of a service or a mapping of keys"),
    (f"{OK}  /w: {{to: app, websocket: 'yes'}}\n", ":5:17: routes./w.websocket: must be true or false, not 'yes'"),
    (f"{OK}  /w: {{to: app, websocket: [1]}}\n", ":5:17: routes./w.websocket: must be true or false, not a list"),
    (f"{OK}  /w: {{to: app, idle_timeout: 5 min}}\n", ":5:17: routes./w.idle_timeout: '5 min' is not a duration; write it like 500ms, 90s, 5m or 1h"),
    (f"{OK}  /w: {{to: app, idle_timeout: 90d}}\n", ":5:17: routes./w.idle_timeout: must be at most 2592000 seconds, not '90d'"),
    (f"{OK}  /w: {{to: app, idle_timeout: 0}}\n", ":5:17: routes./w.idle_timeout: must be more than 0, not 0"),
    (f"{OK}  /w: {{to: app, idle_timeout: true}}\n", ":5:17: routes./w.idle_timeout: must be a duration like 500ms, 90s, 5m or 1h, not true"),
    (f"{OK}deploy: {{host: Shop, tls: {{certificate: /c, key: /k}}}}\n", ":5:10: deploy.host: 'Shop' is not allowed here; use a full host name in lower case, like shop.example.com"),
]
VARIABLES = [
    (f"{OK}name: ${{NOPE}}\n", ":5:7: name: the environment variable NOPE is not set"),
    (f"{OK}name: ${{NOPE:?please set it}}\n", ":5:7: name: please set it"),
    (f"{OK}name: ${{NOPE\n", ":5:7: name: ${ is not closed"),
    (f"{OK}name: ${{1A}}\n", ":5:7: name: ${1A} is not a variable"),
    (f"{OK}name: ${{A:+c}}\n", ":5:7: name: ${A:+c} is not a variable"),
    (f"{OK}name: ${{A:-${{B}}}}\n", ":5:7: name: the default of ${A} cannot contain another ${…}"),
    (f"{OK}name: ${{EVIL}}\n", f":5:1: name: 'a\\nfront: {{port: 1}}' is not allowed here; {NAMES}"),
    (f"{OK}name: ${{A:-}}\n", f":5:1: name: '' is not allowed here; {NAMES}"),
    (f"{OK}front: {{port: ${{PORT}}}}\n", ":5:16: ${…} inside { } or [ ] needs quotes"),
]
# fmt: on


CASES = SYNTAX + BOMBS + SHAPES + VARIABLES


@pytest.mark.parametrize(
    ("content", "wanted"), CASES, ids=[str(wanted).partition(": ")[2] for _, wanted in CASES]
)
def test_problem(tmp_path: Path, content: str | bytes, wanted: str | None) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    message, _ = problems(folder, content)  # a bomb would take minutes here, or all memory
    assert wanted is None or message == f"stack.yaml{wanted}"
    assert all(line.startswith("stack.yaml:") for line in message.splitlines())


def test_too_many_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_NODES", 500)  # so many as are allowed take seconds to read
    assert problems(tmp_path, "- a\n" * 600)[0] == "stack.yaml:501:1: has too many values"


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("", "stack init --force writes a commented starter"),
        (f"{OK}zzz: 1\n", TOP),
        (service("w: {image: x, zzz: 1}"), None),
        (f"{OK}front: {{port: '80'}}\n", "drop the quotes"),
        (f"{OK}front: {{port: {'9' * 20}}}\n", ""),
        (f"{OK}front: {{port: '${{LONG}}'}}\n", ""),
        (OK.replace("/: app", "/: 1"), 'put it in quotes: "1"'),
        (service("w: {build: 1.5}"), 'put it in quotes: "1.5"'),
        (service("w: 1"), ""),
        ("[1]\n", "it needs at least services: and routes:, as in: stack init --file example.yaml"),
        (f"{OK}name: ${{NOPE}}\n", "export NOPE=…, or write ${NOPE:-default}"),
        (f"{OK}name: ${{1A}}\n", FORMS),
        (b"name: \xe9\n", "save the file as UTF-8: iconv -f latin1 -t utf-8 {file}"),
        (OK.encode("utf-16"), "save the file as UTF-8: iconv -f utf-16 -t utf-8 {file}"),
    ],
)
def test_hint(tmp_path: Path, content: str | bytes, hint: str | None) -> None:
    given = problems(tmp_path, content)[1]
    hint = hint and hint.replace("{file}", str(tmp_path / "stack.yaml"))
    assert given.startswith("known in services.w: preset, image") if hint is None else given == hint


def test_all_that_is_wrong_with_the_shape_is_said_at_once_in_the_order_of_the_file(
    tmp_path: Path,
) -> None:
    text = (
        "name: ${NOPE}\n"
        "services:\n  app: {host: 3000, prot: 1}\n  c: {image: 3}\n"
        "routes:\n  /: ap\n  /c: c\nfoo: 1\n"
    )
    assert problems(tmp_path, text)[0].splitlines() == [
        "stack.yaml:1:7: name: the environment variable NOPE is not set",
        "stack.yaml:3:21: services.app.prot: unknown key; did you mean port?",
        "stack.yaml:4:7: services.c.image: must be text, not 3",
        "stack.yaml:8:1: foo: unknown key",
    ]


def test_then_all_that_does_not_fit_together_is_said_at_once(tmp_path: Path) -> None:
    text = (
        "services:\n  app: {host: 3000}\n  b: {host: 3000}\n"
        "  d: {image: x, needs: [q]}\n  e: {build: ./nope, port: 1}\n"
        "routes:\n  /: ap\n"
    )
    assert problems(tmp_path, text)[0].splitlines() == [
        "stack.yaml:3:7: services.b.host: port 3000 is also services.app.host",
        "stack.yaml:4:25: services.d.needs.0: there is no service q",
        "stack.yaml:5:7: services.e.build: there is no folder ./nope",
        "stack.yaml:7:3: routes./.to: there is no service ap; did you mean app?",
    ]


def test_a_misspelt_source_is_said_once(tmp_path: Path) -> None:
    message = problems(tmp_path, service("w: {imgae: x}"))[0]
    assert message == "stack.yaml:3:7: services.w.imgae: unknown key; did you mean image?"


@pytest.mark.parametrize(
    ("written", "port"),
    [("${PORT}", 81), ("'${PORT}'", 81), ("${NOPE:-9}", 9), ('"${NOPE:-9}"', 9), ("81", 81)],
)
def test_a_variable_is_a_number_where_one_is_wanted(
    tmp_path: Path, written: str, port: int
) -> None:
    assert loaded(tmp_path, f"{OK}front:\n  port: {written}\n").front.port == port


def test_a_variable_is_text_and_truth_where_they_are_wanted(tmp_path: Path) -> None:
    stack = loaded(tmp_path, f"name: n${{PORT}}\n{OK}  /w: {{to: app, websocket: '${{FLAG}}'}}\n")
    assert (stack.name, stack.routes["/w"].websocket) == ("n81", True)


@pytest.mark.parametrize("written", ["1.10", "yes", "010", "null", "2020-01-01", "1e3", "~", "0x1"])
def test_environment_values_are_text_as_written(tmp_path: Path, written: str) -> None:
    stack = loaded(tmp_path, service(f"w: {{image: x, env: {{A: {written}}}}}"))
    assert stack.services["w"].env == {"A": written}


@pytest.mark.parametrize(
    ("written", "value"),
    [("a$$b", "a$b"), ("$A", "$A"), ("$$$$", "$$"), ("'$${A}'", "${A}"), ("'${EMPTY-x}'", "")],
)
def test_dollars(tmp_path: Path, written: str, value: str) -> None:
    stack = loaded(tmp_path, service(f"w: {{image: x, env: {{A: {written}}}}}"))
    assert stack.services["w"].env == {"A": value}


def test_a_variable_cannot_change_the_structure(tmp_path: Path) -> None:
    stack = loaded(tmp_path, service("w: {image: x, env: {A: '${EVIL}'}}"))
    assert (stack.services["w"].env["A"], stack.front.port) == (ENVIRON["EVIL"], 8080)


@pytest.mark.parametrize(
    "content",
    [OK.replace("\n", "\r\n"), OK.replace("\n", "\r"), f"\ufeff{OK}", f"---\n{OK}", f"{OK}...\n"],
    ids=["crlf", "cr", "bom", "document start", "document end"],
)
def test_other_ways_to_write_the_same(tmp_path: Path, content: str) -> None:
    assert loaded(tmp_path, content).services["app"].host == 3000


def test_merge_keys_fill_in_and_what_is_written_wins(tmp_path: Path) -> None:
    stack = loaded(tmp_path, service("a: &a {image: x, port: 1}\n  b: {<<: *a, port: 2}"))
    assert (stack.services["b"].image, stack.services["b"].port) == ("x", 2)


@pytest.mark.parametrize("folder", ["shop", "a_b", "shop-2", "a" * 63])
def test_the_folder_names_the_project(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    assert loaded(tmp_path / folder, OK).name == folder


@pytest.mark.parametrize(
    ("folder", "begin"),
    [
        ("My Shop!", "my-shop"),
        ("a__b", "a-b"),
        ("日本", "stack"),
        ("-x-", "x"),
        ("a" * 62 + "-b", "a" * 56),
        ('it\'s "q" $x', "it-s-q-x"),
    ],
)
def test_a_name_that_had_to_be_altered_ends_with_a_digest(
    tmp_path: Path, folder: str, begin: str
) -> None:
    (tmp_path / folder).mkdir()
    assert re.fullmatch(rf"{begin}-[0-9a-f]{{6}}", loaded(tmp_path / folder, OK).name)


def test_folders_whose_names_become_alike_are_different_projects(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a b", "a:b", "a-b", "A-B", "á", "日", "本")]
    for folder in folders:
        folder.mkdir()
    assert len({loaded(folder, OK).name for folder in folders}) == len(folders)


def test_realtime_needs_all_stores_unless_it_says_what(tmp_path: Path) -> None:
    text = service(
        "r: {preset: redis}\n  w: {preset: realtime}\n  v: {preset: realtime, needs: []}"
    )
    services = loaded(tmp_path, text).services
    assert (services["w"].needs, services["v"].needs) == (["r"], [])


def test_a_missing_file_names_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "stack.yaml", {})
    assert caught.value.message == f"stack.yaml: not found in {tmp_path}"
    assert caught.value.hint == "stack init"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder, not a file"):
        load(tmp_path, {})


def test_an_endless_file_is_not_read() -> None:
    with pytest.raises(ConfigError, match="is a device, not a file"):
        load(Path("/dev/zero"), {})


def test_environment_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(f"{OK}name: ${{BAD}}\n")
    with pytest.raises(ConfigError, match=r"U\+DCFF cannot be used"):
        load(tmp_path / "stack.yaml", {"BAD": os.fsdecode(b"\xff")})


def patterns(node: object) -> Iterator[str]:
    """Give all patterns of a JSON Schema."""
    if isinstance(node, dict):
        yield from [node["pattern"]] if isinstance(node.get("pattern"), str) else ()
        yield from (found for value in node.values() for found in patterns(value))
        yield from node.get("patternProperties", ())
    elif isinstance(node, list):
        yield from (found for value in node for found in patterns(value))


def test_every_pattern_of_the_model_has_words() -> None:
    assert set(patterns(Stack.model_json_schema())) <= set(PATTERNS)


pieces = st.sampled_from(
    [
        *OK.splitlines(keepends=True),
        "services:\n",
        "  w: {image: x}\n",
        "&a ",
        "*a",
        "<<: ",
        "${A}",
        "${A:-",
        "}",
        "{",
        "[",
        "]",
        "- ",
        ": ",
        "? ",
        "!!set ",
        "|\n",
        "'",
        '"',
        "\t",
        "\x85",
        "\\",
        "front: {port: 1}\n",
        "null",
        "1:",
        "#",
        "%YAML 1.1\n",
        "---\n",
        "  env: {A: 1}\n",
        "�",
    ]
)
anything = st.one_of(
    st.lists(pieces | st.text(max_size=5), max_size=12).map(
        lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
    ),
    st.binary(max_size=60),
    st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace")),
)


@given(anything)
@settings(
    max_examples=examples(400),
    deadline=2000,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_bytes_are_a_stack_or_a_config_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "stack.yaml"
    file.write_bytes(content)
    try:
        assert isinstance(load(file, ENVIRON), Stack)
    except ConfigError as error:
        lines = error.message.splitlines()
        assert lines
        assert all(line.startswith("stack.yaml:") for line in lines)
