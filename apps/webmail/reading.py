"""A message taken apart for a person: who, when, what it says, what is attached. Pure; bytes in,
values out.

The body is the last alternative that we can show (RFC 2046 s5.1.4), HTML or text. Parts are named
by their place in the tree, top to bottom, so that an address of an attachment needs nothing but a
number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from apps.mime import charset, decode
from apps.mime.addresslist import mailboxes
from apps.mime.dates import parse_date
from apps.mime.headers import HeaderBlock, clean, decode_text, scan
from apps.mime.tree import Part, scan_tree

LARGEST_BODY = 2 * 1024 * 1024  # encoded bytes of a body part that we decode for the page
PEOPLE_SHOWN = 200
FILES_SHOWN = 200


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
class Reading:
    """One message, ready for the page."""

    subject: str
    sender: Person
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    sent_at: datetime | None
    text: str
    html: str
    inline: dict[str, int]  # part number by Content-ID
    files: tuple[File, ...]


def read(raw: bytes) -> Reading:
    """Take a message apart. Never raises, whatever the bytes."""
    block = scan(raw)
    parts = scan_tree(raw, block).walk()
    body = _body(parts)
    shown = _decoded(raw, parts[body]) if body is not None else ""
    is_html = body is not None and parts[body].subtype == b"html"
    date = parse_date(block.last(b"date"))
    people = _people(block, b"from") or (Person("", ""),)
    return Reading(
        subject=block.text(b"subject"),
        sender=people[0],
        to=_people(block, b"to"),
        cc=_people(block, b"cc"),
        sent_at=date.utc if date else None,
        text="" if is_html else shown,
        html=shown if is_html else "",
        inline=dict(_inline(parts)),
        files=tuple(_files(raw, parts, body)),
    )


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
            found.append(Person(decode_text(box.name or b""), address))
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
    return _NAMES.get(part.mime_type) or f"part.{part.subtype.decode()[:8]}"


def _last_component(name: str) -> str:
    # A path in a name is an attack or a habit of old Windows mailers.
    return clean(name).replace("\\", "/").rpartition("/")[2].strip(" .")[:200]


def _size(part: Part) -> int:
    return part.size * 3 // 4 if part.encoding == b"base64" else part.size
