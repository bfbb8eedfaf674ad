"""HTML of mail, made harmless: an allow-list of tags, attributes, link targets and CSS.

What comes out runs nothing, loads nothing from outside and cannot leave its frame. It is one of
two walls: the page shows it in a sandboxed frame with a Content-Security-Policy of its own
(docs/webmail.md).

`cid:` images become the addresses that the caller gives; other images are dropped and counted,
because asking for one tells its sender that the mail was read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import nh3
import tinycss2

LARGEST_HTML = 2 * 1024 * 1024  # characters; beyond that the reader gets the text part
LARGEST_STYLE = 200_000  # characters of all style elements together
LARGEST_STYLES = 500_000  # characters of all style attributes together
DEEPEST_CSS = 8
LARGEST_DATA_IMAGE = 500_000
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
_BOX = frozenset({"width", "height", "bgcolor"})
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
_DATA_IMAGES = tuple(f"data:image/{kind};base64," for kind in ("png", "gif", "jpeg", "jpg", "webp"))

_PROPERTIES = frozenset(
    """
    background background-color border border-bottom border-bottom-color
    border-bottom-left-radius border-bottom-right-radius border-bottom-style border-bottom-width
    border-collapse border-color border-left border-left-color border-left-style
    border-left-width border-radius border-right border-right-color border-right-style
    border-right-width border-spacing border-style border-top border-top-color
    border-top-left-radius border-top-right-radius border-top-style border-top-width
    border-width box-sizing caption-side clear color direction display empty-cells float font
    font-family font-size font-style font-variant font-weight height letter-spacing line-height
    list-style list-style-position list-style-type margin margin-bottom margin-left margin-right
    margin-top max-height max-width min-height min-width opacity overflow-wrap padding
    padding-bottom padding-left padding-right padding-top table-layout text-align
    text-decoration text-indent text-transform vertical-align visibility white-space width
    word-break word-spacing word-wrap
    """.split()
)
_WORD = re.compile(r"[^\t\n\f\r />=]+")
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9]*)")
# Void elements, and those that the next of their kind closes.
_CLOSED_BY_OTHERS = frozenset(
    """
    area base br col embed hr img input link meta source track wbr p li dt dd tr td th thead tbody
    tfoot option colgroup rp rt
    """.split()
)
_FUNCTIONS = frozenset({"rgb", "rgba", "hsl", "hsla", "calc", "min", "max", "clamp"})


@dataclass(slots=True)
class Cleaned:
    """`html` and `css` are safe to place in the frame's document;

    `blocked` counts outside images.
    """

    html: str
    css: str = ""
    blocked: int = 0


@dataclass(slots=True)
class _Filter:
    """Decides on one attribute at a time, and counts what it refused."""

    inline: Mapping[str, str]
    blocked: set[str] = field(default_factory=set)
    room: int = LARGEST_STYLES

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        if name == "style":
            self.room -= len(value)
            return clean_declarations(value) or None if self.room >= 0 else None
        if name == "href":
            # A scheme may hide behind white space or controls: what is left after taking them away
            # must be plain.
            target = "".join(letter for letter in value if letter > " ").lower()
            return value.strip() if target.startswith(_LINKS) else None
        if name == "src":
            return self._image(value.strip())
        return value

    def _image(self, source: str) -> str | None:
        if source[:4].lower() == "cid:":
            return self.inline.get(source[4:].strip("<>"))
        if source[:40].lower().startswith(_DATA_IMAGES) and len(source) <= LARGEST_DATA_IMAGE:
            return source
        self.blocked.add(source[:2000])
        return None


def clean(html: str, inline: Mapping[str, str]) -> Cleaned:
    """Clean the HTML part of a message.

    Args:
        html: as decoded; at most LARGEST_HTML characters of it are looked at.
        inline: addresses of `cid:` images by Content-ID without angle brackets.
    """
    html = _cut_too_many_words(html[:LARGEST_HTML])
    html = _cut_too_deep(_cut_too_many_references(html))
    judge = _Filter(inline)
    body = nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED_WITH_CONTENT),
        attributes=_ATTRIBUTES,
        attribute_filter=judge,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )
    return Cleaned(
        html=body, css=clean_stylesheet(_style_elements(html)), blocked=len(judge.blocked)
    )


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


def clean_declarations(text: str) -> str:
    """A style attribute with only allowed properties whose values load nothing."""
    return "; ".join(_declarations(tinycss2.parse_blocks_contents(text[:20_000])))


def clean_stylesheet(text: str) -> str:
    """Style rules with plain selectors, and @media around them; every other at-rule is dropped."""
    rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
    kept: list[str] = []
    for rule in rules:
        if rule.type == "qualified-rule":
            kept += _rule(rule)
        elif rule.type == "at-rule" and rule.lower_at_keyword == "media" and rule.content:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            nested = [line for one in inner if one.type == "qualified-rule" for line in _rule(one)]
            if nested and _is_harmless(rule.prelude):
                condition = tinycss2.serialize(rule.prelude).strip()
                kept.append(f"@media {condition} {{ {' '.join(nested)} }}")
    css = "\n".join(kept)
    # Nothing that is left may end the style element that it will stand in.
    return "" if "<" in css else css


def _rule(rule: Any) -> list[str]:
    if not _is_harmless(rule.prelude):
        return []
    declarations = _declarations(tinycss2.parse_blocks_contents(rule.content))
    selector = tinycss2.serialize(rule.prelude).strip()
    return [f"{selector} {{ {'; '.join(declarations)} }}"] if declarations and selector else []


def _declarations(nodes: list[Any]) -> list[str]:
    kept = []
    for node in nodes:
        if node.type != "declaration" or node.lower_name not in _PROPERTIES:
            continue
        if _is_harmless(node.value):
            important = " !important" if node.important else ""
            kept.append(f"{node.lower_name}: {tinycss2.serialize(node.value).strip()}{important}")
    return kept


def _is_harmless(nodes: list[Any]) -> bool:
    """No address, no unknown function, no deep nesting. A loop: mail decides the depth."""
    waiting = [(node, 0) for node in nodes]
    while waiting:
        node, depth = waiting.pop()
        if depth > DEEPEST_CSS or node.type in {"url", "error", "at-keyword"}:
            return False
        if node.type == "function":
            if node.lower_name not in _FUNCTIONS:
                return False
            waiting += [(inner, depth + 1) for inner in node.arguments]
        elif node.type in {"() block", "[] block", "{} block"}:
            waiting += [(inner, depth + 1) for inner in node.content]
    return True
