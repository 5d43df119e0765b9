"""Reads configurations: what the tree holds, which includes are followed, what is refused."""

from pathlib import Path

import pytest

from stack.diagnose.nginx.conf import read
from stack.diagnose.nginx.tree import Directive, walk
from stack.errors import ConfigError


def written(folder: Path, text: str, name: str = "nginx.conf") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(directives: tuple[Directive, ...]) -> list[str]:
    return [directive.name for directive in walk(directives)]


def test_a_directive_knows_its_arguments_place_and_blocks(tmp_path: Path) -> None:
    path = written(tmp_path, 'http {\n  server {\n    listen 80;\n    set $a "b c";\n  }\n}\n')
    config = read(path)
    found = list(walk(config.directives))[-1]
    assert (found.name, found.args, str(found.place)) == ("set", ("$a", "b c"), f"{path}:4")
    assert (found.block, found.context) == (None, ("http", "server"))
    assert config.sources[str(path)][2] == "    listen 80;"


def test_quotes_braces_and_comments_inside_of_arguments(tmp_path: Path) -> None:
    text = "set $a 'x;y{z}'; # end }\nset $b ${c}d; # {\nmap $a $b { default \"#no\"; '' 1; }\n"
    args = [d.args for d in walk(read(written(tmp_path, text)).directives)]
    assert args == [("$a", "x;y{z}"), ("$b", "${c}d"), ("$a", "$b"), ("#no",), ("1",)]


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ('if ($a = "") { }', ("$a", "=", "")),
        ("if ( $a ) { }", ("$a",)),
        ("if ($a ~* (b|c)) { }", ("$a", "~*", "(b|c)")),
    ],
)
def test_an_if_is_without_its_parentheses(tmp_path: Path, text: str, args: tuple[str, ...]) -> None:
    assert read(written(tmp_path, text)).directives[0].args == args


def test_an_include_stands_in_its_place_with_the_name_of_its_file(tmp_path: Path) -> None:
    headers = written(tmp_path, "proxy_set_header A b;\n", "snippets/headers.conf")
    path = written(tmp_path, "location / {\n  include snippets/*.conf;\n  root x;\n}\n")
    found = list(walk(read(path).directives))
    assert [d.name for d in found] == ["location", "proxy_set_header", "root"]
    assert str(found[1].place) == f"{headers}:1"
    assert found[1].context == ("location",)


def test_a_site_includes_from_the_folder_of_the_main_file(tmp_path: Path) -> None:
    written(tmp_path, "root x;", "snippets/root.conf")
    path = written(tmp_path, "server { include snippets/root.conf; }", "conf.d/site.conf")
    assert names(read(path).directives) == ["server", "root"]


def test_an_include_that_is_elsewhere_is_remembered(tmp_path: Path) -> None:
    config = read(written(tmp_path, "server {\n  include /nowhere/a.conf;\n}\n"))
    assert [str(d.place).rpartition(":")[2] for d in config.missing] == ["2"]
    assert names(config.directives) == ["server", "include"]


def test_a_pattern_that_fits_nothing_includes_nothing(tmp_path: Path) -> None:
    config = read(written(tmp_path, "include *.none;"))
    assert (config.directives, config.missing) == ((), ())


def test_a_file_that_includes_itself_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "include nginx.conf;")
    with pytest.raises(ConfigError, match=r"nginx\.conf:1: too many nested include directives"):
        read(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server {\n", '1: unexpected end of file, expecting "}"'),
        ("server {\n}\n}\n", '3: unexpected "}"'),
        ("location / {\n  root x\n}\n", '3: unexpected "}"'),
        ("root x", '1: unexpected end of file, expecting ";" or "}"'),
        (";", '1: unexpected ";"'),
        ("location /;", '1: directive "location" has no opening "{"'),
        (
            "location / {\n  proxy_http_version 1.1\n  proxy_pass http://a;\n}",
            '2: invalid number of arguments in "proxy_http_version" directive',
        ),
        ("gzip maybe;", '1: invalid value "maybe" in "gzip" directive, it must be "on" or "off"'),
        ("a{" * 150 + "}" * 150, "1: too many nested blocks"),
    ],
)
def test_what_nginx_refuses_is_said_in_its_words(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert caught.value.message == f"{path}:{said}"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a\.conf: not found"):
        read(tmp_path / "a.conf")


def test_newer_arguments_and_lua_are_read(tmp_path: Path) -> None:
    text = "upstream a { keepalive 8 local; }\ncontent_by_lua_block { if a then b = '}' end }\n"
    found = names(read(written(tmp_path, text)).directives)
    assert found[:3] == ["upstream", "keepalive", "content_by_lua_block"]
