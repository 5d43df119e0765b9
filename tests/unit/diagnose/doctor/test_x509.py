"""Who signed a certificate: read of real ones, and nothing but ValueError for all other bytes."""

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.diagnose.doctor.x509 import Signed, read
from tests.diagnose import certificates


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("x509")
    certificates.make_all(path)
    return path


def der(file: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(file.read_text())


def test_the_issuer_is_named_and_where_it_lies(folder: Path) -> None:
    url = "http://ca.example.com/intermediate.crt"
    assert read(der(folder / "chain.crt")) == Signed("chain", "intermediate", False, url)
    assert read(der(folder / "private.crt")) == Signed("private", "stranger", False, "")
    assert read(der(folder / "self.crt")) == Signed("x", "x", True, "")


def test_an_organisation_is_better_than_nothing() -> None:
    name = bytes.fromhex("3010310e300c060355040a0c05") + "Aé Z".encode()
    body = b"\x02\x01\x01" + b"\x30\x00" + name + b"\x30\x00" + name + b"\x30\x00"
    certificate = bytes([0x30, len(body) + 2, 0x30, len(body)]) + body
    assert read(certificate) == Signed("Aé Z", "Aé Z", True, "")


@given(st.data())
def test_no_bytes_break_it(folder: Path, data: st.DataObject) -> None:
    real = bytearray(der(folder / "chain.crt"))
    for _ in range(data.draw(st.integers(1, 4))):
        real[data.draw(st.integers(0, len(real) - 1))] = data.draw(st.integers(0, 255))
    for raw in (bytes(real), bytes(real[: data.draw(st.integers(0, len(real)))])):
        try:
            read(raw)
        except ValueError:
            continue


@given(st.binary(max_size=200))
def test_what_is_no_certificate_is_an_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut short|not a certificate|not enough values"):
        read(raw)
