"""The names of projects, containers and the files of a project. Pure."""

import hashlib
import re
from pathlib import PurePath

MAX_NAME = 63  # characters
# A root that is not a block mapping with plain keys may state its name in other ways.
_ODD_ROOT = re.compile(r"""^(?:[\[{%&*!<?"']|-(?!--$)|---.*\S)""", re.MULTILINE)
_BLOCK_ROOT = re.compile(r"^services[ \t]*:", re.MULTILINE)
_NAME_KEY = re.compile(r"^name[ \t]*:(.*)$", re.MULTILINE)
_PLAIN_NAME = re.compile(r"[ \t]+(?P<q>[\"']?)(?P<name>[a-z][a-z0-9_-]{0,62})(?P=q)[ \t]*(?:#.*)?")


def container_name(project: str, service: str, number: int) -> str:
    """Return the name of a container as Compose forms it: ``shop-ws-1``."""
    return f"{project}-{service}-{number}"


def state_folder(project: str) -> str:
    """Where everything is that stack keeps of a project, relative to stack.yaml."""
    return f"./.stack/{project}"


def secret_file(project: str, service: str, file: str) -> str:
    """Where the copy of a secret is that one service receives."""
    return f"{state_folder(project)}/secrets/{service}.d/{file}"


def front_address(port: int, *, tls: bool) -> str:
    """Return the front as a browser writes it."""
    return f"{'https' if tls else 'http'}://localhost:{port}"


def static_folder(service: str) -> str:
    """Return where the folder of a static service is in the container of Nginx."""
    return f"/srv/{service}"


def name_of(folder: PurePath) -> str:
    """Return the default name of a project: its folder's name, in a form that Docker accepts.

    If letters had to be changed, two folders could get one name, so a digest of the whole path is
    appended.
    """
    plain = re.sub(r"[^a-z0-9_]+", "-", folder.name.lower())
    plain = re.sub(r"[_-]{2,}", "-", plain).strip("-_")[:MAX_NAME].rstrip("-_")
    if plain == folder.name:
        return plain
    digest = hashlib.sha256(str(folder).encode(errors="surrogateescape")).hexdigest()[:6]
    return f"{plain[: MAX_NAME - 7].rstrip('-_') or 'stack'}-{digest}"


def plain_name(text: str, folder: PurePath) -> str:
    """Return the name that a stack.yaml plainly states, or its default; empty if YAML has to
    decide.

    A command about what runs then need not read the whole file.
    """
    if _ODD_ROOT.search(text) or not _BLOCK_ROOT.search(text):
        return ""
    said = _NAME_KEY.findall(text)
    if not said:
        return name_of(folder)
    found = _PLAIN_NAME.fullmatch(said[0])
    return found["name"] if found and len(said) == 1 else ""
