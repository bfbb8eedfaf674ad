"""The queue as a list: oldest first, in a few statements however much waits."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet

from apps.console import paging
from apps.console.filters import Filter, choice, words
from apps.console.paging import Page
from apps.console.queue.words import SECOND, Said, moment, place, said, shown, since
from apps.directory.permissions import Powers
from apps.mailqueue import queries
from apps.mailqueue.models import (
    Aside,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from apps.provisioning.administration import queue as doors
from apps.runtime.clock import now_us
from apps.runtime.keyset import Column, Order, batches
from apps.runtime.ulid import parse_ulid, ulid_text

TABS: Final = (
    ("", "All"),
    ("waiting", "Waiting"),
    ("sending", "Sending"),
    ("held", "Held"),
    ("scheduled", "Scheduled"),
)
_FEW: Final = ("sending", "scheduled")  # they are found before anybody asks for whom they are
AGES: Final = {"1": "1 hour", "4": "4 hours", "24": "1 day", "72": "3 days"}
Tab: TypeAlias = tuple[str, str, str, bool]  # address, words, how many, whether it is shown
ORDER: Final = Order(Column("pk", UUID))
_OPEN: Final = (RecipientState.PENDING, RecipientState.WAITING, RecipientState.HELD)
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
    now = now_us()
    found = _in_state(_base(powers, wanted), wanted.state, now)
    if wanted.destination:
        named = doors.named(powers, QueuedRecipient.objects.all())
        found = found.filter(queries.bound_messages(_names(wanted.destination), named))
    if wanted.age:
        before = now - int(wanted.age) * 3_600 * SECOND
        found = found.filter(pk__lt=queries.first_id(before))
    if wanted.text:
        found = found.filter(_like(powers, wanted.text))
    return found


def _base(powers: Powers, wanted: Wanted) -> QuerySet[QueuedMessage]:
    """The messages in sight among which they are; of what comes in nobody is told its way."""
    if wanted.destination:
        return doors.sent(powers)
    return doors.in_sight_of_few(powers) if wanted.state in _FEW else doors.in_sight(powers)


def _in_state(found: QuerySet[QueuedMessage], state: str, now: int) -> QuerySet[QueuedMessage]:
    """Those of them that a tab shows."""
    if state == "waiting":
        return found.filter(state=MessageState.ROUTED).exclude(pk__in=queries.stuck().values("pk"))
    if state == "sending":
        return found.filter(pk__in=queries.leased_recipients(now).values("message"))
    if state == "held":
        held = QueuedMessage.objects.filter(queries.HELD_ROWS)
        return found.filter(pk__among=held.values("pk").union(queries.stuck().values("pk")))
    if state == "scheduled":
        lanes = QueuedMessage.objects.filter(queries.UNPROCESSED_ROWS, lane__in=(0, 1))
        later = lanes.filter(lease_until=0, hold_until__gt=now, state=MessageState.ACCEPTED)
        return found.filter(pk__in=later.values("pk"))
    return found


def _names(text: str) -> list[str]:
    return [text] if "/" in text else [f"mx/{text.casefold()}", text]


def _like(powers: Powers, text: str) -> Q:
    """A queue id; or part of an address, among those that somebody may see."""
    identity = parse_ulid(text.upper())
    if identity is not None:
        return Q(pk=identity)
    return Q(sender__icontains=text) | doors.with_recipient(powers, text, _OPEN)


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
    now = now_us()
    found, few = doors.in_sight(powers), doors.in_sight_of_few(powers)
    return [
        (
            wanted.link(state=key),
            name,
            paging.counted(_in_state(few if key in _FEW else found, key, now)),
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
    standing = _standing(powers, ids, now)
    ends = dict(Aside.objects.filter(message__in=ids).values_list("message", "end"))
    firsts = QueuedRecipient.objects.filter(pk__in=[one["first"] for one in standing.values()])
    first = {one.pk: one for one in firsts}
    named = set(doors.named(powers, firsts).values_list("pk", flat=True))
    found = []
    for row in rows:
        how = standing.get(row["pk"], _NOBODY)
        to = first.get(how["first"])
        is_named = to is not None and to.pk in named
        kind, badge = _badge(row, how, ends.get(row["pk"], ""), now)
        is_waiting = row["state"] == MessageState.ROUTED and how["next"] is not None
        next_us = how["next"] or 0 if is_waiting else _until(row, now)
        found.append(
            Line(
                id=row["pk"],
                sender=shown(row["sender"]),
                to=shown(to.address if is_named else to.original) if to else "",
                more=max(0, how["count"] - 1),
                destination=place(to.destination) if to and is_named else "",
                size=row["size"],
                age=since(row["received_at"], now),
                received_at=moment(row["received_at"]),
                kind=kind,
                badge=badge,
                why=said(row["last_error"] or (to.last_reply if to and is_named else "")),
                tries=how["tries"] or 0,
                next=moment(next_us) if next_us > now else None,
                is_waiting=is_waiting,
            )
        )
    return found


_NOBODY: Final[dict[str, Any]] = {"first": 0, "count": 0, "tries": 0, "next": None, "leased": 0}


def _standing(powers: Powers, ids: Sequence[UUID], now: int) -> dict[UUID, dict[str, Any]]:
    """How those recipients stand that are not settled, for each message."""
    rows = doors.known(powers, ids).filter(state__in=_OPEN)
    counted = rows.values("message").annotate(
        first=Min("id"),
        count=Count("id"),
        tries=Max("attempts"),
        next=Min("next_attempt_at", filter=Q(state=RecipientState.WAITING)),
        leased=Count("id", filter=Q(lease_until__gt=now)),
    )
    return {one["message"]: dict(one) for one in counted.order_by("message")}


def _until(row: dict[str, Any], now: int) -> int:
    is_scheduled = row["state"] == MessageState.ACCEPTED and row["hold_until"] > now
    return row["hold_until"] if is_scheduled else 0


def _badge(row: dict[str, Any], how: dict[str, Any], end: str, now: int) -> tuple[str, str]:
    if end:
        return "bad", {"delete": "Being deleted", "bounce": "Being returned"}[end]
    if row["state"] == MessageState.HELD:
        return "neutral", "Held"
    if how["leased"]:
        return "info", "Sending"
    if row["state"] == MessageState.ROUTED:
        if how["next"] is None and how["count"]:
            return "neutral", "Held"  # its recipients are: it has nowhere to go
        return ("warn", "Deferred") if how["tries"] else ("info", "Waiting")
    if row["state"] == MessageState.OFFERED:
        return "info", "Coming in"
    return ("accent", "Scheduled") if _until(row, now) else ("info", "Being processed")
