"""What an engine says of a container that it does not start is said in our words, with the key."""

import pytest
import requests
from docker.errors import APIError

from stack.engines.docker.connect import translated
from stack.engines.docker.refusals import explained
from stack.engines.steps import Key, Kind, RunContainer, Verb
from stack.errors import EngineError, StackError
from stack.layout.topology import BuildSpec, Container

RUNC = (
    "failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: "
)
MOUNT = f'{RUNC}error during container init: error mounting "/v/_data" to rootfs at '
IMAGE = Container("app", "x:1")
COMMAND = Container("app", "x:1", command=("nope",))
BUILD = Container("app", "shop-app", build=BuildSpec("./my app", "Dockerfile", (), None))
IN_IMAGE = "write stack.yaml: services.app.command"


def refused(item: Container, said: str) -> EngineError:
    step = RunContainer(
        Key(Verb.START, Kind.CONTAINER, "shop-app-1"), container=item, number=1, fingerprint=""
    )
    with pytest.raises(EngineError) as caught, translated(str(step.key)), explained(step):
        raise APIError("400", explanation=said)
    return caught.value


@pytest.mark.parametrize(
    ("item", "said", "message", "hint"),
    [
        (
            COMMAND,
            f'{RUNC}exec: "nope": executable file not found in $PATH: unknown',
            "the image has no program nope",
            "correct stack.yaml: services.app.command",
        ),
        (
            IMAGE,
            f'{RUNC}exec: "/a b/c": stat /a b/c: no such file or directory: unknown',
            "the image has no program /a b/c",
            IN_IMAGE,
        ),
        (
            BUILD,
            f'{RUNC}exec: "/run.sh": permission denied: unknown',
            "/run.sh may not be executed",
            f"correct CMD or ENTRYPOINT of my app/Dockerfile, or {IN_IMAGE}",
        ),
        (
            IMAGE,
            "No command specified",
            "neither stack.yaml nor the image defines a command",
            IN_IMAGE,
        ),
        (
            BUILD,
            "unable to find user nobody2: no matching entries in passwd file",
            "the image has no user nobody2",
            "correct USER of my app/Dockerfile, or create the user there",
        ),
        (
            IMAGE,
            "unable to find group g: no matching entries in group file",
            "the image has no group g",
            "name another image in stack.yaml: services.app.image",
        ),
        (
            IMAGE,
            f'{MOUNT}"/etc/passwd": mount x:/etc/passwd: not a directory: unknown: Are you',
            "/etc/passwd: a folder is mounted onto a file, or a file onto a folder",
            "correct stack.yaml: services.app.volumes",
        ),
        (
            IMAGE,
            f'{MOUNT}"/a/b": mkdir /var/lib/docker/x/merged/a/b: read-only file system: unknown',
            "nothing can be mounted at /a/b",
            "correct stack.yaml: services.app.volumes",
        ),
        (
            IMAGE,
            "lstat /var/lib/docker/overlay2/f/merged/etc/passwd/x: not a directory",
            "nothing can be mounted at /etc/passwd/x",
            "correct stack.yaml: services.app.volumes",
        ),
    ],
)
def test_it_is_said_with_the_key_that_mends_it(
    item: Container, said: str, message: str, hint: str
) -> None:
    error = refused(item, said)
    assert (error.message, error.hint) == (f"start shop-app-1: {message}", hint)


def test_anything_else_is_said_as_it_is() -> None:
    error = refused(IMAGE, "something new")
    assert (error.message, error.hint) == ("start shop-app-1: something new", "")


def test_a_limit_of_this_process_is_no_fault_of_the_engine() -> None:
    said = "('Connection aborted.', OSError(24, 'Too many open files'))"
    with pytest.raises(StackError) as caught, translated("docker"):
        raise requests.ConnectionError(said)
    assert not isinstance(caught.value, EngineError)  # or one would be started
    assert caught.value.message == "docker: this process may not open more files"
    assert caught.value.hint == "ulimit -n 4096"
