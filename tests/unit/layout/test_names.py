"""The name of a project is read from a stack.yaml without YAML's parser only where it is plain."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.errors import StackError
from stack.layout.names import name_of, plain_name
from stack.project.load import load

REST = "services: {app: {host: 3000}}\nroutes: {/: app}\n"
LINES = st.sampled_from(
    [
        *("name: shop\n", "name: 'shop'\n", 'name:   "shop"  # ours\n', "name: ${NAME:-a}\n"),
        *("name: 3\n", "name: >\n  shop\n", "name:\n", "name : shop\n", "'name': shop\n"),
        *("? name\n: shop\n", "# name: other\n", "---\n", "--- # name: a\n", "\n", "%YAML 1.1\n"),
        *("x: |\n  name: shop\n", "x: 'a\nname: shop\n  b'\n", "<<: {name: other}\n", "\t\n"),
        *("front: {port: 8081}\n", "{name: shop}\n", "  name: shop\n", "name: no\n", "...\n"),
        *(
            "name: shop\r\n",
            "name: &a shop\n",
            "name: !!str shop\n",
            "name: 'a''b'\n",
            "- name: a\n",
        ),
    ]
)


@given(st.lists(LINES, max_size=4), st.integers(0, 4))
def test_it_says_nothing_else_than_the_parser(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], place: int
) -> None:
    folder = tmp_path_factory.mktemp("shop")
    text = "".join([*lines[:place], REST, *lines[place:]])
    file = folder / "stack.yaml"
    file.write_text(text, encoding="utf-8", newline="")
    said = plain_name(text, folder)
    try:
        name = load(file, {}).name
    except StackError:
        return
    assert said in {"", name}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"name: shop\n{REST}", "shop"),
        (f"{REST}name: 'my-shop'   # ours\n", "my-shop"),
        (REST, name_of(Path("/home/me/My Shop"))),
        (f"name: ${{NAME}}\n{REST}", ""),
        (f"name: a\nname: b\n{REST}", ""),
        ("{name: a, services: {}}", ""),
        ("", ""),
    ],
)
def test_what_is_plain(text: str, name: str) -> None:
    assert plain_name(text, Path("/home/me/My Shop")) == name
