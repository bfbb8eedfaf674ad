"""The queue as a list: oldest first, in a few statements however much waits."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.db.models import QuerySet

from apps.console import paging
from apps.console.filters import Filter, choice, words
from apps.console.paging import Page
from apps.console.queue.words import SECOND, Said, moment, place, said, shown, since
from apps.directory.permissions import Powers
from apps.mailqueue.models import (
    Aside,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
)
from apps.provisioning.administration import queue as doors
from apps.provisioning.administration import waiting as mail
from apps.provisioning.administration.waiting import Asked, Standing
from apps.runtime.clock import now_us
from apps.runtime.keyset import Column, Order, batches
from apps.runtime.ulid import ulid_text

TABS: Final = (
    ("", "All"),
    ("waiting", "Waiting"),
    ("sending", "Sending"),
    ("held", "Held"),
    ("scheduled", "Scheduled"),
)
AGES: Final = {"1": "1 hour", "4": "4 hours", "24": "1 day", "72": "3 days"}
Tab: TypeAlias = tuple[str, str, str, bool]  # address, words, how many, whether it is shown
ORDER: Final = Order(Column("pk", UUID))
_COLUMNS: Final = (
    *("pk", "sender", "state", "size", "received_at", "hold_until", "last_error", "user_id"),
    "lease_until",
)


@dataclass(frozen=True, slots=True)
class Wanted(Filter):
    """What is asked for.

    Args:
        text: part of a sender or recipient, or a queue id.
        state: one of TABS.
        destination: where it is to go, as `QueuedRecipient.destination` or without `mx/`.
        age: one of AGES, hours: what came before that.
    """

    state: str = field(default="", metadata=choice([key for key, _ in TABS]))
    destination: str = field(default="", metadata=words(300))
    age: str = field(default="", metadata=choice(AGES))

    @property
    def asked(self) -> Asked:
        """As the queue is asked."""
        before = now_us() - int(self.age) * 3_600 * SECOND if self.age else 0
        return Asked(self.text, self.state, self.destination, before)


@dataclass(frozen=True, slots=True)
class Line:
    """A message in the list.

    Args:
        to: the first recipient who is not settled; "" if none is in sight.
        more: how many others are not.
        kind, badge: of its state.
        next: when it is tried next; None is now, or not at all (`is_waiting`).
    """

    id: UUID
    sender: str
    to: str
    more: int
    destination: str
    size: int
    age: str
    received_at: datetime | None
    kind: str
    badge: str
    why: Said
    tries: int
    next: datetime | None
    is_waiting: bool

    @property
    def key(self) -> str:
        """Its id as people read it."""
        return ulid_text(self.id)


def chosen(powers: Powers, wanted: Wanted) -> QuerySet[QueuedMessage]:
    """The messages in sight that fit, in no order."""
    return mail.chosen(powers, wanted.asked)


def messages(powers: Powers, wanted: Wanted, tabs: Sequence[Tab]) -> Page[Line]:
    """A page of the messages in sight.

    Args:
        tabs: they say how many there are where the page has all of one.
    """
    found, total = chosen(powers, wanted), next((count for *_, count, shown in tabs if shown), "")
    if wanted.text:
        found, total = _sought(found, wanted.after)
    is_tab = wanted == Wanted(state=wanted.state, after=wanted.after)
    return paging.page(
        found.values(*_COLUMNS),
        ORDER,
        wanted,
        lambda rows: _lines(powers, rows),
        counts=total if is_tab or wanted.text else found,
        nouns=("message", "messages"),
    )


def _sought(found: QuerySet[QueuedMessage], cursor: str) -> tuple[QuerySet[QueuedMessage], str]:
    """The same where text was looked for, and how many they are. To look through all of the queue
    is the work: what is found is counted by the statement that finds it."""
    ids = list(found.order_by("pk").values_list("pk", flat=True)[: paging.COUNTED + 1])
    total = paging.how_many(len(ids))
    if len(ids) > paging.COUNTED:
        return found, total
    after = ORDER.values(cursor) or {}
    first = bisect_right(ids, after["pk"]) if after else 0
    return QueuedMessage.objects.filter(pk__in=ids[first : first + paging.PAGE + 1]), total


def lines(powers: Powers, wanted: Wanted) -> Iterator[Line]:
    """All of them one by one, for a file."""
    for rows in batches(chosen(powers, wanted).values(*_COLUMNS), ORDER):
        yield from _lines(powers, rows)


def tabs(powers: Powers, wanted: Wanted) -> list[Tab]:
    """What is above the list."""
    return [
        (
            wanted.link(state=key),
            name,
            paging.counted(mail.in_state(powers, key)),
            wanted.state == key,
        )
        for key, name in TABS
    ]


def oldest(powers: Powers) -> str:
    """How long the oldest message has been here; "" if there is none."""
    rows = doors.in_sight(powers).order_by("pk").values_list("received_at", flat=True)
    found = rows.first()
    return "" if found is None else since(found, now_us())


def _lines(powers: Powers, rows: Sequence[dict[str, Any]]) -> list[Line]:
    now = now_us()
    ids = [row["pk"] for row in rows]
    standing = mail.standing(powers, ids, now)
    ends = dict(Aside.objects.filter(message__in=ids).values_list("message", "end"))
    firsts = QueuedRecipient.objects.filter(pk__in=[one.first for one in standing.values()])
    first = {one.pk: one for one in firsts}
    named = set(doors.named(powers, firsts).values_list("pk", flat=True))
    found = []
    for row in rows:
        how = standing.get(row["pk"], mail.NOBODY)
        to = first.get(how.first)
        is_named = to is not None and to.pk in named
        kind, badge = _badge(row, how, ends.get(row["pk"], ""), now)
        is_waiting = row["state"] == MessageState.ROUTED and how.next_us is not None
        next_us = how.next_us or 0 if is_waiting else _until(row, now)
        found.append(
            Line(
                id=row["pk"],
                sender=shown(row["sender"]),
                to=shown(to.address if is_named else to.original) if to else "",
                more=max(0, how.count - 1),
                destination=place(to.destination) if to and is_named else "",
                size=row["size"],
                age=since(row["received_at"], now),
                received_at=moment(row["received_at"]),
                kind=kind,
                badge=badge,
                why=said(row["last_error"] or (to.last_reply if to and is_named else "")),
                tries=how.tries,
                next=moment(next_us) if next_us > now else None,
                is_waiting=is_waiting,
            )
        )
    return found


def _until(row: dict[str, Any], now: int) -> int:
    is_scheduled = row["state"] == MessageState.ACCEPTED and row["hold_until"] > now
    return row["hold_until"] if is_scheduled else 0


def _badge(row: dict[str, Any], how: Standing, end: str, now: int) -> tuple[str, str]:
    if end:
        return "bad", {"delete": "Being deleted", "bounce": "Being returned"}[end]
    if row["state"] == MessageState.HELD:
        return "neutral", "Held"
    if how.under_way:
        return "info", "Sending"
    if row["state"] == MessageState.ROUTED:
        if how.next_us is None and how.count:
            return "neutral", "Held"  # its recipients are: it has nowhere to go
        return ("warn", "Deferred") if how.tries else ("info", "Waiting")
    if row["state"] == MessageState.OFFERED:
        return "info", "Coming in"
    return ("accent", "Scheduled") if _until(row, now) else ("info", "Being processed")
