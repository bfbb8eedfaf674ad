"""A record that was found beside the one that is wanted, character by character.

What two texts have in common at both ends is found in one pass; only a short middle is compared
more closely, so that the work stays linear whatever a stranger publishes.
"""

from difflib import SequenceMatcher
from itertools import takewhile
from typing import Final

from apps.dnscheck.findings import Piece

LONGEST: Final = 500  # characters that are compared
CLOSELY: Final = 64  # of the middle
ISLAND: Final = 3  # characters in common between two mistakes that make them two
LIKE: Final = 0.65  # in common, of the longer one: less is another text, not a mistake

EXTRA: Final = "extra"
LACKING: Final = "lacking"


def pieces(found: str, wanted: str) -> tuple[Piece, ...]:
    """The found text in pieces, and what it lacks; empty where nothing can be learned from it:
    the texts are the same, or have little in common."""
    found, wanted = found[:LONGEST], wanted[:LONGEST]
    if found == wanted or not found:
        return ()
    head = _common(found, wanted)
    rest = min(len(found), len(wanted)) - head
    tail = min(_common(found[::-1], wanted[::-1]), rest)
    end_found, end_wanted = len(found) - tail, len(wanted) - tail
    middle = _middle(found[head:end_found], wanted[head:end_wanted])
    whole = [Piece(found[:head]), *middle, Piece(found[end_found:])]
    same = sum(len(piece.text) for piece in whole if not piece.mark)
    is_part = wanted.startswith(found) or found.startswith(wanted)
    if same < LIKE * max(len(found), len(wanted)) and not is_part:
        return ()
    return tuple(piece for piece in whole if piece.text)


def _middle(found: str, wanted: str) -> list[Piece]:
    if len(found) > CLOSELY or len(wanted) > CLOSELY:
        return [Piece(found, EXTRA), Piece(wanted, LACKING)]
    made: list[Piece] = []
    extra = lacking = ""
    for what, a, b, c, d in SequenceMatcher(None, found, wanted, autojunk=False).get_opcodes():
        if what == "equal" and b - a >= ISLAND:
            made += [Piece(extra, EXTRA), Piece(lacking, LACKING), Piece(found[a:b])]
            extra = lacking = ""
        else:
            extra, lacking = extra + found[a:b], lacking + wanted[c:d]
    return [*made, Piece(extra, EXTRA), Piece(lacking, LACKING)]


def _common(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
