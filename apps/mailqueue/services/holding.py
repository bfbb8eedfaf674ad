"""What administrators do to mail in flight: hold it, let it go, send it another way, delete it.

A recipient that is under way to another server keeps its lease whatever is said here: only whoever
sends it knows what becomes of it. Its new state stops the sending if that has not begun
(`fencing.check`), and stands when the attempt comes back without success.

Whoever acts on a message that was set aside (`aside.py`) has the last word: nothing is left of what
was to become of it.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.mailqueue.models import (
    Aside,
    Destination,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from apps.mailqueue.services.columns import database_now_us, told
from apps.mailqueue.services.owing import tell
from apps.runtime.clock import now_us

UNFINISHED = (RecipientState.PENDING, RecipientState.WAITING, RecipientState.HELD)


@transaction.atomic
def hold(ids: Sequence[UUID], reason: str) -> list[UUID]:
    """Take messages out of the flow until somebody says `retry`, `reroute` or `delete`.

    Returns the ids of those that were in it.
    """
    found = in_state(ids, MessageState.OFFERED, MessageState.ACCEPTED, MessageState.ROUTED)
    forget_aside(found)
    hold_locked(found, reason)
    return found


@transaction.atomic
def hold_again(ids: Sequence[UUID], reason: str, *, was_cleared: bool) -> list[UUID]:
    """Take back that messages were let go: those of which something is still in the flow are held
    as they were; their ids.

    Args:
        was_cleared: whether nobody scanned them before either.
    """
    found = in_state(ids, MessageState.ACCEPTED, MessageState.ROUTED)
    hold_locked(found, reason)
    QueuedMessage.objects.filter(id__in=found).update(is_cleared=was_cleared)
    return found


def hold_locked(found: Sequence[UUID], reason: str) -> None:
    """Hold messages that are locked; their schedule stays in their rows."""
    QueuedRecipient.objects.filter(message__in=found, state=RecipientState.WAITING).update(
        state=RecipientState.HELD
    )
    QueuedMessage.objects.filter(id__in=found).update(
        state=MessageState.HELD, lease_until=0, lease_token=None, last_error=told(reason)
    )


def forget_aside(ids: Sequence[UUID]) -> None:
    """Nothing of what was to become of these messages counts any more; they are locked."""
    Aside.objects.filter(message__in=ids).delete()


@transaction.atomic
def retry(ids: Sequence[UUID]) -> list[UUID]:
    """Try held and waiting messages again at once, closed destinations too; the ids of those that
    were.

    What has a destination goes there; what has none is processed again.
    """
    found = in_state(ids, MessageState.HELD, MessageState.ROUTED)
    forget_aside(found)
    stuck = QueuedRecipient.objects.filter(
        message__in=found, state__in=(RecipientState.HELD, RecipientState.WAITING)
    )
    stuck.filter(destination="").update(state=RecipientState.PENDING, crashes=0)
    away = stuck.exclude(destination="")
    away.filter(_free()).update(
        state=RecipientState.WAITING,
        next_attempt_at=0,
        crashes=0,
        lease_until=0,
        lease_token=None,
    )
    away.update(state=RecipientState.WAITING)  # and those that are under way
    names = away.values_list("destination", flat=True)
    Destination.objects.filter(name__in=list(names)).update(closed_until=0)
    _to_work(found)
    return found


@transaction.atomic
def clear(ids: Sequence[UUID]) -> list[UUID]:
    """Let held messages go and have them not scanned again, whatever they were held for; their
    ids."""
    found = in_state(ids, MessageState.HELD)
    QueuedMessage.objects.filter(id__in=found).update(is_cleared=True)
    return retry(found)


@transaction.atomic
def reroute(ids: Sequence[UUID]) -> list[UUID]:
    """Choose the way of what waits or is held anew; the ids of messages that have any of it."""
    found = in_state(ids, MessageState.ACCEPTED, MessageState.HELD, MessageState.ROUTED)
    stuck = QueuedRecipient.objects.filter(
        _free(),
        message__in=found,
        state__in=(RecipientState.HELD, RecipientState.WAITING),
    )
    changed = sorted(set(stuck.values_list("message", flat=True)))
    forget_aside(changed)
    stuck.update(
        state=RecipientState.PENDING,
        destination="",
        next_attempt_at=0,
        crashes=0,
        lease_until=0,
        lease_token=None,
    )
    _to_work(changed)
    return changed


def _free() -> Q:
    """Recipients that nobody sends to; an administrator may free those whose worker died."""
    return Q(lease_token=None) | Q(lease_until__lte=database_now_us())


def _to_work(ids: Sequence[UUID]) -> None:
    """Messages with recipients to be processed become accepted, the others routed."""
    pending = free_pending(ids)
    QueuedMessage.objects.filter(id__in=pending).update(
        state=MessageState.ACCEPTED, lease_until=0, lease_token=None, crashes=0, hold_until=0
    )
    QueuedMessage.objects.filter(id__in=set(ids) - pending).update(
        state=MessageState.ROUTED, settled_at=None
    )


def free_pending(ids: Sequence[UUID]) -> set[UUID]:
    """Which of these messages, which are locked, have recipients to be processed. Nobody is at work
    on these any more: who was about to return them to their sender has lost them, for whoever
    processes a message must find all of them free."""
    rows = QueuedRecipient.objects.filter(message__in=ids, state=RecipientState.PENDING)
    found = set(rows.values_list("message", flat=True))
    rows.exclude(lease_token=None).update(lease_until=0, lease_token=None, next_attempt_at=0)
    return found


def delete(ids: Sequence[UUID]) -> tuple[list[UUID], list[tuple[int, int]]]:
    """Delete unfinished messages for good, in the caller's transaction.

    Returns:
        Their ids, and (user id, reserved bytes) of each local recipient that was still waiting, for
        the caller to release.
    """
    found = in_state(
        ids,
        MessageState.OFFERED,
        MessageState.ACCEPTED,
        MessageState.ROUTED,
        MessageState.HELD,
    )
    forget_aside(found)
    return found, end(found, MessageState.DONE, RecipientState.DELETED)


def end(
    ids: Sequence[UUID], state: MessageState, recipients: RecipientState
) -> list[tuple[int, int]]:
    """Settle locked messages and their unfinished recipients; what was reserved for these."""
    unfinished = QueuedRecipient.objects.filter(message__in=ids, state__in=UNFINISHED)
    rows = unfinished.filter(reserved__gt=0, user_id__isnull=False)
    reserved = [(int(user), size) for user, size in rows.values_list("user_id", "reserved")]
    unfinished.update(state=recipients, reserved=0)
    QueuedMessage.objects.filter(id__in=ids).update(
        state=state, settled_at=now_us(), lease_until=0, lease_token=None
    )
    return reserved


def in_state(ids: Sequence[UUID], *states: MessageState) -> list[UUID]:
    """Lock those messages that are in one of the states, and their recipients; in one order, as
    whoever settles them does, so that none waits for one that waits for it."""
    rows = QueuedMessage.objects.select_for_update().filter(id__in=ids, state__in=states)
    found = list(rows.order_by("id").values_list("id", flat=True))
    recipients = QueuedRecipient.objects.select_for_update().filter(message__in=found)
    list(recipients.order_by("id").values_list("id", flat=True))
    tell(found)
    return found
