"""What an administrator does to mail in the queue. Each act is traced, and wakes whose turn it is.

What is under way to another server at this moment stays with whoever sends it: it is not sent
twice, and `hold`, `delete` and `bounce` come too late for it unless the attempt fails.

What is done with `set_aside` can be taken back: the message is held, and `end_due` ends it when the
time for that is over.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from django.db import DatabaseError, transaction

from apps.audit.acting import current
from apps.audit.services import record
from apps.delivery import bounce as reports
from apps.delivery import tidings
from apps.delivery.bounce import Fate, Report
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import QueuedMessage
from apps.mailqueue.services import (
    EVERYWHERE,
    DueToEnd,
    Ending,
    Outgoing,
    OutgoingRecipient,
    RecipientsLostError,
    Settled,
)
from apps.mailstore.services import quota
from apps.mime.dsn import Action
from apps.runtime.ulid import new_ulid, ulid_text
from apps.trace import services as trace
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

GIVEN_UP = "5.0.0"  # RFC 3463: permanent, other or undefined
GIVEN_UP_WORDS = "an administrator of this server has given up its delivery"
ENDED_AT_ONCE = 100  # messages of one transaction
HASTENED_AT_ONCE = 5_000  # recipients of one transaction
TAKEN_BACK = "what was to become of it was taken back"


@dataclass(frozen=True, slots=True)
class Released:
    """How a message was before it was released: held back until a time (Unix microseconds), or held
    for a reason."""

    id: UUID
    until_us: int
    error: str
    was_cleared: bool


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
        try:
            _give_up(list(parts), reason, current().name)
        except RecipientsLostError:  # somebody let it go or ended it meanwhile
            continue
        done += 1
    return done


def _give_up(parts: Sequence[Outgoing], reason: str, by: str, due: DueToEnd | None = None) -> None:
    """End all claimed recipients of one message; `parts` are those of each destination.

    Args:
        due: what was said before, and is recorded. Nothing is ended if it was taken back.
    """
    message = parts[0]
    recipients = [one for part in parts for one in part.recipients]
    made: list[Report] = []
    try:
        made = reports.prepare(message, [_fate(one, reason) for one in recipients])
        with transaction.atomic():
            if due is not None and not mailqueue.claim_ends([due]):
                raise _TakenBackError
            ended, reserved = mailqueue.give_up(
                [_failed(message, one, reason) for one in recipients]
            )
            mailqueue.forget_aside(ended if due else [message.id])
            quota.release(reserved)
            trace.record(
                [
                    trace.Event(
                        message.trace_id,
                        "outbound.failed",
                        {"to": one.address, "reply": reason, "status": GIVEN_UP, "by": by},
                    )
                    for one in recipients
                ]
            )
            reports.send(made)
            tidings.tell([message.user_id])
            if due is None:
                record("queue.bounce", subject=_named([message.id]), detail={"why": reason})
    except BaseException:
        reports.discard(made)
        mailqueue.give_back(message.token, [one.id for one in recipients])
        raise


class _TakenBackError(Exception):
    """Somebody took it back while it was being ended."""


def set_aside(ids: Sequence[UUID], ending: Ending, reason: str = "") -> tuple[UUID, list[UUID]]:
    """Hold messages in a way that can be taken back; `end_due` then ends them.

    Args:
        reason: why they are held, or what their senders are told.

    Returns:
        By what it is taken back, and the ids of those that were set aside.
    """
    act, who = new_ulid(), current().name
    with transaction.atomic():
        done = mailqueue.set_aside(ids, ending, act=act, by=who, reason=reason)
        if done:
            _trace(done, "queue.held", {"why": _aside_words(ending, reason)})
            detail = _ids(done) | ({"why": reason} if reason else {})
            if ending is Ending.DELETE:
                record("queue.delete", subject=_named(done), detail=detail)
            elif ending is Ending.BOUNCE:
                record("queue.bounce", subject=_named(done), detail=detail)
            else:
                record("queue.hold", subject=_named(done), detail=detail)
    return act, done


def _aside_words(ending: Ending, reason: str) -> str:
    if ending is Ending.HOLD:
        return reason
    words = "it is to be deleted" if ending is Ending.DELETE else "its sender is to get it back"
    return f"{words} in {mailqueue.UNDO_SECONDS} seconds"


def take_back(act: UUID, ids: Sequence[UUID]) -> int:
    """Put messages back where they were before `set_aside`; how many it was not too late for."""
    with transaction.atomic():
        flowing, held = mailqueue.bring_back(act, ids)
        _trace(flowing, "queue.released", {"why": TAKEN_BACK})
        _trace(held, "queue.held", {"why": TAKEN_BACK})
        if flowing or held:
            both = [*flowing, *held]
            record("queue.undo", subject=_named(both), detail=_ids(both))
        _ring()
    return len(flowing) + len(held)


def hold_again(before: Sequence[Released]) -> int:
    """Take back that messages were released; how many had not left yet."""
    with transaction.atomic():
        done = [
            one.id for one in before if one.until_us and mailqueue.postpone(one.id, one.until_us)
        ]
        for one in before:
            if not one.until_us:
                done += mailqueue.hold_again([one.id], one.error, was_cleared=one.was_cleared)
        _trace(done, "queue.held", {"why": "its release was taken back"})
        if done:
            record("queue.undo", subject=_named(done), detail=_ids(done))
    return len(done)


def end_due() -> int:
    """End what was set aside to be ended, and was not taken back in time; how many messages.

    One that cannot be ended now, because its report cannot be made or kept, or because it is still
    under way, stays set aside for the next call.
    """
    count = 0
    seen: set[UUID] = set()
    while some := [
        one for one in mailqueue.due_to_end(ENDED_AT_ONCE + len(seen)) if one.message_id not in seen
    ]:
        seen |= {one.message_id for one in some}
        count += _delete_due([one for one in some if one.ending is Ending.DELETE])
        count += sum(_bounce_due(one) for one in some if one.ending is Ending.BOUNCE)
    return count


def _delete_due(some: Sequence[DueToEnd]) -> int:
    with transaction.atomic():
        due = {one.message_id: one.by for one in mailqueue.claim_ends(some)}
        done, reserved = mailqueue.delete(list(due))
        quota.release(reserved)
        for by in sorted(set(due.values())):
            _trace([one for one in done if due[one] == by], "queue.deleted", {}, by)
    return len(done)


def _bounce_due(due: DueToEnd) -> bool:
    with transaction.atomic():
        if not mailqueue.claim_ends([due]):
            return False
    parts = mailqueue.claim_messages([due.message_id])
    if not parts:
        return False
    try:
        _give_up(parts, due.reason or GIVEN_UP_WORDS, due.by, due)
    except (_TakenBackError, RecipientsLostError):
        return False
    except MailError as error:
        logger.warning("a message cannot be returned yet: %s", error)
        return False
    except DatabaseError:
        raise
    except Exception:  # a fault of ours must not keep what is due after it
        logger.exception("a message cannot be returned", extra={"queue_id": str(due.message_id)})
        return False
    return True


def pause(name: str = EVERYWHERE) -> bool:
    """Send nothing to a destination, or to any, from now on; whether that is news. What is under
    way by now ends as it does."""
    with transaction.atomic():
        is_news = mailqueue.pause(name, current().name)
        if is_news:
            record("queue.pause", subject=_place(name))
    return is_news


def resume(name: str = EVERYWHERE) -> bool:
    """Let mail to a destination, or to any, go on where it was; whether it was paused."""
    with transaction.atomic():
        was_paused = mailqueue.resume(name)
        if was_paused:
            record("queue.resume", subject=_place(name))
            transaction.on_commit(bell.ring_outgoing)
    return was_paused


def hasten(name: str = EVERYWHERE) -> int:
    """Try what waits for a destination, or for any, again now; how many recipients."""
    names = None if name == EVERYWHERE else [name]
    count = 0
    # Not until nothing is left: what fails again meanwhile has had its try.
    while (some := mailqueue.hasten_destinations(names, HASTENED_AT_ONCE)) == HASTENED_AT_ONCE:
        count += some
    count += some
    with transaction.atomic():
        record("queue.hasten", subject=_place(name), detail={"recipients": count})
        transaction.on_commit(bell.ring_outgoing)
    return count


def _place(name: str) -> str:
    return "all destinations" if name == EVERYWHERE else name


def _ring() -> None:
    transaction.on_commit(bell.ring)
    transaction.on_commit(bell.ring_heavy)
    transaction.on_commit(bell.ring_outgoing)


def _fate(one: OutgoingRecipient, reason: str) -> Fate:
    return Fate(
        *(one.id, one.address, one.original, one.orcpt, one.notify),
        action=Action.FAILED,
        status=GIVEN_UP,
        reply=reason,
    )


def _failed(message: Outgoing, one: OutgoingRecipient, reason: str) -> Settled:
    return Settled(message.token, message.id, one.id, "failed", reason, was_tried=False)


def _trace(ids: Sequence[UUID], kind: str, data: Mapping[str, str], by: str | None = None) -> None:
    """Record what was done to messages, and by whom: `by` or who is at work."""
    data = {**data, "by": current().name if by is None else by}
    rows = QueuedMessage.objects.filter(id__in=ids).values_list("trace_id", "user_id")
    trace.record([trace.Event(trace_id, kind, data) for trace_id, _ in rows])
    tidings.tell(user_id for _, user_id in rows)
