"""Every command in a hint can be pasted: what others named is quoted for the shell.

The first test reads the code, so that a new hint cannot forget it; the others paste.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.engines.base import Holder
from stack.errors import ConfigError, StackError
from stack.layout.labels import Owner
from stack.lifecycle.front import check_port
from stack.project.load import load
from tests.unit.fake_engine import FakeEngine
from tests.unit.test_hint import pasted

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "stack").rglob("*.py"))
# A command, up to where something is put in.
COMMAND = re.compile(
    r"(?:^|[\s`(:;&|])(?:cd|mv|rm|cp|cat|mkdir|chmod|chown|kill|iconv|openssl|ssh|ufw|git|npm|sudo|"
    r"docker|psql|redis-cli|"
    r"stack (?:init|up|down|status|logs|exec|restart|render|images|token|adopt|doctor|bundle|"
    r"lint|explain))"
    r"(?: [^\s,;`]*[^\s,;:`])* [^\s,;`]*$"
)
# What needs no quotes: a service has a name of [a-z0-9_-] (model.Name), a finding a code; numbers
# and our own constants; `named` and `volumes` were quoted before, `arguments` are in a message.
PLAIN = re.compile(
    r"(quoted|joined)\(.*\)|named|volumes|service|name|lent|"
    r"item\.service|(item\.)?route\.(service|log_of)|port|"
    r"(finding|causes\[near\[0\]\])\.code|packages|[A-Z_]+|evidence\.target\.port|answer\.waiting|"
    r"arguments\[0\]"
)
NASTY = ["a b", "it's", "$(reboot)", "a;b", "ä &", "`x`", "-x", "a\tb"]
text = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1)


def unquoted(path: Path) -> Iterator[str]:
    """Give what is put into a command as it is."""
    for node in ast.walk(ast.parse(path.read_text())):
        before = ""
        for part in node.values if isinstance(node, ast.JoinedStr) else ():
            if isinstance(part, ast.Constant):
                before = f"{before}{part.value!s}"[-200:]
            elif isinstance(part, ast.FormattedValue):
                source = ast.unparse(part.value)
                if COMMAND.search(before) and not PLAIN.fullmatch(source):
                    yield f"{path.relative_to(ROOT)}:{part.lineno}: {before[-40:]}{{{source}}}"
                before += "x"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_others_named_is_quoted_in_every_command(path: Path) -> None:
    assert list(unquoted(path)) == []


def test_the_test_sees_what_is_not_quoted(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text('f"or run: cd {folder} && stack down"\nf"cd {quoted(folder)}"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.ROOT", tmp_path)
        assert len(list(unquoted(source))) == 1


@given(text)
def test_the_folder_of_another_project_is_one_word(folder: str) -> None:
    engine = FakeEngine(holder=Holder("other-nginx-1", Owner("other", f"/{folder}", "stack.yaml")))
    with pytest.raises(StackError) as caught:
        check_port(engine, Owner("shop", "/shop", "stack.yaml"), 8080)
    command, _, rest = caught.value.hint.partition(" && ")
    assert pasted(command) == ["cd", f"/{folder}"]
    assert rest.startswith("stack down")


@given(text.filter(lambda project: not project.startswith("-")))
def test_the_project_of_another_tool_is_one_word(project: str) -> None:
    engine = FakeEngine(holder=Holder("c", Owner(project)))
    with pytest.raises(StackError) as caught:
        check_port(engine, Owner("shop", "/shop", "stack.yaml"), 8080)
    command, _, rest = caught.value.hint.rpartition("\nor set another one in ")
    assert pasted(command) == ["docker", "compose", "--project-name", project, "down"]
    assert rest == "stack.yaml: front: { port: 8081 }"


@pytest.mark.parametrize("name", NASTY)
def test_a_missing_folder_is_made_by_its_hint(tmp_path: Path, name: str) -> None:
    file = tmp_path / "stack.yaml"
    quoted = name.replace("'", "''")
    file.write_text(f"services: {{web: {{static: './{quoted}'}}}}\nroutes: {{/: web}}\n")
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert pasted(caught.value.hint) == ["mkdir", "-p", str(tmp_path / name)]


@pytest.mark.parametrize("name", NASTY)
def test_a_file_that_is_not_utf8_is_mended_by_its_hint(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"name: \xff\n")
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert pasted(caught.value.hint.partition(": ")[2])[-1] == str(file)
