"""A user's own value wins everywhere, or is refused with its place and the edit."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from stack.lifecycle.provide import ensure_secret, prepare_mounts
from stack.project.project import Prepared, derive, open_project
from stack.project.variables import given_secrets
from tests.unit.written import loaded, problems, service

OWN = "the-users-own-secret-of-32-bytes-and-more"
PRESETS = {
    "NEXTAUTH_SECRET": ("realtime", "nextauth-secret"),
    "AUTH_SECRET": ("realtime", "nextauth-secret"),
    "REDIS_PASSWORD": ("redis", "w-password"),
    "POSTGRES_PASSWORD": ("postgres", "w-password"),
}


def prepared(folder: Path) -> Prepared:
    """Give what ``up`` would have, after the files that containers mount were written."""
    project = open_project(folder / "stack.yaml", {})
    prepare_mounts(project, None)
    return derive(project, "registry")


def written(folder: Path, preset: str, values: Mapping[str, str], *, in_file: bool) -> str:
    """Give a stack with one preset that is told ``values`` in one of the two ways."""
    if in_file:
        text = "".join(f"{name}={value}\n" for name, value in values.items())
        (folder / "own.env").write_text(text)
        return service(f"w: {{preset: {preset}, env_file: own.env}}")
    told = ", ".join(f"{name}: '{value}'" for name, value in values.items())
    return service(f"w: {{preset: {preset}, env: {{{told}}}}}")


@pytest.mark.parametrize("in_file", [False, True], ids=["env", "env_file"])
@pytest.mark.parametrize("variable", PRESETS)
def test_a_secret_of_ones_own_is_the_secret(tmp_path: Path, variable: str, in_file: bool) -> None:
    preset, name = PRESETS[variable]
    (tmp_path / "stack.yaml").write_text(
        written(tmp_path, preset, {variable: OWN}, in_file=in_file)
    )
    made = prepared(tmp_path)
    container = made.topology.container("w")
    assert made.secrets[name] == OWN
    assert OWN in made.hidden
    (copy,) = [secret.file for secret in container.secrets if secret.value == name]
    files = [path for path in (tmp_path / ".stack").rglob(copy) if path.parent.name == "w.d"]
    assert [path.read_text() for path in files] == [OWN]
    # In the file alone: an image that finds a secret twice does not start.
    assert dict(container.environment).get(variable, "") == ""
    assert OWN not in made.compose


@pytest.mark.parametrize("in_file", [False, True], ids=["env", "env_file"])
@pytest.mark.parametrize("variable", PRESETS)
def test_another_secret_is_another_container(tmp_path: Path, variable: str, in_file: bool) -> None:
    seen = set()
    for value in (OWN, f"{OWN}2"):
        text = written(tmp_path, PRESETS[variable][0], {variable: value}, in_file=in_file)
        (tmp_path / "stack.yaml").write_text(text)
        made = prepared(tmp_path)
        seen.add(made.fingerprints["w"])
    assert len(seen) == 2


def test_the_rendered_files_say_nothing_of_a_secret(tmp_path: Path) -> None:
    texts = []
    for value in (OWN, f"{OWN}2"):
        (tmp_path / "stack.yaml").write_text(
            written(tmp_path, "realtime", {"NEXTAUTH_SECRET": value}, in_file=False)
        )
        made = prepared(tmp_path)
        fingerprint = made.fingerprints["w"]
        # Quoted where it looks like a number.
        texts.append(re.sub(f"'?{fingerprint}'?", "", made.compose) + made.config)
    assert texts[0] == texts[1]


def test_env_wins_over_env_file_and_the_first_name_over_the_second(tmp_path: Path) -> None:
    (tmp_path / "own.env").write_text("REDIS_PASSWORD=file\n")
    text = service("w: {preset: redis, env_file: own.env, env: {REDIS_PASSWORD: mine}}")
    assert given_secrets(loaded(tmp_path, text), tmp_path, {}) == {"w-password": "mine"}


def test_an_empty_secret_is_none(tmp_path: Path) -> None:
    text = service("w: {preset: realtime, env: {NEXTAUTH_SECRET: '${NOT_SET:-}'}}")
    assert given_secrets(loaded(tmp_path, text), tmp_path, {}) == {}


def test_a_token_is_signed_with_it(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(
        written(tmp_path, "realtime", {"NEXTAUTH_SECRET": OWN}, in_file=True)
    )
    project = open_project(tmp_path / "stack.yaml", {})
    assert ensure_secret(project, None, "nextauth-secret") == OWN
    assert not (tmp_path / ".stack").exists()


# What is refused: the preset, the variable, what is said, and the hint.
REFUSED = [
    ("realtime", "WS_PORT", "is what port: says", "write port: instead"),
    ("realtime", "WS_API_HOST", "is made by stack, for those that need the service", "remove it"),
    ("realtime", "WS_API_PORT", "is made by stack, for those that need the service", "remove it"),
    ("realtime", "WS_API_KEY", "is made by stack, for those that need the service", "remove it"),
    (
        "realtime",
        "WS_API_KEY_FILE",
        "is made by stack, for those that need the service",
        "remove it",
    ),
    (
        *("realtime", "NEXTAUTH_SECRET_FILE"),
        "is set by stack, which hands the secret over as a file",
        "give the secret itself, as NEXTAUTH_SECRET",
    ),
    (
        *("redis", "REDIS_PASSWORD_FILE"),
        "is set by stack, which hands the secret over as a file",
        "give the password itself, as REDIS_PASSWORD",
    ),
    (
        *("postgres", "POSTGRES_PASSWORD_FILE"),
        "is set by stack, which hands the secret over as a file",
        "give the password itself, as POSTGRES_PASSWORD",
    ),
    ("postgres", "PGPORT", "cannot be changed: postgres listens on 5432 only", "remove it"),
    (
        *("postgres", "POSTGRES_USER"),
        "must be postgres: stack and what needs",
        "create other roles by SQL, in the folder of init",
    ),
]


@pytest.mark.parametrize("in_file", [False, True], ids=["env", "env_file"])
@pytest.mark.parametrize(
    ("preset", "variable", "text", "hint"), REFUSED, ids=[row[1] for row in REFUSED]
)
def test_what_cannot_be_followed_is_refused(
    tmp_path: Path, preset: str, variable: str, text: str, hint: str, in_file: bool
) -> None:
    message, said = problems(
        tmp_path, written(tmp_path, preset, {variable: "own-value-1"}, in_file=in_file)
    )
    place = f"services.w.env_file: {variable} " if in_file else f"services.w.env.{variable}: "
    assert message.startswith("stack.yaml:3:")
    assert f"{place}{text}" in message
    assert said == hint


@pytest.mark.parametrize(
    ("line", "variable"),
    [
        ("w: {preset: postgres, env_file: own.env}", "POSTGRES_DB"),
        ("w: {preset: postgres, env_file: own.env}", "POSTGRES_INITDB_ARGS"),
        ("w: {image: x, needs: [r], env_file: own.env}\n  r: {preset: redis}", "REDIS_URL"),
        (
            "w: {image: x, needs: [r], env_file: own.env}\n  r: {preset: redis}",
            "REDIS_PASSWORD_FILE",
        ),
        ("w: {image: x, needs: [p], env_file: own.env}\n  p: {preset: postgres}", "DATABASE_URL"),
        ("w: {image: x, needs: [r], env_file: own.env}\n  r: {preset: realtime}", "WS_API_URL"),
        ("w: {preset: realtime, env_file: own.env}\n  r: {preset: redis}", "REDIS_URL"),
    ],
)
def test_what_would_lose_in_an_env_file_wins_in_env(
    tmp_path: Path, line: str, variable: str
) -> None:
    (tmp_path / "own.env").write_text(f"{variable}=mine\n")
    message, hint = problems(tmp_path, service(line))
    assert f"services.w.env_file: {variable} is set by stack" in message
    assert hint == f"write {variable} in env: if yours is meant, or remove it from the file"
    stack = loaded(
        tmp_path, service(line.replace("env_file: own.env", f"env: {{{variable}: mine}}"))
    )
    assert stack.services["w"].env == {variable: "mine"}


def test_namespaces_are_written_once(tmp_path: Path) -> None:
    line = "w: {preset: realtime, namespaces: {a: {}}, env: {WS_NAMESPACES: '{}'}}"
    message, hint = problems(tmp_path, service(line))
    assert "services.w.env.WS_NAMESPACES: is what namespaces: says" in message
    assert hint == "keep one of the two"


def test_all_realtime_services_have_one_secret(tmp_path: Path) -> None:
    other = f"{OWN}2"
    lines = (
        f"w: {{preset: realtime, env: {{NEXTAUTH_SECRET: {OWN}}}}}\n"
        f"  v: {{preset: realtime, port: 3005, env: {{AUTH_SECRET: {other}}}}}"
    )
    message, _ = problems(tmp_path, service(lines))
    assert "services.v.env.AUTH_SECRET: is not the secret of w, NEXTAUTH_SECRET" in message
    assert OWN not in message
    same = loaded(tmp_path, service(lines.replace(other, OWN)))
    assert given_secrets(same, tmp_path, {}) == {"nextauth-secret": OWN}


@pytest.mark.parametrize("variable", ["NEXTAUTH_SECRET", "AUTH_SECRET", "NEXTAUTH_SECRET_PREVIOUS"])
@pytest.mark.parametrize("in_file", [False, True], ids=["env", "env_file"])
def test_a_weak_secret_is_refused_before_anything_starts(
    tmp_path: Path, variable: str, in_file: bool
) -> None:
    text = written(tmp_path, "realtime", {variable: "short"}, in_file=in_file)
    message, hint = problems(tmp_path, text)
    place = f"env_file: {variable}" if in_file else f"env.{variable}:"
    assert message.endswith(f"services.w.{place} has 5 bytes, but needs at least 32")
    assert hint == "openssl rand -base64 32"


def test_each_former_secret_is_looked_at(tmp_path: Path) -> None:
    values = f'"{OWN}\\n\\n{"s" * 40}\\n"'
    line = f"w: {{preset: realtime, env: {{NEXTAUTH_SECRET_PREVIOUS: {values}}}}}"
    message, _ = problems(tmp_path, service(line))
    assert message.endswith("NEXTAUTH_SECRET_PREVIOUS: has fewer than 8 different characters")
    loaded(tmp_path, service(line.replace("s" * 40, f"{OWN}2")))


def test_a_password_of_a_store_may_be_short(tmp_path: Path) -> None:
    loaded(tmp_path, service("w: {preset: redis, env: {REDIS_PASSWORD: short}}"))


@pytest.mark.parametrize("value", [" x", "x ", "a\\nb"])
def test_a_secret_is_one_line(tmp_path: Path, value: str) -> None:
    line = f'w: {{preset: redis, env: {{REDIS_PASSWORD: "{value}"}}}}'
    message, _ = problems(tmp_path, service(line))
    assert "must not hold line breaks, nor begin or end with a space" in message


def test_an_env_file_that_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "own.env").write_text("A=1\nno value\n")
    message, _ = problems(tmp_path, service("w: {image: x, env_file: own.env}"))
    assert message.startswith("stack.yaml:3:17: services.w.env_file: own.env:2: ")


def test_a_database_of_ones_own_is_where_the_urls_lead(tmp_path: Path) -> None:
    line = (
        "w: {image: x, port: 1, needs: [p]}\n  p: {preset: postgres, env: {POSTGRES_DB: 'my db'}}"
    )
    (tmp_path / "stack.yaml").write_text(service(line))
    made = prepared(tmp_path).topology
    assert dict(made.container("p").environment)["POSTGRES_DB"] == "my db"
    url = dict(made.container("w").environment)["DATABASE_URL"]
    assert url == "postgresql://postgres@p:5432/my%20db"
