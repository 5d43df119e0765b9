"""Asks this machine's apt where Debian's packages come from, and by which proxy; changes nothing.

apt reads its own configuration best: sources.list, .sources, mirror lists, apt.conf.
"""

import subprocess
import tempfile
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from stack.engines.docker import wheels

MIRROR_FILE = "mirror+file:"  # a list of mirrors in a file that no image has
REACHABLE = ("http", "https", "mirror", "mirror+http", "mirror+https")  # also from inside a build
FIELDS = "$(ORIGIN) $(COMPONENT) $(LABEL) $(CODENAME) $(REPO_URI)\n"
LIMIT = 120  # seconds for apt's own lists, where this machine has none
ANSWER_WITHIN = 10  # seconds


def debian_sources(suite: str, mirror: str | None) -> tuple[str, ...]:
    """Return lines of a sources.list for a stable ``suite``; none if there is no known source.

    ``mirror`` takes precedence over this machine's apt. The updates of a suite are beside it, its
    security updates in an archive of their own.
    """
    main, security = (mirror.rstrip("/"), "") if mirror else _configured()
    if not main:
        return ()
    lines = [f"deb {main} {suite} main", f"deb {main} {suite}-updates main"]
    if not security and _answers(f"{main}-security/dists/{suite}-security/InRelease"):
        security = f"{main}-security"
    return (*lines, f"deb {security} {suite}-security main") if security else tuple(lines)


def proxies(environ: Mapping[str, str], hosts: Collection[str | None] = ()) -> dict[str, str]:
    """Return proxy variables that make apt, run elsewhere, use the same proxies as here.

    A setting in apt.conf for one of ``hosts`` takes precedence over a general one.
    """
    found, direct = wheels.proxies(environ), [environ.get("no_proxy", "")]
    lines = _output("apt-config", "dump", "--format", "%f=%v%n", "Acquire")
    for name, value in sorted(line.split("=", 1) for line in lines if "=" in line):
        _, scheme, what, *host = [*name.split("::"), "", ""][:4]
        if scheme not in {"http", "https"} or what != "Proxy" or not value:
            continue
        if value == "DIRECT" and host[0]:
            direct.append(host[0])
        elif not host[0] or host[0] in hosts:
            found[f"{scheme}_proxy"] = "" if value == "DIRECT" else value
    return found | ({"no_proxy": ",".join(filter(None, direct))} if any(direct) else {})


def hosts_of(sources: Collection[str]) -> set[str | None]:
    """Return the servers in lines of a sources.list."""
    return {urlsplit(line.split()[1]).hostname for line in sources}


def _configured() -> tuple[str, str]:
    """Return the archive of this machine's Debian and of its security updates, if it has them."""
    targets = list(_targets()) or list(_fetched_targets())
    places: dict[str, str] = {}
    for label, codename, uri in targets:
        # "bookworm" and "sid"; "bookworm-updates" and "-backports" are beside it.
        if label == "Debian-Security" or "-" not in codename:
            places.setdefault(label, uri)
    return places.get("Debian", ""), places.get("Debian-Security", "")


def _targets(*options: str) -> Iterator[tuple[str, str, str]]:
    """Return label, codename and place of a list of apt, if it is Debian's own."""
    asked = ("apt-get", *options, "indextargets", "--format", FIELDS, "Created-By: Packages")
    for line in _output(*asked):
        origin, component, label, codename, uri = [*line.split(" ", 4), *[""] * 4][:5]
        place = _place(uri)
        if (origin, component) == ("Debian", "main") and place:
            yield label, codename, place


def _fetched_targets() -> Iterator[tuple[str, str, str]]:
    """Ask again with freshly fetched lists: images of Debian have none."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "partial").mkdir()
        options = ("-o", f"Dir::State::Lists={folder}", "-o", f"Dir::Cache={folder}")
        _output("apt-get", *options, "update")
        yield from _targets(*options)


def _place(uri: str) -> str:
    """Return the address if it can be used elsewhere; empty if there is none."""
    uri = uri.rstrip("/")
    if uri.startswith(MIRROR_FILE):
        with suppress(OSError):
            lines = Path(uri.removeprefix(MIRROR_FILE)).read_text(encoding="utf-8").splitlines()
            listed = [line.split()[0] for line in lines if line.strip() and line[0] != "#"]
            uri = listed[0].rstrip("/") if listed else uri
    return uri if uri.partition(":")[0] in REACHABLE else ""


def _answers(url: str) -> bool:
    handler = urllib.request.ProxyHandler(
        {key.removesuffix("_proxy"): value for key, value in proxies({}).items() if value} or None
    )
    with suppress(OSError, ValueError):
        opened = urllib.request.build_opener(handler).open(url, timeout=ANSWER_WITHIN)
        with opened as answer:
            return bool(answer.status == 200)
    return False


def _output(*command: str) -> list[str]:
    """Return the lines that a command prints; none if it is missing or fails."""
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=True,
        )
        return done.stdout.splitlines()
    return []
