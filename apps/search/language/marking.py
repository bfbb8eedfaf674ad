"""Where in a text stands what was looked for: what a page marks.

Texts are compared folded, and folding changes lengths; here every character keeps its place.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from apps.mime.searchtext import folded
from apps.search.language.nodes import Every, Node, Not, Query, Some, Text, Where

LENGTH_MAX: Final = 256 * 1024
"""Characters of a text that are looked at."""
SPANS_MAX: Final = 1_000

Span = tuple[int, int]

_PEOPLE: Final = frozenset((Where.TO, Where.CC, Where.BCC))


def sought(query: Query, where: Where) -> tuple[str, ...]:
    """The texts to mark in what is shown of a message, folded, each once: those that it may be a
    hit for. Texts that must not stand there are left out.

    Args:
        where: what is shown. In it are marked the texts looked for there and those looked for
            anywhere; TO stands for all who got the message.
    """
    found: dict[str, None] = {}
    waiting: list[tuple[Node, bool]] = [(one.node, True) for one in reversed(query.factors)]
    while waiting:
        node, is_wanted = waiting.pop()
        match node:
            case Not(one):
                waiting.append((one, not is_wanted))
            case Every(many) | Some(many):
                waiting.extend((one, is_wanted) for one in reversed(many))
            case Text(place, text) if is_wanted and _concerns(place, where):
                found[folded(text)] = None
    found.pop("", None)
    return tuple(found)


def _concerns(place: Where, where: Where) -> bool:
    if place in (Where.ANYWHERE, where):
        return True
    return where is Where.TO and place in _PEOPLE


def spans(text: str, needles: Iterable[str]) -> list[Span]:
    """Where in `text` the needles stand: [start, end) in characters, in order, none touching
    another.

    Args:
        needles: folded, not empty.
    """
    text = text[:LENGTH_MAX]
    plain = folded(text)
    there = [needle for needle in needles if needle in plain]
    if not there:
        return []
    plain, places = _placed(text)
    found: list[Span] = []
    for needle in there:
        at = plain.find(needle)
        count = 0
        while at >= 0 and count < SPANS_MAX:
            end = at + len(needle)
            found.append((places[at], places[end - 1] + 1))
            count += 1
            at = plain.find(needle, end)
    return _united(found)


def _placed(text: str) -> tuple[str, Sequence[int]]:
    """`folded(text)`, and for each character of it the place of the one it was made of."""
    if text.isascii() and len(plain := folded(text)) == len(text):
        return plain, range(len(text))  # no run of blanks became one: all stand where they stood
    kept: list[str] = []
    places: list[int] = []
    is_blank = False
    for place, char in enumerate(text):
        made = _fold(char)
        if made == " ":
            if is_blank:
                continue
            is_blank = True
        elif made:
            is_blank = False
        kept.append(made)
        places.extend([place] * len(made))
    return "".join(kept), places


@lru_cache(maxsize=4_096)
def _fold(char: str) -> str:
    return folded(char)


def _united(found: list[Span]) -> list[Span]:
    found.sort()
    united: list[Span] = []
    for start, end in found:
        if united and start <= united[-1][1]:
            united[-1] = united[-1][0], max(end, united[-1][1])
        else:
            united.append((start, end))
    return united
