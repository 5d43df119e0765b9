"""The front's certificate: made once, trusted through the authority, limited to this machine."""

import ssl
import subprocess
from pathlib import Path

import pytest

from stack import authority
from stack.errors import StackError
from stack.state import State
from stack.topology import FRONT_CERTIFICATE, FRONT_KEY


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


def test_authority_may_not_sign_for_others(place: State, tmp_path: Path) -> None:
    authority.ensure_certificate(place, tmp_path / "ca")
    certificate = (tmp_path / "ca/authority.pem").read_text()
    assert ssl.PEM_cert_to_DER_cert(certificate)
    command = ["openssl", "x509", "-noout", "-text"]
    text = subprocess.run(
        command, input=certificate, capture_output=True, text=True, check=True
    ).stdout
    assert "Name Constraints: critical" in text
    assert "DNS:localhost" in text


def test_missing_openssl_is_said(
    place: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="openssl command is missing"):
        authority.ensure_certificate(place, tmp_path / "ca")


def verify(place: State, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    certificate = str(place.secrets / FRONT_CERTIFICATE)
    return subprocess.run(
        ["openssl", "verify", "-CAfile", str(folder / "authority.pem"), *more, certificate],
        capture_output=True,
        text=True,
        check=False,
    )
