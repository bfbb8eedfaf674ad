"""When a letter is to leave: the times that are offered, and the one that was chosen. Pure.

A time is a minute of the writer's own clock, as `<input type="datetime-local">` writes it. What it
is on the clock of the world is decided here: an hour that the clock leaves out in spring is the one
after it, one that comes twice in autumn is the first.
"""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final, NamedTuple

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.webmail.writing.fields import FieldRefused

LONGEST_DAYS: Final = 30
"""As far ahead as mail may be handed in by other programs (`smtp.proto.limits`): its trace is kept
so long."""
_SHORTEST: Final = timedelta(minutes=1)
_FORM: Final = "%Y-%m-%dT%H:%M"
_TYPED: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)
_MORNING, _AFTERNOON, _EVENING = time(8), time(14), time(18)
_MONDAY: Final = 0


class Choice(NamedTuple):
    """A time that is offered: `value` as a form has it."""

    label: str
    hint: str
    value: str


def choices(now: datetime) -> list[Choice]:
    """The times that people want most, in their order; `now` is on the writer's clock."""
    today, tomorrow = now.date(), now.date() + timedelta(days=1)
    monday = today + timedelta(days=(_MONDAY - today.weekday()) % 7 or 7)
    wanted = [
        (_("This afternoon"), datetime.combine(today, _AFTERNOON)),
        (_("This evening"), datetime.combine(today, _EVENING)),
        (_("Tomorrow morning"), datetime.combine(tomorrow, _MORNING)),
        (_("Tomorrow afternoon"), datetime.combine(tomorrow, _AFTERNOON)),
        (_("Monday morning"), datetime.combine(monday, _MORNING)),
    ]
    soon = now.replace(tzinfo=None) + timedelta(hours=1)
    later = [one for one in wanted if one[1] >= soon]
    seen: dict[datetime, str] = {}
    for label, at in later:
        seen.setdefault(at, label)  # on Sundays Monday is tomorrow
    return [Choice(label, hint(at), at.strftime(_FORM)) for at, label in seen.items()]


def earliest(now: datetime) -> str:
    """The first minute that can be chosen, for `min` of a field."""
    return (now + _SHORTEST + timedelta(seconds=59)).strftime(_FORM)


def latest(now: datetime) -> str:
    """The last one, for `max`."""
    return (now + timedelta(days=LONGEST_DAYS)).strftime(_FORM)


def hint(at: datetime) -> str:
    """A time in few words: the day of the week, the day, the time."""
    return f"{date_format(at, 'D')} {date_format(at, 'j M')}, {date_format(at, 'H:i')}"


def moment(text: str, now: datetime) -> int:
    """The Unix seconds of a time as a form has it.

    Args:
        now: on the writer's clock, with its time zone.

    Raises:
        FieldRefused: it is none, is over, or too far off.
    """
    at = _read(text)
    zone = now.tzinfo or UTC
    if at is None:
        raise FieldRefused("when", _("This is no date and time"))
    try:
        seconds = int(_aware(at, zone).timestamp())
    except (OverflowError, OSError, ValueError):  # the year 1 in a zone west of here
        raise FieldRefused("when", _("This is no date and time")) from None
    ahead = seconds - int(now.timestamp())
    if ahead <= 0:
        raise FieldRefused("when", _("This time is over: choose one that is to come"))
    if ahead > LONGEST_DAYS * 86_400:
        words = _("Messages can be scheduled %(days)d days ahead at most")
        raise FieldRefused("when", words % {"days": LONGEST_DAYS})
    return seconds


def _read(text: str) -> datetime | None:
    """Some browsers add seconds."""
    match = _TYPED.match(text[:30].strip())
    try:
        return datetime.fromisoformat(match[0]) if match else None
    except ValueError:  # the 31st of February
        return None


def _aware(at: datetime, zone: tzinfo) -> datetime:
    """There and back again: a time that the clock leaves out comes back as the one after it."""
    return at.replace(tzinfo=zone, fold=0).astimezone(UTC).astimezone(zone)
