"""What the loop asks of the queue: plain functions for the threads of `runtime.db`."""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from apps.delivery.outbound.leases import boottime
from apps.delivery.outbound.transactions import Work, works_of
from apps.directory import transports
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import Due, Outgoing
from apps.remote.types import HopUnreachableError, NextHop
from apps.trace import services as trace
from apps.wire.errors import MailError

AWAY_SECONDS = 10.0  # before mail is tried again whose bytes cannot be read
RETRIES_EVERY = 4  # claims of a destination; every such one prefers mail that was tried before


@dataclass(slots=True)
class Claim:
    """What a claim brought.

    Args:
        since: boottime before it began.
        hop: where the mail goes; None if it must be routed anew.
        trouble: why the hop cannot be used.
        messages: how many it was.
    """

    since: float
    works: list[Work] = field(default_factory=list)
    hop: NextHop | None = None
    trouble: HopUnreachableError | None = None
    messages: int = 0


def due(limit: int, exclude: Collection[str], after: str) -> list[Due]:
    """Destinations with mail that is due."""
    return mailqueue.due_destinations(limit, exclude=exclude, after=after)


def claim(name: str, limit: int, turn: int) -> Claim:
    """Claim up to `limit` messages of one destination; `turn` counts its claims.

    Raises:
        StorageUnavailable: nothing is held, or its lease lapses.
    """
    found = Claim(boottime())
    messages = mailqueue.claim_destination(
        name, limit, retries_first=turn % RETRIES_EVERY == RETRIES_EVERY - 1
    )
    found.messages = len(messages)
    if not messages:
        return found
    try:
        found.works = works_of(messages)
        found.hop = transports.by_key(name)
    except HopUnreachableError as error:
        found.trouble = error
    except MailError:
        _give_back_messages(messages)
        raise
    return found


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
