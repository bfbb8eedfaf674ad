"""Which names look alike: letters of other scripts, digits, pairs of letters. Pure.

The table is our own and small: what can be taken for a Latin letter or digit in the font of a mail
program, among what domain names may hold (IDNA 2008 has small letters only). Unicode's whole list
of confusables (UTS 39) has thousands of symbols that no name can hold.
"""

import unicodedata
from functools import lru_cache
from typing import Final

import idna

# Latin letter: what looks like it. Letters with marks (é, ẹ, ż) come apart in NFKD, and need none.
_ALIKE: Final = {
    "a": "\u0251\u03b1\u0430\u1d00",
    "b": "\u0253\u0432\u044c\u13cf\u15af",
    "c": "\u0188\u023c\u0441\u1d04\u2ca5",
    "d": "\u0111\u0256\u0257\u0501\u13e7",
    "e": "\u0247\u03b5\u0435\u0454\u04bd",
    "f": "\u0192\u03dd\u0584",
    "g": "\u0260\u0261\u0581\u1d83",
    "h": "\u0266\u043d\u04bb\u0570\u13c2",
    "i": "\u0131\u0268\u0269\u03b9\u0456\u04cf",
    "j": "\u0237\u03f3\u0458",
    "k": "\u0199\u03ba\u043a\u049b\u049f\u1d0b",
    "l": "\u0142\u01c0\u026d",
    "m": "\u0271\u043c\u1d0d",
    "n": "\u019e\u0272\u0273\u03b7\u043f\u0578\u057c",
    "o": "\u00f8\u0275\u03bf\u03c3\u043e\u0585\u06f4\u0966\u0ae6\u0be6\u0d20\u0e50\u1d0f\u3007",
    "p": "\u01bf\u03c1\u0440\u2ca3",
    "q": "\u051b\u0563\u0566",
    "r": "\u027c\u027d\u0433\u1d26\u2c85",
    "s": "\u01bd\u0282\u0455\ua731",
    "t": "\u0167\u01ad\u03c4\u0442\u1d1b",
    "u": "\u028b\u03c5\u0446\u057d\u1d1c",
    "v": "\u03bd\u0475\u1d20",
    "w": "\u026f\u03c9\u0448\u0461\u051d\u1d21",
    "x": "\u03c7\u0445\u04b3\u1541",
    "y": "\u01b4\u028f\u03b3\u0443\u04af\u10e7\u1eff",
    "z": "\u01b6\u0225\u0290\u1d22",
    "3": "\u0292\u0437\u04e1",
    "6": "\u0431",
}
_LETTERS: Final = {ord(one): latin for latin, ones in _ALIKE.items() for one in ones}
# Small l, big I, one and the bar are one stroke; digits stand in for letters.
_STROKES: Final = str.maketrans({"i": "l", "1": "l", "|": "l", "0": "o", "5": "s", "3": "e"})
_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))

# Cyrillic and Greek letters that nobody can tell from Latin ones, whatever the font.
_TWINS: Final = frozenset(
    "\u0430\u0441\u0435\u0456\u0458\u04cf\u043e\u0440\u0455\u0445\u0443\u0501\u04bb\u051b\u051d\u0475\u03bf"
    "0123456789-"
)


@lru_cache(maxsize=4_096)
def skeleton(label: str) -> str:
    """What a label looks like, in letters that stand for all that look the same: two labels that
    people might take for each other have one skeleton.

    Args:
        label: A-label or U-label.
    """
    shown = unicode_of(label)
    if not shown.isascii():
        shown = latin(shown)
    shown = shown.translate(_STROKES)
    for pair, letter in _PAIRS:
        shown = shown.replace(pair, letter)
    return shown


@lru_cache(maxsize=4_096)
def unicode_of(label: str) -> str:
    """A label as people see it: itself if it is no valid A-label."""
    if not label.startswith("xn--"):
        return label
    try:
        return idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        pass
    try:  # emoji and symbols, which browsers show although IDNA 2008 does not have them
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def seen(host: str) -> str:
    """A host in the letters that people see."""
    return ".".join(map(unicode_of, host.split("."))) if "xn--" in host else host


def reads_as_latin(label: str) -> str:
    """The Latin word that a label of Cyrillic or Greek letters cannot be told from, "" if it can.

    Words with marks can: "müller" is what it looks like.
    """
    shown = unicode_of(label)
    if shown.isascii() or len(shown) < 3 or not _TWINS.issuperset(shown):
        return ""
    return latin(shown)


def latin(shown: str) -> str:
    """The Latin letters that a text looks like, as far as it does; without marks."""
    apart = unicodedata.normalize("NFKD", shown.casefold())
    return "".join(one for one in apart if not unicodedata.combining(one)).translate(_LETTERS)
