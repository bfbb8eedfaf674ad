"""Mail that waits for other servers, put there as delivery does it."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.blobs import services as blobs
from apps.blobs.models import Blob
from apps.mailqueue import services
from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient
from apps.mailqueue.services import (
    Departure,
    EnvelopeRecipient,
    Outgoing,
    Settled,
    Submission,
)
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from tests.support.mail import submission

NEAR = "mx/near.test"
FAR = "mx/far.test"
DEAD = "mx/dead.test"


def away(*addresses: str) -> tuple[EnvelopeRecipient, ...]:
    """Envelope recipients who are not ours."""
    return tuple(EnvelopeRecipient(address, address, None) for address in addresses)


def keep(items: Sequence[Submission]) -> None:
    """Put messages into the queue as their door does, without the rest of what it does."""
    with transaction.atomic():
        blobs.insert([item.blob for item in items])
        services.enqueue(items)


def send(count: int = 1, destination: str = NEAR, *, recipients: int = 1) -> list[UUID]:
    """Accept so many messages for somewhere else, and route them there."""
    people = away(*(f"person{place}@elsewhere.test" for place in range(recipients)))
    items = [submission(people) for _ in range(count)]
    keep(items)
    route(destination)
    return [item.id for item in items]


def route(destination: str) -> None:
    """Let all recipients of what is accepted wait for one destination."""
    route_each(lambda _: destination, itertools.repeat(0))


def route_each(destination: Callable[[int], str], numbers: Iterable[int]) -> None:
    """Let each message that is accepted wait for the destination of its number."""
    following = iter(numbers)
    while claimed := services.claim(500):
        with transaction.atomic():
            services.settle(claimed[0].token, [one.id for one in claimed], "routed")
            services.wait(
                [
                    Departure(
                        one.id,
                        b"DKIM-Signature: v=1\r\n",
                        tuple((recipient.id, destination(number)) for recipient in one.recipients),
                    )
                    for one, number in zip(claimed, following, strict=False)
                ]
            )


def settle(
    message: Outgoing, outcome: str, reply: str = "250 2.0.0 OK", wait: float = 0
) -> list[UUID]:
    """Settle all claimed recipients of a message alike."""
    with transaction.atomic():
        return services.settle_outgoing(results(message, outcome, reply, wait))


def results(
    message: Outgoing, outcome: str, reply: str = "250 2.0.0 OK", wait: float = 0
) -> list[Settled]:
    return [
        Settled(
            message.token,
            message.id,
            recipient.id,
            outcome,  # type: ignore[arg-type]
            reply,
            wait,
            remote="mx.near.test [192.0.2.25]:25",
            tls="TLSv1.3",
            transcript="MAIL\n250 OK",
        )
        for recipient in message.recipients
    ]


def backlog(count: int, **recipient: Any) -> None:
    """Messages with one recipient each, as a bad week leaves them; fields of the recipients."""
    blob = Blob.objects.first()
    assert blob is not None
    messages = [
        QueuedMessage(
            id=new_ulid(),
            blob=blob,
            trace_id=new_ulid(),
            size=10_000,
            sender="carol@outside.invalid",
            door="mx",
            state=MessageState.ROUTED,
            received_at=now_us(),
        )
        for _ in range(count)
    ]
    QueuedMessage.objects.bulk_create(messages)
    QueuedRecipient.objects.bulk_create(
        QueuedRecipient(
            message=message,
            **{"address": "x@dead.test", "state": "waiting", "destination": DEAD, **recipient},
        )
        for message in messages
    )


def ids(messages: Sequence[Outgoing]) -> list[UUID]:
    return [one.id for one in messages]


def make_due(*messages: UUID) -> None:
    """Let the time of the next attempt come."""
    QueuedRecipient.objects.filter(message__in=messages, next_attempt_at__gt=0).update(
        next_attempt_at=1
    )


def lapse(*messages: Outgoing) -> None:
    """Let the leases end, as if their worker had died a while ago."""
    for one in messages:
        QueuedRecipient.objects.filter(lease_token=one.token).update(
            lease_until=1, next_attempt_at=1
        )


def states(message: UUID) -> list[str]:
    rows = QueuedRecipient.objects.filter(message=message).order_by("id")
    return list(rows.values_list("state", flat=True))
