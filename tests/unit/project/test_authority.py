"""The front's certificate: made once, trusted through the authority, limited to this machine."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stack.errors import StackError
from stack.layout.topology import FRONT_CERTIFICATE, FRONT_KEY
from stack.project import authority
from stack.project.state import State


@pytest.fixture
def place(tmp_path: Path) -> State:
    state = State(tmp_path, "shop")
    state.prepare()
    return state


def test_certificate_is_made_once_and_kept(place: State, tmp_path: Path) -> None:
    authority.ensure_certificate(place, tmp_path / "ca")
    first = (place.secrets / FRONT_CERTIFICATE).read_text()
    authority.ensure_certificate(place, tmp_path / "ca")
    assert (place.secrets / FRONT_CERTIFICATE).read_text() == first


def test_another_authority_means_another_certificate(place: State, tmp_path: Path) -> None:
    authority.ensure_certificate(place, tmp_path / "ca")
    first = (place.secrets / FRONT_CERTIFICATE).read_text()
    authority.ensure_certificate(place, tmp_path / "other")
    assert (place.secrets / FRONT_CERTIFICATE).read_text() != first


def test_keys_are_closed_to_others(place: State, tmp_path: Path) -> None:
    authority.ensure_certificate(place, tmp_path / "ca")
    keys = (tmp_path / "ca/authority.key", place.secrets / FRONT_KEY)
    assert [key.stat().st_mode & 0o777 for key in keys] == [0o600, 0o600]


@pytest.mark.parametrize(
    "what", [("-verify_hostname", "localhost"), ("-verify_ip", "127.0.0.1"), ("-verify_ip", "::1")]
)
def test_certificate_holds_for_this_machine(
    what: tuple[str, str], place: State, tmp_path: Path
) -> None:
    authority.ensure_certificate(place, tmp_path / "ca")
    ended = verify(place, tmp_path / "ca", *what)
    assert ended.returncode == 0, ended.stderr


def test_certificate_holds_for_no_other_name(place: State, tmp_path: Path) -> None:
    authority.ensure_certificate(place, tmp_path / "ca")
    assert verify(place, tmp_path / "ca", "-verify_hostname", "example.com").returncode != 0


# What a stolen key is good for


@pytest.fixture(scope="module")
def stolen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority whose key somebody else signs with."""
    folder = tmp_path_factory.mktemp("stolen")
    state = State(folder, "shop")
    state.prepare()
    authority.ensure_certificate(state, folder)
    return folder


OWN, BARE = "/O=stack development", "/"
SERVER = "extendedKeyUsage=serverAuth"
# What is forged: its subject, its extensions, and the purpose for which it is shown.
FORGED = {
    "mail": (
        "/CN=a/emailAddress=a@b.example",
        "extendedKeyUsage=emailProtection\nsubjectAltName=email:a@b.example",
        "smimesign",
    ),
    "mail, for any use": (OWN, "subjectAltName=email:a@b.example", "smimesign"),
    "mail to encrypt": (OWN, "subjectAltName=email:a@b.example", "smimeencrypt"),
    "mail without an address": (OWN, "extendedKeyUsage=emailProtection", "smimesign"),
    "mail for a TLS server": (OWN, f"{SERVER}\nsubjectAltName=email:a@b.example", "any"),
    "client": ("/CN=root", "extendedKeyUsage=clientAuth", "sslclient"),
    "client, own name": (OWN, "extendedKeyUsage=clientAuth", "sslclient"),
    "client, for any use": (OWN, "subjectAltName=DNS:localhost", "sslclient"),
    "program": ("/CN=Evil Corp", "extendedKeyUsage=codeSigning", "any"),
    "host": (BARE, f"{SERVER}\nsubjectAltName=critical,DNS:evil.example", "sslserver"),
    "host beside ours": (OWN, f"{SERVER}\nsubjectAltName=DNS:localhost,DNS:a.example", "sslserver"),
    "host that ends as ours": (OWN, f"{SERVER}\nsubjectAltName=DNS:alocalhost", "sslserver"),
    "wildcard": (OWN, f"{SERVER}\nsubjectAltName=DNS:*.example", "sslserver"),
    "IPv4": (OWN, f"{SERVER}\nsubjectAltName=IP:192.0.2.1", "sslserver"),
    "IPv6": (OWN, f"{SERVER}\nsubjectAltName=IP:2001:db8::1", "sslserver"),
    "URI": (OWN, f"{SERVER}\nsubjectAltName=URI:https://evil.example/", "sslserver"),
    "URI without a host": (OWN, f"{SERVER}\nsubjectAltName=URI:urn:x", "sslserver"),
    "directory": (OWN, f"{SERVER}\nsubjectAltName=dirName:x\n[x]\nCN=evil.example", "sslserver"),
    "subject only": ("/CN=evil.example", SERVER, "sslserver"),
    "subject below ours": ("/O=stack development/CN=evil.example", SERVER, "sslserver"),
    "organization": ("/O=Evil Corp", f"{SERVER}\nsubjectAltName=DNS:localhost", "sslserver"),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_stolen_key_signs_for_nothing_else(stolen: Path, tmp_path: Path, what: str) -> None:
    subject, extensions, purpose = FORGED[what]
    leaf = sign(tmp_path, "leaf", subject, extensions, stolen / "authority")
    assert openssl("verify", "-purpose", purpose, *trusting(stolen), f"{leaf}.pem").returncode == 2


def test_a_stolen_key_makes_no_further_authority(stolen: Path, tmp_path: Path) -> None:
    more = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"
    between = sign(tmp_path, "between", OWN, more, stolen / "authority")
    leaf = sign(tmp_path, "leaf", OWN, f"{SERVER}\nsubjectAltName=DNS:localhost", between)
    check = ("verify", *trusting(stolen), "-untrusted", f"{between}.pem", f"{leaf}.pem")
    ended = openssl(*check)
    assert "path length constraint exceeded" in ended.stderr


def test_its_right_use_is_taken_strictly(stolen: Path, tmp_path: Path) -> None:
    """What the forged ones are compared with: the same way of signing, for what is allowed."""
    names = f"{SERVER}\nsubjectAltName=DNS:a.localhost,IP:127.0.0.1,IP:::1"
    leaf = sign(
        tmp_path, "leaf", OWN, f"{names}\nauthorityKeyIdentifier=keyid", stolen / "authority"
    )
    check = ("verify", "-x509_strict", "-purpose", "sslserver", *trusting(stolen), f"{leaf}.pem")
    assert openssl(*check).stderr == ""


def trusting(folder: Path) -> tuple[str, ...]:
    return ("-no-CApath", "-no-CAstore", "-CAfile", str(folder / "authority.pem"))


def sign(folder: Path, name: str, subject: str, extensions: str, by: Path) -> Path:
    """Sign a certificate by a key that one has, and give its path without the suffix."""
    made = folder / name
    (folder / "extensions").write_text(extensions)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    files = ("-keyout", f"{made}.key", "-out", f"{made}.csr")
    assert openssl("req", *key, "-subj", subject, *files).returncode == 0
    signer = ("-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-set_serial", "7", "-days", "2")
    given = ("-in", f"{made}.csr", "-out", f"{made}.pem", "-extfile", str(folder / "extensions"))
    assert openssl("x509", "-req", *signer, *given).returncode == 0
    return made


# An authority of an older stack


@pytest.fixture
def outdated(tmp_path: Path) -> Path:
    """What stack made until November 2026."""
    folder = tmp_path / "ca"
    folder.mkdir()
    limits = "critical,permitted;DNS:localhost,permitted;IP:127.0.0.0/255.0.0.0"
    assert (
        openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "3650", "-subj", "/CN=stack development"),
            *("-addext", "keyUsage=critical,keyCertSign", "-addext", f"nameConstraints={limits}"),
            *("-keyout", str(folder / "authority.key"), "-out", str(folder / "authority.pem")),
        ).returncode
        == 0
    )
    return folder


def test_one_that_could_sign_for_more_is_replaced(place: State, outdated: Path) -> None:
    old, key = ((outdated / f"authority.{kind}").read_text() for kind in ("pem", "key"))
    assert not authority.is_current(place, outdated)
    authority.ensure_certificate(place, outdated)
    assert authority.is_current(place, outdated)
    assert (outdated / "authority-old.pem").read_text() == old
    assert not [path for path in outdated.iterdir() if path.is_file() and key in path.read_text()]


def test_what_to_do_about_the_old_one_is_said_until_it_is_done(
    place: State, outdated: Path
) -> None:
    authority.ensure_certificate(place, outdated)
    said = authority.replacement(outdated)
    assert said
    assert f"trust {outdated / 'authority.pem'} in your browser" in (said.hint or "")
    assert (said.hint or "").endswith(f"rm {outdated / 'authority-old.pem'}")
    (outdated / "authority-old.pem").unlink()
    assert authority.replacement(outdated) is None


@pytest.mark.parametrize("lost", ["authority.key", "authority.pem"])
def test_half_of_one_is_made_anew(place: State, tmp_path: Path, lost: str) -> None:
    """Whoever was killed in between left one of the two."""
    authority.ensure_certificate(place, tmp_path / "ca")
    (tmp_path / "ca" / lost).unlink()
    authority.ensure_certificate(place, tmp_path / "ca")
    assert authority.is_current(place, tmp_path / "ca")
    assert verify(place, tmp_path / "ca").returncode == 0


def test_projects_that_start_together_make_one(tmp_path: Path) -> None:
    places = [State(tmp_path / name, "shop") for name in ("a", "b", "c")]
    for one in places:
        one.folder.mkdir()
        one.prepare()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda one: authority.ensure_certificate(one, tmp_path / "ca"), places))
    assert [authority.is_current(one, tmp_path / "ca") for one in places] == [True] * 3
    assert not (tmp_path / "ca/authority-old.pem").exists()


# Names of the certificate


def test_each_name_stands_in_the_certificate(place: State, tmp_path: Path) -> None:
    names = ["shop.localhost", *(f"{'a' * n}.localhost" for n in (1, 40, 63))]
    authority.ensure_certificate(place, tmp_path / "ca", names)
    for name in ("localhost", *names):
        ended = verify(place, tmp_path / "ca", "-verify_hostname", name)
        assert ended.returncode == 0, ended.stderr
    assert authority.is_current(place, tmp_path / "ca", names)
    assert not authority.is_current(place, tmp_path / "ca", names[1:])


def test_missing_openssl_is_said(
    place: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="openssl command is missing"):
        authority.ensure_certificate(place, tmp_path / "ca")


def verify(place: State, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return openssl("verify", *trusting(folder), *more, str(place.secrets / FRONT_CERTIFICATE))


def openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
