"""Development tokens: the claims that the server reads, signed so that nobody else can."""

import jwt
import pytest

from stack.project.token import ALGORITHM, mint

SECRET = "s" * 32


def test_claims() -> None:
    token = mint(SECRET, "alice", ["room:1"], 1000, 60)
    claims = jwt.decode(token, SECRET, [ALGORITHM], options={"verify_exp": False})
    assert claims == {"sub": "alice", "channels": ["room:1"], "iat": 1000, "exp": 1060}


@pytest.mark.parametrize(("ttl", "seconds"), [(0.2, 1), (1.4, 1), (90, 90)])
def test_a_token_is_valid_for_at_least_a_second(ttl: float, seconds: int) -> None:
    token = mint(SECRET, "a", (), 0, ttl)
    assert jwt.decode(token, options={"verify_signature": False})["exp"] == seconds


def test_another_secret_does_not_open() -> None:
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(mint(SECRET, "a", (), 0, 60), "t" * 32, [ALGORITHM])
