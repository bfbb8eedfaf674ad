"""An invitation in mail (iCalendar, RFC 5545 and 5546), as a card: what, when, where, who. It is
shown, not answered.

The file is a stranger's. It is bounded before it is parsed, what it says of time zones is not read
at all (a rule "every second until 9999" in one is a bomb), and how it repeats is told in words and
never worked out. A zone is known by its name, or named beside the time.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import icalendar
from django.utils import formats, timezone
from django.utils.translation import gettext, ngettext

from apps.mime.headers import clean

OCTETS_MAX: Final = 256 * 1024
LINES_MAX: Final = 8_000
COMPONENTS_MAX: Final = 100
GUESTS_SHOWN: Final = 50
TEXT_MAX: Final = 5_000  # characters of the description
LINE_MAX: Final = 300  # of a title, a place, a name

_ZONE_LINE: Final = re.compile(rb"(?im)^(BEGIN|END):VTIMEZONE[ \t]*\r?$\n?")
_BEGIN: Final = re.compile(rb"(?im)^[ \t]*BEGIN[ \t]*:")
_METHODS: Final = ("REQUEST", "CANCEL", "REPLY", "PUBLISH")


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who is asked, and what they answered, in a word."""

    name: str
    address: str
    answer: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a card says.

    Args:
        title: what the message does: asks, calls off, answers.
        is_off: it does not take place.
        when: in the reader's zone; `zone` is that of the sender where it could not be turned.
        more: guests, or dates, that are not shown.
    """

    title: str
    is_off: bool
    summary: str
    when: str
    zone: str
    repeats: str
    place: str
    text: str
    organiser: Guest | None
    guests: tuple[Guest, ...]
    more: int


def read(octets: bytes) -> Invitation | None:
    """The invitation of a part, None if there is none that can be shown. Never raises."""
    if len(octets) > OCTETS_MAX or octets.count(b"\n") > LINES_MAX:
        return None
    plain = _without_zones(octets)
    if b"VEVENT" not in plain.upper() or b"BEGIN:VTIMEZONE" in plain.upper():
        return None
    if len(_BEGIN.findall(plain)) > COMPONENTS_MAX:
        return None
    try:
        found = icalendar.Calendar.from_ical(plain)
        events = list(found.walk("VEVENT"))
        return _invitation(str(found.get("METHOD", "")).upper(), events[0]) if events else None
    except Exception:  # noqa: BLE001 - a stranger's file in a library of a thousand cases
        return None


def _without_zones(octets: bytes) -> bytes:
    """All but what it says of time zones; one that never ends is left with its first line. One
    pass: a search for each end from each beginning is quadratic (8,000 beginnings: 20 s)."""
    kept: list[bytes] = []
    at, is_within = 0, False
    for line in _ZONE_LINE.finditer(octets):
        is_begin = line[1].upper() == b"BEGIN"
        if is_begin and not is_within:
            kept.append(octets[at : line.start()])
            at = line.start()
        elif not is_begin and is_within:
            at = line.end()
        is_within = is_begin
    kept.append(octets[at:])
    return b"".join(kept)


def _invitation(method: str, event: Any) -> Invitation:
    status = _line(event, "STATUS").upper()
    is_off = method == "CANCEL" or status == "CANCELLED"
    guests = [_guest(one) for one in _many(event.get("ATTENDEE"))]
    when, zone = _when(event)
    organiser = event.get("ORGANIZER")
    return Invitation(
        title=_title(method, guests, is_off=is_off),
        is_off=is_off,
        summary=_line(event, "SUMMARY") or gettext("(no title)"),
        when=when,
        zone=zone,
        repeats=_repeats(event.get("RRULE")),
        place=_line(event, "LOCATION"),
        text=_text(event.get("DESCRIPTION")),
        organiser=_guest(_many(organiser)[0]) if organiser is not None else None,
        guests=tuple(guests[:GUESTS_SHOWN]),
        more=max(0, len(guests) - GUESTS_SHOWN),
    )


def _title(method: str, guests: list[Guest], *, is_off: bool) -> str:
    if is_off:
        return gettext("Called off")
    if method == "REPLY" and guests:
        return f"{guests[0].name}: {guests[0].answer}"
    return gettext("Invitation") if method == "REQUEST" else gettext("Event")


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _line(event: Any, name: str) -> str:
    value = _many(event.get(name))
    return clean(" ".join(str(value[0]).split()))[:LINE_MAX] if value else ""


def _text(value: Any) -> str:
    found = _many(value)
    lines = str(found[0])[:TEXT_MAX].splitlines() if found else []
    return "\n".join(clean(line) for line in lines).strip()


def _guest(value: Any) -> Guest:
    address = clean(str(value))[:LINE_MAX]
    if address[:7].lower() == "mailto:":
        address = address[7:]
    name = clean(str(value.params.get("CN", ""))).strip('"')[:LINE_MAX]
    said = str(value.params.get("PARTSTAT", "")).upper()
    answer = {
        "ACCEPTED": gettext("comes"),
        "DECLINED": gettext("does not come"),
        "TENTATIVE": gettext("comes perhaps"),
        "DELEGATED": gettext("sends somebody else"),
    }.get(said, gettext("has not answered"))
    return Guest(name or address, address, answer)


def _when(event: Any) -> tuple[str, str]:
    """The time in words, and the zone that it is in unless it is the reader's."""
    first = _moment(event.get("DTSTART"))
    if first is None:
        return "", ""
    last = _moment(event.get("DTEND"))
    if last is None and (lasts := _moment(event.get("DURATION"))) is not None:
        last = first + lasts
    if not isinstance(first, datetime):
        return _days(first, last), ""
    if not isinstance(last, datetime):
        last = None
    zone = ""
    if first.tzinfo is None:
        zone = clean(str(event["DTSTART"].params.get("TZID", "")))[:60]
    return _hours(_here(first), _here(last) if last else None), zone


def _moment(value: Any) -> Any:
    """Date, datetime or length of a property; None for what is none, or out of any calendar."""
    found = getattr(_many(value)[0], "dt", None) if _many(value) else None
    if isinstance(found, timedelta):
        return found if abs(found.days) < 3_660 else None
    if isinstance(found, date) and 1900 <= found.year <= 2200:
        return found
    return None


def _here(at: datetime) -> datetime:
    return at if at.tzinfo is None else timezone.localtime(at)


def _day(at: date) -> str:
    return formats.date_format(at, "l, ") + formats.date_format(at, "DATE_FORMAT")


def _days(first: date, last: Any) -> str:
    end = first
    if isinstance(last, date) and not isinstance(last, datetime) and last > first:
        end = last - timedelta(days=1)  # DTEND is the day after (RFC 5545 section 3.6.1)
    shown = _day(first) if end == first else f"{_day(first)} \u2013 {_day(end)}"
    return f"{shown}, {gettext('all day')}"


def _hours(first: datetime, last: datetime | None) -> str:
    clock = formats.date_format(first, "H:i")
    zone = f" {first.tzname()}" if first.tzinfo is not None else ""
    if last is None or last <= first:
        return f"{_day(first)}, {clock}{zone}"
    end = formats.date_format(last, "H:i")
    if last.date() == first.date():
        return f"{_day(first)}, {clock} \u2013 {end}{zone}"
    return f"{_day(first)}, {clock} \u2013 {_day(last)}, {end}{zone}"


def _repeats(rule: Any) -> str:
    """How it repeats, in words; never which days that are."""
    rule = _many(rule)[0] if _many(rule) else None
    if not rule:
        return ""
    parts = {str(name).upper(): _many(value) for name, value in rule.items()}
    every = int(parts.get("INTERVAL", [1])[0])
    words = {
        "DAILY": ngettext("every day", "every %(count)d days", every),
        "WEEKLY": ngettext("every week", "every %(count)d weeks", every),
        "MONTHLY": ngettext("every month", "every %(count)d months", every),
        "YEARLY": ngettext("every year", "every %(count)d years", every),
    }.get(str(parts.get("FREQ", [""])[0]).upper())
    simple = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTH", "BYMONTHDAY"}
    if words is None or not 1 <= every <= 1_000 or not parts.keys() <= simple:
        return gettext("It repeats, by a rule of its own.")
    said = gettext("Repeats") + " " + words.replace("%(count)d", str(every))
    if days := [str(day) for day in parts.get("BYDAY", [])][:7]:
        said += f" ({', '.join(days)})"
    if "COUNT" in parts:
        count = int(parts["COUNT"][0])
        said += ", " + ngettext("%(count)d time", "%(count)d times", count) % {"count": count}
    elif "UNTIL" in parts and isinstance(parts["UNTIL"][0], date):
        said += (
            ", " + gettext("until") + " " + formats.date_format(parts["UNTIL"][0], "DATE_FORMAT")
        )
    return f"{said}."
