"""An HTML part as its reader sees it: words shown, words hidden, links. Pure.

Parsed by Lexbor as browsers parse (HTML Living Standard). Its time grows with the square of how
deep elements or how many attributes are open at once, so what is given to it is bounded: `TAGS_MAX`
tags and `HTML_MAX` characters. What is more tangled than that is read without structure, and says
so in `is_tangled`; no mail program made it for people.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from apps.mime.preview import strip_tags
from apps.scan.letter.links import HREF_MAX, LINKS_MAX, TEXT_MAX, Link, loose_links
from apps.scan.letter.look import PLAIN, Look, Sheet
from apps.scan.letter.sheets import read_sheets

HTML_MAX: Final = 128 * 1024  # characters parsed of one message, style sheets left out
TAGS_MAX: Final = 12_000  # of one page; long newsletters have 3,000
_UNREAD: Final = re.compile(r"<!--|<style\b|(?<=data:)[^\"'\s<>]{200,}+", re.IGNORECASE)
# Not `noscript`: mail programs run no scripts, and show it.
_SKIPPED: Final = frozenset({"style", "script", "template", "title"})
_BREAKS: Final = frozenset(
    "address article blockquote br center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6"
    " header hr li main nav ol p pre section table td th tr ul".split()
)
_ADDRESSES: Final = {
    "a": ("href", "a"),
    "area": ("href", "area"),
    "base": ("href", "base"),
    "img": ("src", "image"),
    "form": ("action", "form"),
    "iframe": ("src", "other"),
    "frame": ("src", "other"),
    "script": ("src", "other"),
    "embed": ("src", "other"),
    "object": ("data", "other"),
    "input": ("src", "image"),
}
_ACTIVE: Final = frozenset({"script", "iframe", "object", "embed", "applet", "frame", "form"})
_REFRESH: Final = re.compile(r"url\s*=\s*['\"]?\s*([^'\"\s>]+)", re.IGNORECASE)
_BLANKS: Final = re.compile(r"[ \t\r\f\v\xa0]+")
_BREAKING: Final = re.compile(r" ?\n[ \n]*")


@dataclass(frozen=True, slots=True)
class Page:
    """What an HTML part shows.

    Args:
        visible: the words that a reader sees, blocks on lines of their own.
        hidden: the words that stand there and no reader sees.
        ways: how they are hidden: `display`, `size`, `colour`, `clip`, `place`.
        images: how many it shows that are large enough to see.
        active: names of elements that run or load something: script, iframe …; `form` for a form,
            `password` for a field of it that asks for one.
        is_tangled: it was too deep or had too many tags to be parsed.
        is_cut: only its beginning was read.
    """

    visible: str = ""
    hidden: str = ""
    title: str = ""
    links: tuple[Link, ...] = ()
    ways: frozenset[str] = frozenset()
    images: int = 0
    active: frozenset[str] = frozenset()
    is_tangled: bool = False
    is_cut: bool = False


def read_page(source: str, room: int = HTML_MAX) -> Page:
    """Read HTML, at most `room` characters of it besides style sheets and comments."""
    source, sheets = _without_unread(source)
    is_cut = len(source) > room
    source = source[:room]
    if source.count("<") > TAGS_MAX:
        text = strip_tags(source)
        return Page(text, links=tuple(loose_links(source)), is_tangled=True, is_cut=is_cut)
    rules = read_sheets("\n".join(sheets)) if sheets else {}
    return _Reader(LexborHTMLParser(source), Sheet(rules)).page(is_cut)


def _without_unread(source: str) -> tuple[str, list[str]]:
    """Cut out what shows no words and may be long: style sheets, comments, data within addresses;
    return the sheets as well.

    Linear: an end that is not there is looked for once.
    """
    kept: list[str] = []
    sheets: list[str] = []
    at = 0
    endless: set[str] = set()
    for found in _UNREAD.finditer(source):
        if found.start() < at:
            continue
        opening = found[0].lower()
        closing = _CLOSINGS.get(opening)
        end = found.end()
        if closing is not None:
            if opening in endless:
                continue
            # `<!-->` is a whole comment.
            match = closing.search(source, found.start() + 2)
            if match is None:
                endless.add(opening)
                continue
            end = match.end()
            if opening == "<style":
                sheets.append(source[found.end() : match.start()].partition(">")[2])
        kept.append(source[at : found.start()])
        at = end
    return ("".join([*kept, source[at:]]) if kept else source), sheets


_CLOSINGS: Final = {
    "<!--": re.compile("-->"),
    "<style": re.compile("</style[^>]*+>", re.IGNORECASE),
}


@dataclass(slots=True)
class _Anchor:
    """A link whose words are being read."""

    href: str
    place: str
    words: list[str]
    size: int = 0
    is_seen: bool = False


_Step = tuple[LexborNode, Look, "_Anchor | None"]
"""A node to be read, in what looks and inside which link."""


class _Reader:
    """Walks over a page once."""

    def __init__(self, parser: LexborHTMLParser, sheet: Sheet) -> None:
        self.parser = parser
        self.sheet = sheet
        self.shown: list[str] = []
        self.loose: list[str] = []  # of it, what stands in no link
        self.hidden: list[str] = []
        self.ways: set[str] = set()
        self.links: list[Link] = []
        self.anchors: list[_Anchor] = []
        self.active: set[str] = set()
        self.images = 0
        self.title = ""

    def page(self, is_cut: bool) -> Page:
        if self.parser.root is not None:
            self._walk(self.parser.root)
        anchored = [
            Link(one.href, fold("".join(one.words))[:TEXT_MAX], one.place, not one.is_seen)
            for one in self.anchors
        ]
        found = [*anchored, *self.links][:LINKS_MAX]
        found += loose_links("".join(self.loose), LINKS_MAX - len(found))
        return Page(
            visible=fold("".join(self.shown)),
            hidden=fold(" ".join(self.hidden)),
            title=fold(self.title)[:TEXT_MAX],
            links=tuple(found),
            ways=frozenset(self.ways),
            images=self.images,
            active=frozenset(self.active),
            is_cut=is_cut,
        )

    def _walk(self, root: LexborNode) -> None:
        """In the order of the page; without recursion, since pages may be deep."""
        todo: list[_Step | None] = [(root, PLAIN, None)]
        while todo:
            step = todo.pop()
            if step is None:  # a block ends here
                self._break()
                continue
            node, look, anchor = step
            if (following := node.next) is not None:
                todo.append((following, look, anchor))
            tag = node.tag or ""
            if tag == "-text":
                self._text(node.text_content or "", look, anchor)
                continue
            if tag in _BREAKS:
                self._break()
                todo.append(None)
            inner = self._element(node, tag, look, anchor)
            if inner is not None:
                todo.append(inner)

    def _break(self) -> None:
        self.shown.append("\n")
        self.loose.append("\n")

    def _text(self, text: str, look: Look, anchor: _Anchor | None) -> None:
        is_blank = text.isspace()
        if look.hidden:
            self.hidden.append(text)
            if not is_blank:
                self.ways.add(look.hidden)
            return
        self.shown.append(text)
        if anchor is None:
            self.loose.append(text)
        elif anchor.size < 2 * TEXT_MAX:
            anchor.words.append(text)
            anchor.size += len(text)
            anchor.is_seen = anchor.is_seen or not is_blank

    def _element(
        self, node: LexborNode, tag: str, outer: Look, anchor: _Anchor | None
    ) -> _Step | None:
        """Read an element; return how to go on with what is in it, None if that is not read."""
        if tag in _ACTIVE:
            self.active.add(tag)
        if tag == "title":
            self.title = self.title or node.text(deep=False)[: 2 * TEXT_MAX]
        attributes = node.attributes
        look = self.sheet.look(outer, tag, attributes)
        if tag == "input" and (attributes.get("type") or "").strip().lower() == "password":
            self.active.add("password")
        if tag in _ADDRESSES:
            anchor = self._address(tag, attributes, look, anchor)
        elif tag == "meta":
            self._meta(attributes)
        child = None if tag in _SKIPPED else node.first_child
        return None if child is None else (child, look, anchor)

    def _address(
        self,
        tag: str,
        attributes: Mapping[str, str | None],
        look: Look,
        anchor: _Anchor | None,
    ) -> _Anchor | None:
        """Read a link or what is loaded; return inside which link its content stands."""
        key, place = _ADDRESSES[tag]
        href = (attributes.get(key) or "").strip()[:HREF_MAX]
        if tag == "img":
            self._image(attributes, look, anchor)
        if not href or len(self.anchors) + len(self.links) >= LINKS_MAX:
            return anchor
        if tag == "a":
            opened = _Anchor(href, place, [])
            self.anchors.append(opened)
            return opened
        shown = (attributes.get("alt") or attributes.get("value") or "")[:TEXT_MAX]
        self.links.append(Link(href, shown, place, bool(look.hidden)))
        return anchor

    def _image(
        self, attributes: Mapping[str, str | None], look: Look, anchor: _Anchor | None
    ) -> None:
        sizes = (attributes.get("width"), attributes.get("height"))
        if look.gone or any(size and _SMALL.fullmatch(size.strip()) for size in sizes):
            return
        self.images += 1
        if anchor is not None:
            anchor.is_seen = True

    def _meta(self, attributes: Mapping[str, str | None]) -> None:
        if (attributes.get("http-equiv") or "").strip().lower() != "refresh":
            return
        found = _REFRESH.search((attributes.get("content") or "")[:HREF_MAX])
        if found is not None and len(self.links) < LINKS_MAX:
            self.links.append(Link(found[1], "", "refresh"))


_SMALL: Final = re.compile(r"[0-3](?:px)?")


def fold(text: str) -> str:
    """Text with single blanks and single line ends."""
    return _BREAKING.sub("\n", _BLANKS.sub(" ", text)).strip()
