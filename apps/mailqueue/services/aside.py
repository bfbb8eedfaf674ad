"""Setting messages aside so that it can be taken back: held, and perhaps to be ended in a while.

The row is the queue, also for this. A message that is to be deleted or returned is `held` from the
moment somebody says so; how it was stands in its `Aside`. It is ended in the transaction that
removes that row, or put back in another one that does: a crash loses neither, and nobody does both.
What is under way to another server stays with whoever sends it, as with every act.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import BooleanField, F, Func

from apps.mailqueue.models import (
    Aside,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from apps.mailqueue.services.columns import SECOND, database_now_us, told
from apps.mailqueue.services.ending import finish
from apps.mailqueue.services.holding import forget_aside, free_pending, hold_locked, in_state
from apps.runtime.rows import among, listed

# The condition of its partial index as a word of the statement, or SQLite does not use that.
_ENDS = Func(F("due_at"), template="%(expressions)s > 0", output_field=BooleanField())
UNDO_SECONDS: Final = 30  # in which an end can be taken back


class Ending(StrEnum):
    """What becomes of a message that is set aside."""

    HOLD = ""  # nothing, until somebody says so
    DELETE = "delete"
    BOUNCE = "bounce"


_WORDS: Final = {Ending.DELETE: "to be deleted", Ending.BOUNCE: "to be returned to its sender"}


@dataclass(frozen=True, slots=True)
class DueToEnd:
    """A message that is to be ended now.

    Args:
        act: whoever ends it removes the row of this very act.
        by: who said so, by name.
        reason: of a bounce, for its sender.
    """

    message_id: UUID
    act: UUID
    ending: Ending
    by: str
    reason: str


@transaction.atomic
def set_aside(
    ids: Sequence[UUID], ending: Ending, *, act: UUID, by: str, reason: str = ""
) -> list[UUID]:
    """Hold messages, and have them ended in `UNDO_SECONDS` if nobody takes it back.

    What its door still waits for is left alone, and so is what is held or ended like that already.

    Args:
        act: by which it is taken back, one for all of them.
        by: who does it, by name.
        reason: why they are held, or what the sender is told.

    Returns:
        The ids of those that were.
    """
    flowing = (MessageState.ACCEPTED, MessageState.ROUTED)
    found = in_state(ids, *flowing, *([MessageState.HELD] if ending else []))
    before = {row.message_id: row for row in Aside.objects.filter(message__in=found)}
    found = [one for one in found if one not in before or before[one].end != ending]
    messages = QueuedMessage.objects.in_bulk(found)
    waiting = _waiting(found)
    due = database_now_us() + UNDO_SECONDS * SECOND if ending else 0
    rows = []
    for one in found:
        row = Aside(message_id=one, act=act, end=ending, due_at=due, by=told(by, 320))
        row.reason = told(reason)
        row.state, row.error = messages[one].state, messages[one].last_error
        row.waiting = json.dumps(waiting.get(one, []))
        if one in before and before[one].end:  # how it was before all of that
            row.state, row.error = before[one].state, before[one].error
            row.waiting = before[one].waiting
        rows.append(row)
    forget_aside(found)
    Aside.objects.bulk_create(rows)
    hold_locked(found, f"{_WORDS[ending]}, by {by}" if ending else reason)
    return found


def _waiting(ids: Sequence[UUID]) -> dict[UUID, list[int]]:
    rows = QueuedRecipient.objects.filter(message__in=ids, state=RecipientState.WAITING)
    found: dict[UUID, list[int]] = {}
    for message, recipient in rows.order_by("id").values_list("message", "id"):
        found.setdefault(message, []).append(recipient)
    return found


@transaction.atomic
def bring_back(act: UUID, ids: Sequence[UUID]) -> tuple[list[UUID], list[UUID]]:
    """Take an act back: its messages are where they were, with the times of their next tries.

    Those that were ended meanwhile, or that somebody did something else to, are left alone.

    Returns:
        The ids of those that are under way again, and of those that are held again.
    """
    locked = in_state(ids, MessageState.HELD)
    rows = list(Aside.objects.filter(act=act, message__in=locked).order_by("message"))
    found = [row.message_id for row in rows]
    forget_aside(found)
    free_pending(found)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mailqueue_queuedrecipient SET state = 'waiting'"
            f" WHERE {among('id')} AND state = 'held'",
            [listed([one for row in rows for one in json.loads(row.waiting)])],
        )
    groups: dict[tuple[str, str], list[UUID]] = {}
    for row in rows:
        groups.setdefault((row.state, row.error), []).append(row.message_id)
    for (state, error), some in groups.items():
        QueuedMessage.objects.filter(id__in=some).update(
            state=state, last_error=error, settled_at=None, lease_until=0, lease_token=None
        )
    routed = [row.message_id for row in rows if row.state == MessageState.ROUTED]
    if routed:
        finish(routed)  # all that waited may have arrived meanwhile
    held = [row.message_id for row in rows if row.state == MessageState.HELD]
    return [one for one in found if one not in set(held)], held


def due_to_end(limit: int) -> list[DueToEnd]:
    """What is to be ended now, longest due first."""
    rows = Aside.objects.filter(_ENDS, due_at__lte=database_now_us())
    return [
        DueToEnd(row.message_id, row.act, Ending(row.end), row.by, row.reason)
        for row in rows.order_by("due_at", "message")[:limit]
    ]


def claim_ends(some: Sequence[DueToEnd]) -> list[DueToEnd]:
    """Lock messages in the transaction that ends them; those that nobody took back, or did
    something else to. The others are forgotten."""
    acts = {one.message_id: one.act for one in some}
    locked = in_state(list(acts), MessageState.HELD)
    rows = Aside.objects.filter(message__in=locked).values_list("message", "act")
    ours = {message for message, act in rows if act == acts[message]}
    gone = Aside.objects.filter(message__in=set(acts) - set(locked), act__in=set(acts.values()))
    gone.delete()
    return [one for one in some if one.message_id in ours]
