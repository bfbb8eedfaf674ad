"""What the loop asks of the queue: plain functions for the threads of `runtime.db`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from apps.delivery.outbound.leases import boottime
from apps.delivery.outbound.transactions import MOST_RECIPIENTS, Work, works_of
from apps.directory import transports
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import Due, Outgoing
from apps.remote.types import HopUnreachableError, NextHop
from apps.runtime.db import forgettable
from apps.trace import services as trace
from apps.wire.errors import MailError

AWAY_SECONDS = 10.0  # before mail is tried again whose bytes cannot be read
RETRIES_EVERY = 4  # claims of a destination; every such one prefers mail that was tried before


@dataclass(frozen=True, slots=True)
class Wish:
    """Mail of one destination that is wanted: up to `limit` messages; `turn` counts its claims."""

    name: str
    limit: int
    turn: int


@dataclass(slots=True)
class Claim:
    """What a claim brought for one destination.

    Args:
        hop: where the mail goes; None if it must be routed anew.
        trouble: why the hop cannot be used.
        is_last: there is probably no more.
    """

    is_last: bool
    works: list[Work] = field(default_factory=list)
    hop: NextHop | None = None
    trouble: HopUnreachableError | None = None


def due(limit: int, exclude: Collection[str], after: str) -> list[Due]:
    """Destinations with mail that is due."""
    return mailqueue.due_destinations(limit, exclude=exclude, after=after)


def claim(wishes: Sequence[Wish]) -> tuple[float, dict[str, Claim]]:
    """Claim for several destinations in one transaction: a claim costs more than its messages.

    Returns:
        The boottime before it began, and what each destination got.

    Raises:
        StorageUnavailable: nothing is held, or its lease lapses.
    """
    since = boottime()
    with forgettable():
        found = {wish.name: _claimed(wish) for wish in wishes}
    messages = [message for some in found.values() for message in some]
    claims = {wish.name: Claim(_is_last(wish, found[wish.name])) for wish in wishes}
    try:
        for work in works_of(messages):
            claims[work.message.destination].works.append(work)
        for name, one in claims.items():
            if one.works:
                _find_hop(name, one)
    except MailError:
        _give_back_messages(messages)
        raise
    return since, claims


def _claimed(wish: Wish) -> list[Outgoing]:
    retries_first = wish.turn % RETRIES_EVERY == RETRIES_EVERY - 1
    return mailqueue.claim_destination(wish.name, wish.limit, retries_first=retries_first)


def _is_last(wish: Wish, found: Sequence[Outgoing]) -> bool:
    """Less came than was asked for; but a claim ends at a number of recipients too, and what a
    worker has died over comes one by one."""
    recipients = [one for message in found for one in message.recipients]
    is_alone = any(one.crashes for one in recipients)
    return len(found) < wish.limit and len(recipients) < MOST_RECIPIENTS and not is_alone


def _find_hop(name: str, claim: Claim) -> None:
    try:
        claim.hop = transports.by_key(name)
    except HopUnreachableError as error:
        claim.trouble = error


def give_back(works: Collection[Work], wait_seconds: float = 0) -> None:
    """End our leases without a try: the mail is due again, at once or in a while."""
    ids: dict[UUID, list[int]] = {}
    for work in works:
        ids.setdefault(work.token, []).extend(work.ids)
    for token, some in ids.items():
        mailqueue.give_back(token, some, wait_seconds=wait_seconds)


def _give_back_messages(messages: Collection[Outgoing]) -> None:
    """The same for messages that did not become works."""
    for message in messages:
        mailqueue.give_back(
            message.token, [one.id for one in message.recipients], wait_seconds=AWAY_SECONDS
        )


def reroute(works: Collection[Work]) -> None:
    """Send mail back to routing whose transport is no more."""
    for work in works:
        mailqueue.reroute_leased(work.token, work.message.id, work.ids)
    bell.ring()


def hold(work: Work, why: str) -> None:
    """Keep what cannot be sent by any fault of ours for an administrator."""
    with transaction.atomic():
        mailqueue.hold_recipients(work.token, work.ids, [work.message.id], why)
        trace.record(
            [
                trace.Event(work.message.trace_id, "queue.held", {"to": one.address, "why": why})
                for one in work.recipients
            ]
        )
