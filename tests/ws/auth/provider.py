"""An identity provider on a port of its own, whose answers a test decides. No tests."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
EC = ec.generate_private_key(ec.SECP256R1())
EC521 = ec.generate_private_key(ec.SECP521R1())
ED = ed25519.Ed25519PrivateKey.generate()
ALGORITHMS: dict[str, Any] = {
    "RS256": jwt.algorithms.RSAAlgorithm,
    "ES256": jwt.algorithms.ECAlgorithm,
    "EdDSA": jwt.algorithms.OKPAlgorithm,
}


def jwk(name: str, key: Any, kind: str = "RS256", **more: Any) -> dict[str, Any]:
    """A private key's public half, as a key set has it."""
    public: dict[str, Any] = json.loads(ALGORITHMS[kind].to_jwk(key.public_key()))
    return public | {"kid": name} | more


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Provider:
    """``keys`` are its key set; ``answer`` replaces that. ``asked`` counts the requests."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    answer: Answer | None = None
    asked: int = 0
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        if self.answer is not None:
            return await self.answer(request)
        return web.json_response({"keys": self.keys})


@asynccontextmanager
async def provider(*keys: dict[str, Any]) -> AsyncIterator[Provider]:
    """A provider that runs."""
    one = Provider(list(keys))
    app = web.Application()
    app.router.add_get("/jwks", one.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
        yield one
    finally:
        await runner.cleanup()
