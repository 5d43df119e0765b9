"""Which dev server answered, where its hot reload connects to, and what its refusals mean. Pure.

Recognized by its answers alone: every question is one that the page asks as well.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from stack.probe.exchange import Exchange, Target


@dataclass(frozen=True)
class DevServer:
    """A kind of dev server. ``everywhere`` makes it listen on all addresses, on port ``{port}``."""

    name: str
    everywhere: str


NEXT = DevServer("Next.js", "next dev -p {port} -H 0.0.0.0")
NUXT = DevServer("Nuxt", "nuxt dev --port {port} --host 0.0.0.0")
ASTRO = DevServer("Astro", "astro dev --port {port} --host 0.0.0.0")
ANGULAR = DevServer("Angular", "ng serve --port {port} --host 0.0.0.0")
VITE = DevServer("Vite", "vite --port {port} --host 0.0.0.0")
RAILS = DevServer("Rails", "bin/rails server -p {port} -b 0.0.0.0")
DJANGO = DevServer("Django", "python manage.py runserver 0.0.0.0:{port}")
FLASK = DevServer("Flask", "flask run --port {port} --host 0.0.0.0")
UVICORN = DevServer("Uvicorn", "uvicorn --port {port} --host 0.0.0.0 MODULE:APP")
# The more special one first: Nuxt, Astro and Angular use Vite.
_BY_BODY = (
    (NEXT, re.compile("/_next/")),
    (NUXT, re.compile("/_nuxt/")),
    (ASTRO, re.compile("/@vite/client.*astro|astro.*/@vite/client", re.DOTALL)),
    (ANGULAR, re.compile("<app-root.*/@vite/client|/@vite/client.*<app-root", re.DOTALL)),
    (VITE, re.compile("/@vite/client")),
)
_BY_HEADER = (
    (NEXT, "x-powered-by", "next.js"),
    (FLASK, "server", "werkzeug"),
    (UVICORN, "server", "uvicorn"),
)
_VITE_CLIENT = re.compile(r"""["']([^"'<>\s]*/@vite/client)["']""")
_NEXT_BASE = re.compile(r"""["'](/[^"'<>\s]*?)?/_next/""")
_NEXT_SOCKETS = ("/_next/hmr", "/_next/webpack-hmr")  # since 16, and before
# How Vite writes the address of its socket in /@vite/client: the same names since 2.
_HOST = re.compile(r'socketHost = `\$\{(?:null|"([^"]+)") \|\| [^`]*?\$\{"([^"]*)"\}`')
_PORT = re.compile(r"\bhmrPort = (\d+)")
_PROTOCOL = re.compile(r'\bsocketProtocol = "(wss?)"')
_TOKEN = re.compile(r'\bwsToken = "([^"]*)"')
_VITE_HOSTS = "server: {{ allowedHosts: ['{host}'] }} in vite.config"
_NEXT_ORIGINS = "allowedDevOrigins: ['{host}'] in next.config"
# A refusal of the requested host name: the server, its key, and the line that allows it.
_REFUSALS = (
    (403, "Blocked request. This host", "Vite", _VITE_HOSTS),
    (403, "Invalid Host", "webpack-dev-server", "devServer: {{ allowedHosts: ['{host}'] }}"),
    (403, "Blocked hosts", "Rails", 'config.hosts << "{host}" in development.rb'),
    (400, "DisallowedHost", "Django", 'ALLOWED_HOSTS = ["{host}"] in settings.py'),
    (400, "Invalid host header", "Starlette", 'TrustedHostMiddleware(allowed_hosts=["{host}"])'),
    (403, "Unauthorized", "Next.js", _NEXT_ORIGINS),
)


@dataclass(frozen=True)
class Socket:
    """A socket of hot reload: where the page's script opens it, and with which subprotocol."""

    target: Target
    protocol: str = ""

    @property
    def name(self) -> str:
        """Its address without what may be secret."""
        return self.target.url


def recognised(page: Exchange) -> DevServer | None:
    """Return the dev server by the answer to a plain request; None for one without marks."""
    head = page.head
    if not head:
        return None
    for server, name, mark in _BY_HEADER:
        if mark in head.get(name).lower():
            return server
    if "wsgiserver" in head.get("server").lower() and head.get("x-frame-options"):
        return DJANGO
    if head.get("x-runtime") and head.get("x-request-id"):
        return RAILS
    return next((server for server, mark in _BY_BODY if mark.search(page.text)), None)


def refusal(answer: Exchange, host: str) -> tuple[str, str] | None:
    """Return what refuses the host name, and the line that allows it; None for any other answer."""
    for status, mark, who, line in _REFUSALS:
        if answer.status == status and mark in answer.text:
            return who, line.format(host=host)
    if answer.raw.startswith(b"Unauthorized"):  # Next ≥ 15.2.2 to an upgrade, not even HTTP
        return "Next.js", _NEXT_ORIGINS.format(host=host)
    return None


def next_sockets(page: Exchange) -> tuple[Socket, ...]:
    """Return where the client of Next may connect to; only one of them has to open."""
    found = _NEXT_BASE.search(page.text)
    base = (found[1] or "") if found else ""
    front = page.question.target
    return tuple(Socket(replace(front, path=f"{base}{path}")) for path in _NEXT_SOCKETS)


def vite_client(page: Exchange) -> str:
    """Return the path of the script that opens Vite's socket; empty if the page has none."""
    found = _VITE_CLIENT.search(page.text)
    return urlsplit(found[1]).path if found else ""


def vite_socket(client: Exchange) -> Socket | None:
    """Read from ``/@vite/client`` where it connects to; None for a script in another form."""
    place = _HOST.search(client.text)
    if not place:
        return None
    port, protocol, token = (one.search(client.text) for one in (_PORT, _PROTOCOL, _TOKEN))
    front = client.question.target
    path = place[2] if place[2].startswith("/") else f"/{place[2]}"
    target = replace(
        front,
        host=place[1] or front.host,
        port=int(port[1]) if port else front.port,
        path=f"{path}?token={token[1]}" if token else path,
        tls=protocol[1] == "wss" if protocol else front.tls,
    )
    return Socket(target, "vite-hmr")
