"""Which program asks to be let in, and for what (RFC 6749): reads, no writes.

Programs are registered by who runs the installation. There is one way in: an authorization code
with PKCE (RFC 7636, S256), for programs with a secret too; and refresh tokens that change each time
(RFC 9700).
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from apps.directory import redirects
from apps.directory.apppasswords import PROTOCOLS
from apps.directory.models import OAuthClient

REFRESH: Final = "mhr_"  # refresh tokens begin so
ACCESS_FOR: Final = timedelta(hours=1)
REFRESH_FOR: Final = timedelta(days=90)  # without being used
CODE_FOR: Final = timedelta(seconds=60)
LONGEST: Final = 200  # characters of a key, a secret, a code, a token
_OCTETS: Final = 32
_CHALLENGE: Final = re.compile("[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile("[A-Za-z0-9._~-]{43,128}")

# Error codes of RFC 6749 sections 4.1.2.1 and 5.2.
INVALID_REQUEST: Final = "invalid_request"
INVALID_CLIENT: Final = "invalid_client"
INVALID_GRANT: Final = "invalid_grant"
INVALID_SCOPE: Final = "invalid_scope"
ACCESS_DENIED: Final = "access_denied"


class OAuthRefused(Exception):
    """A program is not given what it asks for: told in the words of RFC 6749 alone.

    Args:
        code: of RFC 6749.
        text: for whoever writes the program.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A program that is registered; `has_secret`: it shows one each time."""

    id: int
    key: str
    name: str
    redirects: tuple[str, ...]
    scopes: tuple[str, ...]
    has_secret: bool

    def may_return_to(self, address: str) -> bool:
        """Whether a browser may be sent to that address."""
        return any(redirects.fits(one, address) for one in self.redirects)

    def scopes_for(self, asked: str) -> tuple[str, ...]:
        """The scopes that a program gets that asks for these, parted by blanks; none is all.

        Raises:
            OAuthRefused: it may not have one of them.
        """
        words = asked.split()
        if not set(words).issubset(self.scopes):
            raise OAuthRefused(INVALID_SCOPE, f"Scopes of this program: {' '.join(self.scopes)}")
        return in_order(words) if words else self.scopes


def in_order(words: Iterable[str]) -> tuple[str, ...]:
    """Those of PROTOCOLS, in their order."""
    return tuple(one for one in PROTOCOLS if one in set(words))


def find(key: str) -> KnownClient | None:
    """The program with that key (client_id), None if there is none."""
    row = _row(key)
    return None if row is None else known(row)


def of_installation() -> list[KnownClient]:
    """All of them, by name."""
    return [known(row) for row in OAuthClient.objects.order_by("name")]


def proven(key: str, secret: str) -> KnownClient | None:
    """The program that has shown who it is; None if it has not. One without a secret only says so,
    and what it asks for hangs on what else it has: a code with its verifier, a refresh token."""
    row = _row(key)
    if row is None:
        return None
    if row.secret is None:
        return known(row) if not secret else None
    is_right = hmac.compare_digest(bytes(row.secret), digest(secret))
    return known(row) if is_right else None


def _row(key: str) -> OAuthClient | None:
    if not may_be_text(key):
        return None
    return OAuthClient.objects.filter(key=key).first()


def may_be_text(text: str) -> bool:
    """Whether a text may be something that was made here: so no statement gets anything else."""
    return 0 < len(text) <= LONGEST and text.isascii() and text.isprintable()


def known(row: OAuthClient) -> KnownClient:
    """As others see it."""
    return KnownClient(
        id=row.pk,
        key=row.key,
        name=row.name,
        redirects=tuple(json.loads(row.redirects)),
        scopes=tuple(row.scopes.split()),
        has_secret=row.secret is not None,
    )


def generate() -> str:
    """Invent 256 bits, in the alphabet of RFC 6750 section 2.1."""
    return secrets.token_urlsafe(_OCTETS)


def digest(text: str) -> bytes:
    """What is kept of a secret, a code or a refresh token."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def is_challenge(text: str) -> bool:
    """Whether a text may be a code challenge (S256)."""
    return _CHALLENGE.fullmatch(text) is not None


def answers(verifier: str, challenge: str) -> bool:
    """Whether a code verifier is that of a challenge (RFC 7636 section 4.6)."""
    if _VERIFIER.fullmatch(verifier) is None:
        return False
    found = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    return hmac.compare_digest(found.rstrip(b"=").decode(), challenge)
