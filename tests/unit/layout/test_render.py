"""stack/layout/render.py: digests, quoting and refusals; tests/render has the files themselves."""

from typing import Any

import pytest

from stack.config.model import Stack
from stack.errors import ConfigError
from stack.layout.render import (
    comment,
    generation,
    quote_expanded,
    quote_plain,
    render_nginx_deploy,
    render_nginx_dev,
    source_digest,
)


def stack_of(**values: Any) -> Stack:
    services = {"b": {"image": "b", "port": 1}, "a": {"image": "a", "port": 2}}
    return Stack.model_validate(
        {"name": "shop", "services": services, "routes": {"/": "a", "/b": "b"}} | values
    )


def test_the_digest_is_of_the_meaning_and_not_of_the_order() -> None:
    assert source_digest(stack_of()) == source_digest(stack_of(routes={"/b": "b", "/": "a"}))
    assert source_digest(stack_of()) != source_digest(stack_of(routes={"/b": "a", "/": "a"}))
    assert len(source_digest(stack_of())) == 64


def test_the_header_says_where_the_file_comes_from() -> None:
    first, second, *_ = render_nginx_dev(stack_of()).splitlines()
    digest = source_digest(stack_of())[:16]
    assert first == f"# Nginx for shop. Made by stack from stack.yaml (source {digest})."
    assert "stack render" in second


def test_rendering_is_deterministic() -> None:
    assert render_nginx_dev(stack_of()) == render_nginx_dev(stack_of(routes={"/b": "b", "/": "a"}))


def test_the_generation_changes_with_the_file_and_is_read_back() -> None:
    text, other = render_nginx_dev(stack_of()), render_nginx_dev(stack_of(name="other"))
    assert f'return 200 "{generation(text)}\\n";' in text
    assert generation(text) != generation(other)


def test_a_text_without_a_generation_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no /\.stack/generation"):
        generation("events {}")


def test_production_needs_deploy() -> None:
    with pytest.raises(ConfigError, match=r"^stack\.yaml: deploy: missing") as error:
        render_nginx_deploy(stack_of())
    assert "host: and tls:" in error.value.hint


def test_files_end_with_one_newline_and_have_no_loose_blanks() -> None:
    tls = {"certificate": "/c", "key": "/k"}
    stack = stack_of(deploy={"host": "a.example", "tls": tls})
    for text in (render_nginx_dev(stack), render_nginx_deploy(stack)):
        assert text.endswith("}\n")
        assert "\n\n\n" not in text
        assert not [line for line in text.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("", '""'),
        ("a b;#{}'", '"a b;#{}\'"'),
        ('say "hi"', r'"say \"hi\""'),
        ("back\\slash\\n", r'"back\\slash\\n"'),
        ("line\nline\r\ttab", r'"line\nline\r\ttab"'),
        ("größe日本\u2028😀", '"größe日本\u2028😀"'),
    ],
)
def test_quoting(value: str, plain: str) -> None:
    assert quote_plain(value) == quote_expanded(value) == plain


def test_a_dollar_is_spelt_by_a_variable_where_variables_expand() -> None:
    assert quote_plain("$a${b}") == '"$a${b}"'
    assert quote_expanded("$a${b}") == '"${dollar}a${dollar}{b}"'
    assert quote_expanded("/a$", then="$is_args$args") == '"/a${dollar}$is_args$args"'


@pytest.mark.parametrize("bad", ["\0", "\x1b", "\x7f", "\ud800"])
def test_what_cannot_be_spelt_is_refused(bad: str) -> None:
    with pytest.raises(ConfigError, match="cannot go into a configuration"):
        quote_plain(f"a{bad}")


def test_a_comment_stays_on_its_line() -> None:
    assert comment("a\nserver {}\r\u2028é") == "a\\nserver {}\\r\\u2028é"
