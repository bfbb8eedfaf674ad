"""Mail that comes back: it lies in the mailbox Snoozed, and a row says when and where it goes.

The message is the truth: who moves or deletes it there, from any program, has ended the snooze, and
a row whose message is gone is forgotten. UIDs are never given twice, so no row can mean another.
"""

import logging
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from django.db import transaction

from apps.mailstore import chosen, queries
from apps.mailstore.models import FLAG_SEEN, SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.services import copy, rolebox
from apps.mailstore.services.copy import Copied, Kept
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows, among, fetch, listed
from apps.webmail.models import Snooze
from apps.wire.errors import MailError, NotFound

logger = logging.getLogger(__name__)

DOOR: Final = "snooze"
PORTION: Final = 500  # rows that a sweep looks at together
_AGAIN: Final = 600  # seconds until it is tried again
_ALL_BITS: Final = 0xFF

_KEEP: Final = ManyRows(
    "INSERT INTO webmail_snooze (user_id, mailbox_id, uid, back_to_id, until)",
    "bigint bigint bigint bigint bigint",
    "ON CONFLICT (mailbox_id, uid) DO UPDATE SET until = excluded.until",
)
_TAKE: Final = "DELETE FROM webmail_snooze WHERE {among} RETURNING uid"


def place(*, user_id: int) -> int:
    """The id of the mailbox Snoozed, which is made when it is first needed."""
    return rolebox.find(user_id=user_id, use=SpecialUse.SNOOZED)


def snooze(
    *,
    user_id: int,
    mailbox_id: int,
    uids: Sequence[int],
    target_id: int,
    until: int,
    origin: Origin,
) -> Copied:
    """Put messages of a person out of sight until a time (Unix seconds); all of them or none.

    Raises:
        NotFound: one of the mailboxes is not there.
    """
    with transaction.atomic():
        moved = copy.move(mailbox_id=mailbox_id, uids=uids, target_id=target_id, origin=origin)
        _KEEP.write([(user_id, target_id, new, mailbox_id, until) for _, new in moved.uids])
    return moved


def retime(*, user_id: int, mailbox_id: int, times: Mapping[int, int]) -> dict[int, int]:
    """Give snoozed messages other times (Unix seconds, by UID); what they had before, 0 for none.

    Args:
        mailbox_id: Snoozed. A message that somebody else put there gets a time too, and then goes
            to the inbox.
    """
    with transaction.atomic():
        there = chosen.present(mailbox_id, list(times))
        times = {uid: times[uid] for uid in there}
        rows = Snooze.objects.select_for_update().filter(mailbox_id=mailbox_id, uid__in=there)
        before = dict(rows.order_by("uid").values_list("uid", "until"))
        gone = [uid for uid, until in times.items() if not until]
        Snooze.objects.filter(mailbox_id=mailbox_id, uid__in=gone).delete()
        _KEEP.write(
            [(user_id, mailbox_id, uid, None, until) for uid, until in times.items() if until]
        )
    return {uid: before.get(uid, 0) for uid in times}


def homes(*, mailbox_id: int, uids: Sequence[int]) -> dict[int, int]:
    """Where snoozed messages came from, by UID; none for those whose mailbox is gone."""
    rows = Snooze.objects.filter(
        mailbox_id=mailbox_id, uid__in=uids, back_to__isnull=False, back_to__deleted_at=None
    )
    return {uid: home for uid, home in rows.values_list("uid", "back_to_id") if home is not None}


def follow(*, mailbox_id: int, uids: Sequence[tuple[int, int]]) -> None:
    """Messages that were taken out of Snoozed lie there again under new UIDs: (old, new)."""
    named = dict(uids)
    with transaction.atomic():
        rows = list(
            Snooze.objects.select_for_update()
            .filter(mailbox_id=mailbox_id, uid__in=named)
            .order_by("uid")
            .values_list("user_id", "uid", "back_to_id", "until")
        )
        Snooze.objects.filter(mailbox_id=mailbox_id, uid__in=[row[1] for row in rows]).delete()
        _KEEP.write(
            [(user, mailbox_id, named[uid], home, until) for user, uid, home, until in rows]
        )


def wake() -> int:
    """Bring back what is due: unread, and on top. How many messages.

    Two of these at once do no harm: who deletes a row brings its message back, in one transaction.
    """
    count = 0
    while True:
        due = _due()
        for group, rows in groupby(due, key=lambda row: row[1:]):
            count += _bring_back(*group, ids=[row[0] for row in rows])
        if len(due) < PORTION:
            return count


def _due() -> list[tuple[int, int, int, int | None]]:
    rows = Snooze.objects.filter(until__lte=now(), mailbox__deleted_at=None)
    first = rows.order_by("until", "pk").values_list("pk", flat=True)[:PORTION]
    columns = ("pk", "user_id", "mailbox_id", "back_to_id")
    found = Snooze.objects.filter(pk__in=list(first)).order_by(*columns[1:], "uid")
    return list(found.values_list(*columns))


def _bring_back(user_id: int, mailbox_id: int, home: int | None, *, ids: Sequence[int]) -> int:
    inbox = queries.inboxes([user_id]).get(user_id)
    for target in dict.fromkeys((home or inbox, inbox)):
        if target is None:
            continue
        try:
            return _move(mailbox_id, target, ids)
        except NotFound:  # deleted since; the inbox is always there
            continue
        except MailError:
            logger.exception("snoozed mail cannot come back yet", extra={"mailbox": mailbox_id})
            break
    Snooze.objects.filter(pk__in=ids).update(until=now() + _AGAIN)
    return 0


def _move(mailbox_id: int, target: int, ids: Sequence[int]) -> int:
    kept = Kept(_ALL_BITS & ~FLAG_SEEN, True, now())
    origin = Origin(door=DOOR, user_id=None)
    with transaction.atomic():
        uids = [uid for (uid,) in fetch(_TAKE.format(among=among("id")), [listed(list(ids))])]
        moved = copy.move(
            mailbox_id=mailbox_id, uids=uids, target_id=target, origin=origin, kept=kept
        )
    return len(moved.uids)
