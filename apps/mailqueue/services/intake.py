"""Put mail into the queue: what a door hands over, once, in the door's own transaction.

`enqueue` is idempotent on the receive id, so a door that retries after an unknown commit outcome
queues nothing twice.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any
from uuid import UUID

from django.db import connection

from apps.blobs.services import PreparedBlob
from apps.mailqueue.models import Lane
from apps.mailqueue.services.columns import NOW, uuid_of

# From so many octets on a message is heavy: to read it alone takes longer than to judge and file a
# whole batch of usual ones.
HEAVY_BYTES = 1 << 20


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
    bytes. `message_id` is what the store keeps of the Message-ID; doors of submission give it.
    `judgement` is JSON of what the door found out about the sender, "" if it asked nothing.
    `offered_us` says how long its door waits for the verdict, in microseconds; 0: it does not, and
    the message is ours with the commit. `is_cleared`: it is not to be scanned. `traced`: what the
    trace keeps of it beyond this (subject, what was said at the door), and the queue does not.
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
    message_id: str = ""
    judgement: str = ""
    offered_us: int = 0
    is_cleared: bool = False
    traced: dict[str, Any] = field(default_factory=dict)

    @property
    def lane(self) -> Lane:
        """Who processes it, as far as its size tells; nobody looks into what is cleared."""
        return Lane.FAST if self.is_cleared else lane_of(self.size)

    @property
    def size(self) -> int:
        return len(self.prefix) + self.blob.size - sum(end - start for start, end in self.cuts)


_INSERT_MESSAGE = """
INSERT INTO mailqueue_queuedmessage
  (id, blob_id, trace_id, prefix, cuts, size, sender, smtputf8, body, dsn_ret, dsn_envid, door,
   user_id, domain_id, client, requires_tls, signatures, judgement, state, offered_until, lane,
   is_cleared, verdict, received_at, hold_until, settled_at, lease_until, lease_token, claims,
   crashes, last_error, owed)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
  (SELECT domain_id FROM directory_user WHERE id = %s), %s, %s, %s, %s, %s, {offered_until},
  %s, %s, '', %s, %s, NULL, 0, NULL, 0, 0, '', %s)"""
_INSERT_RECIPIENT = """
INSERT INTO mailqueue_queuedrecipient
  (message_id, address, original, orcpt, notify, user_id, reserved, route, state, attempts,
   next_attempt_at, lease_until, lease_token, claims, last_reply, destination, crashes,
   is_delay_told)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'pending', 0, 0, 0, NULL, 0, '', '', 0, %s)"""


def lane_of(size: int) -> Lane:
    """Who processes a message of so many octets."""
    return Lane.HEAVY if size >= HEAVY_BYTES else Lane.FAST


def known(ids: Sequence[UUID]) -> set[UUID]:
    """Those receive ids that are in the queue already (a retry after an unknown outcome)."""
    marks = ",".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM mailqueue_queuedmessage WHERE id IN ({marks})",
            [item.hex for item in ids],
        )
        return {uuid_of(row[0]) for row in cursor.fetchall()}


def enqueue(batch: Sequence[Submission], owed: Sequence[str] = ()) -> None:
    """Insert messages and recipients, within the caller's transaction.

    Ids must be new (`known`).

    Args:
        owed: for each message the data of the event of its coming, JSON in ASCII, "" if that is
            recorded; none if all are.
    """
    messages: list[tuple[Any, ...]] = []
    recipients: list[tuple[Any, ...]] = []
    for item, data in zip(batch, owed or repeat(""), strict=False):
        messages.append(_message_row(item, data))
        recipients.extend(_recipient_row(item, recipient) for recipient in item.recipients)
    with connection.cursor() as cursor:
        now = NOW[connection.vendor]
        cursor.executemany(_INSERT_MESSAGE.format(offered_until=f"{now} + %s"), messages)
        cursor.executemany(_INSERT_RECIPIENT, recipients)


def _message_row(item: Submission, owed: str) -> tuple[Any, ...]:
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
        item.user_id,
        json.dumps(item.client),
        item.requires_tls,
        b"",
        item.judgement,
        "offered" if item.offered_us else "accepted",
        item.offered_us,
        item.lane.value,
        item.is_cleared,
        item.received_at_us,
        item.hold_until_us,
        owed,
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
