"""Codes that are typed: those of authenticator apps (RFC 6238) and recovery codes. No database."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from django_otp.oath import hotp

STEP: Final = 30  # seconds
DIGITS: Final = 6
SECRET_BYTES: Final = 20  # of SHA-1's size (RFC 4226 section 4, R6)
WINDOW: Final = 1  # steps before and after the expected one (RFC 6238 section 5.2)
# How far off a telephone's clock may be. It is followed step by step (RFC 6238 section 6), and no
# further: nobody's clock is off by more, unless codes are tried until one fits.
MOST_DRIFT: Final = 10  # steps

CODES: Final = 10  # recovery codes of one user
_GROUPS, _GROUP = 4, 4  # 16 of 32 characters: 80 bits
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0, 1
MAX_TYPED: Final = 64  # characters


@dataclass(frozen=True, slots=True)
class Match:
    """Which step a code belongs to, and by how many steps its clock is off."""

    step: int
    drift: int


def normal(typed: str) -> str:
    """What was meant by what was typed: people put blanks and hyphens between groups."""
    return "".join(typed[:MAX_TYPED].split()).replace("-", "").lower()


def looks_like_totp(code: str) -> bool:
    """Whether it can be an authenticator's. `isdigit` alone would take the digits of all scripts,
    which `int` reads as well."""
    return len(code) == DIGITS and code.isascii() and code.isdigit()


def looks_like_recovery(code: str) -> bool:
    """Whether it can be a recovery code."""
    return len(code) == _GROUPS * _GROUP and set(code) <= set(_ALPHABET)


def match(secret: bytes, code: str, *, now: int, drift: int, after: int) -> Match | None:
    """Find the step that a code is of; None if it is of none, or of one that was used.

    Args:
        code: in the form of `normal`.
        now: Unix seconds.
        drift: steps by which its clock was off before.
        after: the last step that was used: neither it nor one before it works again.

    All steps of the window are computed and compared, whichever fits: the time tells nothing.
    """
    found = None
    middle = now // STEP + drift
    for step in range(middle - WINDOW, middle + WINDOW + 1):
        expected = f"{hotp(secret, max(step, 0), digits=DIGITS):0{DIGITS}d}"
        is_equal = hmac.compare_digest(expected.encode(), code.encode())
        if is_equal and step > after:
            found = step
    if found is None:
        return None
    off = found - now // STEP
    return Match(found, max(-MOST_DRIFT, min(off, MOST_DRIFT)))


def code_at(secret: bytes, seconds: int) -> str:
    """The code that an authenticator shows at a time (Unix seconds)."""
    return f"{hotp(secret, seconds // STEP, digits=DIGITS):0{DIGITS}d}"


def spelled(secret: bytes) -> str:
    """A secret as people type it into an app: base32."""
    return base64.b32encode(secret).decode()


def address_of(secret: bytes, *, account: str, issuer: str) -> str:
    """The otpauth:// address that apps read from the QR code."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='@')}"
    return f"otpauth://totp/{label}?{urlencode({'secret': spelled(secret), 'issuer': issuer})}"


def recovery_code() -> str:
    """Invent a recovery code that can be copied by hand, such as `abcd-efgh-jkmn-pqrs`."""
    return "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS)
    )


def digest(code: str) -> bytes:
    """What is kept of a recovery code. It is random enough to need no slow hash."""
    return hashlib.sha256(normal(code).encode()).digest()
