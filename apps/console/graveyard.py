"""Removed users as the console lists them, those removed last first."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from apps.console.typed import plain
from apps.directory.permissions import Powers
from apps.provisioning.administration import tombstones
from apps.provisioning.services import KEEP_DAYS

PAGE: Final = 50
MAX_TEXT: Final = 320


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A removed user; its mail goes for good at `kept_until` or soon after."""

    id: int
    address: str
    name: str
    removed_at: datetime
    used: int

    @property
    def kept_until(self) -> datetime:
        """When its time is over."""
        return self.removed_at + timedelta(days=KEEP_DAYS)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of them."""

    lines: list[Tombstone]
    words: str
    query_first: str
    query_next: str


def removed(powers: Powers, *, text: str, after: str) -> Page:
    """A page of the removed users in sight, in one statement.

    Args:
        text: the beginning of an address.
        after: the key of the last one of the page before.
    """
    found = tombstones.in_sight(powers)
    text = plain(text, MAX_TEXT)
    if text:
        found = found.filter(key__startswith=text.casefold())
    place = _place(after)
    if place is not None:
        found = found.filter(place)
    columns = ("pk", "address", "name", "removed_at", "usage__size")
    rows = list(found.order_by("-removed_at", "-pk").values_list(*columns)[: PAGE + 1])
    lines = [
        Tombstone(pk, address, name, at, used or 0)
        for pk, address, name, at, used in rows[:PAGE]
        if at is not None  # the database sees to it
    ]
    following = ""
    if len(rows) > PAGE:
        following = f"{lines[-1].removed_at.isoformat()}_{lines[-1].id}"
    words = "" if not lines else "1 user" if len(lines) == 1 else f"{len(lines)} users"
    first = urlencode({"text": text}) if place is not None else ""
    return Page(lines, words, first, _query(text, following))


def _query(text: str, after: str) -> str:
    return urlencode({"text": text, "after": after}) if after else ""


def _place(after: str) -> Q | None:
    time, _, number = after[:60].partition("_")
    try:
        at = parse_datetime(time)
    except ValueError:
        return None
    if at is None or at.utcoffset() != timedelta(0) or not number.isascii():
        return None
    if not number.isdigit() or len(number) > 18:
        return None
    # The first condition is the second's shadow: an index serves it.
    return Q(removed_at__lte=at) & (Q(removed_at__lt=at) | Q(pk__lt=int(number)))
