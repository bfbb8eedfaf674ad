"""When a message is finished: nobody waits for it any more.

Whoever settles recipients locks their messages first, always in the order of their ids: two workers
that end the last two recipients of one message then see each other's work, and wait for nobody that
waits for them.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction

from apps.mailqueue.services.columns import in_order, locking, marks, told, uuid_of
from apps.runtime.clock import now_us
from apps.runtime.rows import among, listed

# `held` is stronger than done and weaker than what still waits. A message that is `accepted` is
# being routed anew, and its router settles it.
_FINISH = """
UPDATE mailqueue_queuedmessage AS message SET
  state = CASE WHEN EXISTS (SELECT 1 FROM mailqueue_queuedrecipient AS held
    WHERE held.message_id = message.id AND held.state = 'held') THEN 'held' ELSE 'done' END,
  settled_at = %s
WHERE message.state IN ('routed', 'held') AND NOT EXISTS (
  SELECT 1 FROM mailqueue_queuedrecipient AS waiting WHERE waiting.message_id = message.id
  AND waiting.state IN ('pending', 'waiting')) AND message.id IN """


def lock_messages(ids: Sequence[UUID]) -> dict[UUID, str]:
    """Lock messages in the caller's transaction; the state of each that there is."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, state FROM mailqueue_queuedmessage WHERE id IN ({marks(ids)})"
            f" ORDER BY id{locking()}",
            [item.hex for item in ids],
        )
        return {uuid_of(row[0]): row[1] for row in cursor.fetchall()}


def finish(ids: Sequence[UUID]) -> list[UUID]:
    """Set messages that were locked to done, or held, where no recipient waits any more.

    Returns the ids of those that are done.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_FINISH}({marks(ids)}) RETURNING id, state",
            [now_us(), *(item.hex for item in ids)],
        )
        return [uuid_of(row[0]) for row in cursor.fetchall() if row[1] == "done"]


@transaction.atomic
def finish_forgotten() -> int:
    """Finish messages of which no recipient waits any more and that nobody finished; how many.

    Whoever processes a message that is on its way to other servers already, and whoever settles
    the last of these, may each have seen the other's recipients as waiting. For housekeeping: it
    looks at every message that is routed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM mailqueue_queuedmessage AS message WHERE state = 'routed'"
            " AND NOT EXISTS (SELECT 1 FROM mailqueue_queuedrecipient AS waiting"
            " WHERE waiting.message_id = message.id AND waiting.state IN ('pending', 'waiting'))"
            f" ORDER BY id LIMIT 1000{locking('SKIP LOCKED')}"
        )
        found = [uuid_of(row[0]) for row in cursor.fetchall()]
    if found:
        finish(found)
    return len(found)


@transaction.atomic
def hold_recipients(
    token: UUID, recipients: Sequence[int], messages: Sequence[UUID], reason: str
) -> None:
    """Hold leased recipients of these messages for an administrator, and end their lease."""
    lock_messages(messages)
    ours = f"lease_token = %s AND state = 'waiting' AND {among('id')}"
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mailqueue_queuedrecipient SET state = 'held', last_reply = %s, lease_until = 0,"
            f" lease_token = NULL WHERE {in_order(ours)}",
            [told(reason), token.hex, listed(recipients)],
        )
    finish(messages)
