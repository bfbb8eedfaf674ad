"""Plain text of mail as blocks for the page: paragraphs, quoted parts and signatures folded, links
made clickable, tables and patches in letters of one width.

Everything is escaped (`links`); linear, whatever the text.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Final

from django.utils.safestring import SafeString

from apps.webmail.flowed import SIGNATURE, joined
from apps.webmail.links import linkify

__all__ = ["LARGEST_TEXT", "MOST_BLOCKS", "Block", "Kind", "blocks", "linkify", "own_words"]

LARGEST_TEXT: Final = 500_000  # characters shown; the rest is one click away as the original
MOST_BLOCKS: Final = 1_000
_LEAD_MAX: Final = 3  # lines of "On Monday, Ann wrote:"
_LEAD: Final = re.compile(
    r"(?i)\b(?:wrote|writes|schrieb|napisał\w*|\u043d\u0430\u043f\u0438\u0441\u0430\w{1,3}|\u043f\u0438\u0448\u0435"
    r"|a écrit|escribió|escreveu|ha scritto|schreef|skrev|kirjoitti)\b[^\n]{0,80}:\s*\Z"
)
_ORIGINAL: Final = re.compile(
    r"(?i)-{3,20} ?(?:original message|ursprüngliche nachricht|message d'origine|"
    # Russian and Ukrainian for it, by how the words begin
    r"\u0438\u0441\u0445\u043e\u0434\u043d\w{1,4} [\w ]{1,20}|"
    r"\u043e\u0440\u0438\u0433\u0456\u043d\u0430\u043b\w{1,6} [\w ]{1,20}) ?-{3,20}\s*"
)
_COLUMNS: Final = re.compile(
    r"\S {3,}\S.* {3,}\S|\|.*\|.*\||^(?:@@ |diff --git |\+\+\+ |--- [ab]/)|[\u2500-\u257f]{3}"
)


class Kind(StrEnum):
    """What a block is."""

    TEXT = "text"
    QUOTE = "quote"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together; quoted ones and signatures are folded on the page unless
    `is_open`. `is_wide`: letters of one width."""

    html: SafeString
    kind: Kind = Kind.TEXT
    is_open: bool = True
    is_wide: bool = False

    @property
    def is_quote(self) -> bool:
        return self.kind is Kind.QUOTE


@dataclass(slots=True)
class _Run:
    """Lines of one kind."""

    kind: Kind
    lines: list[str]


def blocks(text: str, *, is_flowed: bool = False, joins_words: bool = False) -> list[Block]:
    """The text in order; what comes after MOST_BLOCKS is one last block."""
    runs = _runs(_lines(text, is_flowed=is_flowed, joins_words=joins_words))
    _move_leads(runs)
    found = [block for run in runs if (block := _block(run)).html]
    if not any(block.is_open for block in found):
        found = [replace(block, is_open=True) for block in found]  # there is nothing else to see
    return found


def own_words(text: str) -> str:
    """What the sender wrote there, without what is quoted; for looking into, not for showing."""
    runs = _runs(_lines(text, is_flowed=False, joins_words=False))
    return "\n".join(line for run in runs if run.kind is Kind.TEXT for line in run.lines)


def _lines(text: str, *, is_flowed: bool, joins_words: bool) -> Iterable[str]:
    short = text[:LARGEST_TEXT].replace("\r\n", "\n")
    return joined(short, joins_words=joins_words) if is_flowed else short.split("\n")


def _runs(lines: Iterable[str]) -> list[_Run]:
    runs = [_Run(Kind.TEXT, [])]
    for line in lines:
        kind = _kind(line, runs[-1].kind) if len(runs) < MOST_BLOCKS else Kind.TEXT
        if kind is not runs[-1].kind:
            runs.append(_Run(kind, []))
        runs[-1].lines.append(line)
    return runs


def _kind(line: str, before: Kind) -> Kind:
    if line.startswith(">"):
        return Kind.QUOTE
    if before is Kind.SIGNATURE or line == SIGNATURE:
        return Kind.SIGNATURE  # to the end, or to what is quoted below it
    if _ORIGINAL.fullmatch(line):
        return Kind.SIGNATURE  # what Outlook quotes, which is all that follows
    return Kind.TEXT


def _move_leads(runs: list[_Run]) -> None:
    """Put "On Monday, Ann wrote:" to the quote that it announces."""
    for before, quote in pairwise(runs):
        if quote.kind is not Kind.QUOTE or before.kind is not Kind.TEXT:
            continue
        end = len(before.lines)
        while end and not before.lines[end - 1].strip():
            end -= 1
        start = end
        while start and end - start < _LEAD_MAX and before.lines[start - 1].strip():
            start -= 1
            lead = " ".join(before.lines[start:end])
            if len(lead) < 400 and _LEAD.search(lead):
                # Its first line may be a part of it too: take all of the short paragraph.
                while start and end - start < _LEAD_MAX and before.lines[start - 1].strip():
                    start -= 1
                quote.lines[:0] = before.lines[start:end]
                del before.lines[start:]
                break


def _block(run: _Run) -> Block:
    text = "\n".join(run.lines).strip("\n")
    is_open = run.kind is Kind.TEXT
    return Block(linkify(text), run.kind, is_open, is_open and _has_columns(run.lines))


def _has_columns(lines: list[str]) -> bool:
    """Whether it looks like a table or a patch, which letters of many widths would break."""
    full = [line[:300] for line in lines if line.strip()][:200]
    shaped = sum(1 for line in full if _COLUMNS.search(line))
    return shaped >= 3 and shaped * 3 >= len(full)
