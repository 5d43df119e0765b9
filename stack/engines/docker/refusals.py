"""Explains why an engine does not start a container, and which key corrects it."""

import contextlib
import posixpath
import re
from collections.abc import Iterator

from docker.errors import APIError

from stack.engines.steps import RunContainer
from stack.errors import EngineError
from stack.layout.topology import Container

COMMAND, USER, VOLUMES = "command", "user", "volumes"
_NOWHERE = "nothing can be mounted at {it}"
# What the engine or its runtime says, its meaning, and the wrong part. The first match counts.
_MEANINGS = tuple(
    (re.compile(said), meaning, what)
    for said, meaning, what in (
        (
            r'exec: "(?P<it>.+?)": (?:executable file not found|stat .*no such file)',
            "the image has no program {it}",
            COMMAND,
        ),
        (r'exec: "(?P<it>.+?)": permission denied', "{it} may not be executed", COMMAND),
        (
            "(?i)no command specified",
            "neither stack.yaml nor the image defines a command",
            COMMAND,
        ),
        (r"unable to find (?P<it>(?:user|group) .+?):", "the image has no {it}", USER),
        (
            r'error mounting ".+?" to rootfs at "(?P<it>.+?)".*not a directory',
            "{it}: a folder is mounted onto a file, or a file onto a folder",
            VOLUMES,
        ),
        (r'error mounting ".+?" to rootfs at "(?P<it>.+?)"', _NOWHERE, VOLUMES),
        (r"/merged(?P<it>/.+?): not a directory", _NOWHERE, VOLUMES),
    )
)


@contextlib.contextmanager
def explained(step: RunContainer) -> Iterator[None]:
    """Turn known refusals inside into EngineError; other errors pass."""
    try:
        yield
    except APIError as error:
        for pattern, meaning, what in _MEANINGS:
            if found := pattern.search(str(error.explanation)):
                message = f"{step.key}: {meaning.format(**found.groupdict())}"
                raise EngineError(message, _hint(step.container, what)) from error
        raise


def _hint(item: Container, what: str) -> str:
    key = f"services.{item.service}"
    dockerfile = item.build and posixpath.normpath(
        posixpath.join(item.build.context, item.build.dockerfile)
    )
    if what == VOLUMES or (what == COMMAND and item.command):
        return f"correct stack.yaml: {key}.{what}"
    if what == USER:
        mended = f"correct USER of {dockerfile}, or create the user there"
        return mended if dockerfile else f"name another image in stack.yaml: {key}.image"
    wanted = f"write stack.yaml: {key}.command"
    return f"correct CMD or ENTRYPOINT of {dockerfile}, or {wanted}" if dockerfile else wanted
