"""HTML of mail, made harmless: an allow-list of tags, attributes, link targets and CSS.

What comes out runs nothing, loads nothing from outside and cannot leave its frame. It is one of
two walls: the page shows it in a sandboxed frame with a Content-Security-Policy of its own
(docs/webmail.md).

`cid:` images become the addresses that the caller gives; other images are dropped and counted,
because asking for one tells its sender that the mail was read. Where they are wanted, the caller
gives each an address of ours (apps.webmail.pictures): no address of a stranger is left in any case.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import nh3

from apps.webmail.marking import GONE, Marked, mark
from apps.webmail.styles import Addresses, clean_declarations, clean_stylesheet

LARGEST_HTML = 2 * 1024 * 1024  # characters; beyond that the reader gets the text part
LARGEST_STYLE = 200_000  # characters of all style elements together
LARGEST_STYLES = 500_000  # characters of all style attributes together
# An HTML parser's work grows with the square of these; no honest mail comes near.
DEEPEST_HTML = 500  # open elements
MOST_REFERENCES = 50_000  # character references, such as &nbsp;
MOST_WORDS = 50_000  # different words: each may be the name of an attribute of one tag

_TAGS = frozenset(
    """
    a abbr address article aside b bdi bdo big blockquote br caption center cite code col
    colgroup dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6
    header hr i img ins kbd li main mark nav ol p pre q rp rt ruby s samp section small span
    strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr
    """.split()
)
_ANY = frozenset({"dir", "lang", "title", "style", "class", "align", "valign"})
_BOX = frozenset({"width", "height", "bgcolor", "background"})
_ATTRIBUTES: dict[str, set[str]] = {
    "*": set(_ANY),
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "border", "hspace", "vspace"},
    "table": {*_BOX, "border", "cellpadding", "cellspacing", "summary", "role"},
    "td": {*_BOX, "colspan", "rowspan", "headers", "scope", "nowrap"},
    "th": {*_BOX, "colspan", "rowspan", "headers", "scope", "nowrap"},
    "tr": {"bgcolor", "height"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type"},
    "ul": {"type"},
    "li": {"value", "type"},
    "hr": {"size", "width", "color", "noshade"},
    "bdo": {"dir"},
    "details": {"open"},
}
# Their text is code or furniture, never words for the reader.
_DROPPED_WITH_CONTENT = {
    *("script", "style", "title", "template", "noscript", "svg", "math", "iframe", "object"),
    *("embed", "applet", "select", "textarea", "noembed", "noframes", "xmp", "plaintext"),
}
_LINKS = ("http://", "https://", "mailto:", "tel:")

_WORD = re.compile(r"[^\t\n\f\r />=]+")
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9]*)")
# Void elements, and those that the next of their kind closes.
_CLOSED_BY_OTHERS = frozenset(
    """
    area base br col embed hr img input link meta source track wbr p li dt dd tr td th thead tbody
    tfoot option colgroup rp rt
    """.split()
)


@dataclass(slots=True)
class Cleaned:
    """`html` and `css` are safe to place in the frame's document.

    Args:
        blocked: outside images that were left out, without trackers.
        trackers: images too small to be seen; they are never asked for.
        is_designed: it has colours of its own, so it needs a sheet of its own.
    """

    html: str
    css: str = ""
    blocked: int = 0
    trackers: int = 0
    is_designed: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the reader wants of a message.

    Args:
        outside: gives the address of ours for a picture from outside, "" for none; None: off.
        has_links: whether links lead anywhere.
    """

    outside: Callable[[str], str] | None = None
    has_links: bool = True


_NONE = Wishes()


@dataclass(slots=True)
class _Filter:
    """Decides on one attribute at a time."""

    addresses: Addresses
    has_links: bool
    room: int = LARGEST_STYLES

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        if name == "style":
            self.room -= len(value)
            return clean_declarations(value, self.addresses) or None if self.room >= 0 else None
        if name == "href":
            # A scheme may hide behind white space or controls: what is left after taking them away
            # must be plain.
            target = "".join(letter for letter in value if letter > " ").lower()
            return value.strip() if self.has_links and target.startswith(_LINKS) else None
        if name == "src":
            # An empty place stays, so that a tracker can be told by its size (marking).
            return self.addresses.of(value.strip()) or GONE
        if name == "background":
            return self.addresses.of(value.strip())
        if name in {"bgcolor", "color"}:
            self.addresses.is_designed = True
        return value


def clean(html: str, inline: Mapping[str, str], wishes: Wishes = _NONE) -> Cleaned:
    """Clean an HTML part of a message.

    Args:
        html: as decoded; at most LARGEST_HTML characters of it are looked at.
        inline: addresses of `cid:` images by Content-ID without angle brackets.
    """
    html = bounded(html)
    addresses = Addresses(inline, wishes.outside)
    body = nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED_WITH_CONTENT),
        attributes=_ATTRIBUTES,
        attribute_filter=_Filter(addresses, wishes.has_links),
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}} if wishes.has_links else {},
        strip_comments=True,
    )
    css = clean_stylesheet(_style_elements(html), addresses)
    marked: Marked = mark(body)
    return Cleaned(
        html=marked.html,
        css=css,
        blocked=max(len(addresses.refused) - marked.trackers, 0),
        trackers=marked.trackers,
        is_designed=addresses.is_designed or marked.has_pictures,
    )


def bounded(html: str) -> str:
    """The HTML up to where the work of a parser would grow with the square of it."""
    html = _cut_too_many_words(html[:LARGEST_HTML])
    return _cut_too_deep(_cut_too_many_references(html))


def _cut_too_many_words(html: str) -> str:
    """The HTML up to where it has more different words than honest mail.

    The parser compares each attribute of a tag with all others of it: 400,000 names in one tag
    took it a minute. What is a tag only the parser knows (comments, quotes), but it finds no more
    names than there are words, whatever separates them.
    """
    if len(html) < 2 * MOST_WORDS:
        return html
    seen: set[str] = set()
    for found in _WORD.finditer(html):
        seen.add(found.group())
        if len(seen) > MOST_WORDS:
            return html[: found.start()]
    return html


def _cut_too_many_references(html: str) -> str:
    parts = html.split("&", MOST_REFERENCES)
    return "&".join(parts[:MOST_REFERENCES])


def _cut_too_deep(html: str) -> str:
    """The HTML up to where it is nested deeper than any honest mail;

    the parser closes what is open.
    """
    depth = 0
    for found in _TAG.finditer(html):
        if found["name"].lower() in _CLOSED_BY_OTHERS:
            continue
        depth = max(depth - 1, 0) if found["end"] else depth + 1
        if depth > DEEPEST_HTML:
            return html[: found.start()]
    return html


def _style_elements(html: str) -> str:
    """The text of all style elements. No parser: what is found wrongly is cleaned all the same."""
    found, at, room = [], 0, LARGEST_STYLE
    lower = html.lower()
    while room > 0 and (start := lower.find("<style", at)) >= 0:
        opened = lower.find(">", start)
        if opened < 0:
            break
        closed = lower.find("</style", opened)
        at = closed if closed >= 0 else len(html)
        text = html[opened + 1 : at][:room]
        room -= len(text)
        found.append(text)
    return "\n".join(found)
