"""Mail that waits, as it is shown. What strangers wrote is one clean line each."""

from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings

from apps.api.moments import of_us
from apps.api.queue.forms import QueueDestinationShown, QueuedShown, WaitingShown
from apps.directory.permissions import Powers
from apps.mailqueue.models import Aside, MessageState, QueuedMessage, QueuedRecipient
from apps.mailqueue.queries import AttemptRow, DestinationRow
from apps.mime.headers import clean, printable
from apps.provisioning.administration import queue as doors
from apps.provisioning.administration import waiting
from apps.provisioning.administration.waiting import NOBODY, Standing
from apps.provisioning.administration.waitingmessage import Told
from apps.runtime.clock import now_us
from apps.runtime.ulid import ulid_text

TAG: Final = "Queue"
SECOND: Final = 1_000_000
_ENDED: Final = {MessageState.DONE, MessageState.REFUSED, MessageState.CANCELLED}
ID: Final = "01KB5SC2N0QJ5E8W3V9T7R4M6A"
EXAMPLE: Final = {
    "id": ID,
    "trace": ID,
    "sender": "ann@example.org",
    "recipient": "bob@example.net",
    "recipients": 1,
    "state": "deferred",
    "ends": None,
    "destination": "mx/example.net",
    "reply": "451 4.7.1 Try again later",
    "tries": 2,
    "next_try_at": "2026-11-28T10:15:00Z",
    "size": 4_120,
    "received_at": "2026-11-28T10:00:00Z",
}
WHOLE: Final = {
    **EXAMPLE,
    "door": "submission",
    "scheduled_for": None,
    "gives_up_at": "2026-12-03T10:00:00Z",
    "ends_at": None,
    "may_act": True,
    "readers": [
        {
            "address": "bob@example.net",
            "original": "bob@example.net",
            "state": "waiting",
            "is_under_way": False,
            "destination": "mx/example.net",
            "reply": "451 4.7.1 Try again later",
            "tries": 2,
            "next_try_at": "2026-11-28T10:15:00Z",
        }
    ],
    "attempts": [
        {
            "at": "2026-11-28T10:05:00Z",
            "recipient": "bob@example.net",
            "server": "mail.example.net [192.0.2.7]:25",
            "tls": "TLSv1.3 TLS_AES_256_GCM_SHA384",
            "outcome": "deferred",
            "reply": "451 4.7.1 Try again later",
            "transcript": "",
        }
    ],
}
PLACE: Final = {
    "name": "mx/example.net",
    "state": "open",
    "waiting": 3,
    "held": 0,
    "under_way": 0,
    "oldest_at": "2026-11-28T10:00:00Z",
    "next_try_at": "2026-11-28T10:15:00Z",
    "closed_until": None,
    "reply": "451 4.7.1 Try again later",
    "paused_at": None,
    "paused_by": "",
}


def text(words: str) -> str:
    """A stranger's words on one line, without what drives a terminal or turns a line round."""
    return printable(clean(words))


def messages(powers: Powers, rows: Sequence[QueuedMessage]) -> list[dict[str, Any]]:
    """Messages of a page; four statements."""
    now = now_us()
    ids = [row.pk for row in rows]
    standing = waiting.standing(powers, ids, now)
    ends = dict(Aside.objects.filter(message__in=ids).values_list("message", "end"))
    firsts = QueuedRecipient.objects.filter(pk__in=[one.first for one in standing.values()])
    first = {one.pk: one for one in firsts}
    named = set(doors.named(powers, firsts).values_list("pk", flat=True))
    found = []
    for row in rows:
        how = standing.get(row.pk, NOBODY)
        reader = first.get(how.first)
        is_named = reader is not None and reader.pk in named
        found.append(_line(row, how, reader, ends.get(row.pk, ""), now, is_named=is_named))
    return found


def _line(
    row: QueuedMessage,
    how: Standing,
    reader: QueuedRecipient | None,
    end: str,
    now: int,
    *,
    is_named: bool,
) -> dict[str, Any]:
    told = reader if is_named else None
    values = {
        "id": ulid_text(row.pk),
        "trace": ulid_text(row.trace_id),
        "sender": text(row.sender),
        "recipient": text((told.address if told else reader.original) if reader else ""),
        "recipients": how.count,
        "state": state(row, how, now),
        "ends": end or None,
        "destination": text(told.destination) if told else "",
        "reply": text(row.last_error or (told.last_reply if told else "")),
        "tries": how.tries,
        "next_try_at": of_us(how.next_us if (how.next_us or 0) > now else 0),
        "size": row.size,
        "received_at": of_us(row.received_at),
    }
    return dict(WaitingShown(values).data)


def state(row: QueuedMessage, how: Standing, now: int) -> str:
    """Where a message stands, in a word."""
    if row.state in _ENDED:
        return str(row.state)
    if row.state == MessageState.HELD:
        return "held"
    if how.under_way:
        return "sending"
    if row.state == MessageState.ROUTED:
        if how.next_us is None and how.count:
            return "held"  # its recipients are: it has nowhere to go
        return "deferred" if how.tries else "waiting"
    if row.state == MessageState.OFFERED:
        return "coming"
    return "scheduled" if row.hold_until > now else "processing"


def whole(powers: Powers, row: QueuedMessage, told: Told) -> dict[str, Any]:
    """One message."""
    now = now_us()
    is_scheduled = row.state == MessageState.ACCEPTED and row.hold_until > now
    is_routed = row.state == MessageState.ROUTED
    begun = max(row.received_at, row.hold_until)
    values = {
        **messages(powers, [row])[0],
        "door": row.door,
        "scheduled_for": of_us(row.hold_until) if is_scheduled else None,
        "gives_up_at": of_us(begun + settings.BOUNCE_AFTER * SECOND) if is_routed else None,
        "ends_at": of_us(told.aside.due_at) if told.aside else None,
        "may_act": told.is_theirs,
        "readers": [_reader(one, now, is_named=one.pk in told.named) for one in told.recipients],
        "attempts": [_attempt(one) for one in told.attempts],
    }
    return dict(QueuedShown(values).data)


def _reader(row: QueuedRecipient, now: int, *, is_named: bool) -> dict[str, Any]:
    return {
        "address": text(row.address if is_named else row.original),
        "original": text(row.original),
        "state": row.state,
        "is_under_way": row.lease_until > now,
        "destination": text(row.destination) if is_named else "",
        "reply": text(row.last_reply) if is_named else "",
        "tries": row.attempts,
        "next_try_at": of_us(row.next_attempt_at if row.next_attempt_at > now else 0),
    }


def _attempt(one: AttemptRow) -> dict[str, Any]:
    lines = [printable(line.replace("\t", " ")) for line in one.transcript.split("\n")]
    return {
        "at": of_us(one.at_us),
        "recipient": text(one.address),
        "server": text(one.remote),
        "tls": text(one.tls),
        "outcome": one.outcome,
        "reply": text(one.reply),
        "transcript": "\n".join(lines),
    }


def place(powers: Powers, row: DestinationRow) -> dict[str, Any]:
    """A destination."""
    now = now_us()
    values = {
        "name": text(row.name),
        "state": _place_state(row),
        "waiting": row.waiting,
        "held": row.held,
        "under_way": row.under_way,
        "oldest_at": of_us(row.oldest_us),
        "next_try_at": of_us(row.next_us if row.next_us > now else 0),
        "closed_until": of_us(row.closed_until_us),
        "reply": text(row.last_reply),
        "paused_at": of_us(row.paused_at_us),
        "paused_by": text(row.paused_by) if powers.is_operator else "",
    }
    return dict(QueueDestinationShown(values).data)


def _place_state(row: DestinationRow) -> str:
    if row.paused_at_us:
        return "paused"
    if row.closed_until_us:
        return "closed"
    return "sending" if row.under_way else "open"
