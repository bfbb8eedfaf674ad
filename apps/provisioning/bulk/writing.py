"""Lines of a CSV file that spreadsheets open: UTF-8 with its mark, nothing in it a formula."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from apps.provisioning.bulk.cells import safe

BOM: Final = "\ufeff".encode()
_AT_ONCE: Final = 200  # lines of a piece


def line(cells: Iterable[object]) -> str:
    """A line with its end (RFC 4180). Every text is in quotes, so that no sign in it counts."""
    return ",".join(_cell(cell) for cell in cells) + "\r\n"


def pieces(head: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    """A file, some lines at a time."""
    some = [line(head)]
    yield BOM
    for row in rows:
        some.append(line(row))
        if len(some) >= _AT_ONCE:
            yield "".join(some).encode("utf-8", "replace")
            some = []
    yield "".join(some).encode("utf-8", "replace")


def _cell(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = safe(str(value))
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
