"""A letter as a message: its header and its text, well-formed whatever was typed. Pure.

A header field is made by `mime.compose_header` or of ids that `message_ids` has read, and by
nothing else: a line end, a NUL or another control in a field cannot reach the wire, so nobody types
himself a further field (RFC 5322 section 2.2). Text goes out as quoted-printable wherever a server
on the way could change it (RFC 2045 section 6.7).
"""

import quopri
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from apps.mime.address import Address
from apps.mime.compose_header import date_field, fold, fold_addresses

Someone = tuple[str, Address]

MOST_REFERENCES: Final = 30
_ID: Final = re.compile(r"<[!-;=?-~]{1,500}>")
_LONGEST_LINE: Final = 900  # octets; a line has 998 (RFC 5322 section 2.1.1)
_FROM: Final = re.compile(rb"^From ", re.MULTILINE)
_BOUNDARY: Final = "=_text_"
"""`=_` stands in no quoted-printable text, and what holds it is encoded so (RFC 2045 section
6.7)."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a letter.

    Args:
        message_id, in_reply_to, references: with their angle brackets.
        offset: minutes of the writer's time zone.
        wants_receipt: ask for a word that it was read (RFC 8098).
    """

    sender: Someone
    at: datetime
    message_id: str
    to: Sequence[Someone] = ()
    cc: Sequence[Someone] = ()
    bcc: Sequence[Someone] = ()
    reply_to: Sequence[Someone] = ()
    subject: str = ""
    in_reply_to: str = ""
    references: str = ""
    offset: int = 0
    wants_receipt: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a letter.

    Args:
        plain: lines of the text as they go out (`plain.flowed`), with LF.
        html: of the whole letter, "" for a plain one.
        boundary: what parts the two; of ASCII letters and digits, new for each letter.
    """

    plain: str
    html: str = ""
    boundary: str = field(default="0", kw_only=True)

    @property
    def media_type(self) -> str:
        """Type and subtype."""
        return "multipart/alternative" if self.html else "text/plain"


def header(heading: Heading) -> bytes:
    """The fields of a letter up to MIME-Version, each with CRLF; those of its parts follow."""
    people = [heading.sender, *heading.to, *heading.cc, *heading.bcc, *heading.reply_to]
    # Names stay encoded words even so: only what cannot be said in ASCII asks for SMTPUTF8.
    utf8 = not all(address.is_ascii for _, address in people)
    fields = [
        date_field(heading.at, heading.offset),
        _people("From", [heading.sender], utf8),
        _people("Reply-To", heading.reply_to, utf8),
        _people("To", heading.to, utf8),
        _people("Cc", heading.cc, utf8),
        _people("Bcc", heading.bcc, utf8),
        fold("Subject", heading.subject) if heading.subject else b"Subject:\r\n",
        _ids("Message-ID", heading.message_id),
        _ids("In-Reply-To", heading.in_reply_to),
        _ids("References", heading.references),
    ]
    if heading.wants_receipt:
        fields.append(_people("Disposition-Notification-To", [heading.sender], utf8))
    return b"".join([*fields, b"MIME-Version: 1.0\r\n"])


def text_part(body: Body) -> bytes:
    """The text with its own Content-Type in front, as part of a message or as all of it."""
    plain = _part("text/plain; charset=utf-8; format=flowed", body.plain)
    if not body.html:
        return plain
    edge = f"{_BOUNDARY}{body.boundary}".encode("ascii")
    return b"".join(
        [
            b'Content-Type: multipart/alternative;\r\n boundary="%b"\r\n\r\n' % edge,
            b"--%b\r\n" % edge,
            plain,
            b"\r\n--%b\r\n" % edge,
            _part("text/html; charset=utf-8", body.html),
            b"\r\n--%b--\r\n" % edge,
        ]
    )


def message_ids(text: str) -> list[str]:
    """The ids in a field of a message, or what is kept of it; what is no id is left out."""
    return list(dict.fromkeys(_ID.findall(text)))


def references(before: Iterable[str], answered: str) -> str:
    """The References of an answer (RFC 5322 section 3.6.4): the first of a long row, and the
    last."""
    ids = list(dict.fromkeys([*before, *message_ids(answered)]))
    return " ".join([*ids[:1], *ids[1:][-(MOST_REFERENCES - 1) :]])


def _people(name: str, people: Sequence[Someone], utf8: bool) -> bytes:
    return fold_addresses(name, people, utf8=utf8) if people else b""


def _ids(name: str, text: str) -> bytes:
    """One on a line each: an id is never cut, and never made an encoded word."""
    ids = message_ids(text)
    together = "\r\n ".join(ids)
    return f"{name}: {together}\r\n".encode("ascii") if ids else b""


def _part(content_type: str, text: str) -> bytes:
    octets = text.encode("utf-8", "replace")
    if _is_safe(octets):
        encoding, lines = b"7bit", octets.replace(b"\n", b"\r\n")
    else:
        encoding = b"quoted-printable"
        lines = _FROM.sub(b"=46rom ", quopri.encodestring(octets)).replace(b"\n", b"\r\n")
    return b"Content-Type: %b\r\nContent-Transfer-Encoding: %b\r\n\r\n%b" % (
        content_type.encode("ascii"),
        encoding,
        lines,
    )


def _is_safe(octets: bytes) -> bool:
    """Whether every server hands it on as it is, and no boundary can stand in it."""
    if not octets.isascii() or b"=_" in octets or b"\r" in octets or b"\0" in octets:
        return False
    lines = octets.split(b"\n")
    # "From " at the begin of a line gets a ">" on the way into some mailboxes; a dot is SMTP's.
    return all(
        len(line) <= _LONGEST_LINE and not line.startswith((b"From ", b".")) for line in lines
    )
