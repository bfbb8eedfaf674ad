"""Where a message points to: what a reader can follow, and what a program loads. Pure.

Nothing is judged or resolved here; an address is as written, but for white space at its ends.
"""

import re
from dataclasses import dataclass

LINKS_MAX = 1_000  # of one message
HREF_MAX = 4_096  # characters of an address
TEXT_MAX = 500  # characters of what is shown for it

# Searched from what few texts have, `://` and `www.`: a pattern that might begin with any letter
# would be tried at all of them.
_SCHEME = re.compile(r"(?<![A-Za-z])(?:https?|ftp|hxxps?)\Z", re.IGNORECASE)
_REST = re.compile(r"[^\s<>\"\u201c\u201d\u00ab\u00bb]++")
_WWW = re.compile(r"(?<![\w.@/-])www\.", re.IGNORECASE)
_SCHEME_MAX = 5  # letters
_TRAILING = ".,;:!?'*_|\u3002\uff0c\u3001\u2026"
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Link:
    """One address that the message points to.

    Args:
        href: the address as written, at most `HREF_MAX` characters.
        text: what a reader sees for it: of `a` the words, of `image` its alternative text; of
            `text` the address itself.
        place: `text`: it stands in text, where mail programs make a link of it. From HTML: `a`,
            `area`, `form`, `image`, `base`, `refresh`, or `other` (frames, scripts, objects).
        is_hidden: no reader sees it, or has anything to click on.
    """

    href: str
    text: str = ""
    place: str = "text"
    is_hidden: bool = False


def loose_links(text: str, room: int = LINKS_MAX) -> list[Link]:
    """What mail programs make links of in plain text, each address once, at most `room`."""
    found: dict[str, Link] = {}
    end = 0
    for start in _starts(text):
        if start < end:
            continue  # within the one before
        if len(found) >= room:
            break
        match = _REST.match(text, start)
        assert match is not None
        end = match.end()
        href = _trimmed(match[0][:HREF_MAX])
        found.setdefault(href, Link(href, href[:TEXT_MAX]))
    return list(found.values())


def _starts(text: str) -> list[int]:
    """Where an address may begin, in order."""
    starts: list[int] = []
    at = text.find("://")
    while at >= 0:
        before = max(0, at - _SCHEME_MAX - 1)
        scheme = _SCHEME.search(text[before:at])
        if scheme is not None:
            starts.append(before + scheme.start())
        at = text.find("://", at + 3)
    if "www." in text or "WWW." in text or "Www." in text:
        starts += [match.start() for match in _WWW.finditer(text)]
        starts.sort()
    return starts


def _trimmed(href: str) -> str:
    """Without the punctuation of the sentence around it; a bracket stays if it was opened."""
    end = len(href)
    while end:
        last = href[end - 1]
        opening = _PAIRS.get(last)
        if opening is None and last not in _TRAILING:
            break
        if opening is not None and opening in href:
            break
        end -= 1
    return href[:end]
