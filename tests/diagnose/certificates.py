"""Makes certificates, good and bad, by the openssl command. One folder a test session."""

import subprocess
from pathlib import Path

EC = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
HERE = "subjectAltName=IP:127.0.0.1,DNS:localhost"
AUTHORITY = "authorityInfoAccess=caIssuers;URI:http://ca.example.com/intermediate.crt"
CA = "basicConstraints=critical,CA:TRUE"
# `openssl ca` alone may set both dates freely.
CA_CONFIG = """\
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


def make_all(folder: Path) -> None:
    """Write root.pem, and a PEM file of key and chain for each kind of server."""
    _root(folder, "root")
    _root(folder, "stranger")
    _request(folder, "intermediate", CA)
    _sign(folder, "intermediate", "root")
    for name in ("good", "expired", "early", "private", "enterprise", "self"):
        _request(folder, name, HERE)
    _request(folder, "chain", HERE, AUTHORITY)
    _request(folder, "other", "subjectAltName=DNS:shop.example.com")
    _sign(folder, "good", "root")
    _sign(folder, "other", "root")
    _sign(folder, "chain", "intermediate")
    _sign(folder, "private", "stranger")
    _sign(folder, "enterprise", "stranger")
    _dated(folder, "expired", "200101000000Z", "200201000000Z")
    _dated(folder, "early", "480101000000Z", "490201000000Z")
    request = f"openssl req -x509 -days 2 -subj /CN=x -addext {HERE} {EC}"
    _run(folder, f"{request} -keyout self.key -out self.crt")
    for name in ("good", "expired", "early", "chain", "other", "self", "private", "enterprise"):
        parts = [(folder / f"{name}.{kind}").read_text() for kind in ("key", "crt")]
        parts += [(folder / "stranger.pem").read_text()] if name == "enterprise" else []
        (folder / f"{name}.pem").write_text("".join(parts))


def _root(folder: Path, name: str) -> None:
    _run(
        folder,
        f"openssl req -x509 -days 2 -subj /CN={name} {EC} -keyout {name}.key -out {name}.pem",
    )


def _request(folder: Path, name: str, *extensions: str) -> None:
    added = " ".join(f"-addext {extension}" for extension in extensions)
    _run(
        folder,
        f"openssl req -new -subj /CN={name} {added} {EC} -keyout {name}.key -out {name}.csr",
    )


def _sign(folder: Path, name: str, by: str) -> None:
    certificate = f"{by}.crt" if by == "intermediate" else f"{by}.pem"
    _run(
        folder,
        f"openssl x509 -req -days 2 -in {name}.csr -CA {certificate} -CAkey {by}.key"
        f" -CAcreateserial -copy_extensions copy -out {name}.crt",
    )


def _dated(folder: Path, name: str, start: str, end: str) -> None:
    (folder / "ca.cnf").write_text(CA_CONFIG)
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01\n")
    _run(
        folder,
        f"openssl ca -batch -notext -config ca.cnf -startdate {start} -enddate {end}"
        f" -in {name}.csr -cert root.pem -keyfile root.key -out {name}.crt",
    )
    for left in folder.glob("index.txt*"):
        left.unlink()


def _run(folder: Path, command: str) -> None:
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
