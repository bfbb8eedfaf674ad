"""A message as somebody may look at it who is not its reader: as text, which can harm nobody.

Nothing is loaded, nothing can be followed or taken away; what drives a terminal or turns a line
round is replaced. Bounded by what `scan.letter` looks at, and by the sizes below. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from apps.mime.headers import printable
from apps.scan.letter.letter import Letter, read
from apps.scan.letter.links import Link
from apps.scan.letter.parts import Part

LOOKED_AT: Final = 4 << 20  # octets of a message
TEXT_MAX: Final = 20_000  # characters that are shown
HEADER_MAX: Final = 32_000
LINKS_MAX: Final = 100
FILES_MAX: Final = 100
NAME_MAX: Final = 200
HREF_MAX: Final = 500
_PLACES: Final = frozenset({"a", "area", "text", "form", "refresh"})


@dataclass(frozen=True, slots=True)
class Target:
    """A link as text.

    Args:
        words: what a reader sees of it, "" if only its address stands there.
        href: where it really leads.
        host: the same, in a word; "" if it is none of the web.
        lies: the words look like another place.
    """

    words: str
    href: str
    host: str
    lies: bool


@dataclass(frozen=True, slots=True)
class File:
    """A file that comes with it; `size` is in octets, as it stands in the message."""

    name: str
    type: str
    size: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What may be looked at.

    Args:
        text: the words that its reader would see.
        hidden: words that stand in it and that no reader sees.
        is_html: it has no plain text: these are the words of its HTML.
        header: all fields, as they are written.
        is_cut: there is more than is shown.
        damage: what is broken about it, in sentences without a full stop.
    """

    text: str
    hidden: str
    is_html: bool
    header: str
    links: tuple[Target, ...]
    files: tuple[File, ...]
    is_cut: bool
    damage: tuple[str, ...]


def preview(raw: bytes, *, is_whole: bool = True) -> Preview:
    """Take a message apart; never raises, whatever the octets.

    Args:
        is_whole: `raw` is all of it, rather than its beginning.
    """
    letter = read(raw)
    plain = letter.plain.strip()
    text = plain or letter.visible
    header = raw[: min(letter.header.body_start, HEADER_MAX)].decode("utf-8", "replace")
    return Preview(
        text=shown(text[:TEXT_MAX]),
        hidden=shown(letter.hidden[:TEXT_MAX]),
        is_html=not plain and bool(letter.sources),
        header=shown(header),
        links=tuple(_targets(letter)),
        files=tuple(_file(one) for one in letter.files[:FILES_MAX]),
        is_cut=not is_whole or len(text) > TEXT_MAX or len(letter.files) > FILES_MAX,
        damage=letter.damage,
    )


def shown(text: str) -> str:
    """Lines of a stranger's words, each without what is no letter or sign."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(printable(line.replace("\t", "    ").rstrip()) for line in lines).strip("\n")


def _targets(letter: Letter) -> Iterator[Target]:
    seen: set[tuple[str, str]] = set()
    for link in letter.links:
        target = _target(link)
        key = (target.words, target.href)
        if link.place not in _PLACES or key in seen:
            continue
        seen.add(key)
        yield target
        if len(seen) == LINKS_MAX:
            return


def _target(link: Link) -> Target:
    href, words = printable(link.href[:HREF_MAX]), printable(link.text[:NAME_MAX]).strip()
    host = _host(link.href)
    named = _host(words) or _host(f"//{words}") if "." in words and " " not in words else ""
    return Target(
        words="" if words == href else words,
        href=href,
        host=printable(host[:NAME_MAX]),
        lies=bool(named and host and "." in named and not _is_same(named, host)),
    )


def _is_same(one: str, other: str) -> bool:
    return one.removeprefix("www.") == other.removeprefix("www.")


def _host(href: str) -> str:
    try:
        return (urlsplit(href[:HREF_MAX].strip()).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _file(part: Part) -> File:
    return File(printable(part.name[:NAME_MAX]), printable(part.type[:NAME_MAX]), part.size)
