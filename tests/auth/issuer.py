"""An OAuth issuer: its keys, its metadata on a socket, and whatever tokens it can be made to sign."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

Json = dict[str, Any]
NOW = 1_780_000_000.0
AUDIENCE = "https://fly.example.com/mcp"


@dataclass
class FixedClock:
    """Time that a test moves."""

    epoch: float = NOW
    passed: float = 0.0

    def now(self) -> float:
        return self.epoch + self.passed

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds


#: Made once: a big key takes a tenth of a second.
RSA_KEY = rsa.generate_private_key(65537, 2048)
OTHER_RSA_KEY = rsa.generate_private_key(65537, 2048)
#: Shorter than anybody should trust; in the issuer's keys all the same.
SHORT_RSA_KEY = rsa.generate_private_key(65537, 1024)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
SECRET = b"a shared secret that everybody can read in the issuer's keys"


def rsa_jwk(key: rsa.RSAPrivateKey, kid: str, **more: str) -> Json:
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, **more}


def public_pem() -> bytes:
    """What anybody can make of the RSA key that the issuer publishes."""
    form, kind = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.Encoding.PEM
    return RSA_KEY.public_key().public_bytes(kind, form)


def usual_keys() -> list[Json]:
    """Each kind, one that is not for signatures, and a shared secret that does not belong there."""
    return [
        rsa_jwk(RSA_KEY, "rsa", use="sig"),
        rsa_jwk(RSA_KEY, "rsa-pss", alg="PS256"),
        rsa_jwk(OTHER_RSA_KEY, "for-encryption", use="enc"),
        rsa_jwk(SHORT_RSA_KEY, "short"),
        {**ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True), "kid": "ec", "alg": "ES256"},
        {**OKPAlgorithm.to_jwk(ED_KEY.public_key(), as_dict=True), "kid": "ed"},
        {
            "kty": "oct",
            "kid": "shared",
            "k": base64.urlsafe_b64encode(SECRET).rstrip(b"=").decode(),
            "alg": "HS256",
        },
    ]


def claims(issuer: str, **changed: object) -> Json:
    """Of a good token for `night`'s subject; None takes a claim out."""
    usual: Json = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": "user-night",
        "client_id": "some-client",
        "exp": NOW + 600,
        "nbf": NOW - 10,
        "iat": NOW - 10,
        "scope": "fly:use profile",
    }
    return {key: value for key, value in {**usual, **changed}.items() if value is not None}


def signed(payload: Mapping[str, Any], *, key: Any = RSA_KEY, alg: str = "RS256", **header: Any) -> str:
    """A token with this header; `kid` is `rsa` where nothing else is said, and None takes it out."""
    kept = {name: value for name, value in {"kid": "rsa", **header}.items() if value is not None}
    return jwt.encode(dict(payload), key, algorithm=alg, headers=kept)


@dataclass
class Issuer:
    """What it serves, and what it was asked for."""

    url: str = ""
    keys: list[Json] = field(default_factory=usual_keys)
    named: str | None = None
    """The issuer that its metadata names; None: itself."""
    oidc_only: bool = False
    down: bool = False
    asked: list[str] = field(default_factory=list[str])

    def answer(self, path: str) -> tuple[int, Json]:
        self.asked.append(path)
        if self.down:
            return 503, {}
        if path == "/keys":
            return 200, {"keys": self.keys}
        if path == "/.well-known/openid-configuration" or (
            path == "/.well-known/oauth-authorization-server" and not self.oidc_only
        ):
            return 200, {"issuer": self.named or self.url, "jwks_uri": f"{self.url}/keys"}
        return 404, {}

    async def fetch(self, url: str) -> Json:
        """The same without a socket, for `Keys`."""
        from fly_mcp_server.auth.keys import CannotAsk

        status, body = self.answer(url.removeprefix(self.url))
        if status != 200:
            raise CannotAsk(f"HTTP {status}")
        return body


@contextmanager
def on_a_socket(issuer: Issuer) -> Generator[None]:
    """Serve it at an address of this machine, which it is then called by."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = issuer.answer(self.path)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object, **more: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    issuer.url = f"http://127.0.0.1:{cast('tuple[str, int]', server.server_address)[1]}"
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
