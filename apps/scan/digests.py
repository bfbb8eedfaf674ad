"""What a digest tells a user: mail that is held back, and what the filter has put into Junk.

Of Junk only what the filter itself put there, since the last digest, unread: what its owner moved
there, or has looked at, is no news.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from apps.directory.models import User
from apps.mailstore.models import FLAG_SEEN, Entry, Mailbox, SpecialUse
from apps.runtime.clock import now
from apps.runtime.rows import fetch
from apps.scan import queries
from apps.scan.copies import junked
from apps.scan.models import DANGEROUS, Digest, Quarantined, QuarantineState
from apps.scan.scopes import Scope

DAY_SECONDS: Final = 86_400
SHOWN: Final = 50
"""Messages of each kind that one digest names; the rest are counted."""
LOOKED_THROUGH: Final = 500
"""Messages of each kind that are looked at for one digest, the newest ones."""
OWN_LIST: Final = f"{Scope(user_id=0).whose} list blocks "
"""How the reason begins where the user's own list decided."""
LOOK_BACK_DAYS: Final = 8
"""What has been in Junk for longer is told to nobody: a week, and a day in which we were away."""

_HELD: Final = """
SELECT DISTINCT q.user_id FROM scan_quarantined AS q
LEFT JOIN scan_digest AS d ON d.user_id = q.user_id
WHERE q.state = 'kept' AND NOT q.is_told AND q.user_id IS NOT NULL
  AND (d.day IS NULL OR d.day NOT BETWEEN %s AND %s)"""
_JUNK: Final = """
SELECT m.user_id FROM mailstore_mailbox AS m
JOIN mailstore_mailboxstate AS s ON s.mailbox_id = m.id
LEFT JOIN scan_digest AS d ON d.user_id = m.user_id
WHERE m.special_use = 'junk' AND m.deleted_at IS NULL AND s.unseen > 0
  AND (d.day IS NULL OR d.day NOT BETWEEN %s AND %s)
  AND (d.junk IS NULL OR d.junk <> m.id OR s.uidnext > d.junk_uid)"""


@dataclass(frozen=True, slots=True)
class Item:
    """One message. `at` in Unix seconds; `is_dangerous`: no link lets it go."""

    trace_id: UUID
    author: str
    subject: str
    words: str
    at: int
    is_dangerous: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be told to a user.

    Args:
        held, junk: at most `SHOWN`, newest first; `held_in_all`, `junk_in_all` count all.
        told: the quarantine rows that are told with it.
        mark: the mailbox that is Junk, and the first UID that was not looked at.
    """

    user_id: int
    held: tuple[Item, ...]
    held_in_all: int
    junk: tuple[Item, ...]
    junk_in_all: int
    told: tuple[int, ...]
    mark: tuple[int, int]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.held and not self.junk


def due(today: int, this_week: int, usual: str) -> list[int]:
    """The users for whom a digest may be due; a few queries, however many users there are.

    Args:
        today: days since 1970-01-01 UTC.
        this_week: the same of the last Monday.
        usual: how often those get one who have not said, and whose domain says nothing: daily,
            weekly, never.
    """
    begins = {"daily": today, "weekly": this_week, "never": 0}
    # Who was told later than tomorrow was told while the clock was wrong.
    users = {row[0] for sql in (_HELD, _JUNK) for row in fetch(sql, [today, today + 1])}
    said = dict(Digest.objects.filter(user__in=users).values_list("user", "every"))
    homes = dict(User.objects.filter(pk__in=users).values_list("pk", "domain__digest"))
    days = dict(Digest.objects.filter(user__in=users).values_list("user", "day"))
    wanted = {one: begins[said.get(one) or homes.get(one) or usual] for one in users}
    return sorted(
        one for one, since in wanted.items() if since and not since <= days.get(one, 0) <= today + 1
    )


def content(user_id: int) -> Content:
    """What to tell a user; a few queries."""
    rows = Quarantined.objects.filter(user=user_id, state=QuarantineState.KEPT, is_told=False)
    held = list(rows.order_by("-pk")[:LOOKED_THROUGH])
    items = _once(_held(one) for one in held)
    junk, mark = _junk(user_id)
    return Content(
        user_id=user_id,
        held=tuple(items[:SHOWN]),
        held_in_all=len(items),
        junk=tuple(junk[:SHOWN]),
        junk_in_all=len(junk),
        told=tuple(one.pk for one in held),
        mark=mark,
    )


def _held(one: Quarantined) -> Item:
    return Item(
        trace_id=one.trace_id,
        author=one.author or one.sender,
        subject=one.subject,
        words=one.words,
        at=one.received_at // 1_000_000,
        is_dangerous=one.reason in DANGEROUS,
    )


def _once(items: Iterable[Item]) -> list[Item]:
    """A copy that was to be sent on besides is the same message."""
    return list({one.trace_id: one for one in items}.values())


def _junk(user_id: int) -> tuple[list[Item], tuple[int, int]]:
    """What the filter put into Junk, and how far was looked."""
    box = (
        Mailbox.objects.filter(user=user_id, special_use=SpecialUse.JUNK, deleted_at=None)
        .select_related("counters")
        .first()
    )
    if box is None:
        return [], (0, 0)
    known = Digest.objects.filter(user=user_id, junk=box.pk).first()
    # Read before the entries: a UID that is below it is there, or gone for ever.
    uidnext = box.counters.uidnext
    entries = list(
        Entry.objects.filter(
            mailbox=box.pk,
            uid__gte=0 if known is None else known.junk_uid,
            uid__lt=uidnext,
            saved_at__gte=now() - LOOK_BACK_DAYS * DAY_SECONDS,
        )
        .order_by("-uid")
        .values_list(
            "message__trace_id",
            "flags",
            "message__sender_name",
            "message__sender_address",
            "message__subject",
            "internaldate",
        )[:LOOKED_THROUGH]
    )
    unseen = [row for row in entries if not row[1] & FLAG_SEEN]
    why = _put_there(user_id, [row[0] for row in unseen])
    items = [
        Item(trace, f"{name} <{address}>" if name else address, subject, why[trace], at)
        for trace, _, name, address, subject, at in unseen
        if trace in why
    ]
    return _once(items), (box.pk, uidnext)


def _put_there(user_id: int, traces: Sequence[UUID]) -> dict[UUID, str]:
    """Which of these messages the filter itself put into a user's Junk, and why. Who is blocked by
    the user's own list is no news."""
    found: dict[UUID, str] = {}
    for trace_id, judged in queries.of_traces(traces).items():
        for one in judged:
            why = junked(one, user_id)
            if why is not None and not why.startswith(OWN_LIST):
                found[trace_id] = why
    return found
