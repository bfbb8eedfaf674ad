"""Phrases that belong to a trade: what is written by those who ask for advance fees, sell pills,
blackmail … in several languages. Our own, small lists. Pure, linear in the words of a message.

One phrase says little; rules ask for several of one family. A `!` before a phrase: it says much,
and counts twice. Words are compared without regard to case, punctuation and line ends.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Final

WORDS_MAX: Final = 8_000  # words of a message in which phrases are looked for
_WORD: Final = re.compile(r"\w+")
_UNSPACED_LETTER: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Family(StrEnum):
    """The trades."""

    ADVANCE_FEE = "advance fee"
    LOTTERY = "lottery"
    PILLS = "pills"
    BLACKMAIL = "blackmail"
    INVESTMENT = "investment"
    LOAN = "loan"
    DATING = "dating"
    SEARCH_ENGINE = "search engine"
    ACCOUNT = "account"
    MAILBOX = "mailbox"
    PARCEL = "parcel"
    INVOICE = "invoice"
    ERRAND = "errand"
    CALL_BACK = "call back"
    URGENCY = "urgency"
    CODE = "code"
    ORDER = "order"
    SALES = "sales"
    EXCUSE = "excuse"
    WAY_OUT = "way out"


_Phrase = tuple[tuple[str, ...], Family, str]


def _lines() -> Iterator[tuple[Family, str]]:
    """The lists: each phrase with its family."""
    family: Family | None = None
    text = Path(__file__).with_name("phrases.txt").read_text(encoding="utf-8")
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            family = Family(line.strip("[]"))
        elif not line.startswith("#") and family is not None:
            yield family, line


def _index() -> dict[tuple[str, str], tuple[_Phrase, ...]]:
    """Phrases of two words and more with blanks between them, by their first two."""
    found: dict[tuple[str, str], list[_Phrase]] = {}
    for family, line in _LINES:
        words = tuple(_WORD.findall(line.casefold()))
        if len(words) > 1 and not _UNSPACED_LETTER.search(line):
            found.setdefault((words[0], words[1]), []).append((words, family, line))
    return {pair: tuple(phrases) for pair, phrases in found.items()}


def _single() -> dict[str, tuple[tuple[Family, str], ...]]:
    """Phrases that are one word."""
    found: dict[str, list[tuple[Family, str]]] = {}
    for family, line in _LINES:
        word = line.casefold().lstrip("!")
        if _WORD.fullmatch(word) and not _UNSPACED_LETTER.search(line):
            found.setdefault(word, []).append((family, line))
    return {word: tuple(phrases) for word, phrases in found.items()}


_LINES: Final = tuple(_lines())
_INDEX: Final = _index()
_SINGLE: Final = _single()
_UNSPACED: Final = tuple(
    (line.lstrip("!").casefold(), family, line)
    for family, line in _LINES
    if _UNSPACED_LETTER.search(line)
)


def phrases_in(words: Sequence[str], text: str) -> dict[Family, tuple[str, ...]]:
    """The phrases that a message holds, by family, each once, as the lists write them.

    Args:
        words: its words, case folded.
        text: the same text, case folded, for languages that put no blanks between words.
    """
    found: dict[Family, dict[str, None]] = {}
    words = words[:WORDS_MAX]
    index = _INDEX
    for place, pair in enumerate(pairwise(words)):
        if pair not in index:
            continue
        for phrase, family, line in index[pair]:
            if len(phrase) == 2 or tuple(words[place : place + len(phrase)]) == phrase:
                found.setdefault(family, {})[line] = None
    for word in sorted(_SINGLE.keys() & set(words)):
        for family, line in _SINGLE[word]:
            found.setdefault(family, {})[line] = None
    if not text.isascii():
        for part, family, line in _UNSPACED:
            if part in text:
                found.setdefault(family, {})[line] = None
    return {family: tuple(lines) for family, lines in found.items()}
