"""IMAP dates (RFC 3501 section 9): `date`, `date-time`, and INTERNALDATE on the wire.

Times inside the house are Unix seconds and an offset in minutes east of UTC; days are
`datetime.date`. Days are read from the calendar of the writer, never converted between zones.
"""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

from apps.imap.proto.scanner import GrammarError

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBER_OF = {name.upper().encode(): number for number, name in enumerate(_MONTHS, 1)}
_DATE = re.compile(rb"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")
_DATE_TIME = re.compile(
    rb"([ 0-9]?[0-9])-([A-Za-z]{3})-([0-9]{4}) "
    rb"([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"
)
_EPOCH = datetime.date(1970, 1, 1).toordinal()
DAY = 86_400


def parse_date(raw: bytes) -> datetime.date:
    """Read a `date-text`, such as 1-Feb-1994."""
    found = _DATE.fullmatch(raw)
    if found is None:
        raise GrammarError("expected a date such as 1-Feb-1994")
    return _day(found[1], found[2], found[3])


def _day(day: bytes, month: bytes, year: bytes) -> datetime.date:
    number = _NUMBER_OF.get(month.upper())
    try:
        return datetime.date(int(year), number or 0, int(day))
    except ValueError:
        raise GrammarError("expected a day that the calendar has") from None


def parse_date_time(raw: bytes) -> tuple[int, int]:
    """Read a `date-time`; return Unix seconds and the offset in minutes east of UTC."""
    found = _DATE_TIME.fullmatch(raw)
    if found is None:
        raise GrammarError("expected a date-time such as 17-Jul-1996 02:44:25 -0700")
    date = _day(found[1].strip(), found[2], found[3])
    hour, minute, second = int(found[4]), int(found[5]), int(found[6])
    zone_hour, zone_minute = int(found[8]), int(found[9])
    if hour > 23 or minute > 59 or second > 60 or zone_hour > 23 or zone_minute > 59:
        raise GrammarError("expected a time of day and a zone that exist")
    offset = (zone_hour * 60 + zone_minute) * (-1 if found[7] == b"-" else 1)
    seconds = (date.toordinal() - _EPOCH) * DAY + hour * 3600 + minute * 60 + second
    return seconds - offset * 60, offset


@lru_cache(maxsize=4096)
def _day_text(day: int) -> bytes:
    # Clamped to the years that datetime knows: a damaged row must not end a FETCH.
    ordinal = min(max(day + _EPOCH, 1), datetime.date.max.toordinal())
    date = datetime.date.fromordinal(ordinal)
    return f"{date.day:2d}-{_MONTHS[date.month - 1]}-{date.year:04d}".encode()


# Ten thousand dates are one FETCH: their parts are spelt once.
_CLOCK = tuple(b" %02d:%02d:" % divmod(minute, 60) for minute in range(1440))
_SECONDS = tuple(b"%02d " % second for second in range(60))


@lru_cache(maxsize=256)
def _zone_text(offset: int) -> bytes:
    return b"%b%02d%02d" % (b"-" if offset < 0 else b"+", *divmod(abs(offset), 60))


def internal_date(seconds: int, offset: int) -> bytes:
    """Return a quoted `date-time` in the zone `offset` minutes east of UTC."""
    day, rest = divmod(seconds + offset * 60, DAY)
    minute, second = divmod(rest, 60)
    return b'"%b%b%b%b"' % (_day_text(day), _CLOCK[minute], _SECONDS[second], _zone_text(offset))


def local_day(seconds: int, offset: int) -> int:
    """Return the day of an internal date as an ordinal, disregarding time and zone (SINCE, ON)."""
    return (seconds + offset * 60) // DAY + _EPOCH
