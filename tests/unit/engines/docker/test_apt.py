"""Where Debian's packages come from is what this machine's own apt says, however it was told."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.engines.docker import apt

pytestmark = pytest.mark.skipif(not shutil.which("apt-get"), reason="asks the real apt")
Write = Callable[[str, str], None]
MAIN = "http://mirror.example/debian"
RELEASE = """\
Origin: {origin}
Label: {label}
Codename: {codename}
Date: Sat, 09 Mar 2024 10:00:00 UTC
Components: main
Architectures: all amd64 arm64
SHA256:
 {hash} 10 main/binary-amd64/Packages
 {hash} 10 main/binary-arm64/Packages
"""
WANTED = (
    f"deb {MAIN} trixie main",
    f"deb {MAIN} trixie-updates main",
    "deb http://secure.example/debian-security trixie-security main",
)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose apt has nothing of ours."""
    for folder in ("lists/partial", "parts", "cache"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "sources.list").touch()
    write_config(tmp_path)
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write_config(machine: Path, *lines: str) -> None:
    places = {
        "Dir::Etc::SourceList": "sources.list",
        "Dir::Etc::SourceParts": "parts",
        "Dir::State::Lists": "lists",
        "Dir::Cache": "cache",
    }
    own = [f'{key} "{machine / place}";' for key, place in places.items()]
    (machine / "apt.conf").write_text("\n".join([*own, *lines]) + "\n")


def fetched(machine: Path, place: str, codename: str, label: str, origin: str = "Debian") -> None:
    """Leave what ``apt-get update`` leaves of one suite."""
    text = RELEASE.format(origin=origin, label=label, codename=codename, hash="0" * 64)
    stem = machine / "lists" / f"{place}_dists_{codename}"
    Path(f"{stem}_InRelease").write_text(text)
    for architecture in ("amd64", "arm64"):
        Path(f"{stem}_main_binary-{architecture}_Packages").write_text("Package: x\n")


def all_fetched(machine: Path, main: str = "mirror.example_debian") -> None:
    fetched(machine, main, "bookworm", "Debian")
    fetched(machine, "secure.example_debian-security", "bookworm-security", "Debian-Security")
    fetched(machine, "third.example_apt", "bookworm", "Third", origin="Third")


ONE_LINE = """\
deb https://third.example/apt bookworm main
deb [arch=amd64,arm64] http://mirror.example/debian/ bookworm main contrib
deb http://secure.example/debian-security bookworm-security main
"""
DEB822 = """\
Types: deb
URIs: https://third.example/apt
Suites: bookworm
Components: main

Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://secure.example/debian-security
Suites: bookworm-security
Components: main
"""


def test_one_line_sources(machine: Path) -> None:
    (machine / "sources.list").write_text(ONE_LINE)
    all_fetched(machine)
    assert apt.debian_sources("trixie", None) == WANTED


def test_deb822_sources(machine: Path) -> None:
    (machine / "parts" / "debian.sources").write_text(DEB822)
    all_fetched(machine)
    assert apt.debian_sources("trixie", None) == WANTED


def test_a_list_of_mirrors_in_a_file(machine: Path) -> None:
    listed = machine / "mirrors.list"
    listed.write_text(f"# ours\n{MAIN}/\tpriority:1\nhttp://other.example/debian\n")
    text = ONE_LINE.replace("http://mirror.example/debian/", f"mirror+file:{listed}")
    (machine / "sources.list").write_text(text)
    all_fetched(machine, str(listed).replace("_", "%5f").replace("/", "_"))
    assert apt.debian_sources("trixie", None) == WANTED


@pytest.mark.parametrize("scheme", ["file", "copy", "cdrom"])
def test_what_only_this_machine_has_is_no_mirror(machine: Path, scheme: str) -> None:
    (machine / "sources.list").write_text(f"deb {scheme}:/srv/debian bookworm main\n")
    fetched(machine, "_srv_debian", "bookworm", "Debian")
    assert apt.debian_sources("trixie", None) == ()


def test_nothing_known_is_left_to_mmdebstrap(machine: Path) -> None:
    assert not (machine / "sources.list").read_text()
    assert apt.debian_sources("trixie", None) == ()


def test_a_machine_without_apt_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert apt.debian_sources("trixie", None) == ()
    assert apt.proxies({"http_proxy": "http://p"}) == {"http_proxy": "http://p"}


def test_the_users_mirror_wins(machine: Path) -> None:
    (machine / "sources.list").write_text(ONE_LINE)
    all_fetched(machine)
    own = "http://127.0.0.1:9/debian/"  # nobody is there, so it has no security updates
    assert apt.debian_sources("trixie", own) == (
        "deb http://127.0.0.1:9/debian trixie main",
        "deb http://127.0.0.1:9/debian trixie-updates main",
    )


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([], {}),
        (['Acquire::http::Proxy "http://p:1";'], {"http_proxy": "http://p:1"}),
        (['Acquire::https { Proxy "http://s:1"; };'], {"https_proxy": "http://s:1"}),
        (
            [
                'Acquire::http::Proxy "http://p:1";',
                'Acquire::http::Proxy::mirror.example "DIRECT";',
            ],
            {"http_proxy": "http://p:1", "no_proxy": "mirror.example"},
        ),
        (
            [
                'Acquire::http::Proxy::mirror.example "http://own:1";',
                'Acquire::http::Proxy "http://p:1";',
                'Acquire::http::Proxy::other.example "http://other:1";',
            ],
            {"http_proxy": "http://own:1"},
        ),
        (['Acquire::http::Proxy "DIRECT";'], {"http_proxy": ""}),
    ],
)
def test_proxies_are_those_of_apt(machine: Path, lines: list[str], wanted: dict[str, str]) -> None:
    write_config(machine, *lines)
    assert apt.proxies({}, apt.hosts_of(WANTED)) == wanted


def test_what_apt_does_not_say_stays_as_the_environment_has_it(machine: Path) -> None:
    write_config(machine, 'Acquire::http::Proxy "http://p:1";')
    environ = {"http_proxy": "http://e:1", "https_proxy": "http://e:2", "no_proxy": "a"}
    assert apt.proxies(environ) == {**environ, "http_proxy": "http://p:1"}
