"""A real Postgres and a real Redis for all tests here, and a database for each."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import docker
import psycopg
import pytest
from docker.models.containers import Container
from psycopg.sql import SQL, Identifier
from ws_server.outbox.migrate import script

from stack import images
from stack.engines.docker.build import ensure
from tests.integration.containers import HARDENED, eventually, published, yard
from tests.integration.projects import free_port


@dataclass(frozen=True)
class Backends:
    """Where both are; Redis keeps its port when it is restarted."""

    postgres: Container
    redis: Container
    redis_port: int

    def uri(self, database: str, user: str = "postgres") -> str:
        port = published(self.postgres, 5432)
        return f"postgresql://{user}:secret@127.0.0.1:{port}/{database}"


@pytest.fixture(scope="session")
def backends(docker_client: docker.DockerClient, source: images.Source) -> Iterator[Backends]:
    recipes = {name: images.recipe_for(name, source) for name in ("postgres", "redis")}
    for recipe in recipes.values():
        ensure(docker_client, recipe, print)
    with yard(docker_client) as place:
        port = free_port()
        redis = place.run(
            recipes["redis"].reference, port=6379, at=port, user="999:999", **HARDENED
        )
        postgres = place.run(
            recipes["postgres"].reference,
            *("postgres", "-c", "fsync=off"),  # a database for each test, in a third of the time
            port=5432,
            environment={"POSTGRES_PASSWORD": "secret"},
            user="999:999",
            tmpfs={"/tmp": "", "/var/run/postgresql": ""},
            **HARDENED,
        )
        found = Backends(postgres, redis, port)
        eventually(lambda: psycopg.connect(found.uri("postgres"), connect_timeout=2).close())
        yield found


@pytest.fixture
def empty(backends: Backends) -> Iterator[str]:
    """The name of a database in which nothing is."""
    name = f"it_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(backends.uri("postgres"), autocommit=True) as link:
        link.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        yield name
        link.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture
def db(backends: Backends, empty: str) -> Iterator[psycopg.Connection]:
    """A connection to a database with the schema, as it is printed for ``psql``."""
    with psycopg.connect(backends.uri(empty), autocommit=True) as link:
        link.execute(script().encode())
        yield link


@pytest.fixture
def role(backends: Backends, db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A connection of an application's role without any right but to own tables."""
    name = f"app_{uuid.uuid4().hex[:12]}"
    db.execute(SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(Identifier(name)))
    db.execute(SQL("GRANT CREATE ON SCHEMA public TO {}").format(Identifier(name)))
    with psycopg.connect(backends.uri(db.info.dbname, name), autocommit=True) as link:
        yield link
    db.execute(SQL("DROP OWNED BY {} CASCADE").format(Identifier(name)))
    db.execute(SQL("DROP ROLE {}").format(Identifier(name)))
