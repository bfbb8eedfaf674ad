"""End a lease: settled, or given back after a failure.

Settling checks the token: a worker that was paused and comes back cannot settle what another one
took over (`LeaseLostError`).
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction

from apps.mailqueue.models import Lane, MessageState, QueuedMessage
from apps.mailqueue.services.columns import SECOND, marks, told, uuid_of
from apps.mailqueue.services.leases import CRASHES_ALONE, Claimed, hold_claimed
from apps.runtime.clock import now_us

RETRY_FIRST_SECONDS, RETRY_LONGEST_SECONDS = 5, 600
PUT_OFF_US = 5 * SECOND, 300 * SECOND


class LeaseLostError(Exception):
    """Another worker took these messages over; their ids are in `ids`."""

    def __init__(self, ids: Sequence[UUID]) -> None:
        super().__init__(f"{len(ids)} leases lost")
        self.ids = tuple(ids)


# Recipients of an earlier round may be on their way, or held, while others were processed again.
_SETTLE = """
UPDATE mailqueue_queuedmessage SET state = CASE WHEN %s = 'done' AND EXISTS (
    SELECT 1 FROM mailqueue_queuedrecipient AS other WHERE other.message_id
    = mailqueue_queuedmessage.id AND other.state IN ('waiting', 'held')) THEN 'routed' ELSE %s END,
  settled_at = %s, lease_until = 0, lease_token = NULL, owed = ''
WHERE lease_token = %s AND state IN ('accepted', 'offered') AND id IN """


def settle(token: UUID, messages: Sequence[UUID], state: str) -> None:
    """Set leased messages to `state` (done, routed) and end their lease, in the caller's
    transaction. Done is routed where other recipients still wait. What was still offered is ours
    with that commit: its door says so.

    Raises:
        LeaseLostError: some of them are no longer ours; the caller's transaction must not commit.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_SETTLE}({marks(messages)}) RETURNING id",
            [state, state, now_us(), token.hex, *(item.hex for item in messages)],
        )
        ours = {uuid_of(row[0]) for row in cursor.fetchall()}
    if lost := [item for item in messages if item not in ours]:
        raise LeaseLostError(lost)


def settle_recipients(rows: Sequence[tuple[int, str, str]]) -> None:
    """Set (recipient id, state, last reply in words), in the caller's transaction."""
    groups: dict[tuple[str, str], list[int]] = {}
    for recipient, state, reply in rows:
        groups.setdefault((state, told(reply)), []).append(recipient)
    with connection.cursor() as cursor:
        for (state, reply), ids in groups.items():
            cursor.execute(
                "UPDATE mailqueue_queuedrecipient SET state = %s, last_reply = %s, reserved = 0,"
                f" attempts = attempts + 1 WHERE id IN ({marks(ids)})",
                [state, reply, *ids],
            )


def release(message: Claimed, error: str, *, counts: bool) -> None:
    """Give a message back after a failure, to be tried again later, alone.

    Args:
        error: what went wrong, for the administrator.
        counts: whether it may be the message's own fault; three of these hold it. A database or
            disk that is away is not.
    """
    failures = message.crashes + 1 if counts else message.crashes
    if failures >= CRASHES_ALONE and counts:
        hold_claimed(message, error)
        return
    pause = min(RETRY_FIRST_SECONDS * 2 ** min(failures, 10), RETRY_LONGEST_SECONDS)
    QueuedMessage.objects.filter(id=message.id, lease_token=message.token).update(
        lease_until=now_us() + pause * SECOND,
        lease_token=None,
        crashes=failures,
        last_error=told(error),
    )


def make_heavy(token: UUID, ids: Sequence[UUID]) -> None:
    """Give leased messages to the workers of the heavy lane: to look into them takes long."""
    _give_back(token, ids, lane=Lane.HEAVY, lease_until=0)


def _give_back(token: UUID, ids: Sequence[UUID], **changed: object) -> None:
    """End the lease of several messages that nobody settles. Doors take and withdraw some of them
    meanwhile: all lock in the order of the ids, and so none waits for one that waits for it."""
    with transaction.atomic():
        leased = QueuedMessage.objects.filter(id__in=ids, lease_token=token)
        ours = list(leased.select_for_update().order_by("id").values_list("id", flat=True))
        QueuedMessage.objects.filter(id__in=ours).update(lease_token=None, **changed)


def hold_unseen(message: Claimed, why: str) -> None:
    """Hold a leased message whole before anything of it left, in the caller's transaction: an
    administrator decides."""
    QueuedMessage.objects.filter(id=message.id, lease_token=message.token).update(
        state=MessageState.HELD, lease_until=0, lease_token=None, last_error=told(why)
    )


def put_off(message: Claimed, why: str) -> None:
    """Let a message wait that cannot be judged now, through nobody's fault, in the caller's
    transaction: half as long again as it has waited already.

    It is held back rather than given back: those that wait for a scanner are then claimed together
    once it is there, not one by one as if they were poison.
    """
    now = now_us()
    pause = min(max((now - message.received_at_us) // 2, PUT_OFF_US[0]), PUT_OFF_US[1])
    QueuedMessage.objects.filter(id=message.id, lease_token=message.token).update(
        state=MessageState.ACCEPTED,
        lease_until=0,
        lease_token=None,
        hold_until=now + pause,
        last_error=told(why),
    )


def put_back(messages: Sequence[Claimed], error: str) -> None:
    """Give a whole batch back whose bytes could not be read: each is tried again alone, so that
    the one whose fault it may be does not hold up the others. Counts against none of them."""
    for token in {message.token for message in messages}:
        _give_back(
            token,
            [message.id for message in messages],
            lease_until=now_us() + RETRY_FIRST_SECONDS * SECOND,
            last_error=told(error),
        )
