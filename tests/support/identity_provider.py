"""An identity provider on a loopback port: its keys (RFC 7517), the tokens it signs (RFC 9068), and
what it says when it is asked about one (RFC 7662).

    with IdentityProvider(certificate.context) as provider:
        with override_settings(**provider.settings_for_keys(), EXTRA_CA=...): ...
"""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.support.policy_host import Answer, PolicyHost, Request

ISSUER = "https://id.example.test/realms/mail"
AUDIENCE = "https://mail.example.test"
ALICE = "alice@example.test"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class IdentityProvider:
    """Signs, and serves what it is asked for."""

    def __init__(self, web: PolicyHost) -> None:
        self.web = web
        self.keys: dict[str, tuple[str, PrivateKey]] = {}
        self.rotate("first")

    def rotate(self, kid: str, algorithm: str = "ES256", key: PrivateKey | None = None) -> None:
        """Sign with another key from now on, and publish it with the others."""
        self.keys[kid] = algorithm, key or ec.generate_private_key(ec.SECP256R1())
        self.publish([self.public(one) for one in self.keys])

    def public(self, kid: str) -> dict[str, Any]:
        """One key as it is published."""
        algorithm, key = self.keys[kid]
        public: Any = key.public_key()
        kinds: dict[str, Callable[..., Any]] = {
            "R": RSAAlgorithm.to_jwk,
            "P": RSAAlgorithm.to_jwk,
            "E": ECAlgorithm.to_jwk,
        }
        to_jwk = OKPAlgorithm.to_jwk if algorithm == "EdDSA" else kinds[algorithm[0]]
        row: dict[str, Any] = to_jwk(public, as_dict=True)
        return {**row, "kid": kid, "alg": algorithm, "use": "sig"}

    def publish(self, rows: list[Any]) -> None:
        """Answer with these keys."""
        self.say({"keys": rows})

    def say(self, document: object, status: int = 200) -> None:
        """Answer with this JSON document."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.web.answer = Answer(body, status, "application/json")

    def sign(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token of the newest key; claims and headers that are None are left out."""
        kid, (algorithm, key) = list(self.keys.items())[-1]
        return jwt.encode(
            _said({**usual_claims(), **claims}),
            key,
            algorithm,
            headers=_said({"typ": "at+jwt", "kid": kid, **(headers or {})}),
        )

    def settings_for_keys(self, host: str = "localhost") -> dict[str, str]:
        """Tokens are JWTs."""
        return {
            "OAUTH_ISSUER": ISSUER,
            "OAUTH_AUDIENCE": AUDIENCE,
            "OAUTH_JWKS_URL": f"https://{host}:{self.web.port}/keys",
        }

    def settings_for_questions(self, host: str = "localhost") -> dict[str, str]:
        """It is asked about each token."""
        return {
            "OAUTH_INTROSPECTION_URL": f"https://{host}:{self.web.port}/introspect",
            "OAUTH_CLIENT_ID": "mail host",
            "OAUTH_CLIENT_SECRET": "s3cret:/",
        }

    @property
    def asked(self) -> list[Request]:
        """The requests so far."""
        return self.web.requests


def usual_claims() -> dict[str, Any]:
    """Claims of a good token for Alice."""
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "5ba552d67",
        "client_id": "s6BhdRkqt3_",
        "jti": "dbe39bf3a3ba4238a513f51d6e1691c4",
        "iat": now,
        "exp": now + 600,
        "email": ALICE,
    }


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@contextmanager
def identity_provider(context: ssl.SSLContext) -> Iterator[IdentityProvider]:
    """One that runs until the block ends."""
    with PolicyHost(context) as web:
        yield IdentityProvider(web)
