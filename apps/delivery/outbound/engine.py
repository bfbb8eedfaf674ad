"""The loop that sends: finds destinations with due mail, claims for them, shares out connections.

One engine serves one event loop; any number of loops, in any number of processes, share the queue.
What it promises:

- a destination that is dead or slow holds its own mail and a bounded share of connections, and
  delays no other; mail that is new there passes what waits for its next try;
- nothing is sent without a lease, and nothing is called sent before the queue knows it;
- at `stop` a message that is on its way is finished within seconds, all else is given back.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any, Final

from apps.delivery.outbound import desk
from apps.delivery.outbound.carriage import Carriage, Context
from apps.delivery.outbound.leases import Leases
from apps.delivery.outbound.lines import Line, Paces, Shares
from apps.delivery.outbound.pace import Trust
from apps.delivery.outbound.transactions import Work
from apps.runtime.db import in_db
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

LINGER: Final = 5.0  # seconds without anything to do, then the loop ends
LOOK_EVERY: Final = 1.0  # seconds: retries fall due without a bell
LOOK_PAUSE: Final = 0.005  # at least between two looks: bells come in floods
AWAY_PAUSE: Final = 2.0  # after the database did not answer
# What a server may take to greet and to answer MAIL and RCPT while others wait for a connection:
# those that make strangers wait on purpose take five or six.
KNOCK_SECONDS: Final = 8.0
# When the process ends, seconds for texts that are on their way, and for answers to whole ones.
TEXT_GRACE: Final = 2.0
GRACE: Final = 15.0
_CLAIMS: Final = 64  # destinations of one claim
_LINES: Final = 2  # lines for each connection: those that have none yet are soon to get one


class Engine:
    """See the module. `context` is what its connections need."""

    def __init__(
        self, context: Context, paces: Paces, shares: Shares, *, linger: float = LINGER
    ) -> None:
        self._context, self._linger = context, linger
        # Who wants it to end at once need not wait for two looks a second apart (tests).
        self._leases: Leases = context.leases
        self._paces, self._shares, self._stop = paces, shares, context.stop
        self._lines: dict[str, Line] = {}
        self._carriages: dict[asyncio.Task[None], Carriage] = {}
        self._others: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._is_claiming = False
        self._rung = True
        self._after = ""
        self._looked_at = 0.0
        self._idle_since: float | None = None

    def ring(self, *_event: object) -> None:
        """Something may be due that was not. Further rings before the next look change nothing:
        a flood of them must not keep the loop busy."""
        if not self._rung:
            self._rung = True
            self._changed.set()

    async def run(self) -> None:
        """Send until nothing was due for a while, or `stop` is set."""
        keeper = asyncio.create_task(self._leases.keep())
        stopper = asyncio.create_task(self._hear_stop())
        try:
            while not self._is_over():
                await self._look()
                self._dispatch()
                await self._wait()
        finally:
            stopper.cancel()
            await self._wind_up()
            keeper.cancel()
            await asyncio.gather(keeper, stopper, return_exceptions=True)

    async def _hear_stop(self) -> None:
        await self._stop.wait()
        self._changed.set()

    def _is_over(self) -> bool:
        if self._stop.is_set():
            return True
        if self._rung or self._idle_since is None:
            return False
        return time.monotonic() - self._idle_since >= self._linger

    async def _wait(self) -> None:
        """Until something changed, or the next look is due."""
        pause = LOOK_PAUSE if self._rung else LOOK_EVERY
        now = time.monotonic()
        left = self._looked_at + pause - now
        if self._idle_since is not None:
            left = min(left, self._idle_since + self._linger - now)
        if left <= 0:
            return
        try:
            async with asyncio.timeout(left):
                await self._changed.wait()
        except TimeoutError:
            return
        finally:
            self._changed.clear()

    async def _look(self) -> None:
        """Find destinations with due mail, at the bell and every second."""
        now = time.monotonic()
        if now - self._looked_at < (LOOK_PAUSE if self._rung else LOOK_EVERY):
            return
        self._rung = False
        self._looked_at = now
        most = self._shares.total * _LINES
        busy = [line.name for line in self._lines.values() if not line.is_dry or line.is_down]
        if len(busy) >= most:
            return
        try:
            found = await in_db("read", desk.due, most - len(busy), busy, self._after)
        except MailError as error:
            logger.warning("the queue cannot be read", extra={"detail": str(error)})
            self._looked_at = now + AWAY_PAUSE
            return
        for one in found:
            line = self._lines.get(one.name)
            if line is not None:
                line.is_dry = False  # something has come for it since
            elif not one.failures or self._doubtful < most // 2:
                self._lines[one.name] = Line(one.name, self._paces.of(one.name, one.failures))
            if one.is_new:
                self._after = one.name
        if self._lines:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now

    @property
    def _doubtful(self) -> int:
        return sum(line.pace.trust is Trust.DOUBTFUL for line in self._lines.values())

    def _dispatch(self) -> None:
        """Start whatever can be started now."""
        for line in list(self._lines.values()):
            if line.is_over:
                del self._lines[line.name]
                # Its end is a moment to look: what others gave back is due without a bell.
                self._rung = self._rung or not self._lines
        if not self._is_claiming and not self._stop.is_set():
            # One claim at a time, for all that want mail by then: the busier, the cheaper.
            hungry = [line for line in self._lines.values() if line.wants_mail][:_CLAIMS]
            if hungry:
                self._is_claiming = True
                for line in hungry:
                    line.is_filling = True
                self._spawn(self._fill(hungry))
        now = time.monotonic()
        while (chosen := self._shares.next(self._lines.values(), now)) is not None:
            self._start(chosen)
        self._make_room(now)

    def _make_room(self, now: float) -> None:
        """For each destination that waits for its first connection, cut one that has knocked in
        vain for long, the longest first: servers that accept and then say nothing must not keep
        all that we may open, however many they are."""
        waiting = sum(not line.lanes and line.wants_lane(now) for line in self._lines.values())
        if not waiting:
            return
        knocking = [
            (since, carriage)
            for carriage in self._carriages.values()
            if (since := carriage.knocks_since) is not None and now - since > KNOCK_SECONDS
        ]
        for _, carriage in sorted(knocking, key=lambda pair: pair[0])[:waiting]:
            carriage.cut()

    def _start(self, line: Line) -> None:
        line.lanes += 1
        carriage = Carriage(self._context, line, self._is_wanted_elsewhere)
        task = asyncio.create_task(carriage.run())
        self._carriages[task] = carriage
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        carriage = self._carriages.pop(task)
        carriage.line.lanes -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a connection failed", exc_info=error)
        self._changed.set()

    def _is_wanted_elsewhere(self, line: Line) -> bool:
        """Whether a connection of `line` is to make room: all are taken, and another line has
        mail and none."""
        if len(self._carriages) < self._shares.total:
            return False
        now = time.monotonic()
        return any(
            other is not line and not other.lanes and other.wants_lane(now)
            for other in self._lines.values()
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._others.add(task)
        task.add_done_callback(self._others.discard)

    async def _fill(self, lines: list[Line]) -> None:
        """Claim for lines."""
        for line in lines:
            line.claims += 1
        wishes = [desk.Wish(line.name, line.claim_limit, line.claims) for line in lines]
        try:
            since, claims = await in_db("write", desk.claim, wishes)
            for line in lines:
                claim = claims[line.name]
                self._leases.take(claim.works, since)
                line.is_dry = claim.is_last
                self._receive(line, claim)
        except MailError as error:
            logger.warning("mail could not be claimed", extra={"detail": str(error)})
            for line in lines:
                line.is_dry = True
        finally:
            self._is_claiming = False
            for line in lines:
                line.is_filling = False
            self._changed.set()

    def _receive(self, line: Line, claim: desk.Claim) -> None:
        if claim.works and claim.trouble is not None:
            line.waiting.extend(claim.works)
            self._spawn(self._context.go_down(line, claim.trouble))
        elif claim.works and claim.hop is None:
            for work in claim.works:
                self._leases.drop(work)
            self._spawn(self._reroute(claim.works))
        else:
            line.hop = claim.hop or line.hop
            line.waiting.extend(claim.works)

    async def _reroute(self, works: list[Work]) -> None:
        try:
            await in_db("write", desk.reroute, works)
        except MailError as error:  # its leases lapse
            logger.warning("mail could not be routed anew", extra={"detail": str(error)})

    async def _wind_up(self) -> None:
        """Finish what is being sent, give back what is not."""
        if self._others:
            await asyncio.gather(*self._others, return_exceptions=True)
        self._cut([task for task, one in self._carriages.items() if not one.is_sending])
        await self._wait_for_carriages(TEXT_GRACE)
        # What is cut off before the final dot was not taken, and is sent again as a whole.
        self._cut([task for task, one in self._carriages.items() if not one.is_said])
        await self._wait_for_carriages(GRACE - TEXT_GRACE)
        tasks = list(self._carriages)
        self._cut(tasks)
        await asyncio.gather(*tasks, return_exceptions=True)
        left = self._leases.works
        if left:
            try:
                await in_db("write", desk.give_back, left)
            except MailError as error:  # its leases lapse
                logger.warning("mail could not be given back", extra={"detail": str(error)})

    @staticmethod
    def _cut(tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()

    async def _wait_for_carriages(self, seconds: float) -> None:
        if self._carriages:
            await asyncio.wait(self._carriages, timeout=seconds)
