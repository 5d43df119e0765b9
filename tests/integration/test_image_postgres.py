"""The Debian postgres image keeps the official contract, and survives a kill at birth."""

import gzip
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import psycopg
import pytest
from docker.models.containers import Container
from psycopg.conninfo import make_conninfo

from stack.engines.docker.connect import connect
from stack.layout import images
from tests.integration.containers import (
    HARDENED,
    OwnContainers,
    eventually,
    logs,
    made,
    own_containers,
    printed,
    published,
    shell,
)

pytestmark = pytest.mark.integration

DATA = "/var/lib/postgresql/data"
PASSWORD = {"POSTGRES_PASSWORD": "secret"}
OPTIONS: dict[str, Any] = HARDENED | {
    "user": "999:999",
    "tmpfs": {"/tmp": "", "/var/run/postgresql": ""},
}


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = connect()
    yield client
    client.close()


@pytest.fixture(scope="module")
def image(client: docker.DockerClient) -> str:
    return made(client, images.recipe_for("postgres", "debian"))


@pytest.fixture
def place(client: docker.DockerClient) -> Iterator[OwnContainers]:
    with own_containers(client) as place:
        yield place


def start(place: OwnContainers, image: str, **options: Any) -> Container:
    return place.run(image, port=5432, **{"environment": PASSWORD, **OPTIONS, **options})


def rows(container: Container, query: str, **who: str) -> list[Any]:
    """Give the first column of what a query answers, over TCP."""
    login = {"user": "postgres", "password": "secret", "host": "127.0.0.1", **who}

    def attempt() -> list[Any]:
        port = published(container, 5432)
        with psycopg.connect(make_conninfo("", port=port, connect_timeout=2, **login)) as link:
            return [row[0] for row in link.execute(query.encode())]

    return eventually(attempt)


def on(volume: str) -> dict[str, Any]:
    return {"volumes": {volume: {"bind": DATA}}}


def write(folder: Path, files: dict[str, bytes]) -> dict[str, Any]:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    folder.chmod(0o755)
    return {"volumes": {str(folder): {"bind": "/docker-entrypoint-initdb.d", "mode": "ro"}}}


def test_user_database_and_settings_come_from_the_environment(
    place: OwnContainers, image: str
) -> None:
    settings = {
        "POSTGRES_USER": "me",
        "POSTGRES_DB": 'my "shop"',
        "POSTGRES_INITDB_ARGS": "--no-sync --data-checksums -c 'work_mem=5MB'",
    }
    container = start(place, image, environment=PASSWORD | settings)
    who = {"user": "me", "dbname": 'my "shop"'}
    query = "select unnest(array[current_setting('data_checksums'), current_setting('work_mem')])"
    assert rows(container, query, **who) == ["on", "5MB"]
    assert rows(container, "show server_encoding", user="me", dbname="postgres") == ["UTF8"]
    wrong = f"host=127.0.0.1 port={published(container, 5432)} user=me password=wrong"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_the_password_may_come_from_a_file(
    place: OwnContainers, image: str, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("from-file\n")
    tmp_path.chmod(0o755)
    container = start(
        place,
        image,
        environment={"POSTGRES_PASSWORD_FILE": "/run/secrets/password"},
        volumes={str(tmp_path): {"bind": "/run/secrets", "mode": "ro"}},
    )
    assert rows(container, "select 1", password="from-file") == [1]


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({}, "the database is new and has no password"),
        (PASSWORD | {"POSTGRES_PASSWORD_FILE": "/x"}, "both POSTGRES_PASSWORD and"),
    ],
)
def test_a_missing_or_double_password_is_refused(
    place: OwnContainers, image: str, environment: dict[str, str], reason: str
) -> None:
    container = start(place, image, environment=environment)
    assert container.wait()["StatusCode"] == 1
    assert reason in logs(container)


def test_trust_needs_no_password(place: OwnContainers, image: str) -> None:
    container = start(place, image, environment={"POSTGRES_HOST_AUTH_METHOD": "trust"})
    assert rows(container, "select 1", password="any") == [1]


def test_init_scripts_run_once_in_order_without_tcp(
    place: OwnContainers, image: str, tmp_path: Path
) -> None:
    add = "insert into seen (name) values ('{}');\n"
    scripts = write(
        tmp_path,
        {
            "01.sql": b"create table seen (id serial, name text);\n" + add.format("sql").encode(),
            "02.sql.gz": gzip.compress(add.format("gz").encode()),
            "03.sh": b"! pg_isready -h 127.0.0.1 && echo $POSTGRES_DB > /tmp/db\n"
            b'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "' + add.format("sh").encode() + b'"\n'
            b'echo "# mine" >> "$PGDATA/pg_hba.conf"\n',
            "04.txt": b"no script",
        },
    )
    container = start(place, image, environment=PASSWORD | {"POSTGRES_DB": "shop"}, **scripts)
    query = "select name from seen order by id"
    assert rows(container, query, dbname="shop") == ["sql", "gz", "sh"]
    assert shell(container, f"tail -n 1 {DATA}/pg_hba.conf; cat /tmp/db") == "# mine\nshop"
    printed(container, "ignoring /docker-entrypoint-initdb.d/04.txt")
    container.restart()
    assert rows(container, query, dbname="shop") == ["sql", "gz", "sh"]


def test_a_failing_script_leaves_nothing_that_looks_finished(
    place: OwnContainers, image: str, tmp_path: Path
) -> None:
    scripts = write(tmp_path, {"01.sql": b"create tabel x ();\n"})
    container = start(place, image, **scripts)
    assert container.wait()["StatusCode"] != 0
    (tmp_path / "01.sql").write_text("create table x (y int);\n")
    container.start()
    assert rows(container, "select count(*) from x") == [0]


def test_data_survives_a_restart_and_the_stop_is_quick(place: OwnContainers, image: str) -> None:
    container = start(place, image)
    rows(container, "select 1")
    shell(container, "psql -U postgres -c 'create table if not exists kept as select 7 as n'")
    before = time.monotonic()
    container.stop()
    assert time.monotonic() - before < 3
    assert container.wait()["StatusCode"] == 0
    container.start()
    assert rows(container, "select n from kept") == [7]


@pytest.mark.parametrize("delay", [0.0, 0.3, 0.7])
def test_a_kill_during_the_first_start_is_recovered_from(
    place: OwnContainers, image: str, delay: float
) -> None:
    volume = place.volume()
    killed = start(place, image, **on(volume))
    eventually(lambda: shell(killed, f"test -d {DATA}/.making -o -f {DATA}/PG_VERSION"))
    time.sleep(delay)
    killed.kill()
    container = start(place, image, **on(volume))
    assert rows(container, "select 1") == [1]
    assert shell(container, f"ls -d {DATA}/.m* 2>/dev/null || echo clean") == "clean"


def test_a_kill_while_moving_into_place_is_continued(place: OwnContainers, image: str) -> None:
    volume = place.volume()
    first = start(place, image, **on(volume))
    rows(first, "select 1")
    shell(first, "psql -U postgres -c 'create table if not exists kept as select 7 as n'")
    first.stop()
    half = f"cd {DATA}; mkdir .made; mv PG_VERSION base global pg_hba.conf .made/"
    options = OPTIONS | on(volume)
    assert place.run(image, "bash", "-c", half, **options).wait()["StatusCode"] == 0
    second = start(place, image, **on(volume))
    assert rows(second, "select n from kept") == [7]


def test_somebody_elses_files_are_neither_mixed_nor_deleted(
    place: OwnContainers, image: str
) -> None:
    volume = place.volume()
    options = OPTIONS | on(volume)
    place.run(image, "bash", "-c", f"echo data > {DATA}/precious", **options).wait()
    container = start(place, image, **on(volume))
    assert container.wait()["StatusCode"] == 1
    assert f"holds files but no complete cluster ({DATA}/precious)" in logs(container)
    left = place.run(image, "bash", "-c", f"ls -A {DATA}", **options)
    left.wait()
    assert logs(left) == "precious\n"


def test_a_stop_during_the_first_start_is_heard_at_once(
    place: OwnContainers, image: str, tmp_path: Path
) -> None:
    container = start(place, image, **write(tmp_path, {"01.sql": b"select pg_sleep(60);\n"}))
    printed(container, "running /docker-entrypoint-initdb.d/01.sql")
    before = time.monotonic()
    container.stop()
    assert time.monotonic() - before < 3


def test_root_hands_over_to_postgres(place: OwnContainers, image: str) -> None:
    container = place.run(image, port=5432, environment=PASSWORD)
    assert rows(container, "select 1") == [1]
    assert shell(container, f"stat -c %u /proc/1 {DATA}").split() == ["999", "999"]


def test_any_user_may_run_it_on_a_folder_of_their_own(
    place: OwnContainers, image: str, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    folder = tmp_path / "data"
    maker = place.run(
        image, "install", "-d", "-o", "1234", "/at/data", volumes={str(tmp_path): {"bind": "/at"}}
    )
    maker.wait()
    container = start(place, image, user="1234:1234", **on(str(folder)))
    assert rows(container, "select 1") == [1]


def test_options_go_to_the_server(place: OwnContainers, image: str) -> None:
    container = place.run(image, "-c", "max_connections=7", port=5432, environment=PASSWORD)
    assert rows(container, "show max_connections") == ["7"]
