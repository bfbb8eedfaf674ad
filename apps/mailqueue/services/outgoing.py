"""Claim mail for other servers by its destination, under a lease of each recipient.

Promises:
- New mail (`next_attempt_at` = 0) passes whatever was tried before; one message's recipients of a
  destination come together. Nothing looks at rows that are not due, however many there are.
- While a recipient is leased its `next_attempt_at` is the lease's end. One that is due and still
  has a token lost its worker: it is claimed alone, and held for an administrator after three
  more crashes. It may have been sent: nobody knows.
- What waits for a destination that is paused is not claimed to be sent.
- Times are the database's.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from apps.mailqueue.services.columns import (
    NOW,
    SECOND,
    chosen,
    cuts_of,
    in_order,
    lasting,
    locking,
    marks,
    uuid_of,
)
from apps.mailqueue.services.destinations import EVERYWHERE, not_paused
from apps.mailqueue.services.ending import hold_recipients
from apps.mailqueue.services.leases import CRASHES_ALONE
from apps.trace import services as trace

logger = logging.getLogger(__name__)

# Renewed while its worker lives. Mail that one died over waits this long.
OUT_LEASE_SECONDS = 60
RECIPIENTS = 100  # of one claim: what every server must take in one transaction (RFC 5321 s4.5.3.1)


@dataclass(frozen=True, slots=True)
class OutgoingRecipient:
    """A recipient under our lease. `attempts` and `crashes` are those before this one."""

    id: int
    address: str
    original: str
    orcpt: str
    notify: str
    attempts: int
    is_delay_told: bool
    crashes: int
    user_id: int | None = None
    reserved: int = 0
    last_reply: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message, and those of its recipients that are to go to one destination, under our lease.

    What goes over the wire is `signatures`, `prefix`, then the blob without its `cuts`.
    """

    id: UUID
    token: UUID
    trace_id: UUID
    blob_id: UUID
    prefix: bytes
    cuts: tuple[tuple[int, int], ...]
    signatures: bytes
    size: int
    sender: str
    smtputf8: bool
    body: str
    dsn_ret: str
    dsn_envid: str
    requires_tls: bool
    door: str
    user_id: int | None
    received_at_us: int
    hold_until_us: int
    destination: str
    judgement: str = ""  # as `Submission.judgement`
    recipients: list[OutgoingRecipient] = field(default_factory=list)

    @property
    def since_us(self) -> int:
        """When its way began: what its sender held back is not late by that."""
        return max(self.received_at_us, self.hold_until_us)


class _Due(Enum):
    """Constant conditions: why a recipient is due.

    `<=` where `=` would do: with `=` the order would be that of the ids alone, and a planner that
    remembers a backlog would read all of it in that order.
    """

    NEW = "next_attempt_at <= 0"
    RETRY = "next_attempt_at > 0 AND next_attempt_at <= {now} AND lease_token IS NULL"
    # A worker has many in hand when it dies. Who was there twice is a suspect: no two of these are
    # in hand at once, so that the next death convicts the right one.
    LAPSED = """next_attempt_at > 0 AND next_attempt_at <= {now} AND lease_token IS NOT NULL
        AND (crashes = 0 OR NOT EXISTS (SELECT 1 FROM mailqueue_queuedrecipient AS suspect
          WHERE suspect.state = 'waiting' AND suspect.crashes >= 2 AND suspect.lease_until > {now}))
        """


_ORDER = (_Due.NEW, _Due.RETRY, _Due.LAPSED)


def claim_destination(
    name: str,
    limit: int,
    lease_seconds: int = OUT_LEASE_SECONDS,
    *,
    retries_first: bool = False,
) -> list[Outgoing]:
    """Lease up to `limit` messages that are due to go to a destination; empty if there are none.

    At most `RECIPIENTS` recipients in all. Safe with any number of workers.

    Args:
        retries_first: prefer what waited; said now and then by a worker that finds new mail each
            time, or the others would wait for the flood to end.
    """
    token = uuid4()
    for due in reversed(_ORDER) if retries_first else _ORDER:
        if found := _claim(token, name, limit, lease_seconds, due):
            return found
    return []


def claim_overdue(
    limit: int,
    *,
    untold_before_us: int,
    expired_before_us: int,
    lease_seconds: int = OUT_LEASE_SECONDS,
) -> list[Outgoing]:
    """Lease messages that wait for too long, due or not: up to `limit` recipients of each kind.

    Too long is: since before `expired_before_us`, or since before `untold_before_us` if the sender
    does not know it yet. `give_back` leaves the time of their next attempt as it was. What expired
    where sending is paused is left alone: it cannot have its last try, and must hide no other.
    """
    token = uuid4()
    lease = lease_seconds * SECOND
    found: list[Outgoing] = []
    for is_told, before in ((True, expired_before_us), (False, untold_before_us)):
        with lasting(), connection.cursor() as cursor:
            cursor.execute(
                _overdue_sql(),
                [
                    *(lease, lease, lease, token.hex, is_told),
                    *(_first_id(before), before, before, _first_id(expired_before_us), limit),
                ],
            )
            found += _with_messages(cursor, token, cursor.fetchall())
    return found


def claim_messages(ids: Sequence[UUID], lease_seconds: int = OUT_LEASE_SECONDS) -> list[Outgoing]:
    """Lease all unfinished recipients of messages that are held or wait for other servers, but for
    those that somebody works on: for an administrator who ends them."""
    token = uuid4()
    now = NOW[connection.vendor]
    lease = lease_seconds * SECOND
    free = (
        "state IN ('pending', 'waiting', 'held')"
        f" AND (lease_token IS NULL OR lease_until <= {now}) AND message_id IN ("
        "SELECT id FROM mailqueue_queuedmessage WHERE state IN ('routed', 'held')"
        f" AND id IN ({marks(ids)}))"
    )
    with lasting(), connection.cursor() as cursor:
        cursor.execute(
            f"{_LEASE_ANY.format(now=now)} WHERE {in_order(free)}{_RETURNING}",
            [lease, lease, lease, token.hex, *(item.hex for item in ids)],
        )
        return _with_messages(cursor, token, cursor.fetchall())


# Leases what may not be due: it must not look as if its lease had lapsed, nor be due earlier.
_LEASE_ANY = """
UPDATE mailqueue_queuedrecipient SET lease_until = {now} + %s,
  next_attempt_at = CASE WHEN next_attempt_at > {now} + %s THEN next_attempt_at
    ELSE {now} + %s END, lease_token = %s"""
_RETURNING = """
RETURNING id, message_id, destination, address, original, orcpt, notify, attempts, is_delay_told,
  crashes, user_id, reserved, last_reply"""


def _claim_sql(due: _Due) -> str:
    now = NOW[connection.vendor]
    # `{...}` are constants of this module, chosen by vendor and kind; values go as parameters.
    rows = f"""
  SELECT id FROM (
    SELECT id, DENSE_RANK() OVER (ORDER BY since, first) AS place FROM (
      SELECT id, MIN(next_attempt_at) OVER same AS since, MIN(id) OVER same AS first FROM (
        SELECT id, message_id, next_attempt_at FROM mailqueue_queuedrecipient
        WHERE state = 'waiting' AND destination = %s AND {due.value.format(now=now)}
          AND NOT EXISTS (SELECT 1 FROM mailqueue_destination AS paused
            WHERE paused.name IN (%s, '{EVERYWHERE}') AND paused.paused_at > 0)
        ORDER BY next_attempt_at, id LIMIT %s{locking("SKIP LOCKED")}) AS due
      WINDOW same AS (PARTITION BY message_id)) AS grouped) AS placed
  WHERE place <= %s"""
    crashes = 1 if due is _Due.LAPSED else 0
    return f"""
UPDATE mailqueue_queuedrecipient SET lease_until = {now} + %s, next_attempt_at = {now} + %s,
  lease_token = %s, claims = claims + CASE WHEN claims < 30000 THEN 1 ELSE 0 END,
  crashes = crashes + {crashes}
WHERE {chosen(rows)}{_RETURNING}"""


def _overdue_sql() -> str:
    now = NOW[connection.vendor]
    rows = f"""
  SELECT id FROM mailqueue_queuedrecipient AS late
  WHERE state = 'waiting' AND is_delay_told = %s AND message_id < %s AND lease_token IS NULL
    AND EXISTS (SELECT 1 FROM mailqueue_queuedmessage AS message WHERE message.id = late.message_id
      AND message.received_at < %s AND message.hold_until < %s)
    AND (message_id >= %s OR ({not_paused("destination")}))
  ORDER BY message_id LIMIT %s{locking("OF late SKIP LOCKED")}"""
    return f"""{_LEASE_ANY.format(now=now)}
WHERE {chosen(rows)}{_RETURNING}"""


def _first_id(at_us: int) -> str:
    """The least id that a message of this time can have."""
    return UUID(bytes=max(0, at_us // 1000).to_bytes(6, "big") + bytes(10)).hex


def _claim(token: UUID, name: str, limit: int, lease_seconds: int, due: _Due) -> list[Outgoing]:
    """One kind of due recipients; of those that lapsed one alone, the hopeless held."""
    alone = due is _Due.LAPSED
    while True:
        with lasting(), connection.cursor() as cursor:
            lease = lease_seconds * SECOND
            cursor.execute(
                _claim_sql(due),
                [lease, lease, token.hex, name, name, 1 if alone else RECIPIENTS, limit],
            )
            found = _with_messages(cursor, token, cursor.fetchall())
        if not alone or not found or found[0].recipients[0].crashes <= CRASHES_ALONE:
            return found
        _hold_poison(found[0])


def _hold_poison(message: Outgoing) -> None:
    why = f"its worker died {CRASHES_ALONE} times while it sent it alone"
    with transaction.atomic():
        hold_recipients(message.token, [one.id for one in message.recipients], [message.id], why)
        trace.record(
            [
                trace.Event(message.trace_id, "queue.held", {"to": one.address, "why": why})
                for one in message.recipients
            ]
        )
    logger.error(
        "a recipient is held for an administrator",
        extra={"trace_id": str(message.trace_id), "queue_id": str(message.id)},
    )


_MESSAGES = """
SELECT id, trace_id, blob_id, prefix, cuts, signatures, size, sender, smtputf8, body, dsn_ret,
  dsn_envid, requires_tls, door, user_id, received_at, hold_until, judgement
FROM mailqueue_queuedmessage WHERE id IN """


def _with_messages(cursor: Any, token: UUID, rows: Sequence[tuple[Any, ...]]) -> list[Outgoing]:
    """Claimed rows as messages, one for each destination; recipients in their own order."""
    if not rows:
        return []
    ids = sorted({uuid_of(row[1]) for row in rows})
    cursor.execute(f"{_MESSAGES}({marks(ids)})", [item.hex for item in ids])
    messages = {uuid_of(row[0]): row for row in cursor.fetchall()}
    found: dict[tuple[UUID, str], Outgoing] = {}
    for recipient, message_id, destination, *rest in sorted(rows, key=lambda row: int(row[0])):
        message = uuid_of(message_id)
        key = (message, destination)
        if key not in found:
            found[key] = _outgoing(token, destination, messages[message])
        found[key].recipients.append(_recipient(recipient, rest))
    return list(found.values())


def _recipient(recipient: int, rest: Sequence[Any]) -> OutgoingRecipient:
    address, original, orcpt, notify, attempts, is_told, crashes, user_id, reserved, reply = rest
    return OutgoingRecipient(
        *(recipient, address, original, orcpt, notify, attempts, bool(is_told), crashes),
        user_id=user_id,
        reserved=reserved,
        last_reply=reply,
    )


def _outgoing(token: UUID, destination: str, row: tuple[Any, ...]) -> Outgoing:
    return Outgoing(
        id=uuid_of(row[0]),
        token=token,
        trace_id=uuid_of(row[1]),
        blob_id=uuid_of(row[2]),
        prefix=bytes(row[3]),
        cuts=cuts_of(row[4]),
        signatures=bytes(row[5]),
        size=row[6],
        sender=row[7],
        smtputf8=bool(row[8]),
        body=row[9],
        dsn_ret=row[10],
        dsn_envid=row[11],
        requires_tls=bool(row[12]),
        door=row[13],
        user_id=row[14],
        received_at_us=row[15],
        hold_until_us=row[16],
        destination=destination,
        judgement=row[17],
    )
