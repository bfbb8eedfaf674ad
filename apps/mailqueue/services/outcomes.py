"""What became of recipients: routed to a destination, delivered there, put off, failed.

A row is settled with the token of its lease; the message is done when its last recipient is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db import connection

from apps.mailqueue.models import MessageState, QueuedRecipient, RecipientState
from apps.mailqueue.services.columns import (
    NOW,
    SECOND,
    database_now_us,
    locking,
    told,
    uuid_of,
)
from apps.mailqueue.services.ending import finish, lock_messages
from apps.mailqueue.services.holding import UNFINISHED
from apps.runtime.clock import now_us
from apps.runtime.rows import ManyRows, Values, among, listed

TRANSCRIPT = 8_000  # characters kept of what was said


class RecipientsLostError(Exception):
    """Other workers took these recipients over; their ids are in `ids`."""

    def __init__(self, ids: Sequence[int]) -> None:
        super().__init__(f"{len(ids)} leases lost")
        self.ids = tuple(ids)


@dataclass(frozen=True, slots=True)
class Departure:
    """A message whose recipients are to leave: (recipient id, destination) of each.

    `signatures` are header fields, CRLF lines, for all copies that leave us.
    """

    message_id: UUID
    signatures: bytes
    recipients: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a leased recipient.

    Args:
        reply: what the other server said, or our own words.
        wait_seconds: deferred: until the next try.
        remote: host [address]:port; "" if none was reached.
        tls: version, cipher, how it was verified.
        transcript: commands and replies; no message text.
        at_us: when it was tried, Unix microseconds; 0 is now.
        was_tried: whether this counts as an attempt.
    """

    token: UUID
    message_id: UUID
    recipient_id: int
    outcome: Literal["delivered", "deferred", "failed"]
    reply: str
    wait_seconds: float = 0
    delay_told: bool = False
    remote: str = ""
    tls: str = ""
    transcript: str = ""
    at_us: int = 0
    was_tried: bool = True


_WAIT = Values("due", "id bigint, destination text")
_SETTLED = Values(
    "result", "id bigint, state text, due bigint, reply text, is_told bigint, tries bigint"
)
_ATTEMPTS = ManyRows(
    "INSERT INTO mailqueue_attempt (recipient_id, at, remote, tls, outcome, reply, transcript)",
    "bigint bigint text text text text text",
)


def wait(departures: Sequence[Departure]) -> None:
    """Let processed recipients wait for their destinations, in the caller's transaction.

    What goes to a destination that is closed waits until it opens.
    """
    if not departures:
        return
    now = NOW[connection.vendor]
    signed = [(one.signatures, one.message_id.hex) for one in departures if one.signatures]
    with connection.cursor() as cursor:
        # `{...}` are constants: the database's clock, and the table of parameters.
        cursor.execute(
            f"""
UPDATE mailqueue_queuedrecipient SET state = 'waiting', destination = due.destination,
  next_attempt_at = COALESCE((SELECT closed_until FROM mailqueue_destination AS shut
    WHERE shut.name = due.destination AND shut.closed_until > {now}), 0),
  last_reply = COALESCE((SELECT last_reply FROM mailqueue_destination AS shut
    WHERE shut.name = due.destination AND shut.closed_until > {now}), ''),
  reserved = 0, lease_until = 0, lease_token = NULL
FROM {_WAIT.sql} WHERE mailqueue_queuedrecipient.id = due.id""",
            Values.parameters([pair for one in departures for pair in one.recipients]),
        )
        if signed:
            cursor.executemany(
                "UPDATE mailqueue_queuedmessage SET signatures = %s WHERE id = %s", signed
            )


def settle_outgoing(results: Sequence[Settled]) -> list[UUID]:
    """Settle leased recipients, in the caller's transaction; the messages that are done by it.

    Call it once in a transaction: it locks the messages in one order. A recipient that was held or
    deleted while it was under way stays so unless it was delivered or failed.

    Raises:
        RecipientsLostError: some are no longer ours; the caller's transaction must not commit.
    """
    if not results:
        return []
    ids = sorted({one.message_id for one in results})
    messages = lock_messages(ids)
    states = _states_of_ours(results)
    now = database_now_us()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
UPDATE mailqueue_queuedrecipient SET state = result.state, next_attempt_at = result.due,
  last_reply = result.reply, is_delay_told = (is_delay_told OR result.is_told = 1),
  attempts = attempts + result.tries, reserved = 0, lease_until = 0, lease_token = NULL
FROM {_SETTLED.sql} WHERE mailqueue_queuedrecipient.id = result.id""",
            Values.parameters(
                [
                    _settled_row(one, messages[one.message_id], states[one.recipient_id], now)
                    for one in results
                ]
            ),
        )
    _ATTEMPTS.write([_attempt_row(one) for one in results if one.was_tried])
    return finish(ids)


def give_up(results: Sequence[Settled]) -> tuple[list[UUID], list[tuple[int, int]]]:
    """Settle as failed what an administrator ends, in the caller's transaction, which calls it
    once as it would `settle_outgoing`.

    Returns:
        The messages that are done by it, and (user id, reserved bytes) of its recipients, to be
        released: as the rows have it now, for whoever ended one before has released that.

    Raises:
        RecipientsLostError: some are no longer ours, or somebody has ended them since they were
            claimed; the caller's transaction must not commit.
    """
    lock_messages(sorted({one.message_id for one in results}))
    over = [key for key, state in _states_of_ours(results).items() if state not in UNFINISHED]
    if over:
        raise RecipientsLostError(over)
    rows = QueuedRecipient.objects.filter(
        pk__in=[one.recipient_id for one in results], reserved__gt=0, user__isnull=False
    )
    reserved = [
        (int(user), size) for user, size in rows.order_by("pk").values_list("user_id", "reserved")
    ]
    return settle_outgoing(results), reserved


def _states_of_ours(results: Sequence[Settled]) -> dict[int, str]:
    """Lock the recipients; the state of each."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, state, lease_token FROM mailqueue_queuedrecipient"
            f" WHERE {among('id')} AND lease_token IS NOT NULL ORDER BY id{locking()}",
            [listed([one.recipient_id for one in results])],
        )
        found = {int(row[0]): (row[1], uuid_of(row[2])) for row in cursor.fetchall()}
    lost = [
        one.recipient_id
        for one in results
        if found.get(one.recipient_id, ("", None))[1] != one.token
    ]
    if lost:
        raise RecipientsLostError(lost)
    return {recipient: state for recipient, (state, _) in found.items()}


def _settled_row(one: Settled, message: str, state: str, now: int) -> tuple[Any, ...]:
    due = 0
    if one.outcome != "deferred":
        state = one.outcome
    elif state == RecipientState.WAITING and message == MessageState.HELD:
        state = RecipientState.HELD.value
    if state in (RecipientState.WAITING, RecipientState.HELD):
        # Never 0, which is new mail. Of what is held as well: it may be put back where it was.
        due = now + max(1, int(one.wait_seconds * SECOND))
    return (
        *(one.recipient_id, state, due, told(one.reply)),
        *(int(one.delay_told), int(one.was_tried)),
    )


def _attempt_row(one: Settled) -> tuple[Any, ...]:
    return (
        one.recipient_id,
        one.at_us or now_us(),
        told(one.remote)[:300],
        told(one.tls)[:120],
        one.outcome,
        told(one.reply),
        told(one.transcript, TRANSCRIPT),
    )
