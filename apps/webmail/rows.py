"""Rows of the message list: grouped by day, named for people."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.webmail.labels import LabelView
from apps.webmail.sent import Mark

_CLOCK = "H:i"  # in every language
_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # the years 1 to 9999


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation of the list, or one message where it has no other.

    ref: its newest message, as forms name it: mailbox and UID.
    slug: of the mailbox that it is in.
    who: short names; `face`: whose picture it has.
    count: messages, with one's own answers; 0 where it is one. `has_more`: there may be more.
    later: when something happens to it by itself, in words.
    fate: what became of it, if the person sent it.
    files: names of a few attachments; `more_files`: how many more the newest message has.
    """

    mailbox_id: int
    uid: int
    slug: str
    thread_id: int | None
    who: tuple[str, ...]
    face: str
    subject: str
    preview: str
    at: datetime
    when: str
    count: int = 0
    has_more: bool = False
    is_to: bool = False
    is_unread: bool = False
    is_starred: bool = False
    is_current: bool = False
    has_attachments: bool = False
    files: tuple[str, ...] = ()
    more_files: int = 0
    labels: tuple[LabelView, ...] = ()
    later: str = ""
    fate: Mark | None = None

    @property
    def ref(self) -> str:
        """As forms and scripts name it."""
        return f"{self.mailbox_id}.{self.uid}"

    @property
    def iso(self) -> str:
        """The time for programs."""
        return self.at.isoformat()

    @property
    def row_id(self) -> str:
        """Its name within the page."""
        return f"c-{self.mailbox_id}-{self.uid}"


@dataclass(frozen=True, slots=True)
class Day:
    """A heading and its rows. `is_continued`: the page before ended under the same heading."""

    name: str
    rows: list[Row] = field(default_factory=list)
    is_continued: bool = False


def days(rows: Iterable[Row], before: datetime | None = None) -> list[Day]:
    """Rows in their order, under Today, Yesterday, a weekday or a month.

    Args:
        before: of the last row of the page before, if this one is put below it.
    """
    today = timezone.localdate()
    last = heading(timezone.localtime(before).date(), today) if before else ""
    found: list[Day] = []
    for day, of_day in groupby(rows, lambda row: timezone.localtime(row.at).date()):
        name = heading(day, today)
        if not found or found[-1].name != name:
            found.append(Day(name, is_continued=not found and name == last))
        found[-1].rows.extend(of_day)
    return found


def moment(seconds: int) -> datetime:
    """The time of Unix seconds, cut to the years that datetime knows: APPEND gives dates in any of
    them, and with its zone one may lie outside. One odd date must not cost the whole list."""
    # A day from either end, so that every time zone has it.
    return datetime.fromtimestamp(min(max(seconds, _FIRST + 86_400), _LAST - 86_400), UTC)


def heading(day: date, today: date) -> str:
    """Under which words a day stands."""
    if day == today:
        return _("Today")
    if day == today - timedelta(days=1):
        return _("Yesterday")
    if today - timedelta(days=7) < day < today:
        return date_format(day, "l")
    return date_format(day, "F Y") if day < today else _("Later")


def short(at: datetime, today: date) -> str:
    """A time in as few words as tell it."""
    local = timezone.localtime(at)
    day = local.date()
    if day == today:
        return date_format(local, _CLOCK)
    if today - timedelta(days=7) < day < today:
        return f"{date_format(local, 'D')} {date_format(local, _CLOCK)}"
    return _day(day, "j M" if day.year == today.year else "j M Y", get_language())


@lru_cache(maxsize=1_000)  # rows of a page share a few days
def _day(day: date, form: str, language: str | None) -> str:
    return date_format(day, form)
