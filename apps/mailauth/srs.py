"""The Sender Rewriting Scheme: a reverse-path of our own for mail that we forward.

SPF lets only a domain's own hosts use it as reverse-path, so a forwarded copy needs another one; a
bounce to that must find its way back to the first sender. The address itself carries the way, and a
keyed hash says that we wrote it, so that nobody can make us an open relay with it:

    SRS0=hash=day=domain=local@ours       what we make of local@domain
    SRS1=hash=host=rest@ours              what we make of SRS0rest@host, a forwarder before us:
                                          its bounce goes straight to that host

The scheme is the one of libsrs2, Mail::SRS and postsrsd (there is no RFC; the paper is at
www.libsrs2.org), which agree on what they must of each other: the two prefixes. The hash is longer
than theirs and in base 32, because some servers change the case of local parts.

Pure. Addresses of `apps.mime.address`, keys of 16 octets or more, times in Unix seconds.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from apps.mime.address import Address, AddressError

PURPOSE: Final = "srs"  # for `sealing.derived`
VALID_DAYS: Final = 21  # bounces come within a week, and late ones from tired servers
_DAY: Final = 86_400
_DAYS: Final = 1024  # two digits of base 32: days go round in under three years
_DIGITS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_HASH_SIZE: Final = 8  # 40 bits; forgeries can only be tried out on us, one RCPT each
# libsrs2 and others let the administrator choose the first separator.
_PREFIX: Final = re.compile(r"SRS([01])([=+-])", re.IGNORECASE)
_SRS0: Final = re.compile(r"SRS0[=+-]([^=]++)=([A-Z2-7]{2})=([^=]++)=(.++)", re.IGNORECASE)
_SRS1: Final = re.compile(r"SRS1[=+-]([^=]++)=([^=]++)=([=+-].++)", re.IGNORECASE)


class SrsError(ValueError):
    """The address is of the scheme's form and cannot be turned back; the text says why."""


def is_srs(address: Address) -> bool:
    """Whether an address has the form of the scheme: only such ones can be reversed."""
    return _PREFIX.match(address.local) is not None


def forward(sender: Address, domain: str, *, key: bytes, now: int) -> Address:
    """Return the reverse-path at `domain`, one of ours, that stands for `sender`.

    Raises:
        SrsError: it would be too long for an address (RFC 5321 section 4.5.3.1.3).
    """
    before = _before_us(sender)
    if before is None:
        day = _day_text(now)
        rest = f"{day}={sender.domain}={sender.local}"
        local = f"SRS0={_hash(key, '0', day, sender.domain, sender.local)}={rest}"
    else:
        host, rest = before
        local = f"SRS1={_hash(key, '1', host, rest)}={host}={rest}"
    try:
        return Address.build(local, domain)
    except AddressError as error:
        raise SrsError(f"cannot be rewritten: {error}") from None


def reverse(address: Address, *, keys: Sequence[bytes], now: int) -> Address:
    """Return the address that mail to a rewritten one of ours is for.

    Args:
        keys: any of them may have made it.

    Raises:
        SrsError: not of the scheme, forged, damaged or too old.
    """
    try:
        if (parts := _SRS0.fullmatch(address.local)) is not None:
            given, day, domain, local = parts.groups()
            _check(given, keys, "0", day, domain, local)
            _check_age(day, now)
            return Address.build(local, domain)
        if (parts := _SRS1.fullmatch(address.local)) is not None:
            given, host, rest = parts.groups()
            _check(given, keys, "1", host, rest)
            return Address.build(f"SRS0{rest}", host)
    except AddressError:
        raise SrsError("names no address") from None
    raise SrsError("not an address that this server made")


def _before_us(sender: Address) -> tuple[str, str] | None:
    """The first forwarder's host and what it wrote after SRS0; None if nobody forwarded before.

    Who only looks like it (`srs0-fan@`) is rewritten as anybody else.
    """
    if _SRS0.fullmatch(sender.local):
        return sender.domain, sender.local[len("SRS0") :]
    between = _SRS1.fullmatch(sender.local)
    return None if between is None else (between[2], between[3])


def _hash(key: bytes, *parts: str) -> str:
    # Without case, as servers on the way may change it; in form C, as `Address` keeps it.
    text = "\0".join(parts).casefold().encode("utf-8", "surrogatepass")
    digest = hmac.new(key, text, hashlib.sha256).digest()
    return base64.b32encode(digest)[:_HASH_SIZE].decode()


def _check(given: str, keys: Sequence[bytes], *parts: str) -> None:
    wanted = given.upper().encode("utf-8", "replace")
    if not any(hmac.compare_digest(_hash(key, *parts).encode(), wanted) for key in keys):
        raise SrsError("was not made by this server, or was changed")


def _check_age(day: str, now: int) -> None:
    high, low = (_DIGITS.index(letter) for letter in day.upper())
    age = (now // _DAY - (high << 5 | low)) % _DAYS
    # The day after today is that of a server whose clock, or midnight, is not ours.
    if age > VALID_DAYS and age != _DAYS - 1:
        raise SrsError("has expired")


def _day_text(now: int) -> str:
    day = now // _DAY % _DAYS
    return _DIGITS[day >> 5] + _DIGITS[day & 31]
