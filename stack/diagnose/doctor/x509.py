"""Reads from a certificate who signed it, and where the issuer's certificate is. Verifies nothing.

Pure. The bytes come from a server: whatever they are, reading ends, and raises at most ValueError.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_NAMES = (b"\x55\x04\x03", b"\x55\x04\x0a")  # commonName, organizationName (X.520)
_AUTHORITY = bytes.fromhex("2b06010505070101")  # authorityInfoAccess (RFC 5280 §4.2.2.1)
_ISSUERS = bytes.fromhex("2b06010505073002")  # caIssuers
_SEQUENCE, _OID, _OCTETS, _URI, _EXTENSIONS, _VERSION = 0x30, 0x06, 0x04, 0x86, 0xA3, 0xA0
_CHARSETS = {0x0C: "utf-8", 0x1E: "utf-16-be"}  # UTF8String, BMPString; all others: Latin-1

_Item = tuple[int, bytes]


@dataclass(frozen=True)
class Signed:
    """Who signed a certificate; ``issuers`` is the URL of caIssuers, empty without one."""

    subject: str
    issuer: str
    is_by_itself: bool
    issuers: str


def read(der: bytes) -> Signed:
    """Read a certificate in DER. Raises ValueError for anything else."""
    (_, certificate), *_ = _items(der)
    (_, body), *_ = _items(certificate)
    fields = [item for item in _items(body) if item[0] != _VERSION]
    if len(fields) < 6:
        raise ValueError("not a certificate")
    issuer, subject = fields[2][1], fields[4][1]
    extensions = next((value for tag, value in fields[6:] if tag == _EXTENSIONS), b"")
    return Signed(_name(subject), _name(issuer), issuer == subject, _issuers(extensions))


def _items(data: bytes) -> Iterator[_Item]:
    """Return the tags and contents of DER, one level deep (X.690 §8.1)."""
    while data:
        if len(data) < 2:
            raise ValueError("cut short")
        size, start = data[1], 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            raise ValueError("cut short")
        yield data[0], data[start : start + size]
        data = data[start + size :]


def _name(rows: bytes) -> str:
    """Return the common name of a distinguished name, or else its organisation."""
    found: dict[bytes, str] = {}
    for _, row in _items(rows):
        for _, pair in _items(row):
            (_, kind), (tag, value), *_ = [*_items(pair), (0, b""), (0, b"")]
            found[kind] = value.decode(_CHARSETS.get(tag, "latin-1"), "replace")
    return next((found[kind] for kind in _NAMES if kind in found), "")


def _issuers(extensions: bytes) -> str:
    for _, rows in _items(extensions):
        for _, extension in _items(rows):
            parts = list(_items(extension))
            if parts[:1] == [(_OID, _AUTHORITY)] and parts[-1][0] == _OCTETS:
                return _access(parts[-1][1])
    return ""


def _access(value: bytes) -> str:
    for _, rows in _items(value):
        for tag, row in _items(rows):
            parts = list(_items(row)) if tag == _SEQUENCE else []
            if parts[:1] == [(_OID, _ISSUERS)] and parts[-1][0] == _URI:
                return parts[-1][1].decode("latin-1")
    return ""
