"""A certificate authority for this user's own machine, and the front door's certificate from it.

The authority may sign for nothing but this machine (RFC 5280 §4.2.1.10), so trusting it is safe
even if its key were stolen. Made by the ``openssl`` command; nothing is installed anywhere.
"""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stack import files
from stack.errors import StackError
from stack.state import State
from stack.topology import FRONT_CERTIFICATE, FRONT_KEY

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 90  # renewed by the next `stack up` in their last third
RENEW_WITHIN = 30 * 86400  # seconds
_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_LIMITS = (
    "critical,permitted;DNS:localhost,permitted;IP:127.0.0.0/255.0.0.0,"
    "permitted;IP:0:0:0:0:0:0:0:1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF"
)
_NAMES = """\
subjectAltName=DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
"""


def authority_folder(environ: Mapping[str, str]) -> Path:
    """Where this user's authority lives: one for all projects, so that it is trusted once."""
    base = environ.get("XDG_DATA_HOME") or str(Path(environ.get("HOME", "~")) / ".local/share")
    return Path(base).expanduser() / "stack"


def authority_certificate(folder: Path) -> Path:
    """The certificate that a browser has to trust."""
    return folder / "authority.pem"


def ensure_certificate(place: State, folder: Path) -> None:
    """Make the authority and the front's certificate where they are missing or old.

    Raises StackError.
    """
    authority, key = authority_certificate(folder), folder / "authority.key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as name:
            if not (authority.exists() and key.exists()):
                _make_authority(Path(name), authority, key)
            if not is_current(place, folder):
                _issue(Path(name), place, authority, key)
    except OSError as error:
        raise StackError(f"{folder}: {(error.strerror or str(error)).lower()}") from error


def _make_authority(work: Path, authority: Path, key: Path) -> None:
    _openssl(
        *("req", "-x509", *_CURVE, "-days", str(AUTHORITY_DAYS), "-subj", "/CN=stack development"),
        *("-addext", "keyUsage=critical,keyCertSign", "-addext", f"nameConstraints={_LIMITS}"),
        *("-keyout", str(work / "key"), "-out", str(work / "pem")),
    )
    files.write(key, (work / "key").read_text(encoding="ascii"), 0o600)
    files.write(authority, (work / "pem").read_text(encoding="ascii"))


def _issue(work: Path, place: State, authority: Path, key: Path) -> None:
    (work / "names").write_text(_NAMES, encoding="ascii")
    files = ("-keyout", str(work / "front.key"), "-out", str(work / "request"))
    _openssl("req", *_CURVE, "-subj", "/CN=localhost", *files)
    _openssl(
        *("x509", "-req", "-in", str(work / "request"), "-days", str(CERTIFICATE_DAYS)),
        *("-CA", str(authority), "-CAkey", str(key), "-CAserial", str(work / "serial")),
        *("-CAcreateserial", "-extfile", str(work / "names"), "-out", str(work / "front.pem")),
    )
    place.write(place.secrets / FRONT_KEY, (work / "front.key").read_text("ascii"), 0o600)
    place.write(place.secrets / FRONT_CERTIFICATE, (work / "front.pem").read_text("ascii"), 0o600)


def is_current(place: State, folder: Path) -> bool:
    """Whether the front's certificate is there, signed by the authority and good for a while."""
    certificate, authority = place.secrets / FRONT_CERTIFICATE, authority_certificate(folder)
    if not (certificate.exists() and (place.secrets / FRONT_KEY).exists()):
        return False
    checks = (
        ("x509", "-checkend", str(RENEW_WITHIN), "-noout", "-in", str(certificate)),
        ("verify", "-CAfile", str(authority), str(certificate)),
    )
    return all(_run(*check).returncode == 0 for check in checks)


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
