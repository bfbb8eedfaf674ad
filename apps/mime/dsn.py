"""Delivery status notifications, written (RFC 3464, RFC 6522, RFC 6533). Pure.

`compose` makes one multipart/report: words for people, fields for programs, and what is returned
of the message. Whatever the texts (another server's reply, a foreign header block): every field is
one field, every line fits RFC 5322, and unless `utf8` is asked for everything but a message
returned whole is ASCII, so that the report passes any server. `dsn_reading` reads reports.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import textwrap
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from apps.mime.address import Address, AddressError
from apps.mime.compose_header import LINE_MAX, date_field, fold, fold_addresses
from apps.mime.dates import format_date
from apps.mime.headers import clean

TEXT_COLUMNS = 72
FIELD_COLUMNS = 76
WORD_MAX = 240  # Characters of one word of a field: at most 960 octets, a line has 998.
VALUE_MAX = 900  # Characters of one field.


class Action(StrEnum):
    """What became of a recipient (RFC 3464 section 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"  # handed to a server that does not report
    EXPANDED = "expanded"  # became several recipients


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """The fields of one recipient (RFC 3464 section 2.3).

    Args:
        final: its address.
        original: what ORCPT said, "type;address" without xtext, "" if nothing.
        diagnostic: "type; text" (RFC 3464 section 2.3.6): "smtp; 550 …" for a server's reply.
    """

    action: Action
    final: str
    status: str
    original: str = ""
    remote_mta: str = ""
    diagnostic: str = ""
    last_attempt: datetime | None = None
    retry_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The fields of the report (RFC 3464 section 2.2) and of its recipients."""

    reporting_mta: str
    recipients: tuple[RecipientStatus, ...]
    envelope_id: str = ""
    arrival: datetime | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """The header of the report. `about` is the Message-ID it answers, "" if that has none."""

    sender: tuple[str, Address]
    to: Address
    subject: str
    at: datetime
    message_id: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    """What goes back of the message: its header block, or (`is_full`) all of it. CRLF lines."""

    octets: bytes
    is_full: bool = False


def compose(
    heading: Heading, text: str, status: Status, returned: Returned | None, *, utf8: bool = False
) -> bytes:
    """Return the whole report.

    Args:
        text: paragraphs parted by empty lines; lines that begin with a space stay as they are.
        utf8: it goes to somebody who reads RFC 6532 headers, over SMTPUTF8.
    """
    parts = [_text_part(text, utf8=utf8), _status_part(status, utf8=utf8)]
    if returned is not None:
        parts.append(_returned_part(returned, utf8=utf8))
    # Made from what it divides: nobody can write a message that holds its own digest.
    boundary = hashlib.sha256(b"".join(parts)).hexdigest()[:32].encode()
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    # RFC 2045 section 6.4: what holds 8bit parts says so itself.
    encoding = b"" if body.isascii() else b"Content-Transfer-Encoding: 8bit\r\n"
    head = _heading(heading, boundary, utf8=utf8) + encoding + b"\r\n"
    return head + body + b"--" + boundary + b"--\r\n"


def _heading(heading: Heading, boundary: bytes, *, utf8: bool) -> bytes:
    fields = [
        fold_addresses("From", [heading.sender], utf8=utf8),
        fold_addresses("To", [("", heading.to)], utf8=utf8),
        fold("Subject", heading.subject, utf8=utf8),
        date_field(heading.at),
        fold("Message-ID", heading.message_id),
    ]
    if _is_message_id(heading.about):
        fields += [fold("In-Reply-To", heading.about), fold("References", heading.about)]
    return b"".join(fields) + (
        # RFC 3834 section 5: nobody's vacation answers this.
        b"Auto-Submitted: auto-replied\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status;\r\n"
        b' boundary="' + boundary + b'"\r\n'
    )


_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")


def _is_message_id(text: str) -> bool:
    """Whether it can be quoted: others' ids may hold anything."""
    return _MESSAGE_ID.fullmatch(text) is not None


def _text_part(text: str, *, utf8: bool) -> bytes:
    body = "\r\n".join(wrap(text)).encode("utf-8", "replace") + b"\r\n"
    return _part(b"text/plain; charset=utf-8", body, is_8bit=utf8)


def wrap(text: str) -> list[str]:
    """Return lines of at most TEXT_COLUMNS where words allow it; indented ones hang."""
    lines: list[str] = []
    for line in text.split("\n"):
        shown = clean(line)[:2_000]
        indent = " " * (len(line) - len(line.lstrip(" ")))
        lines += textwrap.wrap(
            shown,
            TEXT_COLUMNS,
            initial_indent=indent,
            subsequent_indent=indent,
            break_on_hyphens=False,
            break_long_words=False,
        ) or [""]
    return lines


def _status_part(status: Status, *, utf8: bool) -> bytes:
    groups = [_message_fields(status), *map(_recipient_fields, status.recipients)]
    blocks = [
        b"".join(_field(name, value, utf8=utf8) for name, value in group if value)
        for group in groups
    ]
    body = b"\r\n".join(blocks)
    if body.isascii():  # RFC 6533 section 4.4: then the old type loses nothing, and all know it.
        return _part(b"message/delivery-status", body)
    return _part(b"message/global-delivery-status", body, is_8bit=True)


def _message_fields(status: Status) -> list[tuple[str, str]]:
    return [
        ("Original-Envelope-Id", status.envelope_id),
        ("Reporting-MTA", f"dns; {status.reporting_mta}"),
        ("Arrival-Date", _date(status.arrival)),
    ]


def _recipient_fields(one: RecipientStatus) -> list[tuple[str, str]]:
    return [
        ("Original-Recipient", one.original and _typed(*_split(one.original))),
        ("Final-Recipient", _typed("rfc822", one.final)),
        ("Action", one.action.value),
        ("Status", code(one.status, one.action)),
        ("Remote-MTA", one.remote_mta and f"dns; {one.remote_mta}"),
        ("Diagnostic-Code", one.diagnostic),
        ("Last-Attempt-Date", _date(one.last_attempt)),
        ("Will-Retry-Until", _date(one.retry_until)),
    ]


_CODE = re.compile(r"([245])\.[0-9]{1,3}\.[0-9]{1,3}")
_CLASSES = {Action.FAILED: "45", Action.DELAYED: "4"}
_GENERAL = {Action.FAILED: "5.0.0", Action.DELAYED: "4.0.0"}


def code(status: str, action: Action) -> str:
    """Return an enhanced status code that can stand beside this action (RFC 3463)."""
    found = _CODE.fullmatch(status)
    if found is not None and found[1] in _CLASSES.get(action, "2"):
        return status
    return _GENERAL.get(action, "2.0.0")


def _split(original: str) -> tuple[str, str]:
    kind, _, address = original.partition(";")
    return kind, address


def _typed(kind: str, address: str) -> str:
    """Return "type; address", type utf-8 where one outside ASCII needs it (RFC 6533 section 3).

    Addresses of our own come with their domain in A-labels; so only a local part can need it.
    """
    if address.isascii():
        return f"{kind}; {address}"
    return f"utf-8; {address}"


_UNITEXT = re.compile(r"[^!-*,-<>-\[\]-~]")


def unitext(address: str) -> str:
    r"""Return an address as utf-8-addr-xtext, "\x{HEX}" for all that is not plain (RFC 6533)."""
    return _UNITEXT.sub(lambda found: f"\\x{{{ord(found[0]):02X}}}", address)


def _field(name: str, value: str, *, utf8: bool) -> bytes:
    value = " ".join(clean(value)[:VALUE_MAX].split())
    if not value.isascii() and not utf8:
        kind, found, address = value.partition("; ")
        if found and kind == "utf-8":
            value = f"{kind}; {unitext(address)}"
        value = value.encode("ascii", "replace").decode("ascii")
    words = [word[:WORD_MAX] for word in value.split()]
    lines = textwrap.wrap(
        f"{name}: {' '.join(words)}",
        FIELD_COLUMNS,
        subsequent_indent=" ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n"


def _date(at: datetime | None) -> str:
    return "" if at is None else format_date(at)


def _returned_part(returned: Returned, *, utf8: bool) -> bytes:
    octets = returned.octets
    if returned.is_full:
        # A message inside a message is never encoded (RFC 2046 section 5.2.1): 8bit if it must be.
        is_global = utf8 and not octets.partition(b"\r\n\r\n")[0].isascii()
        kind = b"message/global" if is_global else b"message/rfc822"
        return _part(kind, octets, is_8bit=True)
    if octets.isascii():
        return _part(b"text/rfc822-headers", octets)
    if _is_utf8(octets):
        return _part(b"message/global-headers", octets, is_8bit=utf8)
    return _part(b"text/rfc822-headers", octets)


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _part(kind: bytes, body: bytes, *, is_8bit: bool = False) -> bytes:
    """Return a part with its header; quoted-printable if it is not fit to travel as it is.

    `is_8bit` says that octets outside ASCII may stand; whole messages always may.
    """
    if body.isascii() and _has_fit_lines(body):
        encoding = b"7bit"
    elif is_8bit and (_has_fit_lines(body) or kind == b"message/rfc822"):
        encoding = b"8bit"
    else:
        encoding, body = b"quoted-printable", quoted_printable(body)
    return (
        b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n"
    ) + body


def _has_fit_lines(body: bytes) -> bool:
    """Whether RFC 5322 lines are all there is: no bare CR or LF, no NUL, nobody over 998 octets."""
    lines = body.split(b"\r\n")
    return max(map(len, lines)) <= LINE_MAX and not any(
        mark in line for line in lines for mark in (b"\r", b"\n", b"\0")
    )


def quoted_printable(body: bytes) -> bytes:
    """Return a text with CRLF lines as quoted-printable; other control octets are encoded."""
    lines = []
    for line in body.split(b"\r\n"):
        # Not "text": a bare CR or LF is an octet like others. Soft line ends are bare LF then.
        encoded = binascii.b2a_qp(line, quotetabs=False, istext=False, header=False)
        lines.append(encoded.replace(b"=\n", b"=\r\n"))
    return b"\r\n".join(lines)


def shown_address(text: str) -> str:
    """Return an address as people read it, domain in U-labels; the text itself if it is none."""
    try:
        return Address.parse(text).display
    except AddressError:
        return clean(text)


# Not of RFC 3461, never on the wire: the sender asked to hear of success, and the address stood for
# several; so it is told once that it was expanded, and no member reports success.
EXPANDED = "EXPANDED"


def for_members(notify: str) -> str:
    """Return the NOTIFY of each recipient that one address became (RFC 3461 section 5.2.7.3)."""
    return ",".join(EXPANDED if word == "SUCCESS" else word for word in notify.split(","))


def onward(notify: str) -> str:
    """Return the NOTIFY that goes to the next server, "" for none."""
    if not notify:
        return ""
    # An empty list means NEVER; no parameter at all would mean "of failures".
    return ",".join(word for word in notify.split(",") if word != EXPANDED) or "NEVER"


_NOT_XTEXT = re.compile(r"[^!-*,-<>-~]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def xtext(text: str) -> str:
    """Return text as the value of ENVID or ORCPT (RFC 3461 section 4)."""
    return _NOT_XTEXT.sub(_hexchars, text)


def _hexchars(found: re.Match[str]) -> str:
    return "".join(f"+{octet:02X}" for octet in found[0].encode("utf-8", "replace"))


def onward_orcpt(orcpt: str) -> str:
    """Return an original recipient, "type;address", as ORCPT takes it, "" for none.

    One of type utf-8 is kept as it came, and in ASCII: that is right for every next server
    (RFC 6533 section 3).
    """
    kind, found, address = orcpt.partition(";")
    if not found:
        return ""
    if kind == "utf-8":
        plain = _NOT_ASCII.sub(lambda char: f"\\x{{{ord(char[0]):02X}}}", address)
        return f"{kind};{plain}"
    return f"{kind};{xtext(address)}"
