"""What a service is given by those it needs: addresses, secrets, networks. Pure.

A store gives its URL and the file of its password, a realtime service the URL of its HTTP API and
the file of its key. The API has a network of its own with those who need it, and listens only
there; the front and everybody else see just the port for clients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stack.config.preset.kind import SECRETS_TARGET
from stack.config.presets import API_PORT, LOOPBACK, of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.config.model import Service, Stack
    from stack.config.preset.kind import Address

NETWORK = "default"
STORES_NETWORK = "data"


@dataclass(frozen=True)
class Grant:
    """What one needed service gives. ``secret`` names a generated value, and its file."""

    url_variable: str
    url: str
    file_variable: str
    secret: str
    host: str
    network: str


@dataclass(frozen=True)
class Api:
    """Where a realtime service answers the other services; on ``network``, if it is for any."""

    host: str
    port: int
    key: str
    network: str | None

    @property
    def url(self) -> str:
        """Where its methods are."""
        return f"http://{self.host}:{self.port}/api"


def environment(stack: Stack, service: Service) -> dict[str, str]:
    """Return the variables by which ``service`` finds what it needs."""
    values = {}
    for grant in grants(stack, service):
        values[grant.url_variable] = grant.url
        if not _goes_elsewhere(service, grant):
            values[grant.file_variable] = f"{SECRETS_TARGET}/{grant.secret}"
    return values


def secrets(stack: Stack, service: Service) -> list[str]:
    """Name the values that ``service`` signs in with: each is a file of that name."""
    return [grant.secret for grant in grants(stack, service) if not _goes_elsewhere(service, grant)]


def networks(stack: Stack, service: Service) -> tuple[str, ...]:
    """Return the networks on which ``service`` meets what it needs, its own one first."""
    return tuple(dict.fromkeys([NETWORK, *(grant.network for grant in grants(stack, service))]))


def password_name(store: str) -> str:
    """Name the password of a store."""
    return f"{store}-password"


def database_name(stack: Stack, name: str) -> str:
    """The database that a store makes: the user's, or the project's name, as SQL likes it."""
    service = stack.services[name]
    preset = of(service.preset)
    said = service.env.get(preset.database_variable) if preset else None
    return said or stack.name.replace("-", "_")


def api(stack: Stack, name: str) -> Api:
    """Say where the HTTP API of a realtime service is; ``.internal`` is for private names."""
    port = API_PORT + 1 if stack.services[name].port == API_PORT else API_PORT
    is_needed = any(name in other.needs and _is_own(other) for other in stack.services.values())
    if not is_needed:
        return Api(LOOPBACK[0], port, f"{name}-api-key", None)
    return Api(f"{name}.internal", port, f"{name}-api-key", f"{name}-api")


def grants(stack: Stack, service: Service) -> Iterator[Grant]:
    """Return what ``service`` gets of those it needs; the first of a kind by its usual name."""
    taken = set[str]()
    for name in service.needs:
        preset = of(stack.services[name].preset)
        if preset is None or (preset.has_api and not _is_own(service)):
            continue
        usual = preset.usual
        prefix = name.upper().replace("-", "_") if usual in taken else usual
        taken.add(prefix)
        if preset.address:
            yield _store_grant(stack, name, prefix, preset.address)
        else:
            yield _api_grant(stack, name, prefix)


def _store_grant(stack: Stack, name: str, prefix: str, address: Address) -> Grant:
    port = stack.services[name].port or 0
    url = address(name, port, database_name(stack, name))
    return Grant(
        f"{prefix}_URL", url, f"{prefix}_PASSWORD_FILE", password_name(name), name, STORES_NETWORK
    )


def _api_grant(stack: Stack, name: str, prefix: str) -> Grant:
    found = api(stack, name)
    network = found.network or NETWORK
    return Grant(
        f"{prefix}_API_URL", found.url, f"{prefix}_API_KEY_FILE", found.key, found.host, network
    )


def _goes_elsewhere(service: Service, grant: Grant) -> bool:
    """Whether the user's own URL leads to another server, or brings a password: ours is not for it.

    Another database of the same server is still signed in to by our file.
    """
    own = service.env.get(grant.url_variable)
    if own is None:
        return False
    try:
        parts = urlsplit(own)
        return parts.hostname != grant.host or bool(parts.password)
    except ValueError:
        return True


def _is_own(service: Service) -> bool:
    return service.source in {"image", "build"}
