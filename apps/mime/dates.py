"""Dates of mail: RFC 5322 read leniently, IMAP dates read strictly, both written exactly.

Readers return None for what is no date and never raise. All look at a bounded number of
characters with linear expressions. Clocks are the caller's: nothing here asks what time it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

LENGTH_MAX = 300  # Characters of a Date field looked at.
YEAR_MIN, YEAR_MAX = 1900, 9998  # RFC 5322 section 3.3; 9998 leaves room for zone arithmetic.

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(_MONTHS, 1)}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

# Minutes east of UTC, RFC 5322 section 4.3 and what old systems write.
_ZONES = {
    "ut": 0,
    "utc": 0,
    "gmt": 0,
    "z": 0,
    "wet": 0,
    "bst": 60,
    "cet": 60,
    "met": 60,
    "cest": 120,
    "mest": 120,
    "eet": 120,
    "eest": 180,
    "msk": 180,
    "jst": 540,
    "ist": 330,
    "ast": -240,
    "edt": -240,
    "est": -300,
    "cdt": -300,
    "cst": -360,
    "mdt": -360,
    "mst": -420,
    "pdt": -420,
    "pst": -480,
}

_TIME = r"([0-9]{1,2})\s*[:.]\s*([0-9]{2})(?:\s*[:.]\s*([0-9]{2})(?:[.,][0-9]{1,9})?)?"
_ZONE = r"\s*([+-]\s?[0-9]{1,2}:?[0-9]{2}|[A-Za-z]{1,5})?"
_DAY_NAME = r"\s*(?:[A-Za-z]{2,9}\.?\s*,?\s*)?"
_RFC5322 = re.compile(
    rf"{_DAY_NAME}([0-9]{{1,2}})[\s-]*([A-Za-z]{{3}})[a-z]{{0,6}}\.?[\s,-]*([0-9]{{2,4}})"
    rf"(?:[\s,]+{_TIME}{_ZONE})?"
)
_ASCTIME = re.compile(
    rf"{_DAY_NAME}\s*([A-Za-z]{{3}})[a-z]{{0,6}}\s+([0-9]{{1,2}}),?\s+{_TIME}{_ZONE}"
    r"\s+([0-9]{4})"
)
_ISO = re.compile(rf"\s*([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}})[T\s]+{_TIME}{_ZONE}")
_OFFSET = re.compile(r"([+-])([0-9]{1,2}):?([0-9]{2})")

_IMAP_DATE = re.compile(r"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")
_IMAP_DATE_TIME = re.compile(
    r"( [0-9]|[0-9]{2})-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-][0-9]{4})"
)


@dataclass(frozen=True, slots=True)
class MessageDate:
    """When a message says it was written.

    utc: aware, in UTC. offset_minutes: the sender's zone, east of UTC. local_date: the day on the
    sender's calendar, which is what IMAP SENTBEFORE and SENTSINCE compare (RFC 3501 section 6.4.4:
    "disregarding time and timezone").
    """

    utc: datetime
    offset_minutes: int
    local_date: date


def parse_date(raw: bytes | str | None) -> MessageDate | None:
    """Return the date of a Date field's value, None if there is none to be found in it."""
    if not raw:
        return None
    text = raw if isinstance(raw, str) else raw[:LENGTH_MAX].decode("latin-1")
    text = text[:LENGTH_MAX]
    if "(" in text:
        text = _without_comments(text)
    if (found := _RFC5322.match(text)) is not None:
        day, month, year, *clock = found.groups()
    elif (found := _ASCTIME.match(text)) is not None:
        month, day, *clock, year = found.groups()
    elif (found := _ISO.match(text)) is not None:
        year, number, day, *clock = found.groups()
        month = _MONTHS[int(number) - 1] if 1 <= int(number) <= 12 else ""
    else:
        return None
    return _build(year, month, day, clock)


def _build(year: str, month: str, day: str, clock: list[str | None]) -> MessageDate | None:
    hour, minute, second, zone = (*clock, None)[:4]
    offset = _offset(zone or "")
    local = _local(_year(year), month, day, hour or "0", minute or "0", second or "0")
    if local is None:
        return None
    utc = (local - timedelta(minutes=offset)).replace(tzinfo=UTC)
    return MessageDate(utc, offset, local.date())


def _local(year: int, month: str, day: str, hour: str, minute: str, second: str) -> datetime | None:
    number = _MONTH_NUMBERS.get(month.lower())
    if number is None or not YEAR_MIN <= year <= YEAR_MAX:
        return None
    try:
        # A leap second is real in mail and unknown to Python: count it as the one before.
        return datetime(  # noqa: DTZ001 (local to the sender; the zone is taken off by the caller)
            year, number, int(day), int(hour), int(minute), min(int(second), 59)
        )
    except ValueError:
        return None


def _year(text: str) -> int:
    """Read a year of two or three digits as RFC 5322 section 4.3 says."""
    year = int(text)
    if len(text) == 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if len(text) == 3 else year


def _offset(zone: str) -> int:
    """Return minutes east of UTC; an unknown zone counts as UTC (RFC 5322 section 4.3)."""
    found = _OFFSET.fullmatch(zone.replace(" ", ""))
    if found is None:
        return _ZONES.get(zone.lower(), 0)
    hours, minutes = int(found[2]), int(found[3])
    if hours > 23 or minutes > 59:
        return 0
    total = hours * 60 + minutes
    return -total if found[1] == "-" else total


def _without_comments(text: str) -> str:
    head, _, tail = text.partition("(")
    if tail.find(")") == len(tail) - 1:
        return head  # One comment at the end, "(PDT)": nearly always so.
    kept: list[str] = []
    depth = 0
    for char in text:
        if char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
            kept.append(" ")
        elif not depth:
            kept.append(char)
    return "".join(kept)


def format_date(at: datetime, offset_minutes: int = 0) -> str:
    """Return an aware time as RFC 5322 date-time in the given zone."""
    local = at.astimezone(timezone(timedelta(minutes=offset_minutes)))
    return (
        f"{_DAYS[local.weekday()]}, {local.day:02d} {_MONTHS[local.month - 1]} {local.year:04d}"
        f" {local:%H:%M:%S} {_zone(offset_minutes)}"
    )


def format_imap_date(day: date) -> str:
    """Return a day as IMAP date, "1-Feb-1994", without quotes."""
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year:04d}"


def format_imap_date_time(at: datetime, offset_minutes: int = 0) -> str:
    """Return an aware time as IMAP date-time, day padded with a space, without quotes."""
    local = at.astimezone(timezone(timedelta(minutes=offset_minutes)))
    return (
        f"{local.day:2d}-{_MONTHS[local.month - 1]}-{local.year:04d}"
        f" {local:%H:%M:%S} {_zone(offset_minutes)}"
    )


def _zone(offset_minutes: int) -> str:
    hours, minutes = divmod(abs(offset_minutes), 60)
    return f"{'-' if offset_minutes < 0 else '+'}{hours:02d}{minutes:02d}"


def parse_imap_date(text: str) -> date | None:
    """Return the day of an IMAP date (RFC 3501 "date-text"), None if it is none."""
    found = _IMAP_DATE.fullmatch(text) if text.isascii() else None
    if found is None or found[2].lower() not in _MONTH_NUMBERS:
        return None
    try:
        return date(int(found[3]), _MONTH_NUMBERS[found[2].lower()], int(found[1]))
    except ValueError:
        return None


def parse_imap_date_time(text: str) -> datetime | None:
    """Return an aware time in its own zone from an IMAP date-time without quotes, or None."""
    found = _IMAP_DATE_TIME.fullmatch(text) if text.isascii() else None
    zone = _OFFSET.fullmatch(found[7]) if found is not None else None
    if found is None or zone is None or int(zone[2]) > 23 or int(zone[3]) > 59:
        return None
    day, month, year, hour, minute, second, _ = found.groups()
    local = _local(int(year), month, day.strip(), hour, minute, second)
    if local is None or int(second) > 60:
        return None
    return local.replace(tzinfo=timezone(timedelta(minutes=_offset(found[7]))))
