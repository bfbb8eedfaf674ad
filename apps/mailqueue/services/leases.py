"""Claim mail that was accepted or offered, under a lease with a token.

Promises:
- A row whose lease lapsed killed its worker, perhaps: it is claimed alone, so that a poison
  message cannot convict its batch. After three crashes alone it is `held` for an administrator.
  Nothing is ever dropped.
- A claim is bounded in bytes as well as in messages: its worker reads all of it into memory, and
  must be done before the lease ends.
- A claim is of one lane: who waits for a usual message does not wait for an archive to be opened.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection, transaction

from apps.mailqueue.models import Lane, MessageState
from apps.mailqueue.services import owing
from apps.mailqueue.services.columns import (
    NOW,
    SECOND,
    chosen,
    cuts_of,
    locking,
    marks,
    told,
    uuid_of,
)
from apps.mailqueue.services.holding import hold
from apps.runtime.db import forgettable
from apps.trace import services as trace

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Portion:
    """What one claim takes, and for how long.

    Several times what the slowest honest one takes, with scanners that do not answer. Mail that a
    worker died over waits this long; one that was only slow loses its lease and settles nothing,
    so nothing is delivered twice.

    Args:
        size: octets; one message is taken whatever its size.
    """

    messages: int
    size: int
    lease_seconds: int


PORTIONS: Final = {
    Lane.FAST: Portion(messages=128, size=4 << 20, lease_seconds=30),
    # Alone: nobody waits for another one's archive.
    Lane.HEAVY: Portion(messages=1, size=1, lease_seconds=180),
}
CRASHES_ALONE: Final = 3


@dataclass(frozen=True, slots=True)
class ClaimedRecipient:
    """One recipient of a claimed message that still waits to be processed."""

    id: int
    address: str
    original: str
    user_id: int | None
    reserved: int
    orcpt: str = ""
    notify: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message under our lease. `state` is that of the moment it was claimed: an offered one may
    have been accepted, or withdrawn, since (`offers.lock`)."""

    id: UUID
    token: UUID
    blob_id: UUID
    trace_id: UUID
    prefix: bytes
    cuts: tuple[tuple[int, int], ...]
    sender: str
    door: str
    user_id: int | None
    received_at_us: int
    crashes: int
    size: int = 0
    state: str = MessageState.ACCEPTED.value
    lane: int = Lane.FAST.value
    is_cleared: bool = False
    client: str = "{}"
    smtputf8: bool = False
    dsn_ret: str = ""
    dsn_envid: str = ""
    requires_tls: bool = False
    judgement: str = ""
    recipients: list[ClaimedRecipient] = field(default_factory=list)


class _Due(Enum):
    """Why a message is due. Those whose time came are looked for apart from the new ones, so that
    a thousand scheduled for nine o'clock and a flood of new ones do not delay each other. `<=` for
    `=` keeps SQLite from sorting what its index has in order."""

    NEW = "lease_until = 0 AND hold_until <= 0"
    RIPE = "lease_until = 0 AND hold_until > 0 AND hold_until <= {now}"
    LAPSED = "lease_until > 0 AND lease_until <= {now} AND hold_until <= {now}"


_RETURNING = """
RETURNING id, blob_id, trace_id, prefix, cuts, sender, door, user_id, received_at, crashes,
  smtputf8, dsn_ret, dsn_envid, requires_tls, judgement, size, state, lane, is_cleared, client,
  claims, owed"""


def _claim_sql(due: _Due) -> str:
    now = NOW[connection.vendor]
    # `{...}` are constants of this module, chosen by vendor and kind; values go as parameters.
    rows = f"""
  SELECT id FROM (
    SELECT id, size, SUM(size) OVER (ORDER BY lease_until, hold_until, received_at, id) AS total
    FROM (
      SELECT id, size, lease_until, hold_until, received_at FROM mailqueue_queuedmessage
      WHERE state IN ('accepted', 'offered') AND lane = %s AND {due.value.format(now=now)}
      ORDER BY lease_until, hold_until, received_at LIMIT %s{locking("SKIP LOCKED")}) AS due)
    AS counted
  WHERE total - size < %s"""
    return f"""
UPDATE mailqueue_queuedmessage SET lease_until = {now} + %s, lease_token = %s, claims = claims + 1,
  crashes = crashes + CASE WHEN lease_token IS NULL THEN 0 ELSE 1 END
WHERE {chosen(rows)}{_RETURNING}"""


def claim(
    limit: int | None = None, *, lane: Lane = Lane.FAST, retries_first: bool = False
) -> list[Claimed]:
    """Lease up to `limit` fresh messages of a lane, or else one whose lease lapsed.

    Safe with any number of workers. Returns an empty list when nothing is due.

    Args:
        limit: fewer than the lane's portion.
        retries_first: prefer the one that lapsed, then what was held back until now; said now and
            then by a worker that never finds the queue empty, or these would wait for the flood to
            end.
    """
    token = uuid4()
    portion = PORTIONS[lane]
    limit = portion.messages if limit is None else min(limit, portion.messages)
    if retries_first:
        return (
            _claim_alone(token, lane)
            or _claim(token, limit, lane, _Due.RIPE)
            or _claim(token, limit, lane, _Due.NEW)
        )
    return (
        _claim(token, limit, lane, _Due.NEW)
        or _claim(token, limit, lane, _Due.RIPE)
        or _claim_alone(token, lane)
    )


def _claim_alone(token: UUID, lane: Lane) -> list[Claimed]:
    """Lease one message whose lease lapsed; hold those that have had their three tries."""
    while alone := _claim(token, 1, lane, _Due.LAPSED):
        if alone[0].crashes <= CRASHES_ALONE:
            break
        why = f"its worker died {CRASHES_ALONE} times while it worked on it alone"
        hold_claimed(alone[0], why)
    return alone


def hold_claimed(message: Claimed, why: str) -> None:
    """Hold a message that fails each time, and tell whoever looks at its trace or at the log."""
    with transaction.atomic():
        if hold([message.id], why):
            trace.record([trace.Event(message.trace_id, "queue.held", {"why": told(why)})])
    logger.error(
        "a message is held for an administrator",
        extra={"trace_id": str(message.trace_id), "queue_id": str(message.id)},
    )


def _claim(token: UUID, limit: int, lane: Lane, due: _Due) -> list[Claimed]:
    portion = PORTIONS[lane]
    with forgettable(), connection.cursor() as cursor:
        cursor.execute(
            _claim_sql(due),
            [portion.lease_seconds * SECOND, token.hex, lane.value, limit, portion.size],
        )
        rows = cursor.fetchall()
        found = {uuid_of(row[0]): _claimed(token, row) for row in rows}
        if found:
            _add_recipients(cursor, found)
            if owed := _owed(rows):
                trace.record(owed)
    return sorted(found.values(), key=lambda message: message.received_at_us)


def _owed(rows: Sequence[tuple[Any, ...]]) -> list[trace.Event]:
    """What the trace is owed of messages that are claimed for the first time."""
    return [
        owing.event(uuid_of(row[2]), row[6], row[8], row[21])
        for row in sorted(rows, key=lambda row: row[8])
        if row[20] == 1 and row[21]
    ]


def _claimed(token: UUID, row: tuple[Any, ...]) -> Claimed:
    return Claimed(
        id=uuid_of(row[0]),
        token=token,
        blob_id=uuid_of(row[1]),
        trace_id=uuid_of(row[2]),
        prefix=bytes(row[3]),
        cuts=cuts_of(row[4]),
        sender=row[5],
        door=row[6],
        user_id=row[7],
        received_at_us=row[8],
        crashes=row[9],
        smtputf8=bool(row[10]),
        dsn_ret=row[11],
        dsn_envid=row[12],
        requires_tls=bool(row[13]),
        judgement=row[14],
        size=row[15],
        state=row[16],
        lane=row[17],
        is_cleared=bool(row[18]),
        client=row[19],
    )


def _add_recipients(cursor: Any, found: dict[UUID, Claimed]) -> None:
    cursor.execute(
        "SELECT message_id, id, address, original, user_id, reserved, orcpt, notify"
        " FROM mailqueue_queuedrecipient"
        " WHERE state = 'pending' AND lease_token IS NULL"
        f" AND message_id IN ({marks(list(found))}) ORDER BY id",
        [item.hex for item in found],
    )
    for message_id, *rest in cursor.fetchall():
        found[uuid_of(message_id)].recipients.append(ClaimedRecipient(*rest))
