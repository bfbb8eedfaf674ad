"""What stands behind operators: days, ages, sizes. None for what is none, never an error."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from apps.mime.dates import YEAR_MAX, YEAR_MIN, parse_imap_date

_YEAR: Final = re.compile(r"([0-9]{4})")
_MONTH: Final = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})")
_DAY: Final = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_DAY_FIRST: Final = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_AGE: Final = re.compile(r"([0-9]{1,5})(d|days?|w|weeks?|m|months?|y|years?)")
_SIZE: Final = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))?([kmgt]?)(?:i?b)?")
_UNITS: Final = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}

Span = tuple[date, date]
"""The first day, and the one after the last."""


def days(text: str, today: date) -> Span | None:
    """The days that a text names: 2026-11-25, 2026/11/25, 25.11.2026, 25-Nov-2026, 2026-11, 2026,
    today, yesterday."""
    text = text.lower()
    if text in ("today", "yesterday"):
        first = today if text == "today" else today - timedelta(days=1)
        return first, first + timedelta(days=1)
    if found := _DAY.fullmatch(text):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _DAY_FIRST.fullmatch(text):
        return _day(int(found[3]), int(found[2]), int(found[1]))
    if (named := parse_imap_date(text)) is not None:
        return _day(named.year, named.month, named.day)
    if found := _MONTH.fullmatch(text):
        return _months(int(found[1]), int(found[2]), 1)
    found = _YEAR.fullmatch(text)
    return _months(int(found[1]), 1, 12) if found else None


def _day(year: int, month: int, day: int) -> Span | None:
    if not YEAR_MIN <= year <= YEAR_MAX:
        return None
    try:
        first = date(year, month, day)
    except ValueError:
        return None
    return first, first + timedelta(days=1)


def _months(year: int, month: int, count: int) -> Span | None:
    if not (YEAR_MIN <= year <= YEAR_MAX and 1 <= month <= 12):
        return None
    return date(year, month, 1), _first_of(year * 12 + month - 1 + count)


def _first_of(months: int) -> date:
    return date(months // 12, months % 12 + 1, 1)


def ago(text: str, today: date) -> date | None:
    """The day that lies so far back: 3d, 2w, 6m, 1y, also with the words written out."""
    found = _AGE.fullmatch(text.lower())
    if found is None:
        return None
    back = _BACK[found[2][0]]
    return max(back(today, int(found[1])), date(YEAR_MIN, 1, 1))


def _days_back(today: date, count: int) -> date:
    return date.fromordinal(max(today.toordinal() - count, 1))


def _months_back(today: date, count: int) -> date:
    months = max(today.year * 12 + today.month - 1 - count, YEAR_MIN * 12)
    first = _first_of(months)
    last = _first_of(months + 1) - timedelta(days=1)
    return first.replace(day=min(today.day, last.day))  # a month before 31 March is its last day


_BACK: Final[dict[str, Callable[[date, int], date]]] = {
    "d": _days_back,
    "w": lambda today, count: _days_back(today, 7 * count),
    "m": _months_back,
    "y": lambda today, count: _months_back(today, 12 * count),
}


def octets(text: str) -> int | None:
    """A size: 5000, 100k, 5M, 1.5GB; a kilobyte is 1,024 octets."""
    found = _SIZE.fullmatch(text.lower())
    if found is None:
        return None
    shift = _UNITS[found[3]]
    fraction = found[2] or ""
    scale: int = 10 ** len(fraction)
    return (int(found[1] + fraction) << shift) // scale
