"""Sessions made by the real next-auth 4 and @auth/core 5, in Node. No tests."""

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "authjs"
V4, V5 = "next-auth.session-token", "authjs.session-token"


@dataclass(frozen=True)
class Wish:
    """A session that is to be made; ``maxAge`` is how long it lives, in seconds."""

    version: int
    cookie: str
    secret: str
    token: dict[str, Any]
    maxAge: int = 3600  # noqa: N815 - as the packages call it


def made(folder: Path, wishes: list[Wish]) -> list[dict[str, str]]:
    """The cookies of each session, by name."""
    done = subprocess.run(
        ["node", "sessions.mjs"],
        cwd=folder,
        input=json.dumps([asdict(wish) for wish in wishes]).encode(),
        check=True,
        capture_output=True,
        timeout=60,
    )
    cookies: list[dict[str, str]] = json.loads(done.stdout)
    return cookies


def header(cookies: dict[str, str]) -> str:
    """A Cookie header with them, and with some of others."""
    pairs = {"theme": "dark", **cookies, "_ga": "GA1.1.1=2"}
    return "; ".join(f"{name}={value}" for name, value in pairs.items())
