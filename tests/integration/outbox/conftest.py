"""A real Postgres and a real Redis for all tests here, and a database for each."""

import uuid
from collections.abc import Iterator

import docker
import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from ws_server.outbox.migrate import script

from stack.layout import images
from tests.integration.outbox.backends import Backends, started


@pytest.fixture(scope="session")
def backends(docker_client: docker.DockerClient, source: images.Source) -> Iterator[Backends]:
    # A database for each test is made in a third of the time without fsync.
    with started(docker_client, source, "-c", "fsync=off") as found:
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
