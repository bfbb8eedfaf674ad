"""One message that waits, as far as somebody may know of it: where each recipient stands, and what
was tried. Every door that shows one asks here, so that none tells more than another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.db.models import QuerySet

from apps.directory.permissions import Powers
from apps.mailqueue.models import (
    Aside,
    Attempt,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from apps.mailqueue.queries import AttemptRow
from apps.provisioning.administration import queue as doors

RECIPIENTS: Final = 100  # that are told of one message
ATTEMPTS: Final = 20  # that are told, the last ones
_OPEN: Final = (RecipientState.PENDING, RecipientState.WAITING, RecipientState.HELD)
_UNFINISHED: Final = (MessageState.ACCEPTED, MessageState.ROUTED, MessageState.HELD)


@dataclass(frozen=True, slots=True)
class Told:
    """What may be told of a message.

    Args:
        is_theirs: whether who asks may act on it, and sees all of it.
        is_open: all recipients that are known may be named by their final addresses.
        recipients: the first RECIPIENTS that they may know of; `others` is how many there are more.
        named: ids of those whose final address, and way, may be told.
        nameable: all recipients that may be named.
        attempts: the last first; none if it is not theirs. A conversation names everybody whom it
            was about: it is empty unless `is_open`.
        aside: what is to become of it; None if nobody has said so.
    """

    is_theirs: bool
    is_open: bool
    is_cancellable: bool
    recipients: list[QueuedRecipient]
    others: int
    named: frozenset[int]
    nameable: QuerySet[QueuedRecipient]
    attempts: list[AttemptRow]
    aside: Aside | None


def told(powers: Powers, message: QueuedMessage) -> Told:
    """Of a message in sight; nine statements at most."""
    is_theirs = doors.is_theirs(powers, message.pk)
    known = doors.known(powers, [message.pk])
    rows = list(known.order_by("pk")[:RECIPIENTS])
    nameable = doors.named(powers, known)
    named = nameable.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True)
    is_open = powers.is_operator or known.count() == nameable.count()
    return Told(
        is_theirs=is_theirs,
        is_open=is_open,
        is_cancellable=is_theirs and _is_whole(message, rows),
        recipients=rows,
        others=known.count() - len(rows) if len(rows) == RECIPIENTS else 0,
        named=frozenset(named),
        nameable=nameable,
        attempts=_attempts(nameable, is_open=is_open) if is_theirs else [],
        aside=Aside.objects.filter(message=message).first(),
    )


def _is_whole(message: QueuedMessage, rows: Sequence[QueuedRecipient]) -> bool:
    """Whether nothing of it seems to have left; the database decides when it is asked."""
    if message.state not in _UNFINISHED:
        return False
    return all(one.state in _OPEN and one.lease_token is None for one in rows)


def _attempts(recipients: QuerySet[QueuedRecipient], *, is_open: bool) -> list[AttemptRow]:
    rows = Attempt.objects.filter(recipient__in=recipients.values_list("pk", flat=True))
    fields = ("at", "recipient__address", "remote", "tls", "outcome", "reply", "transcript")
    found = rows.order_by("-at", "-id").values_list(*fields)[:ATTEMPTS]
    tries = [AttemptRow(*row) for row in found]
    return tries if is_open else [replace(one, transcript="") for one in tries]
