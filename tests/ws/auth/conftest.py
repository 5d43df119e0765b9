"""Real Auth.js sessions, made once for all tests: starting Node takes a while."""

from pathlib import Path

import pytest

from tests.npm import installed
from tests.ws.auth.authjs import FOLDER, V4, V5, Wish, made
from tests.ws.harness import SECRET

OLD_SECRET = "the secret before this one, and long enough"
ALICE = {"sub": "alice", "name": "Alice", "email": "alice@example.com", "channels": ["room:*"]}
LONG = {**ALICE, "picture": "data:" + "x" * 9000}
OWN = SECRET.decode()
WISHES = {
    "v4": Wish(4, V4, OWN, ALICE),
    "v5": Wish(5, V5, OWN, ALICE),
    "v4 secure": Wish(4, f"__Secure-{V4}", OWN, ALICE),
    "v5 secure": Wish(5, f"__Secure-{V5}", OWN, ALICE),
    "v4 long": Wish(4, V4, OWN, LONG),
    "v5 long": Wish(5, V5, OWN, LONG),
    "v5 secure long": Wish(5, f"__Secure-{V5}", OWN, LONG),
    "v4 old": Wish(4, V4, OLD_SECRET, ALICE),
    "v5 old": Wish(5, V5, OLD_SECRET, ALICE),
    "v4 expired": Wish(4, V4, OWN, ALICE, -60),
    "v5 expired": Wish(5, V5, OWN, ALICE, -60),
    "v4 by id": Wish(4, V4, OWN, {"id": "a1", "email": "alice@example.com"}),
    "v5 by email": Wish(5, V5, OWN, {"email": "alice@example.com"}),
    "v4 own": Wish(4, "shop.session", OWN, ALICE),
    "v5 own": Wish(5, "shop.session", OWN, ALICE),
    "v5 nobody": Wish(5, V5, OWN, {"name": "Alice"}),
}
Sessions = dict[str, dict[str, str]]


@pytest.fixture(scope="session")
def authjs() -> Path:
    return installed(FOLDER)


@pytest.fixture(scope="session")
def sessions(authjs: Path) -> Sessions:
    """The cookies of each wish, by its name."""
    return dict(zip(WISHES, made(authjs, list(WISHES.values())), strict=True))
