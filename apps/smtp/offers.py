"""Wait for the verdict on a message that is durable already, so that clear spam and viruses are
refused while whoever brought them is still there.

One `Offers` serves one event loop. What it promises:

- what the client is told is what was committed (`mailqueue.services.offers`): a 5xx, and the
  message is nowhere; a 250, and it is ours;
- no wait is longer than SCAN_WAIT_SECONDS, no more than SCAN_WAIT_MOST wait at the same time, and
  where verdicts do not come, soon nobody waits but one in half a minute, for a moment; after a
  start nobody waits before a worker is there;
- whoever hangs up meanwhile has nothing delivered that it will bring again; a door that is about to
  close takes at once what is being waited for.

The worker says on the event bus whom it has decided about; who hears nothing looks once a second.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.delivery import decision
from apps.events import bus
from apps.events.hearing import Hearing
from apps.events.types import Event, EventsMissed, MessageJudged, QueueRang
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import Lane, MessageState
from apps.mailqueue.services import Outcome
from apps.mailstore.services import quota
from apps.reception.judging import Refusal
from apps.runtime.groupcommit import GroupCommit
from apps.smtp.envelope import SmtpSession
from apps.trace import services as trace
from apps.wire.errors import MailError
from apps.wire.replies import Reply

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
# By which the offer outlives the wait: for the commit before it, and for the one that ends it.
SPARE_SECONDS: Final = 10
VAIN_MOST: Final = 3
TRIAL_SECONDS: Final = 2.0
BETWEEN_TRIALS: Final = 30.0
BETWEEN_LOOKS: Final = 0.25

_GONE: Final = Refusal(
    Reply(451, "4.4.2", "You hung up before the answer, bring it again"),
    "its client hung up before it was answered",
    "gone",
)


class Breaker:
    """How long it is of any use to wait: not at all once some have waited in vain, one after the
    other. Now and then one tries it out, for a moment, until a verdict comes."""

    def __init__(self) -> None:
        self._vain = 0
        self._next_trial = 0.0

    def seconds(self, most: float) -> float:
        """How long somebody may wait now; 0: not at all. Whoever waits says `end`."""
        if self._vain < VAIN_MOST:
            return most
        now = time.monotonic()
        if now < self._next_trial:
            return 0.0
        self._next_trial = now + BETWEEN_TRIALS
        return min(most, TRIAL_SECONDS)

    def end(self, came: bool | None) -> None:
        """A wait is over.

        Args:
            came: whether there was a verdict; None: it ended for another reason.
        """
        if came:
            if self._vain >= VAIN_MOST:
                logger.info("verdicts come again, doors wait for them")
            self._vain = 0
        elif came is False:
            self._vain += 1
            if self._vain == VAIN_MOST:
                self._next_trial = time.monotonic() + BETWEEN_TRIALS
                logger.warning("no verdicts come in time, doors do not wait for them")


class Worker:
    """Whether a worker has ever been there since this process began: it takes longer to load than a
    door. A loop of the fast lane, which always runs, is the sign of life for both lanes. What
    becomes of workers later verdicts tell, or their absence."""

    def __init__(self) -> None:
        self._was_there = False
        self._next_look = 0.0
        self._look = asyncio.Lock()

    async def is_there(self) -> bool:
        """Look, unless somebody did just now; who comes while somebody looks hears the same."""
        if self._was_there:
            return True
        async with self._look:
            if not self._was_there and time.monotonic() >= self._next_look:
                # A bus that cannot say is no sign of absence.
                self._was_there = await bus.count(QueueRang) != 0
                self._next_look = time.monotonic() + BETWEEN_LOOKS
                if self._was_there:
                    logger.info("a worker is there, doors wait for its verdicts")
        return self._was_there


@dataclass(slots=True)
class Offer:
    """One message that its door means to wait for."""

    id: UUID
    breaker: Breaker
    seconds: float
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    came: bool | None = None

    @property
    def offered_us(self) -> int:
        """How long the queue is to think that somebody waits, in microseconds."""
        return int((self.seconds + SPARE_SECONDS) * 1_000_000)


class Offers:
    """What the doors of one event loop wait for."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, Offer] = {}
        self._breakers = {lane: Breaker() for lane in Lane}
        self._worker = Worker()
        self._hearing = Hearing({MessageJudged}, self._heard)
        self._looks: GroupCommit[UUID, Outcome] = GroupCommit(_look, pool="read")
        self._taking: GroupCommit[UUID, Outcome] = GroupCommit(_take)
        self._withdrawing: GroupCommit[UUID, Outcome] = GroupCommit(_withdraw)

    async def begin(self, message_id: UUID, size: int) -> Offer | None:
        """Before a message is made durable: whether its door is to wait for the verdict. None: it
        is not. Whoever begins says `end`.

        Args:
            size: octets.
        """
        if not settings.SCAN_WAIT_SECONDS or not await self._worker.is_there():
            return None
        if len(self._waiting) >= settings.SCAN_WAIT_MOST:
            return None
        breaker = self._breakers[mailqueue.lane_of(size)]
        seconds = breaker.seconds(settings.SCAN_WAIT_SECONDS)
        if not seconds:
            return None
        self._hearing.begin()
        offer = Offer(message_id, breaker, seconds)
        self._waiting[message_id] = offer
        return offer

    def end(self, offer: Offer) -> None:
        """It is over, however it ended."""
        del self._waiting[offer.id]
        offer.breaker.end(offer.came)

    async def verdict(self, offer: Offer, session: SmtpSession) -> Refusal | None:
        """Wait until it is decided about a message that is durable: why it is refused; None if it
        is ours.

        Raises:
            MailError: the database does not say. The client is to come again.
        """
        with session.waking(offer.woken.set):
            outcome = await self._outcome(offer, session)
        return decision.read(outcome.refusal) if outcome.refusal else None

    async def close(self) -> None:
        """Nobody waits any more."""
        await self._hearing.end()
        for one in (self._looks, self._taking, self._withdrawing):
            await one.drain()

    async def _outcome(self, offer: Offer, session: SmtpSession) -> Outcome:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + offer.seconds
        while True:
            left = deadline - loop.time()
            if left > 0 and not session.is_interrupted:
                await _wait(offer.woken, min(left, POLL_SECONDS))
            if session.is_gone:
                return await self._withdrawing.submit(offer.id)
            outcome = await self._look(offer.id)
            if not outcome.is_open:
                offer.came = True
                return outcome
            if session.is_gone:
                continue  # it went while we looked
            if session.is_interrupted:
                return await self._taking.submit(offer.id)
            if loop.time() >= deadline:
                offer.came = False
                return await self._taking.submit(offer.id)

    async def _look(self, message_id: UUID) -> Outcome:
        """Where it stands; a database that is away for a moment has decided nothing."""
        try:
            return await self._looks.submit(message_id)
        except MailError as error:
            logger.warning("a verdict could not be looked up", extra={"detail": error.detail})
            return Outcome(MessageState.OFFERED)

    def _heard(self, event: Event) -> None:
        if isinstance(event, EventsMissed):
            for offer in self._waiting.values():
                offer.woken.set()
        elif isinstance(event, MessageJudged) and 0 <= event.message < 1 << 128:
            found = self._waiting.get(UUID(int=event.message))
            if found is not None:
                found.woken.set()


async def _wait(woken: asyncio.Event, seconds: float) -> None:
    """Until somebody wakes us, or the time is over."""
    loop = asyncio.get_running_loop()
    timer = loop.call_later(seconds, woken.set)
    try:
        await woken.wait()
    finally:
        timer.cancel()
        woken.clear()


def _look(ids: Sequence[UUID]) -> list[Outcome | MailError]:
    return [*mailqueue.outcomes_of(ids)]


def _take(ids: Sequence[UUID]) -> list[Outcome | MailError]:
    return [*mailqueue.accept_offered(ids)]


def _withdraw(ids: Sequence[UUID]) -> list[Outcome | MailError]:
    with transaction.atomic():
        withdrawn, reserved = mailqueue.withdraw(ids)
        quota.release(reserved)
        # The trace id of what came by this door is its receive id.
        trace.record([trace.Event(one, "mx.withdrawn", {"why": _GONE.why}) for one in withdrawn])
        found = mailqueue.outcomes_of(ids)
    gone = Outcome("refused", decision.written(_GONE))
    return [gone if one in set(withdrawn) else now for one, now in zip(ids, found, strict=True)]
