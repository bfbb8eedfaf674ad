"""The lines and cells of a CSV file (RFC 4180), in linear time and with bounds that the standard
library's reader lacks: it reads a quote that is never closed to the end of the file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from apps.wire.errors import InvalidName

CELL: Final = 4_096  # characters
CELLS: Final = 100  # of a line
LINES: Final = 10_000  # beside the one that names the columns
ALL_CELLS: Final = 500_000
"""Of a file, the empty ones too: each takes some microseconds, and five megabytes of commas are as
many cells."""
DELIMITERS: Final = ",;\t"
_FIRST: Final = re.compile(r"[^\r\n]*+")
_BLANK: Final = re.compile(r"[\r\n]++")
_SEPARATOR: Final = re.compile(r" *+sep=(.) *+(?:\r\n?|\n)", re.IGNORECASE)  # of spreadsheets
_QUOTE: Final = re.compile(r' {0,9}+"')
_ENDS: Final = {mark: re.compile(rf"[{mark}\r\n]") for mark in DELIMITERS}


@dataclass(frozen=True, slots=True)
class Record:
    """A line.

    Args:
        number: of the text's line on which it begins, the first is 1: quoted cells may go over
            several.
        is_cut: a cell was longer than CELL, or there were more than CELLS of them.
    """

    number: int
    cells: list[str]
    is_cut: bool = False


def records(text: str) -> Iterator[Record]:
    """The lines of a text that have something in them, the first of them too.

    Raises:
        InvalidName: a quote is not closed within CELL, or there are more than LINES or ALL_CELLS.
    """
    at, number = 0, 1
    named = _SEPARATOR.match(text)
    if named is not None and named[1] in DELIMITERS:
        mark, at, number = named[1], named.end(), 2
    else:
        mark = delimiter(text)
    reader = _Reader(text, mark, at, number)
    count = 0
    while reader.is_within:
        record = reader.record()
        reader.skip_blank()
        if not any(cell.strip() for cell in record.cells):
            continue
        count += 1
        if count > LINES + 1:
            raise InvalidName("many lines", text=f"A file has up to {LINES:,} lines; cut it in two")
        yield record


def delimiter(text: str) -> str:
    """What divides the cells: whatever of DELIMITERS is most in the first line, outside quotes."""
    first = text.lstrip("\r\n")
    head = _FIRST.match(first, 0, CELL * 4)
    bare = re.sub(r'"[^"]*+"', "", "" if head is None else head[0])
    return max(DELIMITERS, key=bare.count)


class _Reader:
    def __init__(self, text: str, mark: str, at: int, number: int) -> None:
        self._text, self._mark, self._at, self._number = text, mark, at, number
        self._end = _ENDS[mark]
        self._count = 0  # of cells
        self.skip_blank()

    @property
    def is_within(self) -> bool:
        return self._at < len(self._text)

    def skip_blank(self) -> None:
        """Go over lines with nothing in them, all at once."""
        if found := _BLANK.match(self._text, self._at):
            self._number += _breaks(found[0])
            self._at = found.end()

    def record(self) -> Record:
        """The next line."""
        number, cells, is_cut = self._number, list[str](), False
        while True:
            self._count += 1
            if self._count > ALL_CELLS:
                words = f"A file has up to {ALL_CELLS:,} cells, the empty ones too; cut it in two"
                raise InvalidName("many cells", text=words)
            quote = _QUOTE.match(self._text, self._at)
            cell = "" if quote is None else self._quoted(quote.end())
            bare, ending = self._bare()
            cell += bare
            is_cut = is_cut or len(cell) > CELL or len(cells) >= CELLS
            if len(cells) < CELLS:
                cells.append(cell[:CELL])
            if ending != self._mark:
                return Record(number, cells, is_cut)

    def _quoted(self, begin: int) -> str:
        """A cell in quotes, in which two of them stand for one; what follows up to the next
        delimiter belongs to it too."""
        at = begin
        while True:
            at = self._text.find('"', at, begin + 2 * CELL)
            if at < 0:
                words = f"Line {self._number}: a quote begins a cell there and is not closed"
                raise InvalidName("open quote", text=words)
            if not self._text.startswith('"', at + 1):
                break
            at += 2
        inside = self._text[begin:at]
        self._number += _breaks(inside)
        self._at = at + 1
        return inside.replace('""', '"')

    def _bare(self) -> tuple[str, str]:
        """What stands up to the end of the cell, and what ends it: "" is the end of the text."""
        found = self._end.search(self._text, self._at)
        stop = len(self._text) if found is None else found.start()
        # Of a line of a megabyte only as much is taken as shows that it is too long.
        bare = self._text[self._at : min(stop, self._at + CELL + 1)]
        ending = "" if found is None else found[0]
        self._at = stop + len(ending)
        if ending and ending != self._mark:
            self._number += 1
            if ending == "\r" and self._text.startswith("\n", self._at):
                self._at += 1
        return bare, ending


def _breaks(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")
