"""Text of a letter: of its HTML, and in the lines in which it goes out. Pure and linear.

`worded` makes of HTML what one would have typed: a paragraph is a line, what is quoted begins with
`>` for each depth. `flowed` breaks such lines for the wire so that readers may join them again
(format=flowed, RFC 3676).
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final

SIGNATURE: Final = "-- "
WIDTH: Final = 76  # columns, the space at the end counted: RFC 3676 section 4.2 allows 78
DEEPEST: Final = 20  # levels of quotes that are told apart
_QUOTED: Final = re.compile(r"(?:>[ ]?)+")
_SPACES: Final = re.compile(r"[ \t\n\r\f]+")
_BLOCKS: Final = frozenset(
    """
    address article aside blockquote caption center dd details div dl dt fieldset figcaption figure
    footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody tfoot
    thead tr ul
    """.split()
)
_APART: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre"})
_UNSEEN: Final = frozenset({"script", "style", "title", "head", "template"})
_LINKED: Final = ("http://", "https://", "mailto:", "tel:")


def worded(html: str) -> str:
    """The words of cleaned HTML, one line for a paragraph, none of them empty at either end."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


def flowed(text: str) -> str:
    """Typed lines as lines for the wire, with LF; those that were broken end in a space.

    A line that begins with `>` is a quoted one. A space goes before what a reader, or a server on
    the way, could take for something else (section 4.4).
    """
    return "\n".join(line for one in text.split("\n") for line in _wrapped(one))


def _wrapped(line: str) -> Iterator[str]:
    """One line; no space stands at the end of its last one, which would join the next to it."""
    if line == SIGNATURE:
        yield line
        return
    quoted = _QUOTED.match(line)
    depth = min(quoted[0].count(">"), DEEPEST) if quoted else 0
    words = (line[quoted.end() :] if quoted else line).rstrip(" ")
    before = ">" * depth
    if words == "--" and line.endswith(SIGNATURE):
        yield f"{before} {SIGNATURE}"
        return
    at, room = 0, WIDTH - depth - 2
    while len(words) - at > room:
        # A word that is longer than a line stays whole: it may be an address of the web.
        cut = words.rfind(" ", at, at + room)
        if cut <= at:
            cut = words.find(" ", at + room)
        if cut < 0 or cut + 1 >= len(words):
            break
        yield _stuffed(before, words[at : cut + 1])
        at = cut + 1
    yield _stuffed(before, words[at:])


def _stuffed(before: str, words: str) -> str:
    if before:
        return f"{before} {words}" if words else before
    return f" {words}" if words.startswith((" ", ">", "From ")) else words


class _Reader(HTMLParser):
    """Puts words into lines. What is open is counted, never recursed into."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._words: list[str] = []
        self._depth = 0
        self._unseen = 0
        self._pre = 0
        self._lists: list[int] = []  # of each list that is open the next number, 0 for bullets
        # Where it leads, in which line it begins, and with which of its words.
        self._links: list[tuple[str, int, int]] = []
        self._ended = 0  # lines
        self._has_gap = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "br":
            self._end_line(is_forced=True)
        elif tag == "img":
            self._show_picture(dict(attrs))
        elif tag == "a":
            target = dict(attrs).get("href") or ""
            self._links.append((target, self._ended, len(self._words)))
        elif tag in {"td", "th"} and self._words:
            self._words.append(" \t ")
        elif tag in _BLOCKS:
            self._begin_block(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag == "a" and self._links:
            self._end_link(*self._links.pop())
        elif tag in _BLOCKS:
            self._end_line()
            if tag == "blockquote":
                self._depth = max(self._depth - 1, 0)
            elif tag in {"ul", "ol"} and self._lists:
                self._lists.pop()
            elif tag == "pre":
                self._pre = max(self._pre - 1, 0)
            self._has_gap = self._has_gap or (tag in _APART and len(self._lists) == 0)

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        if self._pre:
            first, *others = data.replace("\r", "").split("\n")
            self._words.append(first)
            for line in others:
                self._end_line(is_forced=True)
                self._words.append(line)
            return
        words = _SPACES.sub(" ", data)
        if self._words and self._words[-1].endswith(" "):
            words = words.lstrip(" ")
        if words and (self._words or words != " "):
            self._words.append(words if self._words else words.lstrip(" "))

    def text(self) -> str:
        """All lines."""
        self._end_line()
        return "\n".join(self._lines).strip("\n")

    def _begin_block(self, tag: str, attributes: dict[str, str | None]) -> None:
        self._end_line()
        self._has_gap = self._has_gap or (tag in _APART and len(self._lists) == 0)
        if tag == "blockquote":
            self._depth += 1
        elif tag == "pre":
            self._pre += 1
        elif tag in {"ul", "ol"}:
            self._lists.append(1 if tag == "ol" else 0)
        elif tag == "li":
            self._words.append(self._mark())
        elif tag == "hr":
            self._words.append("-" * 30)
            self._end_line()
        if "data-sig" in attributes:
            self._has_gap = True
            self._words.append(SIGNATURE)
            self._end_line(is_forced=True)

    def _mark(self) -> str:
        indent = "  " * min(len(self._lists) - 1, DEEPEST) if self._lists else ""
        if not self._lists or not self._lists[-1]:
            return f"{indent}- "
        self._lists[-1] += 1
        return f"{indent}{self._lists[-1] - 1}. "

    def _show_picture(self, attributes: dict[str, str | None]) -> None:
        if words := _SPACES.sub(" ", attributes.get("alt") or "").strip():
            self._words.append(f"[{words[:200]}]")

    def _end_link(self, target: str, line: int, place: int) -> None:
        """Behind the words where they lead, unless they say it themselves."""
        begin = place if line == self._ended else 0
        said = "".join(self._words[begin:]).strip()
        bare = target.removeprefix("mailto:").removeprefix("tel:")
        if target.startswith(_LINKED) and said and said not in {target, bare, f"{bare}/"}:
            plain = re.sub(r"^https?://|/$", "", bare)
            if plain != re.sub(r"^https?://|/$", "", said):
                self._words.append(f" <{bare}>")

    def _end_line(self, *, is_forced: bool = False) -> None:
        words = "".join(self._words)
        self._words = []
        self._ended += 1
        line = words if words == SIGNATURE else words.rstrip(" \t\n")
        if not line and not is_forced:
            return
        if self._has_gap and self._lines and self._lines[-1].strip("> "):
            self._lines.append(self._quoted("", self._gap_depth()))
        self._has_gap = False
        self._lines.append(self._quoted(line, self._depth))

    def _gap_depth(self) -> int:
        """An empty line between quoted ones is quoted too."""
        marks = len(self._lines[-1]) - len(self._lines[-1].lstrip(">"))
        return min(marks, self._depth)

    def _quoted(self, line: str, depth: int) -> str:
        before = ">" * min(depth, DEEPEST)
        return f"{before} {line}".rstrip(" ") if before and line != SIGNATURE else before + line
