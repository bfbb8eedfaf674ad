"""The letter: everything checks look at, computed when it is first asked for."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Final

from apps.mime import decode, tree
from apps.mime.charset import decode as decode_charset
from apps.mime.dates import MessageDate, parse_date
from apps.mime.headers import HeaderBlock, decode_text, scan
from apps.scan.letter import damage
from apps.scan.letter.damage import TEXTS_MAX
from apps.scan.letter.links import LINKS_MAX, Link, loose_links
from apps.scan.letter.page import HTML_MAX, Page, read_page
from apps.scan.letter.parts import Part, leaves
from apps.scan.letter.people import NOBODY, Person, people

SUBJECT_MAX: Final = 1_000  # characters
FIELD_MAX: Final = 8_000  # octets of a field that is asked for as text
TEXT_MAX: Final = 256 * 1024  # characters of all plain text parts
SOURCE_MAX: Final = 512 * 1024  # encoded octets of one HTML part, style sheets and all
IDS_MAX: Final = 100  # message ids of References

_ID: Final = re.compile(rb"<([^<>\s]{1,500}+)>")
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e007f]+"
)


@dataclass(frozen=True)
class Letter:
    """A message taken apart. Every property is computed once, and bounded."""

    raw: bytes

    # The header.

    @cached_property
    def header(self) -> HeaderBlock:
        """The header block: fields with their offsets, for those who must see how it is written."""
        return scan(self.raw)

    def text_of(self, name: str) -> str:
        """The last field so named as text for people, on one line; "" if it is absent."""
        value = self.header.last(name.encode())
        return decode_text(value[:FIELD_MAX]) if value else ""

    def has(self, name: str) -> bool:
        """Whether there is a field so named, lower case."""
        return self.header.first(name.encode()) is not None

    def people(self, name: str) -> tuple[Person, ...]:
        """Who stands in a field of addresses: `from`, `to`, `cc`, `reply-to`, `sender` …"""
        return people(self.header.addresses(name.encode()))

    @cached_property
    def authors(self) -> tuple[Person, ...]:
        """All mailboxes of From."""
        return self.people("from")

    @property
    def author(self) -> Person:
        """The first mailbox of From; an empty one if there is none."""
        return self.authors[0] if self.authors else NOBODY

    @cached_property
    def reply_to(self) -> tuple[Person, ...]:
        """All mailboxes of Reply-To."""
        return self.people("reply-to")

    @cached_property
    def addressees(self) -> tuple[Person, ...]:
        """All mailboxes of To and Cc."""
        return self.people("to") + self.people("cc")

    @cached_property
    def subject(self) -> str:
        """The subject, decoded, on one line."""
        value = self.header.last(b"subject")
        return decode_text(value[: 8 * SUBJECT_MAX])[:SUBJECT_MAX] if value else ""

    @cached_property
    def date(self) -> MessageDate | None:
        """When it says it was written; None if it does not, or not legibly."""
        return parse_date(self.header.last(b"date"))

    @cached_property
    def message_id(self) -> str:
        """The Message-ID without angle brackets, "" if there is none in them."""
        return next(iter(self._ids(b"message-id")), "")

    @cached_property
    def replies_to(self) -> tuple[str, ...]:
        """The messages it answers: In-Reply-To, then References from the newest; no brackets."""
        found = self._ids(b"in-reply-to") + self._ids(b"references")[::-1]
        return tuple(dict.fromkeys(found))[:IDS_MAX]

    def _ids(self, name: bytes) -> list[str]:
        value = self.header.last(name) or b""
        return [one.decode("utf-8", "replace") for one in _ID.findall(value[-64 * 1024 :])]

    # The parts.

    @cached_property
    def tree(self) -> tree.Part:
        """The MIME tree, offsets only."""
        return tree.scan_tree(self.raw, self.header)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """All leaves in order: texts, files, attached messages, files uuencoded in text."""
        return tuple(leaves(self.tree, self.raw))

    @cached_property
    def files(self) -> tuple[Part, ...]:
        """The leaves that mail programs do not show as the message's text."""
        return tuple(part for part in self.parts if not part.is_text)

    @cached_property
    def texts(self) -> tuple[Part, ...]:
        """The leaves that are its text, at most `TEXTS_MAX`."""
        return tuple(islice((part for part in self.parts if part.is_text), TEXTS_MAX))

    # What it says.

    @cached_property
    def plain(self) -> str:
        """The text parts that are no HTML, decoded, at most `TEXT_MAX` characters."""
        found: list[str] = []
        room = TEXT_MAX
        for part in self.texts:
            if part.type == "text/html" or room <= 0:
                continue
            text = _decoded(part, room)
            found.append(text)
            room -= len(text)
        return "\n".join(found)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The HTML parts as source text, each at most `SOURCE_MAX` encoded octets of it."""
        pages = [part for part in self.texts if part.type == "text/html"]
        found: list[str] = []
        room = SOURCE_MAX
        for part in pages:
            if room <= 0:
                break
            found.append(_decoded(part, room))
            room -= part.size
        return tuple(found)

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        """The HTML parts as their reader sees them, at most `HTML_MAX` characters in all."""
        found: list[Page] = []
        room = HTML_MAX
        for source in self.sources:
            if room <= 0:
                break
            found.append(read_page(source, room))
            room -= len(source)
        return tuple(found)

    @cached_property
    def visible(self) -> str:
        """The words of the HTML parts that a reader sees."""
        return "\n".join(page.visible for page in self.pages)

    @cached_property
    def hidden(self) -> str:
        """The words of the HTML parts that stand there and nobody sees."""
        return "\n".join(page.hidden for page in self.pages if page.hidden)

    @cached_property
    def text(self) -> str:
        """All that can be read, plain and HTML, as words are compared: compatibility forms made
        plain (Unicode NFKC), invisible characters left out."""
        return plainly(f"{self.plain}\n{self.visible}")

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """What it points to, each once for each place, at most `LINKS_MAX`."""
        found: dict[Link, None] = {}
        for page in self.pages:
            found.update(dict.fromkeys(page.links))
        found.update(dict.fromkeys(loose_links(self.plain)))
        return tuple(islice(found, LINKS_MAX))

    @cached_property
    def header_damage(self) -> tuple[str, ...]:
        """What is broken about the header, in sentences without a full stop; empty as a rule."""
        return tuple(damage.of_header(self.header))

    @cached_property
    def body_damage(self) -> tuple[str, ...]:
        """The same of structure and texts, and what was not looked at."""
        found = [*self.beyond, *damage.of_tree(self.tree), *damage.of_texts(self.texts)]
        if any(page.is_tangled for page in self.pages):
            found.append("its HTML is too tangled to be read")
        return tuple(found)

    @cached_property
    def beyond(self) -> tuple[str, ...]:
        """What was not looked at because a limit was reached: files may be hidden there."""
        return tuple(damage.beyond(self.header, self.tree, self.parts))

    @property
    def damage(self) -> tuple[str, ...]:
        """Both."""
        return self.header_damage + self.body_damage


def read(raw: bytes) -> Letter:
    """Take a message apart; never raises, whatever the octets."""
    return Letter(raw)


def plainly(text: str) -> str:
    """Text as words are compared: NFKC, without invisible characters."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))


def invisible(text: str) -> int:
    """How many invisible characters stand in a text."""
    return 0 if text.isascii() else sum(len(run) for run in _INVISIBLE.findall(text))


def _decoded(part: Part, room: int) -> str:
    """The text of a part: at most `room` characters, of at most as many encoded octets."""
    end = min(part.body_end, part.body_start + room)
    octets = decode.body(part.raw[part.body_start : end], part.encoding.encode("latin-1"))
    if end < part.body_end:
        octets = decode.whole_characters(octets)
    return decode_charset(octets, part.charset)[:room]
