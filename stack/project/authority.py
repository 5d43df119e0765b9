"""A certificate authority for this user's own machine, and the front's certificate from it.

A thief of its key can impersonate `localhost` and names below it on this machine, and nothing else:
it may sign for TLS servers only, for no further authority, and for these names and loopback
addresses alone (RFC 5280 §4.2.1.9, 10 and 12). `tests/unit/project/test_authority.py` forges what
it may not. One gap is in the verifier: for time stamps, OpenSSL does not check the purpose of the
authority.

Made by the ``openssl`` command; nothing is installed anywhere.
"""

import base64
import contextlib
import fcntl
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from stack import files
from stack.errors import StackError
from stack.hint import quoted
from stack.layout.topology import FRONT_CERTIFICATE, FRONT_KEY
from stack.os_errors import from_os_error
from stack.project.state import State

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 90  # renewed by the next `stack up` in their last third
RENEW_WITHIN = 30 * 86400  # seconds
_REPLACED = "authority-old.pem"  # stays until the user no longer trusts it
_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_OWN = "stack development"  # the only directory name that the authority may sign for
_CONFIG = """\
[req]
distinguished_name = subject
string_mask        = utf8only
prompt             = no
x509_extensions    = authority
[subject]
O = {name}
[authority]
basicConstraints     = critical,CA:TRUE,pathlen:0
keyUsage             = critical,keyCertSign
extendedKeyUsage     = serverAuth
subjectKeyIdentifier = hash
nameConstraints      = critical,DER:{limits}
[front]
basicConstraints       = critical,CA:FALSE
keyUsage               = critical,digitalSignature
extendedKeyUsage       = serverAuth
authorityKeyIdentifier = keyid
subjectAltName         = DER:{names}
"""


def authority_folder(environ: Mapping[str, str]) -> Path:
    """Where this user's authority is: one for all projects, trusted once."""
    base = environ.get("XDG_DATA_HOME") or str(Path(environ.get("HOME", "~")) / ".local/share")
    return Path(base).expanduser() / "stack"


def authority_certificate(folder: Path) -> Path:
    """The certificate that a browser has to trust."""
    return folder / "authority.pem"


def replacement(folder: Path) -> StackError | None:
    """Return what to do about a replaced authority, while its certificate exists."""
    old, new = folder / _REPLACED, authority_certificate(folder)
    if not old.exists():
        return None
    return StackError(
        f"front.tls: a new authority replaced the one in {old}, which could sign for more than "
        "this machine, was about to expire or had lost its key",
        f"trust {new} in your browser instead of it, then: rm {quoted(old)}",
    )


def ensure_certificate(place: State, folder: Path, names: Collection[str] = ()) -> None:
    """Make the authority and the front's certificate if they are missing, old or too wide.

    ``names`` are additional names for the certificate, below ``localhost``. Raises StackError.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder), tempfile.TemporaryDirectory(dir=folder) as name:
            config = Path(name) / "config"
            if not is_limited(folder):
                _make_authority(config, folder)
            if not is_current(place, folder, names):
                _issue(config, place, folder, _names(names))
    except OSError as error:
        raise from_os_error(error, str(folder)) from error


def is_limited(folder: Path) -> bool:
    """Whether there is an authority, with today's limits, that is valid long enough."""
    authority, key = authority_certificate(folder), folder / "authority.key"
    return key.exists() and _holds(authority, _limits()) and _lives(authority)


def is_current(place: State, folder: Path, names: Collection[str] = ()) -> bool:
    """Whether the front's certificate exists, for these names, and is valid long enough."""
    certificate, key = place.secrets / FRONT_CERTIFICATE, place.secrets / FRONT_KEY
    if not (is_limited(folder) and key.exists() and _holds(certificate, _names(names))):
        return False
    check = ("verify", "-CAfile", str(authority_certificate(folder)), str(certificate))
    return _lives(certificate) and _run(*check).returncode == 0


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Prevent other projects from making an authority meanwhile; the wait is limited by openssl's
    time.
    """
    with (folder / "lock").open("a") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield


def _der(tag: int, *parts: bytes) -> bytes:
    """Encode one value of ASN.1 (X.690 §8.1): shorter than 64 KiB."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes(2 if size > 0xFF else 1, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _subject(name: str) -> bytes:
    """Encode the distinguished name ``O = name`` as openssl writes it."""
    organization = bytes.fromhex("060355040a")
    return _der(0x30, _der(0x31, _der(0x30, organization, _der(0x0C, name.encode()))))


def _limits() -> bytes:
    """Encode what the authority may sign for (RFC 5280 §4.2.1.10).

    A kind of names without a constraint would be free, so mail addresses and URIs are permitted
    below ``.invalid``, which cannot exist. Other kinds belong to other uses than serverAuth.
    """
    ipv4, ipv6 = bytes([127, 0, 0, 0, 255, 0, 0, 0]), bytes(15) + b"\x01" + b"\xff" * 16
    permitted = (
        _der(0x82, b"localhost"),
        *(_der(0x87, ipv4), _der(0x87, ipv6)),
        *(_der(0x81, b".invalid"), _der(0x86, b".invalid")),
        _der(0xA4, _subject(_OWN)),
    )
    return _der(0x30, _der(0xA0, *(_der(0x30, name) for name in permitted)))


def _names(more: Collection[str]) -> bytes:
    """Encode the names of the front's certificate.

    Each one by itself: browsers and OpenSSL do not accept ``*.localhost``.
    """
    names = dict.fromkeys(["localhost", *sorted(more)])
    addresses = (bytes([127, 0, 0, 1]), bytes(15) + b"\x01")
    return _der(
        0x30,
        *(_der(0x82, name.encode()) for name in names),
        *(_der(0x87, address) for address in addresses),
    )


def _make_authority(config: Path, folder: Path) -> None:
    """Replace one: the old key is gone before the new one exists anywhere."""
    authority, key = authority_certificate(folder), folder / "authority.key"
    key.unlink(missing_ok=True)
    if authority.exists():
        authority.rename(folder / _REPLACED)
    _configure(config, f"{_OWN} authority, for localhost only", b"")
    made, pem = config.with_name("key"), config.with_name("pem")
    _openssl(
        *("req", "-x509", "-sha256", *_CURVE, "-days", str(AUTHORITY_DAYS)),
        *("-config", str(config), "-keyout", str(made), "-out", str(pem)),
    )
    files.write(key, made.read_text(encoding="ascii"), 0o600)
    files.write(authority, pem.read_text(encoding="ascii"))


def _issue(config: Path, place: State, folder: Path, names: bytes) -> None:
    work = config.parent
    _configure(config, _OWN, names)
    _openssl(
        *("req", *_CURVE, "-config", str(config)),
        *("-keyout", str(work / "front.key"), "-out", str(work / "request")),
    )
    _openssl(
        *("x509", "-req", "-sha256", "-in", str(work / "request")),
        *("-days", str(CERTIFICATE_DAYS), "-CA", str(authority_certificate(folder))),
        *("-CAkey", str(folder / "authority.key"), "-CAserial", str(work / "serial")),
        *("-CAcreateserial", "-extfile", str(config), "-extensions", "front"),
        *("-out", str(work / "front.pem")),
    )
    place.write(place.secrets / FRONT_KEY, (work / "front.key").read_text("ascii"), 0o600)
    place.write(place.secrets / FRONT_CERTIFICATE, (work / "front.pem").read_text("ascii"), 0o600)


def _configure(config: Path, name: str, names: bytes) -> None:
    text = _CONFIG.format(name=name, limits=_limits().hex(), names=(names or _der(0x30)).hex())
    config.write_text(text, encoding="ascii")


def _lives(certificate: Path) -> bool:
    check = ("x509", "-checkend", str(RENEW_WITHIN), "-noout", "-in", str(certificate))
    return _run(*check).returncode == 0


def _holds(certificate: Path, value: bytes) -> bool:
    """Whether a certificate (PEM) has an extension of exactly this value (DER)."""
    lines = (files.read(certificate) or "").splitlines()
    body = "".join(line for line in lines if not line.startswith("-----"))
    try:
        return _der(0x04, value) in base64.b64decode(body, validate=True)
    except ValueError:
        return False


def _openssl(*arguments: str) -> None:
    ended = _run(*arguments)
    if ended.returncode != 0:
        raise StackError(f"front.tls: openssl {arguments[0]}: {ended.stderr.strip()}")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["openssl", *arguments], capture_output=True, text=True, check=False, timeout=60
        )
    except FileNotFoundError:
        raise StackError(
            "front.tls: the openssl command is missing", "apt-get install openssl"
        ) from None
