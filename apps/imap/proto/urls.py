"""URLs that name a message of this server, or a part of one (RFC 5092, and RFC 2192 before it).

Only relative ones, as RFC 4469 section 3 wants: `/Drafts;UIDVALIDITY=1/;UID=20/;SECTION=1.MIME`, or
from the selected mailbox on: `;UID=20`. Names are UTF-8 in percent-encoding, never modified UTF-7
(RFC 5092 section 6.1). Work is linear in the length, which is bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from apps.imap.proto.fetch import Section, parse_section
from apps.imap.proto.scanner import NUMBER_MAX, GrammarError, LimitError, Scanner
from apps.wire.lines import RawCommand

URL_MAX = 8_000
"""Octets of one URL: room for any mailbox name in percent-encoding."""
TOLD_MAX = 1_000
"""Octets of a URL that a response code repeats."""

_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*:|//")
_UNSAFE = re.compile(rb"[\x00-\x20\x7f-\xff]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_PARAMETER = re.compile(rb"(SECTION|PARTIAL)=(.+)", re.IGNORECASE)
_PARTIAL = re.compile(rb"([0-9]{1,10})(?:\.([0-9]{1,10}))?")
_UNTELLABLE = re.compile(rb'[\x00-\x1f"\\\]\x7f-\xff]')


class UrlError(Exception):
    """Not a URL of a message that could be here."""


@dataclass(frozen=True, slots=True)
class MessageUrl:
    """A message or a part of it.

    mailbox: its name as text; None for the selected one.
    partial: start and count of the octets of the section, the count None for all from there on.
    """

    mailbox: str | None
    uidvalidity: int | None
    uid: int
    section: Section
    partial: tuple[int, int | None] | None = None


def parse_url(raw: bytes, selected: str | None) -> MessageUrl:
    """Read a URL, relative to the mailbox that is selected, if any.

    Raises:
        UrlError: it is not in the grammar, or names something that is no message of this server.
    """
    if len(raw) > URL_MAX or _UNSAFE.search(raw) is not None or _SCHEME.match(raw) is not None:
        raise UrlError
    found = raw.upper().find(b";UID=")
    if found < 0:
        raise UrlError
    uid, *parameters = raw[found + 5 :].split(b"/;")
    mailbox, uidvalidity = _mailbox(raw[:found], selected)
    section, partial = Section(), None
    for place, parameter in enumerate(parameters):
        match = _PARAMETER.fullmatch(parameter)
        name = match[1].upper() if match is not None else b""
        if match is None or place > 1 or (name == b"SECTION" and place):
            raise UrlError
        if name == b"SECTION":
            section = _section(_decoded(match[2]))
        elif partial is None:
            partial = _partial(match[2])
        else:
            raise UrlError
    return MessageUrl(mailbox, uidvalidity, _number(uid), section, partial)


def _mailbox(head: bytes, selected: str | None) -> tuple[str | None, int | None]:
    """What stands before ;UID=: a path, perhaps with a UIDVALIDITY, or nothing."""
    if not head:
        if selected is None:
            raise UrlError
        return None, None
    if not head.endswith(b"/"):
        raise UrlError
    path, uidvalidity = head[:-1], None
    found = path.upper().rfind(b";UIDVALIDITY=")
    if found >= 0:
        path, uidvalidity = path[:found], _number(path[found + 13 :])
    if b";" in path or b"?" in path or b"#" in path:
        raise UrlError
    try:
        name = _decoded(path).decode("utf-8")
    except UnicodeDecodeError:
        raise UrlError from None
    if not name.strip("/") or not {".", ".."}.isdisjoint(name.split("/")):
        raise UrlError
    if name.startswith("/"):
        return name[1:], uidvalidity
    above = selected.rpartition("/") if selected is not None else ("", "", "")
    return above[0] + above[1] + name, uidvalidity


def _section(text: bytes) -> Section:
    scanner = Scanner(RawCommand((text + b"]",)))
    try:
        section = parse_section(scanner)
        scanner.expect(b"]")
        scanner.end()
    except (GrammarError, LimitError):
        raise UrlError from None
    return section


def _partial(text: bytes) -> tuple[int, int | None]:
    match = _PARTIAL.fullmatch(text)
    if match is None:
        raise UrlError
    return int(match[1]), int(match[2]) if match[2] is not None else None


def _number(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 10 or not 0 < int(digits) <= NUMBER_MAX:
        raise UrlError
    return int(digits)


def _decoded(text: bytes) -> bytes:
    def octet(match: re.Match[bytes]) -> bytes:
        if match[1] is None:
            raise UrlError
        return bytes([int(match[1], 16)])

    return _ESCAPE.sub(octet, text)


def tellable(raw: bytes) -> bytes:
    """Return a URL as the BADURL code repeats it: quoted, as RFC 4469 does, and whatever could end
    the code or the line in percent-encoding."""
    cut = raw[:TOLD_MAX]
    return b'"%b"' % _UNTELLABLE.sub(lambda match: b"%%%02X" % match[0][0], cut)
