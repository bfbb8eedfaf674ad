"""A signature in its two forms: HTML that may go out with a letter, and the same as plain text.

A signature goes into the composer of its owner and into everybody's mail program: only what
makes letters look like letters is left, no pictures, no style, no address but web, mail, telephone.
Work is linear in the text, which is bounded.
"""

import re
from html.parser import HTMLParser
from typing import Final

import nh3
from django.utils.html import escape
from django.utils.translation import gettext as _

from apps.wire.errors import LimitReached

LONGEST_HTML: Final = 20_000  # characters, before and after it was cleaned
LONGEST_TEXT: Final = 4_000
_DEEPEST: Final = 40  # elements that stand in each other
_TAGS: Final = frozenset("a b strong i em u s br p div span ul ol li".split())
_SCHEMES: Final = frozenset(("http", "https", "mailto", "tel"))
_BLOCKS: Final = frozenset(("p", "div", "ul", "ol", "li"))
# Line ends become \n; all other control characters, what turns the direction, and the marks of no
# width that editors leave behind go.
_CONTROLS: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\ufeff\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_OPEN_TAG: Final = re.compile(r"<[a-zA-Z/!?]")


def clean(html: str) -> str:
    """The HTML that is kept of what an editor sent; "" if no word is in it.

    Raises:
        LimitReached: it is too long, or nested beyond reason.
    """
    _bounded(html, LONGEST_HTML)
    # A parser's work grows with the square of what stands open.
    if len(_OPEN_TAG.findall(html)) > 2_000 or _depth(html) > _DEEPEST:
        raise _too_long()
    kept = nh3.clean(
        _CONTROLS.sub("", html.replace("\r\n", "\n")),
        tags=set(_TAGS),
        attributes={"a": {"href"}},
        url_schemes=set(_SCHEMES),
        link_rel=None,
    )
    _bounded(kept, LONGEST_HTML)
    return kept if text_of(kept) else ""


def of_text(text: str) -> str:
    """HTML that reads as a text does; one line of it is one line.

    Raises: LimitReached
    """
    lines = [escape(line) for line in clean_text(text).split("\n")]
    return f"<p>{'<br>'.join(lines)}</p>" if any(lines) else ""


def clean_text(text: str) -> str:
    """The text that is kept of what a form sent, without empty lines around it. Raises
    LimitReached."""
    _bounded(text, LONGEST_TEXT)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(_CONTROLS.sub("", line).rstrip() for line in lines).strip("\n")


def text_of(html: str) -> str:
    """The words of cleaned HTML: a line for each line, "- " before what is listed, the address
    of a link behind its words where they do not say it."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()[:LONGEST_TEXT]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = [""]
        self._links: list[tuple[str, int]] = []  # address, and how much was written before it

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._lines.append("")
        elif tag in _BLOCKS:
            self._break()
            if tag == "li":
                self._lines[-1] += "- "
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self._lines[-1])))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._break()
        elif tag == "a" and self._links:
            href, start = self._links.pop()
            address = href.removeprefix("mailto:").removeprefix("tel:")
            if address and address not in self._lines[-1][start:]:
                self._lines[-1] += f" <{address}>"

    def handle_data(self, data: str) -> None:
        words = re.sub(r"[ \t\n]+", " ", data)
        line = self._lines[-1]
        self._lines[-1] += words.lstrip(" ") if not line or line.endswith(" ") else words

    def _break(self) -> None:
        if self._lines[-1].strip():
            self._lines.append("")

    def text(self) -> str:
        """What was read, without empty lines around it."""
        return "\n".join(line.rstrip() for line in self._lines).strip("\n")


def _depth(html: str) -> int:
    """How deep it may be: each tag that opens and is no line break, less those that close."""
    depth = deepest = 0
    for found in re.finditer(r"<(/?)([a-zA-Z]+)", html):
        if found[2].lower() in {"br", "img", "hr", "wbr", "input", "meta", "link"}:
            continue
        depth = max(0, depth - 1) if found[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


def _bounded(text: str, most: int) -> None:
    if len(text) > most:
        raise _too_long()


def _too_long() -> LimitReached:
    return LimitReached("signature", text=_("This signature is too long"))
