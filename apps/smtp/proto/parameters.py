"""Parameters of MAIL and RCPT: `KEY[=value]` words after the path, each at most once.

Promises `ParameterError` and nothing else for any octets. Values come out decoded and checked, so
that a DSN written from them years later needs no second look. RFC 5321 section 4.1.2 (grammar),
1870 (SIZE), 6152 (BODY), 6531 (SMTPUTF8), 3461 (RET, ENVID, NOTIFY, ORCPT), 4954 (AUTH), 4865
(HOLDFOR, HOLDUNTIL), 8689 (REQUIRETLS). Whether a door takes one that it reads is the rules' word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from apps.smtp.proto.limits import SIZE_DIGITS
from apps.wire.replies import Reply

ENVID_MAX = 100  # Octets, RFC 3461 section 4.4.
ORCPT_MAX = 500  # Octets, RFC 3461 section 4.2.

UNKNOWN_PARAMETER = Reply(555, "5.5.4", "Parameter not recognised")

_KEY = re.compile(rb"[A-Za-z0-9][A-Za-z0-9-]*")
_XTEXT = re.compile(rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*+")
_XCHAR = re.compile(rb"\+([0-9A-F]{2})")
_ADDRESS_TYPE = re.compile(rb"[A-Za-z0-9-]{1,40}")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_INTERVAL = re.compile(rb"[0-9]{1,9}")  # RFC 4865 section 3: up to 999,999,999 seconds
# date-time of RFC 3339 section 5.6 (erratum 2040 of RFC 4865), always with a zone.
_DATE_TIME = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    rb"(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_NOTIFY = frozenset({b"SUCCESS", b"FAILURE", b"DELAY"})


class ParameterError(ValueError):
    """A parameter cannot be taken; `reply` says why and quotes nothing."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


@dataclass(slots=True)
class MailParameters:
    """size: announced octets, 0 if not said. body: "", 7BIT or 8BITMIME. auth: None if not said.

    hold_for, hold_until: seconds, and Unix seconds; of the two at most one is not None.
    """

    size: int = 0
    body: str = ""
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""
    auth: str | None = None
    hold_for: int | None = None
    hold_until: int | None = None
    requires_tls: bool = False


@dataclass(slots=True)
class RcptParameters:
    """notify: "", NEVER, or SUCCESS,FAILURE,DELAY in that order. orcpt: "type;decoded address"."""

    notify: str = ""
    orcpt: str = ""


def decode_xtext(raw: bytes) -> str | None:
    """Return the text that RFC 3461 section 4 xtext stands for, None if it is none."""
    if _XTEXT.fullmatch(raw) is None:
        return None
    decoded = _XCHAR.sub(lambda found: bytes([int(found[1], 16)]), raw)
    text = decoded.decode("latin-1")
    return text if _PRINTABLE.fullmatch(text) else None


def mail_parameters(raw: bytes) -> MailParameters:
    """Read what follows the path of MAIL; raise ParameterError."""
    found = MailParameters()
    _read(raw, _MAIL, found)
    if found.hold_for is not None and found.hold_until is not None:
        raise _syntax("HOLDFOR or HOLDUNTIL, not both")
    return found


def rcpt_parameters(raw: bytes, *, smtputf8: bool) -> RcptParameters:
    """Read what follows the path of RCPT; raise ParameterError."""
    found = RcptParameters()
    if not smtputf8 and not raw.isascii():
        raise _syntax("Parameters must be ASCII")
    _read(raw, _RCPT, found)
    return found


Target = TypeVar("Target", MailParameters, RcptParameters)


def _read(
    raw: bytes, setters: Mapping[bytes, Callable[[Target, bytes | None], None]], target: Target
) -> None:
    """Set every parameter of `raw` on `target`."""
    seen = set()
    for word in raw.split(b" "):
        if not word:
            continue
        key, equals, value = word.partition(b"=")
        key = key.upper()
        if _KEY.fullmatch(key) is None or key in seen:
            raise _syntax("Bad or repeated parameter")
        seen.add(key)
        setter = setters.get(key)
        if setter is None:
            raise ParameterError(UNKNOWN_PARAMETER)
        setter(target, value if equals else None)


def _set_size(target: MailParameters, value: bytes | None) -> None:
    if value is None or not (value.isdigit() and len(value) <= SIZE_DIGITS):
        raise _syntax("SIZE needs a number")
    target.size = int(value)


def _set_body(target: MailParameters, value: bytes | None) -> None:
    body = (value or b"").upper()
    if body not in (b"7BIT", b"8BITMIME"):
        raise _syntax("BODY is 7BIT or 8BITMIME")
    target.body = body.decode()


def _set_smtputf8(target: MailParameters, value: bytes | None) -> None:
    if value is not None:
        raise _syntax("SMTPUTF8 takes no value")
    target.smtputf8 = True


def _set_ret(target: MailParameters, value: bytes | None) -> None:
    ret = (value or b"").upper()
    if ret not in (b"FULL", b"HDRS"):
        raise _syntax("RET is FULL or HDRS")
    target.ret = ret.decode()


def _set_envid(target: MailParameters, value: bytes | None) -> None:
    text = decode_xtext(value) if value and len(value) <= ENVID_MAX else None
    if text is None:
        raise _syntax("ENVID is not valid xtext")
    target.envid = text


def _set_auth(target: MailParameters, value: bytes | None) -> None:
    text = decode_xtext(value) if value and len(value) <= ORCPT_MAX else None
    if text is None:
        raise _syntax("AUTH is not valid xtext")
    target.auth = text


def _set_hold_for(target: MailParameters, value: bytes | None) -> None:
    if value is None or _INTERVAL.fullmatch(value) is None:
        raise _syntax("HOLDFOR needs a number of seconds")
    target.hold_for = int(value)


def _set_hold_until(target: MailParameters, value: bytes | None) -> None:
    try:
        text = (value or b"").upper()
        if _DATE_TIME.fullmatch(text) is None:
            raise ValueError
        target.hold_until = int(datetime.fromisoformat(text.decode()).timestamp())
    except (ValueError, OverflowError):
        raise _syntax("HOLDUNTIL needs a time such as 2030-01-31T09:00:00Z") from None


def _set_requires_tls(target: MailParameters, value: bytes | None) -> None:
    if value is not None:
        raise _syntax("REQUIRETLS takes no value")
    target.requires_tls = True


def _set_notify(target: RcptParameters, value: bytes | None) -> None:
    words = (value or b"").upper().split(b",")
    if words == [b"NEVER"]:
        target.notify = "NEVER"
        return
    if not words or len(set(words)) != len(words) or not _NOTIFY.issuperset(words):
        raise _syntax("NOTIFY is NEVER or of SUCCESS, FAILURE, DELAY")
    order = (b"SUCCESS", b"FAILURE", b"DELAY")
    target.notify = b",".join(word for word in order if word in words).decode()


def _set_orcpt(target: RcptParameters, value: bytes | None) -> None:
    kind, semicolon, address = (value or b"").partition(b";")
    if not semicolon or _ADDRESS_TYPE.fullmatch(kind) is None or len(value or b"") > ORCPT_MAX:
        raise _syntax("ORCPT needs a type and an address")
    text = _utf8_address(address) if kind.lower() == b"utf-8" else decode_xtext(address)
    if not text:
        raise _syntax("ORCPT is not valid xtext")
    target.orcpt = f"{kind.decode().lower()};{text}"


def _utf8_address(raw: bytes) -> str | None:
    """RFC 6533 section 3: UTF-8 or its \\x{} escapes, kept as they came; None if unprintable."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _UNPRINTABLE.search(text) else text


def _syntax(text: str) -> ParameterError:
    return ParameterError(Reply(501, "5.5.4", text))


_MAIL: Mapping[bytes, Callable[[MailParameters, bytes | None], None]] = {
    b"SIZE": _set_size,
    b"BODY": _set_body,
    b"SMTPUTF8": _set_smtputf8,
    b"RET": _set_ret,
    b"ENVID": _set_envid,
    b"AUTH": _set_auth,
    b"HOLDFOR": _set_hold_for,
    b"HOLDUNTIL": _set_hold_until,
    b"REQUIRETLS": _set_requires_tls,
}
_RCPT: Mapping[bytes, Callable[[RcptParameters, bytes | None], None]] = {
    b"NOTIFY": _set_notify,
    b"ORCPT": _set_orcpt,
}
