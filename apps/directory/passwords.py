"""Passwords: what may be one, how they are hashed, checked and invented. No database, no throttle.

A password is compared in Unicode form C (RFC 8265 section 4.2.2), so that "é" typed on one system
is "é" of another. Beside the argon2id hash stand SCRAM-SHA-256 keys, made at the same moment
because a hash cannot give them later. Hashing takes tens of milliseconds: it belongs on the hash
pool, and never inside a transaction.
"""

import secrets
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from django.contrib.auth.hashers import make_password, verify_password

from apps.wire.errors import InvalidName
from apps.wire.limits import SASL_FIELD
from apps.wire.scram import scram_keys

MAX_PASSWORD: Final = SASL_FIELD  # octets of UTF-8: what SASL PLAIN carries

# Whoever steals the table would attack these keys, not the argon2id hash beside them, so the count
# is as high as clients bear: RFC 7677 section 4 asks for 4,096 or more, and Cyrus SASL gives up
# above 65,536. 12 ms here, once a password is set; each client pays the same when it signs in.
SCRAM_ITERATIONS: Final = 60_000
SCRAM_SALT: Final = 16  # octets

_ALPHABET: Final = (
    "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is mistaken when read aloud or copied
)
_GROUPS, _GROUP = 4, 5  # 20 of 31 characters: 99 bits


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is kept of a password."""

    encoded: str = field(repr=False)
    scram_salt: bytes = field(default=b"", repr=False)
    scram_iterations: int = 0
    scram_stored_key: bytes = field(default=b"", repr=False)
    scram_server_key: bytes = field(default=b"", repr=False)


def generate() -> str:
    """Invent a password of 99 bits that can be read over the telephone, such as `h7kq2-m4xwd-…`."""
    return "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS)
    )


def looks_invented(text: str) -> bool:
    """Whether a text could be one of `generate`, its hyphens left out."""
    return len(text) == _GROUPS * _GROUP and set(text) <= set(_ALPHABET)


def prepare(password: str) -> str | None:
    """Return the password in the form that is hashed, None if no password can look like that."""
    prepared = unicodedata.normalize("NFC", password[: MAX_PASSWORD + 1])
    try:
        size = len(prepared.encode("utf-8"))
    except UnicodeEncodeError:  # lone surrogates
        return None
    # NUL ends a field of SASL PLAIN (RFC 4616): such a password could be set and never used.
    return prepared if 0 < size <= MAX_PASSWORD and "\0" not in prepared else None


@dataclass(frozen=True, slots=True)
class ScramBasis:
    """What all SCRAM keys of one user are derived with: a client is told it before anybody knows
    which of the user's passwords it has."""

    salt: bytes
    iterations: int

    @classmethod
    def fresh(cls) -> "ScramBasis":
        return cls(secrets.token_bytes(SCRAM_SALT), SCRAM_ITERATIONS)


def seal(password: str | None, basis: ScramBasis | None = None) -> Secrets:
    """Hash a new password; None makes secrets that no password opens.

    Args:
        basis: of the user who gets it; None if it is a new one.

    Raises:
        InvalidName: empty, above 1 KB, or with a NUL in it.
    """
    if password is None:
        kept = () if basis is None else (basis.salt, basis.iterations)
        return Secrets(make_password(None), *kept)
    prepared = prepare(password)
    if prepared is None:
        raise InvalidName(
            "bad password",
            text=f"A password has 1 to {MAX_PASSWORD} octets and no NUL",
        )
    basis = basis or ScramBasis.fresh()
    keys = scram_keys(prepared, basis.salt, basis.iterations)
    return Secrets(make_password(prepared), basis.salt, basis.iterations, *keys)


def is_right(prepared: str, encoded: str | None) -> bool:
    """Check a prepared password; the same work is done when there is nothing to check against."""
    return check(prepared, encoded)[0]


def check(prepared: str, encoded: str | None) -> tuple[bool, bool]:
    """The same, and whether a right one was hashed with other parameters than today's."""
    usable = bool(encoded) and not str(encoded).startswith("!")
    right, is_stale = verify_password(prepared, str(encoded) if usable else _dummy())
    return right and usable, right and usable and is_stale


def hashed(prepared: str) -> str:
    """A prepared password, hashed with today's parameters."""
    return make_password(prepared)


def warm_up() -> None:
    """Make the dummy hash now, so that the first unknown user does not take twice as long."""
    _dummy()


@lru_cache(maxsize=1)
def _dummy() -> str:
    """A hash that no password has, made with the parameters of a real one."""
    return make_password(secrets.token_urlsafe(32))
