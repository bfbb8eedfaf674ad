"""What an administrator does to mail in the queue. Each act is traced, and wakes whose turn it is.

What is under way to another server at this moment stays with whoever sends it: it is not sent
twice, and `hold`, `delete` and `bounce` come too late for it unless the attempt fails.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from uuid import UUID

from django.db import transaction

from apps.audit.services import record
from apps.delivery import bounce as reports
from apps.delivery import tidings
from apps.delivery.bounce import Fate, Report
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import QueuedMessage
from apps.mailqueue.services import Outgoing, OutgoingRecipient, Settled
from apps.mailstore.services import quota
from apps.mime.dsn import Action
from apps.runtime.ulid import ulid_text
from apps.trace import services as trace

GIVEN_UP = "5.0.0"  # RFC 3463: permanent, other or undefined
GIVEN_UP_WORDS = "an administrator of this server has given up its delivery"


def hold(ids: Sequence[UUID], reason: str) -> int:
    """Keep messages from being delivered; returns how many were held."""
    with transaction.atomic():
        done = mailqueue.hold(ids, reason)
        _trace(done, "queue.held", {"why": reason})
        if done:
            record("queue.hold", subject=_named(done), detail=_ids(done) | {"why": reason})
    return len(done)


def retry(ids: Sequence[UUID]) -> int:
    """Try held or waiting messages again now, where they were to go; returns how many."""
    with transaction.atomic():
        done = _to_work(mailqueue.retry, ids, {})
        if done:
            record("queue.retry", subject=_named(done), detail=_ids(done))
    return len(done)


def reroute(ids: Sequence[UUID]) -> int:
    """Choose the way of what waits or is held anew; returns of how many messages."""
    with transaction.atomic():
        done = _to_work(mailqueue.reroute, ids, {"why": "its way is chosen anew"})
        if done:
            record("queue.reroute", subject=_named(done), detail=_ids(done))
    return len(done)


def _to_work(
    act: Callable[[Sequence[UUID]], list[UUID]], ids: Sequence[UUID], data: dict[str, str]
) -> list[UUID]:
    done = act(ids)
    _trace(done, "queue.retried", data)
    transaction.on_commit(bell.ring)
    transaction.on_commit(bell.ring_outgoing)
    return done


def _named(ids: Sequence[UUID]) -> str:
    return f"the message {ulid_text(ids[0])}" if len(ids) == 1 else f"{len(ids)} messages"


def _ids(ids: Sequence[UUID]) -> dict[str, object]:
    return {"messages": [ulid_text(one) for one in ids]}


def release_hold(ids: Sequence[UUID]) -> int:
    """Send what its sender holds back until later now, and what is held without scanning it again;
    returns how many messages."""
    with transaction.atomic():
        done = [one for one in ids if mailqueue.reschedule(one, 0)]
        _trace(done, "queue.released", {})
        cleared = mailqueue.clear(ids)
        _trace(cleared, "queue.released", {"why": "an administrator has looked at it"})
        transaction.on_commit(bell.ring)
        if done or cleared:
            both = [*done, *cleared]
            record("queue.release", subject=_named(both), detail=_ids(both))
        transaction.on_commit(bell.ring_heavy)
        transaction.on_commit(bell.ring_outgoing)
    return len(done) + len(cleared)


def cancel(ids: Sequence[UUID]) -> int:
    """Cancel messages of which nothing has left, as their senders may; returns how many."""
    return sum(_cancel(one) for one in ids)


def _cancel(message_id: UUID) -> bool:
    with transaction.atomic():
        recall, reserved = mailqueue.cancel(message_id)
        if recall is not mailqueue.Recall.CANCELLED:
            return False
        quota.release(reserved)
        _trace([message_id], "queue.cancelled", {"why": "by an administrator"})
        record("queue.cancel", subject=_named([message_id]))
    return True


def delete(ids: Sequence[UUID]) -> int:
    """Delete unfinished messages without telling their senders; returns how many."""
    with transaction.atomic():
        done, reserved = mailqueue.delete(ids)
        quota.release(reserved)
        _trace(done, "queue.deleted", {})
        if done:
            record("queue.delete", subject=_named(done), detail=_ids(done))
    return len(done)


def bounce(ids: Sequence[UUID], reason: str = GIVEN_UP_WORDS) -> int:
    """Give messages up that are held or wait, and tell their senders; returns how many.

    Raises:
        StorageFull, StorageUnavailable: the reports could not be made; nothing was given up.
    """
    claimed = sorted(mailqueue.claim_messages(ids), key=lambda one: one.id)
    done = 0
    for _, parts in groupby(claimed, key=lambda one: one.id):
        _give_up(list(parts), reason)
        done += 1
    return done


def _give_up(parts: Sequence[Outgoing], reason: str) -> None:
    """End all claimed recipients of one message; `parts` are those of each destination."""
    message = parts[0]
    recipients = [one for part in parts for one in part.recipients]
    made: list[Report] = []
    try:
        made = reports.prepare(message, [_fate(one, reason) for one in recipients])
        with transaction.atomic():
            mailqueue.settle_outgoing([_failed(message, one, reason) for one in recipients])
            quota.release(
                [(one.user_id, one.reserved) for one in recipients if one.user_id is not None]
            )
            trace.record(
                [
                    trace.Event(
                        message.trace_id,
                        "outbound.failed",
                        {"to": one.address, "reply": reason, "status": GIVEN_UP},
                    )
                    for one in recipients
                ]
            )
            reports.send(made)
            tidings.tell([message.user_id])
            record("queue.bounce", subject=_named([message.id]), detail={"why": reason})
    except BaseException:
        reports.discard(made)
        mailqueue.give_back(message.token, [one.id for one in recipients])
        raise


def _fate(one: OutgoingRecipient, reason: str) -> Fate:
    return Fate(
        *(one.id, one.address, one.original, one.orcpt, one.notify),
        action=Action.FAILED,
        status=GIVEN_UP,
        reply=reason,
    )


def _failed(message: Outgoing, one: OutgoingRecipient, reason: str) -> Settled:
    return Settled(message.token, message.id, one.id, "failed", reason, was_tried=False)


def _trace(ids: Sequence[UUID], kind: str, data: dict[str, str]) -> None:
    rows = QueuedMessage.objects.filter(id__in=ids).values_list("trace_id", "user_id")
    trace.record([trace.Event(trace_id, kind, data) for trace_id, _ in rows])
    tidings.tell(user_id for _, user_id in rows)
