"""What stands in an HTML text for whoever searches it: the words a reader sees, and the addresses,
image texts and titles behind them.

No sanitiser: its result is text, to be escaped like any other. Promises for any text: no exception,
linear time. Follows what browsers do with broken markup, but hides nothing that merely was not
closed: who searches would rather find too much.
"""

from __future__ import annotations

import html
import re
from typing import Final

_OPENING = re.compile(r"<(?=[A-Za-z/!?])")
_TAG = re.compile(
    r"""<([/!?]?)([A-Za-z][A-Za-z0-9]*+)?((?:[^<>="']++|=\s*+(?:"[^"]*+"|'[^']*+')?|["'])*+)>"""
)
_PLAIN_TAG = re.compile(r"<([/!?]?)([A-Za-z][A-Za-z0-9]*+)?([^<>]*+)>")
_PATIENCE: Final = 8
"""Tags without an end, each of which may have been looked for to the end of the text, after which
quotes count no longer."""

_KEPT = re.compile(
    r"""(?:^|[\s/"'])(?:href|alt|title)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""",
    re.IGNORECASE,
)
_HAS_KEPT = re.compile(r"href|alt|title", re.IGNORECASE)
_KEPT_MAX: Final = 2_000  # Characters of one value: pictures may be written into an address.
_COMMENT_END = re.compile(r"--!?>")
_RAW_END: Final = {
    name: re.compile(rf"</{name}[^>]*+>", re.IGNORECASE | re.ASCII) for name in ("script", "style")
}
# Between these words go on: "wo<b>rd</b>" is one.
_INLINE: Final = frozenset(
    """
    a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd mark q s samp small span
    strike strong sub sup time tt u var wbr
    """.split()
)
# html.unescape makes an int of any number of digits, which Python refuses from 4,300 on.
_LONG_REFERENCE = re.compile(r"&#[xX]?[0-9a-fA-F]{8,};?")


_WHITE = re.compile(r"[ \t\r\n]+")
_BREAK = re.compile(
    r"<(?=/?(?:p|div|br|tr|table|ul|ol|li|h[1-6]|blockquote|hr|pre)\b)", re.IGNORECASE
)
_EMPTY = re.compile(r"\n{3,}")


def html_texts(source: str) -> list[str]:
    """Return the text between the tags, then the values of attributes that say something."""
    reader = _Reader(source)
    reader.read()
    return [_unescaped("".join(reader.text)), *map(_unescaped, reader.values)]


def html_lines(source: str) -> str:
    """Return what a reader sees, line by line, without what it looks like; no more than one empty
    line at a time."""
    apart = _BREAK.sub("\n<", _WHITE.sub(" ", source))
    lines = (" ".join(line.split()) for line in html_texts(apart)[0].split("\n"))
    return _EMPTY.sub("\n\n", "\n".join(lines)).strip()


def _unescaped(text: str) -> str:
    return html.unescape(_LONG_REFERENCE.sub("", text)) if "&" in text else text


class _Reader:
    __slots__ = ("_missing", "_patience", "_source", "text", "values")

    def __init__(self, source: str) -> None:
        self._source = source
        self._patience = _PATIENCE
        self._missing: set[str] = set()  # ends that stand nowhere in the rest of the text
        self.text: list[str] = []
        self.values: list[str] = []

    def read(self) -> None:
        """Take the whole source apart."""
        source, at = self._source, 0
        while (opening := _OPENING.search(source, at)) is not None:
            start = opening.start()
            self.text.append(source[at:start])
            at = self._skip(start)
        self.text.append(source[at:])

    def _skip(self, start: int) -> int:
        """Return where what begins at `start` ends."""
        if self._source.startswith("<!--", start):
            return self._past("comment", _COMMENT_END, start + 2, start + 4)
        tag = self._tag(start)
        if tag is None:
            self.text.append("<")
            return start + 1
        kind, name, attributes = tag[1], (tag[2] or "").lower(), tag[3]
        if name not in _INLINE:
            self.text.append(" ")
        if not kind:
            if attributes and _HAS_KEPT.search(attributes):
                self._keep(attributes)
            if name in _RAW_END:
                return self._past(name, _RAW_END[name], tag.end(), tag.end())
        return tag.end()

    def _tag(self, start: int) -> re.Match[str] | None:
        if self._patience:
            found = _TAG.match(self._source, start)
            if found is not None:
                return found
            self._patience -= 1
        return _PLAIN_TAG.match(self._source, start)

    def _past(self, name: str, ending: re.Pattern[str], start: int, without: int) -> int:
        """Return where the first `ending` after `start` ends; `without`, if there is none."""
        if name not in self._missing:
            found = ending.search(self._source, start)
            if found is not None:
                return found.end()
            self._missing.add(name)
        return without

    def _keep(self, attributes: str) -> None:
        for double, single, bare in _KEPT.findall(attributes):
            if value := (double or single or bare)[:_KEPT_MAX]:
                self.values.append(value)
