"""What of a message is shown in frames: which parts, and what stands in each.

A part never shares a document with another one: HTML before an encrypted part and HTML after it,
put together, would make the plain text between them an attribute of a picture's address (EFAIL,
CVE-2017-17688, -17689). So a frame holds one part, and nothing of a frame reaches the next one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.utils.html import format_html, format_html_join

from apps.mime import charset, decode
from apps.mime.htmltext import html_lines
from apps.mime.reading import LARGEST_BODY
from apps.mime.tree import Part, scan_tree
from apps.webmail.plaintext import LARGEST_TEXT, blocks
from apps.webmail.sanitize import Cleaned, Wishes, clean

MOST_FRAMES: Final = 20
LARGEST_FRAMES: Final = 2 * LARGEST_BODY
"""Encoded octets of all parts that have frames: each of them is cleaned whenever the message is
opened, and 20 of the largest took half a minute."""
DESIGNED: Final = "designed"  # what `?as=` says to see Junk as its sender drew it


class Frame(NamedTuple):
    """A part that has a frame of its own. One that is `designed` has colours of its own."""

    number: int
    is_designed: bool


@dataclass(frozen=True, slots=True)
class Outline:
    """What a page has to know of the frames of a message.

    Args:
        frames: in their order; none if there is no HTML, then text stands in the page.
        blocked: pictures from outside that were left out.
        trackers: pictures too small to be seen; they are never asked for.
    """

    frames: tuple[Frame, ...] = ()
    blocked: int = 0
    trackers: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a frame is to look.

    Args:
        wishes: of the sanitizer.
        as_text: its words alone, whatever it is.
    """

    wishes: Wishes
    as_text: bool = False


def outline(raw: bytes) -> Outline:
    """Which parts have frames, and what is missing in them."""
    root = scan_tree(raw)
    parts = root.walk()
    wanted = Wanted(Wishes())
    found = [(number, _cleaned(raw, parts[number], {}, wanted)) for number in _frames(root)]
    return Outline(
        tuple(Frame(number, one.is_designed) for number, one in found),
        sum(one.blocked for _, one in found),
        sum(one.trackers for _, one in found),
    )


def frames(raw: bytes) -> tuple[int, ...]:
    """The numbers of the parts with frames. None if no HTML is among them."""
    return _frames(scan_tree(raw))


def _frames(root: Part) -> tuple[int, ...]:
    shown = _shown(root)
    if not any(part.subtype == b"html" for part in shown):
        return ()
    numbers = {id(part): number for number, part in enumerate(root.walk())}
    return tuple(numbers[id(part)] for part in _fitting(shown))[:MOST_FRAMES]


def _fitting(parts: list[Part]) -> Iterator[Part]:
    room = LARGEST_FRAMES
    for part in parts:
        if part.size <= room:
            room -= part.size
            yield part


def document(
    raw: bytes, number: int | None, inline: Mapping[str, str], wanted: Wanted
) -> Cleaned | None:
    """What stands in a frame, safe to place in its document.

    Args:
        number: of the part; None for the first one, or all text of a message without HTML.
        inline: addresses of `cid:` images by Content-ID.

    Returns:
        None if the message has no such frame.
    """
    root = scan_tree(raw)
    numbers = _frames(root)
    if number is None:
        texts = _shown(root)
        if not numbers and not texts:
            return Cleaned("")
        part = root.walk()[numbers[0]] if numbers else texts[0]
    elif number not in numbers:
        return None
    else:
        part = root.walk()[number]
    return _cleaned(raw, part, inline, wanted)


def _cleaned(raw: bytes, part: Part, inline: Mapping[str, str], wanted: Wanted) -> Cleaned:
    text = _decoded(raw, part)
    if part.subtype != b"html":
        return Cleaned(_text(text, has_links=wanted.wishes.has_links))
    if wanted.as_text:
        return Cleaned(_text(html_lines(text[:LARGEST_BODY]), has_links=False))
    return clean(text, inline, wanted.wishes)


def _shown(root: Part) -> list[Part]:
    """The text parts that a reader sees, in order: of alternatives the best one (RFC 2046 s5.1.4),
    of related parts the first, and nothing of a forwarded message, which is a file."""
    found: list[Part] = []
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if part.type == b"multipart":
            waiting += reversed(_chosen(part))
        elif _is_text(part):
            found.append(part)
    return found


def _chosen(part: Part) -> list[Part]:
    if part.subtype == b"related":
        return part.children[:1]
    if part.subtype != b"alternative":
        return part.children
    fit = [one for one in part.children if _is_text(one) or one.type == b"multipart"]
    html = [one for one in fit if _has_html(one)]
    return (html or fit)[-1:]


def _has_html(part: Part) -> bool:
    return any(one.subtype == b"html" and _is_text(one) for one in part.walk())


def _is_text(part: Part) -> bool:
    return (
        part.type == b"text"
        and part.subtype in {b"plain", b"html"}
        and not part.is_attachment
        and part.size <= LARGEST_BODY
    )


def _decoded(raw: bytes, part: Part) -> str:
    octets = decode.body(raw[part.body_start : part.body_end], part.encoding)
    return charset.decode(octets, part.charset)


def _text(text: str, *, has_links: bool) -> str:
    """Text as HTML, every character of it escaped."""
    if not has_links:
        return format_html("<pre>{}</pre>", text[:LARGEST_TEXT])
    return format_html_join("", "<pre>{}</pre>", ((block.html,) for block in blocks(text)))
