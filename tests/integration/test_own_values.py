"""A user's own secrets and names are used by all: servers, tokens, readiness, the doctor."""

import json
from collections.abc import Iterator

import docker
import jwt
import pytest

from stack.layout.images import Source
from tests.integration.containers import shell
from tests.integration.projects import (
    REALTIME,
    SITE,
    WS_ROUTE,
    Project,
    echo_service,
    project_in,
)

SIGNING = "Zk4Rb8Nd1mYc5Hf3Js6Pg0q7Lw-2vT9x"
# What a shell, Redis' configuration, SQL and a URL each read as something else.
ODD = """p"a\\s's $w%0r:d@/#"""
SIGN_IN = """
import os, pathlib, socket
password = pathlib.Path(os.environ["REDIS_PASSWORD_FILE"]).read_bytes()
link = socket.create_connection(("redis", 6379), timeout=5)
link.sendall(b"*2\\r\\n$4\\r\\nAUTH\\r\\n$%d\\r\\n%s\\r\\n" % (len(password), password))
print(link.recv(99).decode())
"""


@pytest.fixture(scope="module")
def own(
    docker_client: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
    source: Source,
    python_image: str,
) -> Iterator[Project]:
    """A stack with secrets of the user's own: by env_file, by env, and for a database of theirs."""
    with project_in(docker_client, tmp_path_factory.mktemp("own"), source) as one:
        (one.folder / "own.env").write_text(f"AUTH_SECRET={SIGNING}\n")
        app = echo_service(python_image, needs=["redis", "postgres"])
        stores = {
            "redis": {"preset": "redis", "env": {"REDIS_PASSWORD": written(ODD)}},
            "postgres": {
                "preset": "postgres",
                "env": {"POSTGRES_PASSWORD": written(ODD), "POSTGRES_DB": "my shop"},
            },
        }
        ws = {**REALTIME["ws"], "env_file": "own.env"}
        one.write({**SITE, "ws": ws, **stores, "app": app}, {"/": "site", **WS_ROUTE})
        one.stack("up")
        yield one


def written(value: str) -> str:
    """Give a value as stack.yaml writes it."""
    return value.replace("$", "$$")


def test_tokens_are_signed_with_the_users_secret(own: Project) -> None:
    assert jwt.decode(own.token("room:1"), SIGNING, ["HS256"])["sub"] == "alice"


def test_the_doctor_signs_in_with_it(own: Project) -> None:
    (seen,) = own.events("doctor")
    assert seen["findings"] == []


def test_the_stores_take_the_users_passwords(own: Project) -> None:
    assert "+OK" in shell(own.container("app"), f"python -c '{SIGN_IN}'")
    ask = 'psql -h "$(hostname)" -U postgres -d "my shop" -tAc "select current_database()"'
    code, said = own.container("postgres").exec_run(
        ["sh", "-c", ask], environment={"PGPASSWORD": ODD}
    )
    assert (code, said) == (0, b"my shop\n")


def test_the_urls_lead_to_the_users_database(own: Project) -> None:
    for service in ("app", "ws"):
        variables = own.container(service).attrs["Config"]["Env"]
        assert "DATABASE_URL=postgresql://postgres@postgres:5432/my%20shop" in variables


def test_nothing_but_the_copies_holds_them(own: Project) -> None:
    told = json.dumps([each.attrs for each in own.containers()])
    own.stack("render")
    state = own.folder / ".stack"
    texts = [
        path.read_text() for path in state.rglob("*") if path.is_file() and path.stat().st_size
    ]
    rendered = [text for text in texts if text not in {SIGNING, ODD}]
    for value in (SIGNING, json.dumps(ODD)[1:-1]):
        assert value not in told
        assert not [text for text in rendered if value in text]


def test_another_up_changes_nothing(own: Project) -> None:
    assert "up to date" in own.stack("up")


def test_another_secret_replaces_those_that_have_it(own: Project) -> None:
    other = SIGNING[::-1]
    (own.folder / "own.env").write_text(f"NEXTAUTH_SECRET={other}\n")
    own.stack("up")
    assert jwt.decode(own.token(), other, ["HS256"])["sub"] == "alice"
    (seen,) = own.events("doctor")
    assert seen["findings"] == []
