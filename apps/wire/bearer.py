"""The server side of OAUTHBEARER (RFC 7628) and XOAUTH2 (Google's older form), without I/O.

One message brings a token. If it is not good enough, the client is told what would be, as JSON, and
says one more thing before it fails: SASL has no other place for such words (RFC 7628 section
3.2.3). Whose token it is, and for what, is the caller's to find out. Promises as `apps.wire.sasl`:
no exception for any input; a token never shows in a `repr`.
"""

from __future__ import annotations

import json
import re
from typing import Final

from apps.wire.limits import SASL_FIELD
from apps.wire.sasl import (
    Challenge,
    Failure,
    FailureReason,
    Malformed,
    Refused,
    TokenClaim,
    TokenOutcome,
    decode,
)

INVALID_REQUEST: Final = "invalid_request"
INVALID_TOKEN: Final = "invalid_token"  # noqa: S105 - RFC 6750 section 3.1
INSUFFICIENT_SCOPE: Final = "insufficient_scope"

_SEPARATOR = "\x01"
# GS2 header of RFC 5801 section 4. There is no -PLUS here, and so no `p=`.
_HEADER = re.compile(r"[ny],(?:a=(?P<authzid>[^,]+))?,")
_PAIR = re.compile(r"(?P<key>[A-Za-z]+)=(?P<value>[\t\n\r -~]*)")
_ESCAPES = re.compile("=2C|=3D")
_BEARER = re.compile(r"bearer +(?P<token>[A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)
_PORT = re.compile("[1-9][0-9]{0,4}")
_XOAUTH2 = re.compile(r"user=(?P<user>[^\x00-\x1f]+)\x01auth=(?P<auth>[\t -~]*)\x01\x01")
_KNOWN = frozenset({"auth", "host", "port"})


class OAuthBearer:
    """One OAUTHBEARER exchange."""

    __slots__ = ("_is_over",)

    def __init__(self) -> None:
        self._is_over = False

    def start(self, initial: bytes | None) -> TokenOutcome:
        """Ask with an empty challenge, or read the initial response."""
        if initial is None:
            return Challenge(b"")
        return self.step(b"" if initial == b"=" else initial)

    def step(self, response: bytes) -> TokenOutcome:
        """Read the message, or, after `refuse()`, whatever the client says to that."""
        if self._is_over:
            # %x01, nothing (XOAUTH2) or `*`: it fails in any case (RFC 7628 section 4.3).
            return Refused()
        raw = decode(response)
        if isinstance(raw, Failure):
            return raw
        if raw in {b"", b"\x01"}:  # nothing to tell the right token by (section 3.1)
            return Failure(FailureReason.BAD_FORMAT)
        try:
            return self._read(raw.decode("utf-8")) or Malformed()
        except UnicodeDecodeError:
            return Malformed()

    def refuse(self, status: str, *, scope: str = "", configuration: str = "") -> Challenge:
        """Go on after a claim that is refused, or after `Malformed`.

        Args:
            status: one of the codes of RFC 6750 section 3.1.
            scope: one that would do; "" if tokens need none.
            configuration: URL of the OpenID configuration of who issues tokens; "" if nobody does.
        """
        self._is_over = True
        told = {"status": self._status(status), **self._schemes()}
        if scope:
            told["scope"] = scope
        if configuration:
            told["openid-configuration"] = configuration
        return Challenge(json.dumps(told, separators=(",", ":")).encode())

    def _status(self, status: str) -> str:
        return status

    def _schemes(self) -> dict[str, str]:
        return {}

    def _read(self, text: str) -> TokenClaim | None:
        """The claim in a client's message; None if it is malformed."""
        header, _, rest = text.partition(_SEPARATOR)
        found = _HEADER.fullmatch(header)
        pairs = _pairs(rest)
        if found is None or pairs is None or "auth" not in pairs:
            return None
        username, port = _name(found["authzid"] or ""), pairs.get("port")
        if username is None or (port is not None and _PORT.fullmatch(port) is None):
            return None
        return _claim(username, pairs["auth"], pairs.get("host", ""))


class XOAuth2(OAuthBearer):
    """One XOAUTH2 exchange, as https://developers.google.com/gmail/imap/xoauth2-protocol says."""

    __slots__ = ()

    def _read(self, text: str) -> TokenClaim | None:
        found = _XOAUTH2.fullmatch(text)
        if found is None or len(found["user"]) > SASL_FIELD:
            return None
        return _claim(found["user"], found["auth"], "")

    def _status(self, status: str) -> str:
        return "400" if status == INVALID_REQUEST else "401"

    def _schemes(self) -> dict[str, str]:
        return {"schemes": "bearer"}


def _claim(username: str, auth: str, host: str) -> TokenClaim | None:
    if not auth:  # asks for the scope
        return TokenClaim(username, "", host)
    found = _BEARER.fullmatch(auth)
    return None if found is None else TokenClaim(username, found["token"], host)


def _pairs(text: str) -> dict[str, str] | None:
    """The pairs `key=value^A` up to the `^A` that ends them; unknown ones are passed over."""
    if not text.endswith(_SEPARATOR):
        return None
    pairs: dict[str, str] = {}
    *parts, last = text[:-1].split(_SEPARATOR)
    if last:
        return None
    for part in parts:
        found = _PAIR.fullmatch(part)
        if found is None or found["key"] in pairs:
            return None
        if found["key"] in _KNOWN:
            pairs[found["key"]] = found["value"]
    return pairs


def _name(text: str) -> str | None:
    """A saslname, decoded; None if it is none."""
    if len(text) > SASL_FIELD or "\0" in text or "=" in _ESCAPES.sub("", text):
        return None
    return text.replace("=2C", ",").replace("=3D", "=")
