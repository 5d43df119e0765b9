"""What a user's own variables mean to a service that stack sets up: they win, or are refused.

They win where stack can follow: a secret becomes the secret of the project, the name of a database
stands in the URLs. All others that stack sets itself are refused with the edit, because they would
do nothing, or would change a server behind the back of those who ask it. Reads env_files.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from stack.config.document import Problem
from stack.config.model import Service, Stack
from stack.config.presets import of, secret_variables
from stack.config.strength import weakness_of
from stack.errors import ConfigError
from stack.layout import access
from stack.layout.images import NAMES
from stack.layout.topology import NEXTAUTH_SECRET, Container, lay_out
from stack.project.fingerprint import told_in_file

Told = Mapping[str, tuple[str, str]]  # variable → its value, and the key of stack.yaml that sets it


def given_secrets(stack: Stack, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the user's own value of each secret of the project that has one.

    It stands in ``env`` or ``env_file`` of the preset that it is for; ``environ`` fills in the
    variables of env_files. Raises ConfigError for one that cannot be read.
    """
    found: dict[str, str] = {}
    for name, service in stack.services.items():
        for variable in secret_variables(service.preset):
            value = _told(name, service, folder, environ).get(variable, ("", ""))[0]
            if value:
                found.setdefault(secret_name(name, service), value)
    return found


def secret_name(name: str, service: Service) -> str:
    """Name the secret that a preset signs in with, or lets others sign in with."""
    preset = of(service.preset)
    return NEXTAUTH_SECRET if preset and preset.signs else access.password_name(name)


def variable_problems(stack: Stack, folder: Path, environ: Mapping[str, str]) -> Iterator[Problem]:
    """Say which of the user's variables cannot have an effect; the stack is valid otherwise."""
    layout = lay_out(stack, dict.fromkeys(NAMES, ""))
    secrets: dict[str, tuple[str, str]] = {}
    for container in layout.containers:
        service = stack.services.get(container.service)
        if service is None:
            continue
        try:
            told = _told(container.service, service, folder, environ)
        except ConfigError as error:
            where = ("services", container.service, "env_file")
            for line in error.message.splitlines():
                yield Problem(where, line, error.hint)
            continue
        yield from _refused(container, service, told)
        yield from _secret_problems(container.service, service, told, secrets)


def _refused(container: Container, service: Service, told: Told) -> Iterator[Problem]:
    preset = of(service.preset)
    fixed = dict(preset.fixed_variables) if preset else {}
    fixed_user, only = preset.fixed_user if preset else ("", "")
    if service.namespaces:
        fixed["WS_NAMESPACES"] = ("is what namespaces: says", "keep one of the two")
    kept = service.env.keys() | set(secret_variables(service.preset))
    ours = {variable for variable, _ in container.environment} - kept
    for variable, (value, key) in told.items():
        where = _place(container.service, variable, key)
        said = variable if key == "env_file" else ""
        if variable in fixed:
            text, hint = fixed[variable]
            yield Problem(where, f"{said} {text}".strip(), hint)
        elif variable == fixed_user:
            if key == "env_file" and value not in {"", only}:
                text = f"{said} must be {only}: stack and what needs it sign in as it"
                yield Problem(where, text, "create other roles by SQL, in the folder of init")
        elif key == "env_file" and variable in ours:
            text = f"{said} is set by stack, and env_file does not win over that"
            hint = f"write {variable} in env: if yours is meant, or remove it from the file"
            yield Problem(where, text, hint)


def _secret_problems(
    name: str, service: Service, told: Told, secrets: dict[str, tuple[str, str]]
) -> Iterator[Problem]:
    if (preset := of(service.preset)) and preset.signs:
        yield from _weak(name, told)
    for variable in secret_variables(service.preset):
        value, key = told.get(variable, ("", ""))
        where, said = _place(name, variable, key), variable if key == "env_file" else ""
        if not value:
            continue
        if value.strip() != value or not value.isprintable():
            text = "must not hold line breaks, nor begin or end with a space"
            yield Problem(where, f"{said} {text}".strip())
        before, place = secrets.setdefault(
            secret_name(name, service), (value, f"{name}, {variable}")
        )
        if before != value:
            text = f"is not the secret of {place}; all realtime services have one"
            yield Problem(where, f"{said} {text}".strip(), "give all of them the same")


def _weak(name: str, told: Told) -> Iterator[Problem]:
    """Say which secrets the realtime service would refuse, and so not start."""
    for variable in (*secret_variables("realtime"), "NEXTAUTH_SECRET_PREVIOUS"):
        value, key = told.get(variable, ("", ""))
        weak = (weakness_of(line.strip()) for line in value.splitlines() if line.strip())
        if text := next(filter(None, weak), ""):
            said = variable if key == "env_file" else ""
            where = _place(name, variable, key)
            yield Problem(where, f"{said} {text}".strip(), "openssl rand -base64 32")


def _place(name: str, variable: str, key: str) -> tuple[str, ...]:
    return ("services", name, key, variable) if key == "env" else ("services", name, key)


def _told(name: str, service: Service, folder: Path, environ: Mapping[str, str]) -> Told:
    """Return what the user's own env_file and env say; env wins."""
    own = Container(
        name, "", env_file=service.env_file, environment=tuple(sorted(service.env.items()))
    )
    in_file = told_in_file(own, folder, environ)
    return {
        **{variable: (value, "env_file") for variable, value in in_file.items()},
        **{variable: (value, "env") for variable, value in service.env.items()},
    }
