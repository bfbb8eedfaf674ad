"""What was looked for, marked where it stands; and the piece of a text round it."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.mime.searchtext import folded
from apps.search.language.marking import spans

SHOWN: Final = 160
"""Characters of a piece."""
_BEFORE: Final = 40  # of them before the hit
_SLICE: Final = 500  # characters that are compared at once, more for a needle that is longer
_LONGEST: Final = 4_000  # characters of a needle that is looked for
_LOOKED_AT: Final = 300_000  # characters of a text that are looked through
_BLANKS: Final = re.compile(r"\s+")
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MORE: Final = "…"


def marked(text: str, needles: Sequence[str]) -> SafeString:
    """A short text for a page, with <mark> round what was looked for; all of it is escaped.

    Args:
        needles: folded, not empty (`marking.sought`).
    """
    text = _CONTROLS.sub("\ufffd", text)
    if not needles:
        return format_html("{}", text)
    return format_html_join("", "{}", ((piece,) for piece in _pieces(text, needles)))


def _pieces(text: str, needles: Sequence[str]) -> Iterator[str]:
    done = 0
    for start, end in spans(text, needles):
        yield text[done:start]
        yield format_html("<mark>{}</mark>", text[start:end])
        done = end
    yield text[done:]


def has_any(text: str, needles: Sequence[str]) -> bool:
    """Whether one of them stands there."""
    plain = folded(text)
    return any(needle in plain for needle in needles)


def piece(text: str, needles: Sequence[str]) -> str:
    """The words round the first place where one of the needles stands, on one line; empty if none
    does. Linear: a text is folded slice by slice, and only one slice is looked at sign by sign."""
    longest = max(map(len, needles), default=0)
    if not 0 < longest <= _LONGEST:
        return ""
    width = max(_SLICE, longest)
    for start in range(0, min(len(text), _LOOKED_AT), width):
        # What is looked for may reach into the next slice; folding makes a text shorter at times.
        end = start + width + 2 * longest
        if has_any(text[start:end], needles):
            found = spans(text[start:end], needles)
            if found:
                return _round(text, start + found[0][0])
    return ""


def _round(text: str, at: int) -> str:
    begin = max(0, at - 4 * _BEFORE)
    before = _BLANKS.sub(" ", text[begin:at]).lstrip() if begin else _BLANKS.sub(" ", text[:at])
    is_cut = begin > 0 or len(before) > _BEFORE
    if len(before) > _BEFORE:
        before = before[-_BEFORE:]
        before = before.partition(" ")[2] or before
    after = _BLANKS.sub(" ", text[at : at + 4 * SHOWN])[:SHOWN]
    return f"{_MORE if is_cut else ''}{before}{after}".strip()
