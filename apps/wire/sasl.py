"""The server side of SASL, as exchanges without I/O: their words, PLAIN and LOGIN.

`apps.wire.scram` has SCRAM-SHA-256, `bearer` the mechanisms that carry a token, `mechanisms` the
table of all.
All doors (SMTP, IMAP, POP3, ManageSieve) carry SASL as base64 lines, so `start()` and `step()`
take those lines as received and promise: no exception for any input, `*` cancels (RFC 4954
section 4, RFC 3501 section 6.2.2), a strict alphabet, every field bounded by `SASL_FIELD`.
Passwords never show in a `repr`.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from apps.wire.limits import SASL_FIELD, SASL_LINE

_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?+")


class FailureReason(StrEnum):
    """Why an exchange ended without credentials. All but CANCELLED and those that are refusals are
    syntax (SMTP 501)."""

    CANCELLED = "cancelled"
    BAD_BASE64 = "bad base64"
    BAD_FORMAT = "bad format"
    TOO_LONG = "too long"
    # RFC 5802 section 6, and the words of its section 7.
    DOWNGRADE = "the client did not see that channel binding is offered"
    UNKNOWN_BINDING = "unsupported channel binding type"
    WRONG_BINDING = "channel bindings do not match"

    @property
    def is_refusal(self) -> bool:
        """Whether the client said it well, and is refused."""
        return self in {self.DOWNGRADE, self.UNKNOWN_BINDING, self.WRONG_BINDING}


@dataclass(frozen=True, slots=True)
class Challenge:
    """Send `data` (as `encoded`) and call `step()` with the answer."""

    data: bytes

    @property
    def encoded(self) -> bytes:
        """The challenge as base64, without line end."""
        return binascii.b2a_base64(self.data, newline=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the client claims. `authzid` is "" when it wants to act as `username`."""

    authzid: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeysWanted:
    """SCRAM: look up the keys of `username` and go on with `offer()`."""

    authzid: str
    username: str


@dataclass(frozen=True, slots=True)
class Proof:
    """SCRAM: whether the client knows a password.

    `place` is that of the key pair whose password it is, among those offered; None if it is none of
    them. If it may sign in, send `final` as a challenge; the answer to it makes `Done`.
    """

    place: int | None
    final: Challenge = field(repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    """The client has seen our side of the proof, too."""


@dataclass(frozen=True, slots=True)
class TokenClaim:
    """OAUTHBEARER, XOAUTH2: a token, and whose it is said to be; go on with `refuse()` if it is
    not.

    username: "" if the client leaves it to the token.
    host: the name the client connected to, as it says; "" if it does not.
    token: "" if the client only asks what would be right (RFC 7628 section 4.3).
    """

    username: str
    token: str = field(repr=False)
    host: str = ""


@dataclass(frozen=True, slots=True)
class Malformed:
    """OAUTHBEARER, XOAUTH2: no claim can be read; go on with `refuse()`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The client has heard why it was refused: fail."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The exchange is over; try again from the start."""

    reason: FailureReason


PasswordOutcome = Challenge | Credentials | Failure
TokenOutcome = Challenge | TokenClaim | Malformed | Refused | Failure
Outcome = PasswordOutcome | KeysWanted | Proof | Done | TokenOutcome


class Mechanism(Protocol):
    """One exchange with one client; make a new one for each AUTH command."""

    def start(self, initial: bytes | None) -> Outcome:
        """Begin; `initial` is the base64 initial response as received ("=" if empty) or None."""

    def step(self, response: bytes) -> Outcome:
        """Go on with the base64 line the client answered, without its line end."""


def decode_base64(line: bytes) -> bytes | None:
    """Return the octets of a strict base64 line (RFC 4648 section 4), None if it is not one."""
    if not _BASE64.fullmatch(line):
        return None
    return binascii.a2b_base64(line)


def decode(line: bytes) -> bytes | Failure:
    """Return the octets of a client's line, or why the exchange ends with it."""
    if line == b"*":
        return Failure(FailureReason.CANCELLED)
    if len(line) > SASL_LINE:
        return Failure(FailureReason.TOO_LONG)
    raw = decode_base64(line)
    return Failure(FailureReason.BAD_BASE64) if raw is None else raw


def _field(raw: bytes) -> str | Failure:
    if len(raw) > SASL_FIELD:
        return Failure(FailureReason.TOO_LONG)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return Failure(FailureReason.BAD_FORMAT)
    return Failure(FailureReason.BAD_FORMAT) if "\0" in text else text


class Plain:
    """PLAIN, RFC 4616: authzid NUL authcid NUL password, in one message."""

    __slots__ = ()

    def start(self, initial: bytes | None) -> PasswordOutcome:
        """Ask with an empty challenge, or read the initial response."""
        if initial is None:
            return Challenge(b"")
        return self.step(b"" if initial == b"=" else initial)

    def step(self, response: bytes) -> PasswordOutcome:
        """Read the message."""
        raw = decode(response)
        if isinstance(raw, Failure):
            return raw
        if raw.count(b"\0") != 2:
            return Failure(FailureReason.BAD_FORMAT)
        texts = []
        for part in raw.split(b"\0"):
            text = _field(part)
            if isinstance(text, Failure):
                return text
            texts.append(text)
        authzid, username, password = texts
        if not username or not password:  # RFC 4616 section 2: both are 1*SAFE.
            return Failure(FailureReason.BAD_FORMAT)
        return Credentials(authzid, username, password)


class Login:
    """LOGIN, draft-murchison-sasl-login: what old clients speak; user name, then password."""

    __slots__ = ("_username",)

    def __init__(self) -> None:
        self._username: str | None = None

    def start(self, initial: bytes | None) -> PasswordOutcome:
        """Ask for the user name, or take it from the initial response."""
        if initial is None:
            return Challenge(b"Username:")
        return self.step(b"" if initial == b"=" else initial)

    def step(self, response: bytes) -> PasswordOutcome:
        """Take the user name first, then the password."""
        raw = decode(response)
        text = raw if isinstance(raw, Failure) else _field(raw)
        if isinstance(text, Failure):
            return text
        if not text:
            return Failure(FailureReason.BAD_FORMAT)
        if self._username is None:
            self._username = text
            return Challenge(b"Password:")
        return Credentials("", self._username, text)


PASSWORD_MECHANISMS: Mapping[str, type[Plain] | type[Login]] = MappingProxyType(
    {"PLAIN": Plain, "LOGIN": Login}
)
"""The mechanisms that end with `Credentials`, by upper-case name, best first."""
