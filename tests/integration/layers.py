"""Looks through the layers of an image, for tests; also at what a later layer hides."""

import io
import re
import tarfile
from collections.abc import Iterator
from hashlib import md5

from docker.models.images import Image

CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----"
)


def files_of(image: Image) -> Iterator[tuple[str, bytes]]:
    """Give the regular files of all layers of an image, also those that a later one hides."""
    saved = io.BytesIO(b"".join(image.save()))
    with tarfile.open(fileobj=saved) as archive:
        for layer in (m for m in archive if m.name.endswith("layer.tar") and m.isfile()):
            with tarfile.open(fileobj=archive.extractfile(layer)) as content:
                for member in content:
                    file = content.extractfile(member) if member.isfile() else None
                    if file:
                        yield member.name.removeprefix("./"), file.read()


def foreign_certificates(files: list[tuple[str, bytes]]) -> set[bytes]:
    """Give the certificates that are in no file as a Debian package brings it."""
    lists = b"\n".join(text for path, text in files if path.endswith(".md5sums"))
    sums = {line.partition(b" ")[0].decode() for line in lists.splitlines()}
    packaged: set[bytes] = set()
    others: set[bytes] = set()
    for _, text in files:
        found = {b"".join(match.split()) for match in CERTIFICATE.findall(text)}
        if found:
            is_packaged = md5(text, usedforsecurity=False).hexdigest() in sums
            (packaged if is_packaged else others).update(found)
    return others - packaged
