"""Every rule on its own files: bad ones are seen at their line, good ones are left in peace."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stack.diagnose.lint.judge import RULES, Options, Rule, lint
from stack.diagnose.nginx.conf import read
from stack.finding import Finding
from tests.lint import accepted, case
from tests.render import front

if TYPE_CHECKING:
    import subprocess

LOUD = ("error", "warning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cases")
    front.make_certificate(root)
    return root


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.cause.name)
def test_a_rule_has_bad_and_good_cases(rule: Rule) -> None:
    files = {path.stem.partition("_")[0] for path in (case.ROOT / rule.cause.name).glob("*.conf")}
    assert files == {"bad", "good"}


def test_a_folder_belongs_to_a_rule_or_is_healthy() -> None:
    assert {path.name for path in case.ROOT.iterdir()} == {*case.CODES, "healthy"}
    assert len(list((case.ROOT / "healthy").glob("*.conf"))) >= 8


def test_codes_and_names_are_given_once() -> None:
    assert len({rule.cause.code for rule in RULES}) == len(case.CODES) == len(RULES)


@pytest.mark.parametrize("path", case.BAD, ids=case.name)
def test_what_is_bad_is_seen_at_its_line(path: Path) -> None:
    code = case.CODES[path.parent.name]
    found = {(f.code, f.place.line) for f in case.seen(path, case.options(path)) if f.place}
    wanted = case.expected(path)
    assert {line for line in wanted if line[0] == code}
    assert {one for one in found if one[0] == code or one in wanted} == wanted


@pytest.mark.parametrize("path", case.BAD, ids=case.name)
def test_what_is_bad_raises_no_other_alarm(path: Path) -> None:
    wanted = {code for code, _ in case.expected(path)}
    found = case.seen(path, case.options(path))
    assert {f.code for f in found if f.severity in LOUD} <= wanted


@pytest.mark.parametrize("path", case.GOOD, ids=case.name)
def test_what_is_good_is_left_in_peace(path: Path) -> None:
    found = case.seen(path, case.options(path))
    assert [(f.code, str(f.place)) for f in found if f.severity in LOUD] == []
    assert case.CODES.get(path.parent.name) not in {f.code for f in found}


@pytest.mark.parametrize("path", [*case.BAD, *case.GOOD], ids=case.name)
def test_nginx_takes_the_file_unless_it_says_why_not(path: Path, folder: Path) -> None:
    done: subprocess.CompletedProcess[str] = accepted.ask(path.read_text(), folder)
    refuses = path.read_text().startswith("# nginx refuses: ")
    assert (done.returncode != 0) == refuses, done.stderr


def with_edits() -> list[tuple[Path, Finding]]:
    return [(p, f) for p in case.BAD for f in case.seen(p, case.options(p)) if f.edits]


@pytest.mark.parametrize(
    ("path", "finding"), with_edits(), ids=lambda v: case.name(v) if isinstance(v, Path) else v.code
)
def test_its_own_edits_remove_a_finding_and_add_none(
    path: Path, finding: Finding, tmp_path: Path
) -> None:
    judged = case.options(path)
    before = [f.code for f in case.seen(path, judged)]
    mended = case.seen(case.mended(path, finding, tmp_path), judged)
    # Once it forwards Upgrade, a route that was only suspected is judged as any other.
    is_suspected = finding.code == "WS001" and finding.severity == "info"
    after = [f.code for f in mended if not is_suspected or f.severity in LOUD]
    gone = list(before)
    gone.remove(finding.code)
    assert len(after) <= len(gone)
    assert set(after) <= set(gone)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.cause.code)
def test_the_examples_of_a_rule_are_true(rule: Rule, tmp_path: Path) -> None:
    loud: dict[str, set[str]] = {}
    for kind, text in (("bad", rule.cause.bad), ("good", rule.cause.good)):
        path = tmp_path / f"{kind}.conf"
        path.write_text(f"{text}\n")
        found = lint(read(path), Options())
        loud[kind] = {f.code for f in found if f.severity in LOUD or f.code == rule.cause.code}
    assert loud == {"bad": {rule.cause.code}, "good": set()}
