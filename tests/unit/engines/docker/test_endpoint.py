"""The engine that was meant is the one that the docker command takes; it is the judge here."""

import json
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from stack.engines.docker.endpoint import LOCAL, find
from stack.errors import ConfigError

CONTEXTS = {"lab": "unix:///run/lab.sock", "büro": "unix:///run/buero.sock"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of the docker command as `docker context create` writes it."""
    for name, url in CONTEXTS.items():
        context(tmp_path, name, url)
    return tmp_path


def context(config: Path, name: str, url: str, **more: object) -> str:
    """Write a context; give its folder's name."""
    identity = sha256(name.encode()).hexdigest()
    folder = config / "contexts" / "meta" / identity
    folder.mkdir(parents=True)
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": url, **more}}}
    (folder / "meta.json").write_text(json.dumps(meta))
    return identity


def use(config: Path, name: str) -> None:
    (config / "config.json").write_text(json.dumps({"currentContext": name}))


@pytest.mark.parametrize("used", ["", "default", "lab"])
@pytest.mark.parametrize("named", ["", "default", "lab", "büro"])
@pytest.mark.parametrize("host", ["", "unix:///run/x.sock", "tcp://127.0.0.1:1"])
def test_precedence_is_the_one_of_the_docker_command(
    config: Path, used: str, named: str, host: str
) -> None:
    docker = shutil.which("docker")
    assert docker, "apt-get install docker.io brings it"
    if used:
        use(config, used)
    steering = {"DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": named, "DOCKER_HOST": host}
    environ = {key: value for key, value in steering.items() if value}
    shown = subprocess.run(
        [docker, "context", "show"],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert find(environ).url == CONTEXTS.get(shown, host or LOCAL)


@pytest.mark.parametrize(
    ("environ", "label"),
    [
        ({}, ""),
        ({"DOCKER_CONTEXT": "default"}, ""),
        ({"DOCKER_HOST": LOCAL}, ""),
        ({"DOCKER_HOST": "unix://"}, ""),
        ({"DOCKER_CONTEXT": "lab"}, "unix:///run/lab.sock (context lab, by DOCKER_CONTEXT)"),
        ({"DOCKER_HOST": "127.0.0.1:1"}, "tcp://127.0.0.1:1 (DOCKER_HOST)"),
        ({"DOCKER_HOST": "tcp://[::1]"}, "tcp://[::1]:2375 (DOCKER_HOST)"),
        (
            {"DOCKER_HOST": "tcp://localhost", "DOCKER_TLS_VERIFY": "1"},
            "tcp://localhost:2376 (DOCKER_HOST)",
        ),
    ],
)
def test_what_is_not_the_default_has_a_name(
    config: Path, environ: dict[str, str], label: str
) -> None:
    found = find({"DOCKER_CONFIG": str(config), **environ})
    assert (found.label, found.is_default) == (label, not label)


def test_a_context_that_was_chosen_is_named_by_what_chose_it(config: Path) -> None:
    use(config, "lab")
    found = find({"HOME": "/nonexistent", "DOCKER_CONFIG": str(config)})
    assert found.label == "unix:///run/lab.sock (context lab, by docker context use)"
    assert found.undo == "docker context use default"


def test_the_configuration_is_looked_for_at_home(config: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copytree(config / "contexts", home / ".docker" / "contexts")
    assert find({"HOME": str(home), "DOCKER_CONTEXT": "lab"}).url == CONTEXTS["lab"]


def refusal(environ: dict[str, str]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        find(environ)
    return caught.value


@pytest.mark.parametrize("how", ["DOCKER_CONTEXT", "docker context use"])
def test_an_unknown_context_is_refused_with_the_known_ones(config: Path, how: str) -> None:
    if how == "DOCKER_CONTEXT":
        error = refusal({"DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": "lob"})
    else:
        use(config, "lob")
        error = refusal({"DOCKER_CONFIG": str(config)})
    assert error.message == f"{how}: there is no context lob in {config}"
    assert error.hint.startswith("contexts are: default, büro, lab; ")


@pytest.mark.parametrize(
    "url",
    ["foo://x", "fd://", "npipe:////./pipe/docker", "tcp://", "tcp://[::1", "tcp://h:0x1"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    error = refusal({"DOCKER_HOST": url})
    assert error.message == f"DOCKER_HOST: {url}: is not an address of an engine"
    assert "unset DOCKER_HOST" in error.hint


@pytest.mark.parametrize(
    ("url", "step"),
    [
        ("ssh://me@build", "run stack on that machine: ssh me@build"),
        ("tcp://docker:2375", "run stack on that machine\n"),
        ("tcp://localhost.example.com:2375", "run stack on that machine\n"),
    ],
)
def test_an_engine_of_another_machine_is_refused_with_the_reason(url: str, step: str) -> None:
    error = refusal({"DOCKER_HOST": url})
    assert "is an engine of another machine: the folders that stack mounts are not" in error.message
    assert error.hint.startswith(step)
    assert error.hint.endswith("or use the engine of this one: unset DOCKER_HOST")


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff\xfe"])
def test_a_broken_configuration_is_not_taken_for_none(config: Path, text: str) -> None:
    (config / "config.json").write_text(text, encoding="latin-1")
    error = refusal({"DOCKER_CONFIG": str(config)})
    assert error.message == f"{config / 'config.json'}: is not JSON of the docker command"


@pytest.mark.parametrize("text", ['{"Endpoints": []}', '{"Endpoints": {"docker": 1}}', "{}"])
def test_a_context_without_an_address_is_refused(config: Path, text: str) -> None:
    (path,) = [p for p in config.rglob("meta.json") if '"lab"' in p.read_text()]
    path.write_text(text)
    error = refusal({"DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": "lab"})
    assert error.message == f"{path}: names no engine"
