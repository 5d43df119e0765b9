"""One stack.yaml, the same values both ways: what the engine is asked for is what Compose reads."""

import json
import subprocess
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stack.config.env_file import Variables, read_env_file
from stack.config.model import Stack
from stack.engines.docker import request
from stack.layout.render import render_compose
from stack.layout.topology import Container, Topology, lay_out
from stack.project.fingerprint import environment
from stack.project.load import load
from stack.project.output import seen_from
from tests.examples import examples
from tests.integration.compose_plugin import cache_folder, newest, unpacked
from tests.odd_values import ENV_LINES, ENVIRON, ODD_VALUES

Values = Mapping[str, Any]  # what a container is given, by aspect
VERSIONS: Mapping[str, Callable[[Path], Path]] = {"of Debian 13": unpacked, "newest": newest}
WORDS = [value for value in ODD_VALUES if value]


@dataclass(frozen=True)
class Kitchen:
    """Makes containers of a stack, which never run, and asks Compose about its rendered file."""

    client: docker.DockerClient
    folder: Path
    image: str

    def topology(self, services: Mapping[str, Any]) -> Topology:
        """Lay services out that are written to a stack.yaml."""
        whole = {"name": f"it-{uuid.uuid4().hex[:12]}", "services": services}
        whole["routes"] = {"/": next(iter(services))}
        file = self.folder / "stack.yaml"
        file.write_text(yaml.safe_dump(doubled(whole)))
        for service in services.values():
            self.make_files(service)
        images = dict.fromkeys(("nginx", "redis", "postgres", "realtime"), self.image)
        return lay_out(load(file, ENVIRON), images)

    def make_files(self, service: Mapping[str, Any]) -> None:
        """Make what a service names in the folder: a stack.yaml is not loaded without it."""
        for volume in service.get("volumes", ()):
            source, _, _ = volume.partition(":")
            if source.startswith("./"):
                (self.folder / source).mkdir(exist_ok=True)
        if build := service.get("build"):
            (self.folder / build["context"]).mkdir(exist_ok=True)
            (self.folder / build["context"] / "Dockerfile").touch()

    def by_engine(self, topology: Topology) -> dict[str, Values]:
        """Have the engine make each container, and give what it says of them."""
        api = self.client.api
        seen: dict[str, Values] = {}
        for item in topology.containers:
            for mount in item.mounts:
                if not mount.is_volume:
                    (self.folder / mount.source).mkdir(parents=True, exist_ok=True)
            wanted = request.container_request(
                *(api.api_version, topology.project, self.folder, item, 1),
                environment(item, self.folder, ENVIRON),
            )
            made = api.create_container(**{**wanted, "image": self.image})
            try:
                values = engine_values(api.inspect_container(made["Id"]), topology.project)
                seen[item.service] = {
                    **values,
                    "image": wanted["image"],
                    **built(item, self.folder),
                }
            finally:
                api.remove_container(made["Id"], v=True)
                for mount in wanted["host_config"]["Mounts"]:
                    if mount["Type"] == "volume":
                        api.remove_volume(mount["Source"])
        return seen

    def by_compose(self, binary: Path, topology: Topology, place: Path) -> dict[str, Values]:
        """Put the rendered file somewhere, and give what Compose reads in it."""
        place.mkdir(parents=True, exist_ok=True)
        text = render_compose(
            stack_named(topology.project), topology, seen_from(place, self.folder)
        )
        (place / "compose.yaml").write_text(text)
        done = subprocess.run(
            [binary, "--file", place / "compose.yaml", "config", "--format", "json"],
            cwd="/",
            env=ENVIRON,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stderr}\n{text}"
        read = undoubled(json.loads(done.stdout))
        # The stubs of the SDK give this method no types.
        image = self.client.api.inspect_image(self.image)["Config"]  # type: ignore[no-untyped-call]
        return {name: compose_values(each, image) for name, each in read["services"].items()}


def stack_named(name: str) -> Stack:
    """Give any stack of that name: the file's services are those of its topology."""
    return Stack.model_validate(
        {"name": name, "services": {"a": {"host": 1}}, "routes": {"/": "a"}}
    )


def engine_values(seen: Mapping[str, Any], project: str) -> Values:
    config, mounts = seen["Config"], seen["HostConfig"].get("Mounts", [])
    return {
        "environment": dict(each.split("=", 1) for each in config["Env"]),
        "entrypoint": config["Entrypoint"],
        "command": config["Cmd"],
        "health check": config.get("Healthcheck", {}).get("Test"),
        "user": config["User"],
        "mounts": sorted(
            (each["Type"], each["Source"].removeprefix(f"{project}_"), each["Target"])
            for each in mounts
        ),
    }


def compose_values(read: Mapping[str, Any], image: Mapping[str, Any]) -> Values:
    base = dict(each.split("=", 1) for each in image["Env"])
    return {
        "environment": base | (read.get("environment") or {}),
        "entrypoint": read["entrypoint"] or image["Entrypoint"],
        "command": read["command"] or (None if read["entrypoint"] else image["Cmd"]),
        "health check": read.get("healthcheck", {}).get("test"),
        "user": read.get("user", ""),
        "mounts": sorted(
            (each["type"], each["source"], each["target"]) for each in read.get("volumes", ())
        ),
        "image": read["image"],
        "context": read.get("build", {}).get("context"),
        "args": read.get("build", {}).get("args", {}),
    }


def built(item: Container, folder: Path) -> Values:
    """Give what the engine is asked to build, which it does not tell."""
    if item.build is None:
        return {"context": None, "args": {}}
    return {
        "context": str((folder / item.build.context).resolve()),
        "args": dict(item.build.args),
    }


def doubled(value: Any) -> Any:
    """Double each ``$``, as whoever writes a stack.yaml has to."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, list):
        return [doubled(each) for each in value]
    if isinstance(value, dict):
        return {key: doubled(each) for key, each in value.items()}
    return value


def undoubled(value: Any) -> Any:
    """Undo what `docker compose config` does, so that its output can be read again."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [undoubled(each) for each in value]
    if isinstance(value, dict):
        return {undoubled(key): undoubled(each) for key, each in value.items()}
    return value


@pytest.fixture(scope="module")
def kitchen(
    docker_client: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
    python_image: str,
) -> Kitchen:
    return Kitchen(docker_client, tmp_path_factory.mktemp("kitchen"), python_image)


@pytest.fixture(scope="module", params=VERSIONS)
def binary(request: pytest.FixtureRequest) -> Path:
    return VERSIONS[request.param](cache_folder())


@pytest.fixture(scope="module")
def odd(kitchen: Kitchen) -> Topology:
    """A service with all odd values, one with each env_file, and some with odd names."""
    services: dict[str, Any] = {
        "odd": {
            "image": kitchen.image,
            "port": 80,
            "env": {f"V{number}": value for number, value in enumerate(ODD_VALUES)},
            "command": WORDS,
            "ready": {"command": WORDS},
            "volumes": [f"{name}:/{name}" for name in ("1e3", "0x1f", "null", "no", "1_000")],
        }
    }
    for name in ("1e3", "0o17", "0x1f", "1_000", "123", "y", "on", "null", "x-a"):
        services[name] = {"image": "1e3:0x1f", "port": 80, "volumes": [f"./dir {name}:/x:ro"]}
    for number, (text, _) in enumerate(ENV_LINES):
        (kitchen.folder / f"{number}.env").write_bytes(text.encode() + b"\n")
        file = {"env_file": f"{number}.env", "env": {"OWN": "$own"}}
        services[f"file-{number}"] = {"image": kitchen.image, "port": 80, **file}
    return kitchen.topology(services)


@pytest.fixture(scope="module")
def engine_has(kitchen: Kitchen, odd: Topology) -> dict[str, Values]:
    return kitchen.by_engine(odd)


@pytest.fixture(scope="module")
def compose_has(kitchen: Kitchen, odd: Topology, binary: Path) -> dict[str, Values]:
    return kitchen.by_compose(binary, odd, kitchen.folder / ".stack" / "live")


def test_each_service_is_the_same(
    engine_has: dict[str, Values], compose_has: dict[str, Values]
) -> None:
    assert engine_has.keys() == compose_has.keys()
    different = [name for name, values in engine_has.items() if values != compose_has[name]]
    assert [(engine_has[name], compose_has[name]) for name in different] == []


@pytest.mark.parametrize(
    "number", range(len(ODD_VALUES)), ids=lambda at: ascii(ODD_VALUES[at])[:40]
)
def test_an_odd_value_comes_as_it_is_written(
    number: int, engine_has: dict[str, Values], compose_has: dict[str, Values]
) -> None:
    got = [has["odd"]["environment"][f"V{number}"] for has in (engine_has, compose_has)]
    assert got == [ODD_VALUES[number]] * 2


@pytest.mark.parametrize("number", range(len(ENV_LINES)), ids=lambda at: ascii(ENV_LINES[at][0]))
def test_an_env_file_says_the_same(
    number: int, engine_has: dict[str, Values], compose_has: dict[str, Values]
) -> None:
    for has in (engine_has, compose_has):
        got = has[f"file-{number}"]["environment"]
        assert {key: got[key] for key in got.keys() - {"PATH", "LANG"}} == {
            **ENV_LINES[number][1],
            "OWN": "$own",
        }


nasty = st.sampled_from(
    [
        *"\"'$#:{}[]&*!|>%@`~ \t\n\r\\,?-=é😀/.",
        *["\ufeff", "\x1b", "\x7f", "\x01", "\u202e", "\x85", "\u2028", "\ufffe", "\U0010ffff"],
        *["${", "$$", "$A", ": ", " #", "\n---\n", "<<", "\n\n", "  ", " \n", "\n ", "{{"],
    ]
)
text = st.sampled_from(ODD_VALUES) | st.lists(
    nasty | st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12
).map("".join)
some = text.filter(bool)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
folders = text.map(lambda odd: f"d{odd}".replace("/", "_").replace(":", "_")).filter(
    lambda name: len(name.encode()) < 200
)
line = st.one_of(
    st.sampled_from([each for each, _ in ENV_LINES]),
    st.tuples(names, st.sampled_from(["{}", "'{}'", '"{}"', "{} # c", "'{}' # c"]), text).map(
        lambda made: f"{made[0]}={made[1].format(made[2])}"
    ),
)
env_files = (
    st.lists(line, max_size=8)
    .map(lambda lines: "".join(f"{each}\n" for each in lines).removeprefix("\ufeff"))
    .filter(lambda file: not read_env_file(file, Variables(ENVIRON, {}))[1])
)
services = st.fixed_dictionaries(
    {
        "build": st.fixed_dictionaries(
            {"context": folders, "args": st.dictionaries(names, text, max_size=4)}
        ),
        "env": st.dictionaries(names, text, max_size=12),
        "command": st.lists(some, min_size=1, max_size=4),
        "ready": st.fixed_dictionaries({"command": st.lists(some, min_size=1, max_size=4)}),
        "volume": folders,
        "env_file": env_files,
    }
)


@settings(
    max_examples=examples(8),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink would take many minutes
)
@given(made=st.lists(services, min_size=4, max_size=4), place=st.sampled_from([".", ".stack/live"]))
def test_whatever_is_written_is_the_same(
    made: list[dict[str, Any]], place: str, kitchen: Kitchen, binary: Path
) -> None:
    written = {}
    for number, service in enumerate(made):
        (kitchen.folder / f"any-{number}.env").write_bytes(service["env_file"].encode())
        volumes = [f"./{service['volume']}:/x"]
        own = {**service, "port": 80, "volumes": volumes, "env_file": f"any-{number}.env"}
        written[f"s{number}"] = {key: value for key, value in own.items() if key != "volume"}
    topology = kitchen.topology(written)
    engine_has = kitchen.by_engine(topology)
    assert kitchen.by_compose(binary, topology, kitchen.folder / place) == engine_has
