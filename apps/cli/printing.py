"""What a command shows: tables for people, JSON for programs.

What strangers wrote (names, subjects) drives no terminal: people see it made printable, and JSON is
escaped to ASCII. Octets that were asked for, such as a message, are handed on as they are.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, Final

from apps.cli.contract import Field, Operation
from apps.cli.failures import WrongCall
from apps.mime.headers import printable

MEASURED: Final = 100  # rows whose widths are those of the columns
WIDEST: Final = 40  # characters of a column, while others have to fit
GAP: Final = "  "
NARROW: Final = 80  # columns of what is no terminal
# Worth more of a line than the rest.
_FIRST: Final = ("id", "address", "name", "pattern", "state")


@dataclass(frozen=True, slots=True)
class Output:
    """Where it goes, and how.

    Args:
        columns: of a table or a list, if people named them.
        is_terminal: whether somebody looks at it.
    """

    stream: IO[bytes]
    is_json: bool = False
    columns: tuple[str, ...] = ()
    is_terminal: bool = False

    def line(self, text: str) -> None:
        """Write a line."""
        self.stream.write(text.encode(errors="replace") + b"\n")

    def octets(self, pieces: Iterable[bytes]) -> None:
        """Write what is no JSON, as it comes; a terminal gets nothing that drives it."""
        for piece in pieces:
            self.stream.write(_shown(piece) if self.is_terminal else piece)
            self.stream.flush()

    def thing(self, told: Mapping[str, Any]) -> None:
        """Show one thing: a line for each of its fields."""
        if self.is_json:
            self.line(json.dumps(_chosen(told, self.columns), indent=2))
            return
        fields = _chosen(told, self.columns)
        width = max(map(len, fields), default=0)
        for name, value in fields.items():
            first, *others = _lines(value)
            self.line(f"{name.ljust(width)}{GAP}{first}".rstrip())
            for one in others:
                self.line(f"{' ' * width}{GAP}{one}")

    def things(self, operation: Operation, items: Iterable[Mapping[str, Any]]) -> int:
        """Show several, each as it comes; returns how many."""
        return self.listed(items) if self.is_json else self._table(operation, iter(items))

    def listed(self, items: Iterable[Mapping[str, Any]]) -> int:
        """A list of JSON, with a line for each: none of it is kept."""
        count = 0
        for item in items:
            before = "," if count else "["
            self.line(f"{before}{json.dumps(_chosen(item, self.columns))}")
            count += 1
        self.line("]" if count else "[]")
        return count

    def _table(self, operation: Operation, items: Iterator[Mapping[str, Any]]) -> int:
        first = list(islice(items, MEASURED))
        if not first:
            return 0
        room = shutil.get_terminal_size((NARROW, 0)).columns
        columns = _columns(operation.shows, first, self.columns, room)
        widths = {
            name: max(len(_heading(name)), *(len(_cell(item.get(name))) for item in first))
            for name in columns
        }
        if not self.columns:
            widths = {name: min(width, WIDEST) for name, width in widths.items()}
        self.line(_row(widths, {name: _heading(name) for name in columns}))
        count = 0
        for part in (first, items):
            for item in part:
                self.line(_row(widths, {name: _cell(item.get(name)) for name in columns}))
                count += 1
        return count


def _columns(
    shows: Sequence[Field],
    items: Sequence[Mapping[str, Any]],
    wanted: Sequence[str],
    room: int,
) -> list[str]:
    """Those that people named; else those that fit side by side, the more telling ones first."""
    known = [one.name for one in shows] or list(items[0])
    if wanted:
        _demand_known(wanted, known)
        return list(wanted)
    plain = [one.name for one in shows if one.kind != "json" and not one.is_list] or known
    found: list[str] = []
    used = 0
    for name in sorted(plain, key=lambda name: _FIRST.index(name) if name in _FIRST else 99):
        cells = (len(_cell(item.get(name))) for item in items)
        width = min(WIDEST, max(len(_heading(name)), *cells)) + len(GAP)
        if used + width <= room + len(GAP):
            found.append(name)
            used += width
    return [name for name in plain if name in found]


def _chosen(told: Mapping[str, Any], columns: Sequence[str]) -> Mapping[str, Any]:
    if not columns:
        return told
    _demand_known(columns, list(told))
    return {name: told[name] for name in columns}


def _demand_known(wanted: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise WrongCall(f"There is no {', '.join(unknown)} here, but: {', '.join(known)}")


def _row(widths: Mapping[str, int], cells: Mapping[str, str]) -> str:
    return GAP.join(cells[name].ljust(width) for name, width in widths.items()).rstrip()


def _heading(name: str) -> str:
    return name.upper().replace("_", " ")


def _cell(value: Any) -> str:
    """Something in one line."""
    if value is None or value == "" or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return printable(", ".join(map(str, value)))
    if isinstance(value, list | dict):
        return printable(json.dumps(value, ensure_ascii=False))
    return printable(str(value))


def _lines(value: Any) -> list[str]:
    """Something with parts, in a line for each; never none."""
    if isinstance(value, dict) and value:
        return [f"{name}: {_cell(inner)}" for name, inner in value.items()]
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        found = []
        for one in value:
            parts = one.items() if isinstance(one, dict) else [("", one)]
            told = [f"{name}: {_cell(inner)}" for name, inner in parts]
            found += [("- " if number == 0 else "  ") + text for number, text in enumerate(told)]
        return found
    if isinstance(value, str) and "\n" in value:
        return [printable(line) for line in value.splitlines()] or ["-"]
    return [_cell(value)]


def _shown(piece: bytes) -> bytes:
    lines = piece.decode(errors="replace").replace("\r\n", "\n").split("\n")
    return "\n".join(printable(line.replace("\t", "    ")) for line in lines).encode()
