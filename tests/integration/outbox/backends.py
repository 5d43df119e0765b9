"""A Postgres and a Redis in containers, for the tests here and for the bench. No tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import docker
import psycopg
from docker.models.containers import Container

from stack.layout import images
from tests.integration.containers import HARDENED, eventually, made, own_containers, published
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

    @property
    def redis_uri(self) -> str:
        return f"redis://127.0.0.1:{self.redis_port}/0"


@contextmanager
def started(
    client: docker.DockerClient, source: images.Source, *options: str
) -> Iterator[Backends]:
    """Start both, Postgres with these options, and remove them whatever happens."""
    recipes = {name: images.recipe_for(name, source) for name in ("postgres", "redis")}
    for recipe in recipes.values():
        made(client, recipe)
    with own_containers(client) as place:
        port = free_port()
        redis = place.run(
            recipes["redis"].reference, port=6379, at=port, user="999:999", **HARDENED
        )
        postgres = place.run(
            recipes["postgres"].reference,
            *("postgres", *options),
            port=5432,
            environment={"POSTGRES_PASSWORD": "secret"},
            user="999:999",
            tmpfs={"/tmp": "", "/var/run/postgresql": ""},
            **HARDENED,
        )
        found = Backends(postgres, redis, port)
        eventually(lambda: psycopg.connect(found.uri("postgres"), connect_timeout=2).close())
        yield found
