"""Rows of the message list: grouped by day, named for people. And the cursor of keyset paging."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN
from apps.mailstore.queries import ListRow
from apps.ui.templatetags.ui import hue

_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # the years 1 to 9999
_CURSOR = re.compile(r"(-?[0-9]{1,15})-([0-9]{1,15})")
_SYSTEM_KEYWORDS = "$"  # $Junk, $Forwarded and friends are not labels


@dataclass(frozen=True, slots=True)
class Row:
    """One message of the list."""

    uid: int
    who: str
    subject: str
    preview: str
    when: str
    at: datetime
    is_unread: bool
    is_starred: bool
    has_attachments: bool
    labels: tuple[tuple[str, int], ...]  # name, hue


@dataclass(frozen=True, slots=True)
class Day:
    """A heading and its rows."""

    name: str
    rows: list[Row]


def days(rows: Iterable[ListRow], keywords: Sequence[str], *, is_sent: bool = False) -> list[Day]:
    """Rows in their order, under Today, Yesterday, a weekday or a month."""
    today = timezone.localdate()
    found: list[Day] = []
    for row in rows:
        at = moment(row.internaldate)
        name = _heading(timezone.localtime(at).date(), today)
        if not found or found[-1].name != name:
            found.append(Day(name, []))
        found[-1].rows.append(_row(row, at, keywords, today, is_sent=is_sent))
    return found


def moment(seconds: int) -> datetime:
    """The time of Unix seconds, cut to the years that datetime knows: APPEND gives dates in any of
    them, and with its zone one may lie outside. One odd date must not cost the whole list."""
    return datetime.fromtimestamp(min(max(seconds, _FIRST), _LAST), UTC)


def _row(row: ListRow, at: datetime, keywords: Sequence[str], today: date, *, is_sent: bool) -> Row:
    who = row.recipients if is_sent else row.sender_name or row.sender_address
    return Row(
        uid=row.uid,
        who=who or "(unknown sender)",
        subject=row.subject or "(no subject)",
        preview=row.preview,
        when=_short(timezone.localtime(at), today),
        at=at,
        is_unread=not row.flags & FLAG_SEEN,
        is_starred=bool(row.flags & FLAG_FLAGGED),
        has_attachments=bool(row.has_attachments),
        labels=tuple(_labels(row.keywords, keywords)),
    )


def _labels(mask: int, names: Sequence[str]) -> Iterable[tuple[str, int]]:
    for bit, name in enumerate(names):
        if mask >> bit & 1 and name and not name.startswith(_SYSTEM_KEYWORDS):
            yield name, hue(name)


def _heading(day: date, today: date) -> str:
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if today - timedelta(days=7) < day < today:
        return f"{day:%A}"
    return f"{day:%B %Y}" if day < today else "Later"


def _short(at: datetime, today: date) -> str:
    if at.date() == today:
        return f"{at:%H:%M}"
    if today - timedelta(days=7) < at.date() < today:
        return f"{at:%a %H:%M}"
    return f"{at.day} {at:%b}" if at.year == today.year else f"{at.day} {at:%b %Y}"


def write_cursor(row: ListRow) -> str:
    """Where the next page begins, for its address."""
    return f"{row.internaldate}-{row.uid}"


def parse_cursor(text: str) -> tuple[int, int] | None:
    """The inverse; None (the first page) for anything that is not a cursor."""
    # A date from before 1970 is a negative number.
    found = _CURSOR.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None
