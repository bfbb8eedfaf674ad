"""What people do to mail in flight: hold it, let it go, delete it."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient, RecipientState
from apps.mailqueue.services.columns import told
from apps.runtime.clock import now_us


@transaction.atomic
def hold(ids: Sequence[UUID], reason: str) -> list[UUID]:
    """Take messages out of the flow until somebody says `retry` or `delete`.

    Returns the ids of those that were in it.
    """
    found = _in_state(ids, MessageState.ACCEPTED, MessageState.ROUTED)
    QueuedMessage.objects.filter(id__in=found).update(
        state=MessageState.HELD, lease_until=0, lease_token=None, last_error=told(reason)
    )
    return found


@transaction.atomic
def retry(ids: Sequence[UUID]) -> list[UUID]:
    """Let held or waiting messages be processed at once; returns the ids of those that were."""
    found = _in_state(ids, MessageState.HELD, MessageState.ROUTED)
    QueuedRecipient.objects.filter(
        message__in=found, state__in=(RecipientState.HELD, RecipientState.WAITING)
    ).update(state=RecipientState.PENDING, next_attempt_at=0)
    QueuedMessage.objects.filter(id__in=found).update(
        state=MessageState.ACCEPTED, lease_until=0, lease_token=None, crashes=0, hold_until=0
    )
    return found


def _in_state(ids: Sequence[UUID], *states: MessageState) -> list[UUID]:
    """Lock those messages that are in one of the states; in one order, so that two administrators
    do not wait for each other."""
    rows = QueuedMessage.objects.select_for_update().filter(id__in=ids, state__in=states)
    return list(rows.order_by("id").values_list("id", flat=True))


def delete(ids: Sequence[UUID]) -> tuple[list[UUID], list[tuple[int, int]]]:
    """Delete unfinished messages for good, in the caller's transaction.

    Returns:
        Their ids, and (user id, reserved bytes) of each local recipient that was still waiting, for
        the caller to release.
    """
    found = _in_state(
        ids,
        MessageState.OFFERED,
        MessageState.ACCEPTED,
        MessageState.ROUTED,
        MessageState.HELD,
    )
    recipients = QueuedRecipient.objects.filter(message__in=found)
    rows = recipients.filter(reserved__gt=0, user_id__isnull=False)
    reserved = [(int(user), size) for user, size in rows.values_list("user_id", "reserved")]
    recipients.exclude(state=RecipientState.DELIVERED).update(
        state=RecipientState.DELETED, reserved=0
    )
    QueuedMessage.objects.filter(id__in=found).update(
        state=MessageState.DONE, settled_at=now_us(), lease_until=0, lease_token=None
    )
    return found, reserved
