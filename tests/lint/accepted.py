"""Asks a real Nginx whether it takes a file; what exists only on a server is replaced."""

import re
import subprocess
from pathlib import Path

from tests.render import front

REPLACED = (
    (r" *listen \[::\][^\n]*\n", ""),
    (r"listen (?:[\d.*]+):(\d+)", r"listen \1"),
    (r"(ssl_certificate) [^;]*", r"\1 certificate.pem"),
    (r"(ssl_certificate_key) [^;]*", r"\1 key.pem"),
    (r"/var/log/nginx/", ""),
    # Names that only a network of containers knows.
    (r"(?<=://)[a-z][\w-]*\.(?:internal|example\.com)", "127.0.0.1"),
    (r"(?<=proxy_pass )[a-z][\w-]*\.internal(?=:)", "127.0.0.1"),
    (r"(?<=server )[a-z][\w-]*\.(?:internal|example\.com)(?=[:;])", "127.0.0.1"),
)


def whole(text: str) -> str:
    """Put a snippet where it belongs: a location into a server, a server into http."""
    if re.search(r"^(?:http|events)\s*\{", text, re.MULTILINE):
        return text
    if not re.search(r"^server\s*\{", text, re.MULTILINE):
        text = f"server {{\n{text}\n}}"
    return f"events {{}}\nhttp {{\n{text}\n}}"


def ask(text: str, root: Path) -> subprocess.CompletedProcess[str]:
    """Run ``nginx -t`` over a case; sockets of files stand for its ports."""
    text = whole(text)
    for pattern, replacement in REPLACED:
        text = re.sub(pattern, replacement, text)
    text = re.sub(r"listen (\d+)", rf"listen unix:{root}/\1.sock", text)
    for found in root.glob("*.sock"):
        found.unlink()
    return front.check(text, root)
