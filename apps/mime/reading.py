"""A message taken apart for a person: who, when, what it says, what is attached. Pure; bytes in,
values out.

The body is the last alternative that we can show (RFC 2046 s5.1.4), HTML or text. Parts are named
by their place in the tree, top to bottom, so that an address of an attachment needs nothing but a
number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.mime import charset, decode, parameters
from apps.mime.addresslist import mailboxes
from apps.mime.dates import parse_date
from apps.mime.headers import HeaderBlock, clean, decode_text, scan
from apps.mime.tree import Part, scan_tree

LARGEST_BODY = 2 * 1024 * 1024  # encoded bytes of a body part that we decode for the page
PEOPLE_SHOWN = 200
FILES_SHOWN = 200
TEXTS_SHOWN = 10  # text parts of a message without HTML
CALENDAR_MAX = 256 * 1024  # encoded bytes of an invitation that is looked into
# They turn the direction of what follows: a name must not do that to the line it stands in.
_TURNS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_ODD: Final = re.compile("[^a-z0-9-]+")
_ARMOUR: Final = "-----BEGIN PGP "


@dataclass(frozen=True, slots=True)
class Person:
    """A name for people and the address it claims; `address` is always shown beside the name."""

    name: str
    address: str

    @property
    def label(self) -> str:
        return self.name or self.address or "(unknown)"


@dataclass(frozen=True, slots=True)
class File:
    """An attachment: its number in the tree, and what it says of itself."""

    number: int
    name: str
    mime_type: str
    size: int  # bytes, decoded, about

    @property
    def extension(self) -> str:
        """Up to four letters for its picture."""
        stem, dot, ending = self.name.rpartition(".")
        short = ending if dot and stem and ending.isalnum() and len(ending) <= 4 else "file"
        return short.upper()


@dataclass(frozen=True, slots=True)
class Text:
    """A part of plain text, and how its lines were made (RFC 3676)."""

    text: str
    is_flowed: bool = False
    joins_words: bool = False  # DelSp=yes: the space at the end of a line goes too


@dataclass(frozen=True, slots=True)
class Reading:
    """One message, ready for the page.

    Args:
        text: the first of `texts`; both are empty where there is HTML.
        protection: "encrypted" or "signed" and by what, as in "pgp-encrypted"; "" for none. What
            it says was not checked.
        calendar: number of the part that may be an invitation, None without one.
    """

    subject: str
    sender: Person
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    sent_at: datetime | None
    text: str
    html: str
    inline: dict[str, int]  # part number by Content-ID
    files: tuple[File, ...]
    bcc: tuple[Person, ...] = ()
    reply_to: tuple[Person, ...] = ()
    senders: int = 1  # names in From; several are no honest mail, and no check looks at the others
    texts: tuple[Text, ...] = ()
    protection: str = ""
    calendar: int | None = None


def read(raw: bytes) -> Reading:
    """Take a message apart. Never raises, whatever the bytes."""
    block = scan(raw)
    parts = scan_tree(raw, block).walk()
    body = _body(parts)
    is_html = body is not None and parts[body].subtype == b"html"
    numbers = [] if is_html or body is None else _plain(parts, body)
    texts = tuple(_text(raw, parts[number]) for number in numbers)
    html = _decoded(raw, parts[body]) if is_html and body is not None else ""
    date = parse_date(block.last(b"date"))
    people = _people(block, b"from") or (Person("", ""),)
    return Reading(
        subject=block.text(b"subject"),
        sender=people[0],
        to=_people(block, b"to"),
        cc=_people(block, b"cc"),
        sent_at=date.utc if date else None,
        text=texts[0].text if texts else "",
        html=html,
        inline=dict(_inline(parts)),
        files=tuple(_files(raw, parts, body)),
        bcc=_people(block, b"bcc"),
        reply_to=_people(block, b"reply-to"),
        senders=len(people),
        texts=texts,
        protection=_protection(parts, texts),
        calendar=_calendar(parts),
    )


def plain_text(raw: bytes) -> str:
    """The first text that is no HTML and no attachment, "" if there is none: what an alternative
    says in plain words. Never raises."""
    for part in _until_message(scan_tree(raw).walk()):
        is_plain = (part.type, part.subtype) == (b"text", b"plain")
        if is_plain and not part.is_attachment and part.size <= LARGEST_BODY:
            return _decoded(raw, part)
    return ""


def part_content(raw: bytes, number: int) -> tuple[Part, bytes] | None:
    """A part by its number, and its decoded bytes; None if there is no such leaf."""
    parts = scan_tree(raw).walk()
    if not 0 <= number < len(parts) or parts[number].is_multipart:
        return None
    part = parts[number]
    return part, decode.body(raw[part.body_start : part.body_end], part.encoding)


def _people(block: HeaderBlock, name: bytes) -> tuple[Person, ...]:
    found: list[Person] = []
    for value in block.all(name):
        for box in mailboxes(value)[: PEOPLE_SHOWN - len(found)]:
            local, host = (charset.decode(item or b"") for item in (box.local, box.host))
            address = clean(f"{local}@{host}" if host else local)
            called = _TURNS.sub("", decode_text(box.name or b""))
            found.append(Person(called, _TURNS.sub("", address)))
    return tuple(found)


def _body(parts: list[Part]) -> int | None:
    """The number of the part to show:

    the first HTML, or else the first text, that is no attachment. A multipart without parts, as
    broken mail has it, is shown as it is.
    """
    if parts[0].is_unparted:
        return 0 if parts[0].size <= LARGEST_BODY else None
    texts = [
        number
        for number, part in enumerate(_until_message(parts))
        if part.type == b"text" and not part.is_attachment and part.size <= LARGEST_BODY
    ]
    html = [number for number in texts if parts[number].subtype == b"html"]
    plain = [number for number in texts if parts[number].subtype != b"html"]
    # A text part before the HTML outside an alternative is an introduction; HTML says all of it
    # too.
    return html[0] if html else plain[0] if plain else None


def _plain(parts: list[Part], body: int) -> list[int]:
    """The body and the further texts that stand beside it, not instead of it: what a list adds
    below, what was written behind a picture."""
    if parts[0].is_unparted:
        return [body]
    instead = {
        id(child)
        for part in parts
        if part.is_multipart and part.subtype == b"alternative"
        for child in part.children
    }
    further = [
        number
        for number, part in enumerate(_until_message(parts))
        if number > body
        and (part.type, part.subtype) == (b"text", b"plain")
        and not part.is_attachment
        and id(part) not in instead
    ]
    found, room = [body], LARGEST_BODY - parts[body].size
    for number in further[: TEXTS_SHOWN - 1]:
        room -= parts[number].size
        if room >= 0:
            found.append(number)
    return found


def _text(raw: bytes, part: Part) -> Text:
    flow = parameters.value(part.params, b"format").lower() == b"flowed"
    joins = parameters.value(part.params, b"delsp").lower() == b"yes"
    return Text(_decoded(raw, part), flow, flow and joins)


def _protection(parts: list[Part], texts: tuple[Text, ...]) -> str:
    """What it says of itself (RFC 1847, RFC 3156, RFC 8551).

    Encrypted anywhere counts before signed."""
    kinds = {(part.type, part.subtype) for part in parts}
    if any(one.text.lstrip().startswith(f"{_ARMOUR}MESSAGE") for one in texts):
        return "pgp-encrypted"
    if (b"multipart", b"encrypted") in kinds or (b"application", b"pgp-encrypted") in kinds:
        return "pgp-encrypted"
    for part in parts:
        if part.type == b"application" and part.subtype in (b"pkcs7-mime", b"x-pkcs7-mime"):
            kind = parameters.value(part.params, b"smime-type").lower()
            return "smime-signed" if kind == b"signed-data" else "smime-encrypted"
    if any(one.text.lstrip().startswith(f"{_ARMOUR}SIGNED") for one in texts):
        return "pgp-signed"
    if (b"application", b"pgp-signature") in kinds:
        return "pgp-signed"
    is_signed = (b"multipart", b"signed") in kinds
    has_cms = any(part.subtype in (b"pkcs7-signature", b"x-pkcs7-signature") for part in parts)
    return "smime-signed" if is_signed and has_cms else ""


def _calendar(parts: list[Part]) -> int | None:
    """The first part that may be an invitation: text/calendar before a file of that ending."""
    own = list(enumerate(_until_message(parts)))
    small = [(number, part) for number, part in own if part.size <= CALENDAR_MAX]
    for number, part in small:
        if (part.type, part.subtype) == (b"text", b"calendar"):
            return number
    for number, part in small:
        if part.subtype == b"ics" or (_name_of(part).lower().endswith(".ics")):
            return number
    return None


def _until_message(parts: list[Part]) -> list[Part]:
    """The parts before the first forwarded message: what is inside that is not this body."""
    for number, part in enumerate(parts):
        if part.is_message:
            return parts[:number]
    return parts


def _decoded(raw: bytes, part: Part) -> str:
    octets = decode.body(raw[part.body_start : part.body_end], part.encoding)
    return charset.decode(octets, part.charset)


def _inline(parts: list[Part]) -> Iterator[tuple[str, int]]:
    for number, part in enumerate(parts):
        if part.id and part.type == b"image":
            yield charset.decode(part.id).strip("<> "), number


def _files(raw: bytes, parts: list[Part], body: int | None) -> Iterator[File]:
    inside_message = False
    has_calendar = any(_name_of(part).lower().endswith(".ics") for part in parts)
    shown = 0
    for number, part in enumerate(parts):
        if inside_message or part.is_multipart or number == body or shown == FILES_SHOWN:
            continue
        if _is_alternative(part) and not part.is_attachment:
            continue
        if has_calendar and part.subtype == b"calendar" and not part.filename:
            continue  # an invitation comes twice (RFC 6047 section 2.4): once as a file with a name
        if part.is_message:
            inside_message = number > 0  # what is in a forwarded message belongs to that one file
        if part.id and part.type == b"image" and not part.is_attachment:
            continue  # shown within the HTML
        shown += 1
        yield File(number, _name_of(part) or _invented(raw, part), part.mime_type, _size(part))


def _is_alternative(part: Part) -> bool:
    return part.type == b"text" and part.subtype in {b"plain", b"html"} and not part.filename


# What parts without a name are called; `message/rfc822` is called by its subject.
_NAMES = {
    "text/calendar": "invite.ics",
    "text/rfc822-headers": "headers.txt",
    "message/delivery-status": "delivery-status.txt",
    "message/disposition-notification": "receipt.txt",
}


def _name_of(part: Part) -> str:
    return _last_component(part.filename)


def _invented(raw: bytes, part: Part) -> str:
    if part.is_message:
        subject = scan(raw[part.body_start : part.body_end]).text(b"subject")
        # Whole: a slash in a subject divides words, not folders.
        return f"{_last_component(subject.replace('/', '-'))[:190] or 'message'}.eml"
    # A subtype is what its sender wrote, octets beyond ASCII too.
    ending = _ODD.sub("", part.subtype.decode("latin-1"))[:8] or "file"
    return _NAMES.get(part.mime_type) or f"part.{ending}"


def _last_component(name: str) -> str:
    # A path in a name is an attack or a habit of old Windows mailers.
    return clean(name).replace("\\", "/").rpartition("/")[2].strip(" .")[:200]


def _size(part: Part) -> int:
    return part.size * 3 // 4 if part.encoding == b"base64" else part.size
