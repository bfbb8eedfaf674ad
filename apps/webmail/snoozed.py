"""What the pages say of snoozed mail: when each message comes back, and which times are offered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.webmail.models import Snooze
from apps.webmail.rows import Row, moment

_FORM: Final = "%Y-%m-%dT%H:%M"
_MORNING, _EVENING, _LATE = time(8), time(18), time(21)
_SATURDAY, _MONDAY = 5, 0


class Time(NamedTuple):
    """One that is offered: `value` as a form has it."""

    label: str
    hint: str
    value: str
    icon: str


def times(now: datetime) -> list[Time]:
    """The times that people want most, in their order; `now` is on the person's clock."""
    today = now.date()
    here = now.replace(tzinfo=None, second=0, microsecond=0)
    soon = here.replace(minute=0) + timedelta(hours=4 if here.minute else 3)
    weekend = today + timedelta(days=(_SATURDAY - today.weekday()) % 7 or 7)
    monday = today + timedelta(days=(_MONDAY - today.weekday()) % 7 or 7)
    wanted = []
    if soon.date() == today and soon.time() <= _LATE:
        wanted.append((soon, _("Later today"), "clock"))
    if here + timedelta(hours=1) < datetime.combine(today, _EVENING) != soon:
        wanted.append((datetime.combine(today, _EVENING), _("This evening"), "sunset"))
    tomorrow = today + timedelta(days=1)
    wanted.append((datetime.combine(tomorrow, _MORNING), _("Tomorrow morning"), "sunrise"))
    if weekend != tomorrow and today.weekday() < _SATURDAY:
        wanted.append((datetime.combine(weekend, _MORNING), _("This weekend"), "calendar-days"))
    if monday != tomorrow:
        wanted.append((datetime.combine(monday, _MORNING), _("Next week"), "calendar"))
    return [
        Time(str(label), hint(at, here), at.strftime(_FORM), icon) for at, label, icon in wanted
    ]


def hint(at: datetime, now: datetime) -> str:
    """A time in few words: as much as tells it from the others."""
    if at.date() == now.date():
        return date_format(at, "H:i")
    day = date_format(at, "D j M" if at.year == now.year else "D j M Y")
    return f"{day}, {date_format(at, 'H:i')}"


def until(mailbox_id: int, uids: Sequence[int]) -> dict[int, int]:
    """When messages of Snoozed come back, Unix seconds by UID; one query."""
    rows = Snooze.objects.filter(mailbox_id=mailbox_id, uid__in=uids)
    return dict(rows.values_list("uid", "until"))


def words(seconds: int) -> str:
    """A time of `until` on the person's clock; "" for none."""
    if not seconds:
        return ""
    return hint(timezone.localtime(moment(seconds)), timezone.localtime())


def told(mailbox_id: int, rows: Sequence[Row]) -> list[Row]:
    """Rows of Snoozed, each with when it comes back; one query."""
    known = until(mailbox_id, [row.uid for row in rows])
    return [replace(row, later=words(known.get(row.uid, 0))) for row in rows]
