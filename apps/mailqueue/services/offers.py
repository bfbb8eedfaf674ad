"""Mail that is durable while its door still waits for the verdict: offered, then ours or refused.

Exactly one of three ends the state `offered`, each by looking at it and changing it under one lock:

- the worker, in the transaction that delivers the message, or that refuses it and delivers nothing;
- the door that has waited long enough (`accept_offered`): from then on nobody can refuse it;
- the door whose client has gone before it was answered (`withdraw`): it will bring it again.

So a message is never both refused and delivered, and what its door tells its client is what was
committed. A door that died settles nothing: `offered_until` passes, and the message counts as ours,
for its client may or may not have been answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.mailqueue.models import MessageState, RecipientState
from apps.mailqueue.services.columns import NOW, locking, marks, uuid_of
from apps.mailqueue.services.holding import end
from apps.mailqueue.services.owing import tell

OFFERED: Final = MessageState.OFFERED.value


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a message stands that was offered.

    Args:
        state: of its row; "" if it is there no more, which only what was settled long ago is.
        refusal: as `refuse` got it; "" if it was not refused.
    """

    state: str
    refusal: str = ""

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided yet."""
        return self.state == OFFERED


def outcomes_of(ids: Sequence[UUID]) -> list[Outcome]:
    """Where messages stand, in their order; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, state, verdict FROM mailqueue_queuedmessage WHERE id IN ({marks(ids)})",
            [one.hex for one in ids],
        )
        found = {uuid_of(row[0]): Outcome(row[1], row[2]) for row in cursor.fetchall()}
    return [found.get(one, Outcome("")) for one in ids]


def accept_offered(ids: Sequence[UUID]) -> list[Outcome]:
    """Take messages that are still offered; where each stands then, in their order."""
    with transaction.atomic():
        if waiting := _lock(ids):
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE mailqueue_queuedmessage SET state = 'accepted'"
                    f" WHERE id IN ({marks(waiting)})",
                    [one.hex for one in waiting],
                )
        return outcomes_of(ids)


def withdraw(ids: Sequence[UUID]) -> tuple[list[UUID], list[tuple[int, int]]]:
    """Refuse messages that are still offered, because their clients do not wait for the answer; in
    the caller's transaction.

    Returns:
        Their ids, and (user id, reserved bytes) of their recipients, to be released.
    """
    waiting = _lock(ids)
    if not waiting:
        return [], []
    return waiting, end(waiting, MessageState.REFUSED, RecipientState.REFUSED)


def lock(token: UUID, ids: Sequence[UUID]) -> dict[UUID, bool]:
    """Lock leased messages for the transaction that settles them, in the order of their ids: doors
    that end their waiting do the same, and so none waits for one that waits for it.

    Returns:
        Whether each may still be refused. Those that are missing are ours no more: another worker
        took them over, or their door withdrew them.
    """
    now = NOW[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, state = 'offered' AND offered_until > {now} FROM mailqueue_queuedmessage"
            " WHERE lease_token = %s AND state IN ('accepted', 'offered')"
            f" AND id IN ({marks(ids)}) ORDER BY id{locking()}",
            [token.hex, *(one.hex for one in ids)],
        )
        return {uuid_of(row[0]): bool(row[1]) for row in cursor.fetchall()}


def refuse(rows: Sequence[tuple[UUID, str]]) -> list[tuple[int, int]]:
    """Refuse messages that `lock` found to be refusable, in the same transaction; each with what
    its door is to know of it.

    Returns:
        (user id, reserved bytes) of their recipients, to be released.
    """
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE mailqueue_queuedmessage SET verdict = %s WHERE id = %s",
            [(refusal, one.hex) for one, refusal in rows],
        )
    return end([one for one, _ in rows], MessageState.REFUSED, RecipientState.REFUSED)


def _lock(ids: Sequence[UUID]) -> list[UUID]:
    """Those that are still offered; nobody else ends that before the caller's transaction does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM mailqueue_queuedmessage WHERE state = 'offered'"
            f" AND id IN ({marks(ids)}) ORDER BY id{locking()}",
            [one.hex for one in ids],
        )
        found = [uuid_of(row[0]) for row in cursor.fetchall()]
    tell(found)
    return found
