"""HTML of letters, on its way in and on its way out, by an allow-list.

What a browser sends is as hostile as a mail: people paste from anywhere, and quote what strangers
wrote. `edited` is what is kept, and what the editor shows again: pictures at addresses of ours, and
two marks that tell the editor where signature and quote are. `outgoing` is what others get: their
pictures by Content-ID (RFC 2392), nothing that names our addresses, nothing that is loaded from
outside.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import nh3

from apps.webmail.sanitize import bounded
from apps.webmail.styles import clean_declarations

_TAGS: Final = frozenset(
    """
    a abbr address b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn div
    dl dt em figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp
    small span strike strong sub sup table tbody td tfoot th thead tr tt u ul var wbr
    """.split()
)
_BOX: Final = frozenset({"width", "height", "bgcolor"})
_CELL: Final = _BOX | {"colspan", "rowspan", "scope"}
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    "*": {"dir", "lang", "title", "style", "align", "valign"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "table": {*_BOX, "border", "cellpadding", "cellspacing"},
    "td": set(_CELL),
    "th": set(_CELL),
    "tr": {"bgcolor"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type"},
    "ul": {"type"},
    "li": {"value"},
    "div": {"data-sig", "data-quote"},
    "blockquote": {"data-sig", "data-quote"},
}
_DROPPED_WITH_CONTENT: Final = frozenset(
    """
    script style title template noscript svg math iframe object embed applet select textarea
    noembed noframes xmp plaintext head
    """.split()
)
_LINKS: Final = ("http://", "https://", "mailto:", "tel:")
_MARKS: Final = frozenset({"data-sig", "data-quote"})
_LONGEST_STYLES: Final = 200_000  # characters of all style attributes together
_PICTURE: Final = re.compile(
    r"/mail/(?:compose/[0-9a-f-]{36}/files/[0-9a-f-]{36}/content/"
    r"|[\w-]{1,64}/[0-9]{1,10}/inline/[0-9]{1,6}/)"
)
# nh3 writes every attribute in double quotes, and no ">" or "<" within.
_IMG: Final = re.compile(r"<img((?: [a-z-]+=\"[^\"]*\")*)>")
_SRC: Final = re.compile(r" src=\"[^\"]+\"")
_ALT: Final = re.compile(r" alt=\"([^\"]*)\"")
_QUOTE: Final = re.compile(r"<blockquote(?=[ >])")

Picture = Callable[[str], str | None]


class Outgoing(NamedTuple):
    """HTML for others, and the Content-IDs of the pictures that it shows."""

    html: str
    cids: frozenset[str]


def edited(html: str) -> str:
    """What is kept of what the editor sent."""
    return _pictures(_clean(html, _own_address, _MARKS))


def outgoing(html: str, addresses: Mapping[str, str]) -> Outgoing:
    """What others get.

    Args:
        html: as `edited` gave it.
        addresses: the Content-ID of each picture, by the address at which the editor shows it.
    """
    seen: set[str] = set()

    def by_id(source: str) -> str | None:
        cid = addresses.get(source)
        if cid is None:
            return None
        seen.add(cid)
        return f"cid:{cid}"

    made = _pictures(_clean(html, by_id, frozenset()))
    return Outgoing(_QUOTE.sub('<blockquote type="cite"', made), frozenset(seen))


def shown(html: str, inline: Mapping[str, str]) -> str:
    """HTML of a message for the editor: quoted, or that of a draft from another program.

    Args:
        inline: addresses of ours by Content-ID.
    """

    def at_home(source: str) -> str | None:
        return inline.get(source[4:].strip("<>")) if source[:4].lower() == "cid:" else None

    return _pictures(_clean(html, at_home, frozenset()))


def inline_parts(html: str, slug: str, uid: int | None) -> set[int]:
    """The numbers of the parts of a message whose pictures are shown in HTML that quotes it."""
    address = re.compile(rf'src="/mail/{re.escape(slug)}/{uid}/inline/([0-9]{{1,6}})/"')
    return {int(number) for number in address.findall(html)}


def is_empty(html: str) -> bool:
    """Whether nothing is to be seen in it."""
    return "<img" not in html and not re.sub(r"<[^>]*>|&nbsp;|\s", "", html)


def _own_address(source: str) -> str | None:
    return source if _PICTURE.fullmatch(source) else None


def _clean(html: str, picture: Picture, marks: frozenset[str]) -> str:
    return str(
        nh3.clean(
            bounded(html),
            tags=set(_TAGS),
            clean_content_tags=set(_DROPPED_WITH_CONTENT),
            attributes=_ATTRIBUTES,
            attribute_filter=_Filter(picture, marks),
            url_schemes={"http", "https", "mailto", "tel", "cid"},
            link_rel=None,
            strip_comments=True,
        )
    )


class _Filter:
    """Decides on one attribute at a time."""

    def __init__(self, picture: Picture, marks: frozenset[str]) -> None:
        self._picture = picture
        self._marks = marks
        self._room = _LONGEST_STYLES
        self._known: dict[str, str] = {}  # what is drawn by a program repeats itself

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        if name == "style":
            return self._style(value) or None
        if name == "href":
            # White space and controls may hide a scheme: what is left without them must be plain.
            target = "".join(letter for letter in value if letter > " ").lower()
            return value.strip() if target.startswith(_LINKS) else None
        if name == "src":
            return self._picture(value.strip())
        if name in _MARKS:
            return "" if name in self._marks else None
        return value

    def _style(self, value: str) -> str:
        if value not in self._known:
            self._room -= len(value)
            self._known[value] = clean_declarations(value) if self._room >= 0 else ""
        return self._known[value]


def _pictures(html: str) -> str:
    """Without pictures that lead nowhere: their words stay."""

    def kept(found: re.Match[str]) -> str:
        if _SRC.search(found[1]):
            return found[0]
        words = _ALT.search(found[1])
        return words[1] if words else ""

    return _IMG.sub(kept, html)
