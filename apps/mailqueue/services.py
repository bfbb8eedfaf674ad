"""The write door of the queue: put in, claim, settle, give back, hold, delete, prune.

Promises:
- `enqueue` runs inside the caller's transaction and is idempotent on the receive id, so a door
  that retries after an unknown commit outcome queues nothing twice.
- A claim is a lease with a token. Settling checks the token: a worker that was paused and comes
  back cannot settle what another one took over (`LeaseLostError`).
- A row whose lease lapsed killed its worker, perhaps: it is claimed alone, so that a poison
  message cannot convict its batch. After three crashes alone it is `held` for an administrator.
  Nothing is ever dropped.
- A claim is bounded in bytes as well as in messages: its worker reads all of it into memory, and
  must be done before the lease ends.

The statements here are hot and constant SQL; `tests/mailqueue` proves them equal to the ORM's.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from apps.blobs.services import PreparedBlob
from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient, RecipientState
from apps.runtime.clock import now_us
from apps.runtime.db import forgettable

logger = logging.getLogger(__name__)

# Ten times what the slowest honest batch takes. Mail that a worker died over waits this long; one
# that was only slow loses its lease and settles nothing, so nothing is delivered twice.
LEASE_SECONDS = 20
CLAIM_BYTES = 32 << 20
CRASHES_ALONE = 3
KEEP_SETTLED_SECONDS = 3600
RETRY_FIRST_SECONDS, RETRY_LONGEST_SECONDS = 5, 600
_SECOND = 1_000_000


class LeaseLostError(Exception):
    """Another worker took these messages over; their ids are in `ids`."""

    def __init__(self, ids: Sequence[UUID]) -> None:
        super().__init__(f"{len(ids)} leases lost")
        self.ids = tuple(ids)


@dataclass(frozen=True, slots=True)
class EnvelopeRecipient:
    """A final recipient: aliases are expanded. `user_id` is set for local ones.

    `is_limited` says whether the user has a quota, so that space must be reserved.
    """

    address: str
    original: str
    user_id: int | None
    orcpt: str = ""
    notify: str = ""
    is_limited: bool = True


@dataclass(frozen=True, slots=True)
class Submission:
    """All that a door knows of a message that it wants to be responsible for.

    `id` is the receive id, made once per MAIL transaction. `size` counts what readers will see, in
    bytes.
    """

    id: UUID
    trace_id: UUID
    blob: PreparedBlob
    prefix: bytes
    cuts: tuple[tuple[int, int], ...]
    sender: str
    recipients: tuple[EnvelopeRecipient, ...]
    door: str
    user_id: int | None
    client: dict[str, Any]
    received_at_us: int
    smtputf8: bool = False
    body: str = ""
    dsn_ret: str = ""
    dsn_envid: str = ""
    hold_until_us: int = 0
    requires_tls: bool = False

    @property
    def size(self) -> int:
        return len(self.prefix) + self.blob.size - sum(end - start for start, end in self.cuts)


@dataclass(frozen=True, slots=True)
class ClaimedRecipient:
    """One recipient of a claimed message that still waits to be processed."""

    id: int
    address: str
    original: str
    user_id: int | None
    reserved: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message under our lease."""

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
    recipients: list[ClaimedRecipient] = field(default_factory=list)


_INSERT_MESSAGE = """
INSERT INTO mailqueue_queuedmessage
  (id, blob_id, trace_id, prefix, cuts, size, sender, smtputf8, body, dsn_ret, dsn_envid, door,
   user_id, client, requires_tls, signatures, state, verdict, received_at, hold_until, settled_at,
   lease_until, lease_token, claims, crashes, last_error)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'accepted', '', %s, %s,
  NULL, 0, NULL, 0, 0, '')"""
_INSERT_RECIPIENT = """
INSERT INTO mailqueue_queuedrecipient
  (message_id, address, original, orcpt, notify, user_id, reserved, route, state, attempts,
   next_attempt_at, lease_until, lease_token, claims, last_reply, destination, crashes,
   is_delay_told)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'pending', 0, 0, 0, NULL, 0, '', '', 0, %s)"""


def known(ids: Sequence[UUID]) -> set[UUID]:
    """Those receive ids that are in the queue already (a retry after an unknown outcome)."""
    marks = ",".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM mailqueue_queuedmessage WHERE id IN ({marks})",
            [item.hex for item in ids],
        )
        return {_uuid(row[0]) for row in cursor.fetchall()}


def enqueue(batch: Sequence[Submission]) -> None:
    """Insert messages and recipients, within the caller's transaction.

    Ids must be new (`known`).
    """
    messages: list[tuple[Any, ...]] = []
    recipients: list[tuple[Any, ...]] = []
    for item in batch:
        messages.append(_message_row(item))
        recipients.extend(_recipient_row(item, recipient) for recipient in item.recipients)
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT_MESSAGE, messages)
        cursor.executemany(_INSERT_RECIPIENT, recipients)


def _message_row(item: Submission) -> tuple[Any, ...]:
    return (
        item.id.hex,
        item.blob.id.hex,
        item.trace_id.hex,
        item.prefix,
        json.dumps(item.cuts) if item.cuts else "[]",
        item.size,
        item.sender,
        item.smtputf8,
        item.body,
        item.dsn_ret,
        item.dsn_envid,
        item.door,
        item.user_id,
        json.dumps(item.client),
        item.requires_tls,
        b"",
        item.received_at_us,
        item.hold_until_us,
    )


def _recipient_row(item: Submission, recipient: EnvelopeRecipient) -> tuple[Any, ...]:
    local = recipient.user_id is not None
    reserved = item.size if local and recipient.is_limited else 0
    return (
        item.id.hex,
        recipient.address,
        recipient.original,
        recipient.orcpt,
        recipient.notify,
        recipient.user_id,
        reserved,
        "local" if local else "remote",
        False,
    )


# The database's clock, in microseconds: workers on other machines may have another one.
_NOW = {
    "sqlite": "CAST(ROUND((julianday('now') - 2440587.5) * 86400000000.0) AS INTEGER)",
    "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS bigint)",
}
_RETURNING = """
RETURNING id, blob_id, trace_id, prefix, cuts, sender, door, user_id, received_at, crashes"""


def _claim_sql(lapsed: bool) -> str:
    now = _NOW[connection.vendor]
    # Postgres may run a bare `IN (SELECT … LIMIT n … SKIP LOCKED)` once for each outer row, and so
    # lease more than n; inside ARRAY() it runs once.
    is_postgres = connection.vendor == "postgresql"
    skip = " FOR UPDATE SKIP LOCKED" if is_postgres else ""
    one_of, end = ("= ANY (ARRAY(", "))") if is_postgres else ("IN (", ")")
    due = f"lease_until > 0 AND lease_until <= {now}" if lapsed else "lease_until = 0"
    # `{...}` are constants of this module, chosen by vendor and kind; values go as parameters.
    return f"""
UPDATE mailqueue_queuedmessage SET lease_until = {now} + %s, lease_token = %s, claims = claims + 1,
  crashes = crashes + CASE WHEN lease_token IS NULL THEN 0 ELSE 1 END
WHERE state = 'accepted' AND id {one_of}
  SELECT id FROM (
    SELECT id, size, SUM(size) OVER (ORDER BY lease_until, received_at, id) AS total FROM (
      SELECT id, size, lease_until, received_at FROM mailqueue_queuedmessage
      WHERE state = 'accepted' AND {due} AND hold_until <= {now}
      ORDER BY lease_until, received_at LIMIT %s{skip}) AS due) AS counted
  WHERE total - size < %s{end}{_RETURNING}"""


def claim(
    limit: int, lease_seconds: int = LEASE_SECONDS, *, retries_first: bool = False
) -> list[Claimed]:
    """Lease up to `limit` fresh messages, or else one whose lease lapsed.

    Safe with any number of workers. Returns an empty list when nothing is due.

    Args:
        retries_first: prefer the one that lapsed; said now and then by a worker that never finds
            the queue empty, or mail that failed once would wait for the flood to end.
    """
    token = uuid4()
    if retries_first:
        return _claim_alone(token, lease_seconds) or _claim(token, limit, lease_seconds)
    return _claim(token, limit, lease_seconds) or _claim_alone(token, lease_seconds)


def _claim_alone(token: UUID, lease_seconds: int) -> list[Claimed]:
    """Lease one message whose lease lapsed; hold those that have had their three tries."""
    while alone := _claim(token, 1, lease_seconds, lapsed=True):
        if alone[0].crashes <= CRASHES_ALONE:
            break
        hold([alone[0].id], f"its worker died {CRASHES_ALONE} times while it worked on it alone")
        _tell_held(alone[0])
    return alone


def _tell_held(message: Claimed) -> None:
    logger.error(
        "a message is held for an administrator",
        extra={"trace_id": str(message.trace_id), "queue_id": str(message.id)},
    )


def _claim(token: UUID, limit: int, lease_seconds: int, *, lapsed: bool = False) -> list[Claimed]:
    with forgettable(), connection.cursor() as cursor:
        cursor.execute(_claim_sql(lapsed), [lease_seconds * _SECOND, token.hex, limit, CLAIM_BYTES])
        found = {_uuid(row[0]): _claimed(token, row) for row in cursor.fetchall()}
        if found:
            _add_recipients(cursor, found)
    return sorted(found.values(), key=lambda message: message.received_at_us)


def _claimed(token: UUID, row: tuple[Any, ...]) -> Claimed:
    return Claimed(
        id=_uuid(row[0]),
        token=token,
        blob_id=_uuid(row[1]),
        trace_id=_uuid(row[2]),
        prefix=bytes(row[3]),
        cuts=() if row[4] == "[]" else tuple((start, end) for start, end in json.loads(row[4])),
        sender=row[5],
        door=row[6],
        user_id=row[7],
        received_at_us=row[8],
        crashes=row[9],
    )


def _add_recipients(cursor: Any, found: dict[UUID, Claimed]) -> None:
    marks = ",".join(["%s"] * len(found))
    cursor.execute(
        "SELECT message_id, id, address, original, user_id, reserved FROM mailqueue_queuedrecipient"
        f" WHERE state = 'pending' AND message_id IN ({marks}) ORDER BY id",
        [item.hex for item in found],
    )
    for message_id, *rest in cursor.fetchall():
        found[_uuid(message_id)].recipients.append(ClaimedRecipient(*rest))


def settle(token: UUID, messages: Sequence[UUID], state: str) -> None:
    """Set leased messages to `state` (done, routed) and end their lease, in the caller's
    transaction.

    Raises:
        LeaseLostError: some of them are no longer ours; the caller's transaction must not commit.
    """
    marks = ",".join(["%s"] * len(messages))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mailqueue_queuedmessage SET state = %s, settled_at = %s, lease_until = 0,"
            f" lease_token = NULL WHERE lease_token = %s AND id IN ({marks}) RETURNING id",
            [state, now_us(), token.hex, *(item.hex for item in messages)],
        )
        ours = {_uuid(row[0]) for row in cursor.fetchall()}
    if lost := [item for item in messages if item not in ours]:
        raise LeaseLostError(lost)


def settle_recipients(rows: Sequence[tuple[int, str, str]]) -> None:
    """Set (recipient id, state, last reply in words), in the caller's transaction."""
    groups: dict[tuple[str, str], list[int]] = {}
    for recipient, state, reply in rows:
        groups.setdefault((state, _told(reply)), []).append(recipient)
    with connection.cursor() as cursor:
        for (state, reply), ids in groups.items():
            marks = ",".join(["%s"] * len(ids))
            cursor.execute(
                "UPDATE mailqueue_queuedrecipient SET state = %s, last_reply = %s, reserved = 0,"
                f" attempts = attempts + 1 WHERE id IN ({marks})",
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
        hold([message.id], error)
        _tell_held(message)
        return
    pause = min(RETRY_FIRST_SECONDS * 2 ** min(failures, 10), RETRY_LONGEST_SECONDS)
    QueuedMessage.objects.filter(id=message.id, lease_token=message.token).update(
        lease_until=now_us() + pause * _SECOND,
        lease_token=None,
        crashes=failures,
        last_error=_told(error),
    )


def put_back(messages: Sequence[Claimed], error: str) -> None:
    """Give a whole batch back whose bytes could not be read: each is tried again alone, so that
    the one whose fault it may be does not hold up the others. Counts against none of them."""
    for token in {message.token for message in messages}:
        QueuedMessage.objects.filter(
            id__in=[message.id for message in messages], lease_token=token
        ).update(
            lease_until=now_us() + RETRY_FIRST_SECONDS * _SECOND,
            lease_token=None,
            last_error=_told(error),
        )


@transaction.atomic
def hold(ids: Sequence[UUID], reason: str) -> list[UUID]:
    """Take messages out of the flow until somebody says `retry` or `delete`.

    Returns the ids of those that were in it.
    """
    found = _in_state(ids, MessageState.ACCEPTED, MessageState.ROUTED)
    QueuedMessage.objects.filter(id__in=found).update(
        state=MessageState.HELD, lease_until=0, lease_token=None, last_error=_told(reason)
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


def _told(words: str) -> str:
    """Words as the columns take them: short, without what no text column of Postgres takes (an
    exception may quote anything)."""
    return words[:500].encode("utf-8", "replace").decode().replace("\0", "?")


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


def prune(limit: int = 250) -> int:
    """Remove up to `limit` messages settled more than an hour ago, with their recipients."""
    before = now_us() - KEEP_SETTLED_SECONDS * _SECOND
    with transaction.atomic():
        old = QueuedMessage.objects.filter(
            state__in=(MessageState.DONE, MessageState.REFUSED), settled_at__lt=before
        )
        ids = list(old.order_by("settled_at").values_list("id", flat=True)[:limit])
        _forget(ids)
    return len(ids)


def _forget(ids: Sequence[UUID]) -> None:
    """Delete messages with all that belongs to them. Plain SQL: the ORM would first load each
    recipient, and a message may have a thousand."""
    if not ids:
        return
    marks = ",".join(["%s"] * len(ids))
    theirs = f"SELECT id FROM mailqueue_queuedrecipient WHERE message_id IN ({marks})"
    with connection.cursor() as cursor:
        for statement in (
            f"DELETE FROM mailqueue_attempt WHERE recipient_id IN ({theirs})",
            f"DELETE FROM mailqueue_queuedrecipient WHERE message_id IN ({marks})",
            f"DELETE FROM mailqueue_queuedmessage WHERE id IN ({marks})",
        ):
            cursor.execute(statement, [item.hex for item in ids])


def _uuid(value: Any) -> UUID:
    """Postgres gives UUIDs, SQLite their 32 hexadecimal digits."""
    return value if isinstance(value, UUID) else UUID(value)
