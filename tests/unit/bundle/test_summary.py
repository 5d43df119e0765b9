"""A summary reads well, and nothing in it is taken for Markdown or a command."""

from pathlib import Path

import pytest

from stack.bundle.summary import Failure, Summary, code, markdown, title
from stack.cli.github import add_summary, error_command
from stack.diagnose.formats.github import harmless

FAILED = Summary(
    "shop",
    failures=[
        Failure("api: ended with exit code 5", "stack logs api", ("line 1", "```", "<b>no</b>")),
        Failure("/ws: 502 Bad Gateway"),
    ],
    services=[
        ("shop-api-1", "exited: Exited (5)", False, "stack logs api"),
        ("shop-nginx-1", "running: Up", True, "stack logs nginx"),
    ],
    routes=[("/ → api", "502 | Bad", False, "stack doctor")],
    front_log=["[error] connect() failed (111: Connection refused)"],
    changes=["start shop-api-1"],
    versions={"stack": "0.1.0", "Nginx": "1.26.3"},
)
WANTED = """\
## Stack `shop`

**First cause**

```text
api: ended with exit code 5
```

Its last log lines:

````text
line 1
```
<b>no</b>
````

**Next step**

```text
stack logs api
```

### What else failed

```text
/ws: 502 Bad Gateway
```

| | Services | |
|---|---|---|
| ✗ | `shop-api-1` | `exited: Exited (5)` |
| ✓ | `shop-nginx-1` | `running: Up` |

| | Routes | |
|---|---|---|
| ✗ | `/ → api` | `502 \\| Bad` |

### What the front wrote last

```text
[error] connect() failed (111: Connection refused)
```

### What `stack up` would change

```text
start shop-api-1
```

stack `0.1.0`, Nginx `1.26.3`
"""


def test_a_failure_reads_from_its_cause_to_the_next_step() -> None:
    assert markdown(FAILED) == WANTED
    assert title(FAILED) == "stack shop: api: ended with exit code 5"


def test_without_a_failure_what_does_not_run_is_the_cause() -> None:
    seen = Summary("shop", services=FAILED.services, routes=FAILED.routes)
    assert seen.first_cause == Failure("service shop-api-1: exited: Exited (5)", "stack logs api")
    only_route = Summary("shop", routes=FAILED.routes)
    assert title(only_route) == "stack shop: route / → api: 502 | Bad"
    assert "stack doctor" in markdown(only_route)


def test_a_stack_that_is_well_says_so() -> None:
    well = Summary("shop", services=[("shop-nginx-1", "running: Up", True, "")], is_well=True)
    assert title(well) == "stack shop: everything runs and every route answers"
    assert "Everything runs, and every route answers." in markdown(well)


def test_what_was_not_seen_is_not_said_to_be_well() -> None:
    assert Summary("shop").first_cause == Failure("what runs was not seen", "stack status")
    assert "Everything runs" not in markdown(Summary("shop"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("a", "`a`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("a\nb", "`a b`"), ("", "`-`")],
)
def test_inline_code_holds_anything(text: str, wanted: str) -> None:
    assert code(text) == wanted


def test_an_annotation_is_one_line_and_one_command() -> None:
    line = error_command("stack: up, 50%", "api: 100%\r\n::set-output name=a::b")
    assert line == ("::error title=stack%3A up%2C 50%25::api: 100%25%0D%0A::set-output name=a::b")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("::error::x", "\\::error::x"),
        ("a\n  ::add-mask::x", "a\n  \\::add-mask::x"),
        ("\t\u3000::debug::x", "\t\u3000\\::debug::x"),
        ("a ##[group]b", "a ##\\[group]b"),
        ("  │ ::error::x", "  │ ::error::x"),
        ("[::1]:8080 a::b", "[::1]:8080 a::b"),
    ],
)
def test_no_text_is_a_command_of_github(text: str, wanted: str) -> None:
    assert harmless(text) == wanted


def test_a_step_summary_is_appended(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    add_summary({"GITHUB_STEP_SUMMARY": str(file)}, "# one")
    add_summary({}, "# nowhere")
    assert file.read_text() == "before\n# one\n"
