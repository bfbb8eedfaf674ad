"""One connection's work: take a message of the line, send it, settle it, take the next."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from apps.delivery.outbound import desk
from apps.delivery.outbound.leases import GoingError, Leases, NotOursError
from apps.delivery.outbound.lines import PATIENCE, Line
from apps.delivery.outbound.outcomes import LostError, Settlement
from apps.delivery.outbound.pace import Trust
from apps.delivery.outbound.retry import SECOND, Schedule, Standing, decide
from apps.delivery.outbound.room import Room
from apps.delivery.outbound.transactions import Work, read_text
from apps.mailqueue import services as mailqueue
from apps.remote.client import Carrier, Lane
from apps.remote.types import HopUnreachableError, Outcome, Result
from apps.runtime.clock import now_us
from apps.runtime.db import in_db
from apps.runtime.groupcommit import GroupCommit
from apps.wire.errors import Damaged, MailError, Temporary

logger = logging.getLogger(__name__)

# Nobody may hold a connection for longer with one message, however it spreads its answers.
SEND_SECONDS: Final = 1800.0
SETTLE_PAUSE, SETTLE_LONGEST = 0.25, 5.0  # between tries to settle while the database is away
SOUR: Final = 8  # messages in a row that a destination put off, each in good order
LOST: Final = 2  # messages in a row that were lost on the way


@dataclass(slots=True)
class Context:
    """What all connections of a loop share."""

    carrier: Carrier
    leases: Leases
    schedule: Schedule
    settling: GroupCommit[Settlement, None]
    stop: asyncio.Event
    room: Room = field(default_factory=Room)

    async def settle(self, settlement: Settlement) -> None:
        """Make an outcome durable, however long the database is away: the other side has the mail,
        and only this process knows."""
        pause = SETTLE_PAUSE
        while True:
            try:
                await self.settling.submit(settlement)
            except LostError as error:
                extra = {"trace_id": str(settlement.work.message.trace_id), "detail": str(error)}
                logger.warning("an outcome came too late: another worker had the mail", extra=extra)
                break
            except Temporary as error:
                logger.warning("an outcome cannot be written yet", extra={"detail": str(error)})
                await asyncio.sleep(pause)
                pause = min(pause * 2, SETTLE_LONGEST)
            except MailError as error:
                await self.hold(settlement.work, f"its outcome cannot be written: {error}")
                break
            else:
                break
        self.leases.drop(settlement.work)

    async def hold(self, work: Work, why: str) -> None:
        """Keep mail that cannot be sent by a fault of ours for an administrator."""
        extra = {"trace_id": str(work.message.trace_id), "detail": why}
        logger.error("mail is held for an administrator", extra=extra)
        self.leases.drop(work)
        try:
            await in_db("write", desk.hold, work, why)
        except MailError as error:  # its lease lapses, and it is tried again alone
            logger.warning("mail could not be held", extra={"detail": str(error)})

    def settlement(
        self,
        work: Work,
        results: Sequence[Result],
        transcript: str = "",
        *,
        opens: bool = False,
    ) -> Settlement:
        """What follows from the results of a transaction."""
        at = now_us()
        by_ref = {result.ref: result for result in results}
        decisions = []
        for recipient in work.recipients:
            result = by_ref.get(recipient.id) or _nothing(recipient.id)
            standing = Standing(work.message.since_us, recipient.attempts, recipient.is_delay_told)
            decisions.append(decide(result, standing, self.schedule, at))
        return Settlement(work, tuple(decisions), at, transcript, opens)

    async def give_up(self, work: Work, error: HopUnreachableError) -> None:
        """Settle mail whose destination could not be reached."""
        await self.settle(self.settlement(work, _unreached(work, error), "\n".join(error.attempts)))

    async def go_down(
        self, line: Line, error: HopUnreachableError, *, was_tried: bool = True
    ) -> None:
        """No server of the destination can be used: what is claimed waits or fails with that
        answer, and, unless that is final, nobody tries again for a while.

        Args:
            was_tried: false where the line's mail need not fare as the last message did: it goes
                back untried.
        """
        is_first = not (error.is_permanent or line.is_down)
        if is_first:
            line.is_down = True
            line.pace.could_not_be_reached()
        works = list(line.waiting)
        line.waiting.clear()
        if was_tried:
            await asyncio.gather(*(self.give_up(work, error) for work in works))
        elif works:
            await self.abandon(*works)
        if is_first:
            await self._close(line, error)

    async def _close(self, line: Line, error: HopUnreachableError) -> None:
        seconds = self.schedule.closed_us(line.pace.failures) / SECOND
        reply = f"{error.code} {error.reply}" if error.code else error.reply
        try:
            await in_db("write", mailqueue.close_destination, line.name, seconds, reply)
        except MailError as failure:
            logger.warning("a destination could not be closed", extra={"detail": str(failure)})

    async def abandon(self, *works: Work, wait_seconds: float = 0) -> None:
        """Give back mail that was not tried."""
        for work in works:
            self.leases.drop(work)
        try:
            await in_db("write", desk.give_back, works, wait_seconds)
        except MailError as error:  # its lease lapses
            logger.warning("mail could not be given back", extra={"detail": str(error)})


class Carriage:
    """One connection of a line, from the first message to the last."""

    def __init__(
        self, context: Context, line: Line, is_wanted_elsewhere: Callable[[Line], bool]
    ) -> None:
        self.line = line
        self.is_sending = False  # the text is on its way, or about to be
        self.is_said = False  # the final dot has gone, or is about to: only the answer is missing
        self._context = context
        self._is_wanted_elsewhere = is_wanted_elsewhere
        self._lane: Lane | None = None
        self._knock: asyncio.Timeout | None = None  # until the server takes mail
        self._knocks_since = 0.0
        self._is_cut = False

    @property
    def knocks_since(self) -> float | None:
        """Monotonic time since which it waits to be let in, or for the answer to MAIL or RCPT; None
        while it does not, and for a server that is known to take mail."""
        is_let_in = self._lane is not None and self._lane.lets_us_in
        if self._knock is None or self._is_cut or is_let_in or self.line.pace.trust is Trust.PROVEN:
            return None
        return self._knocks_since

    def cut(self) -> None:
        """Knock no longer: the connection is wanted elsewhere. Only while `knocks_since`."""
        if self._knock is not None:
            self._is_cut = True
            self._knock.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Carry the line's mail until there is none, or the connection must make room."""
        carried = 0
        try:
            while (work := self._next()) is not None:
                if not await self._carry(work):
                    return
                carried += 1
                if carried >= PATIENCE and self._is_wanted_elsewhere(self.line):
                    return
        finally:
            if self._lane is not None:
                self._context.carrier.give_back(self._lane)

    def _next(self) -> Work | None:
        line = self.line
        if not line.waiting or self._context.stop.is_set() or line.lanes > line.pace.limit:
            return None
        rest = line.pace.take(time.monotonic())
        if rest:
            line.rests_until = time.monotonic() + rest
            return None
        return line.waiting.popleft()

    async def _carry(self, work: Work) -> bool:
        """Send one message and settle it; false if this connection is to end."""
        self._knocks_since, self._is_cut = time.monotonic(), False
        try:
            async with asyncio.timeout(None) as self._knock:
                return await self._try(work)
        except TimeoutError:  # cut
            return await self._not_reached(work, _let_nobody_in(self._knocks_since))
        finally:
            self._knock = None

    def _knock_no_more(self) -> None:
        """Before the final dot, and when all is answered: from here on a cut would undo what the
        other side knows. One that was decided a moment ago has not been carried out yet."""
        if self._knock is not None and not self._knock.expired():
            self._knock.reschedule(None)
        self._knock = None

    async def _try(self, work: Work) -> bool:
        """The same, as far as it is let in."""
        try:
            await self._context.leases.check(work)
            lane = await self._connected(work)
            size = work.message.size if work.text is None else 0
            async with self._context.room.of(size):
                text = work.text
                if text is None:
                    text = await in_db("read", read_text, work)
                return await self._send(lane, work, text)
        except HopUnreachableError as error:
            return await self._not_reached(work, error)
        except (NotOursError, GoingError):
            await self._context.abandon(work)
        except Damaged as error:
            await self._context.hold(work, f"its bytes cannot be read: {error}")
        except MailError as error:
            # The database is away: the mail stays ours while the lease lives, and is tried again.
            logger.warning("mail could not be sent", extra={"detail": str(error)})
            await self._context.abandon(work, wait_seconds=desk.AWAY_SECONDS)
        except Exception as error:
            logger.exception("sending failed", extra={"trace_id": str(work.message.trace_id)})
            await self._context.hold(work, f"sending it failed here: {type(error).__name__}")
        return False

    async def _connected(self, work: Work) -> Lane:
        lane = self._lane
        needs_tls = work.message.requires_tls
        if lane is not None and (needs_tls or not lane.is_usable):
            self._lane = None
            self._context.carrier.give_back(lane)
            lane = None
        if lane is None:
            assert self.line.hop is not None
            lane = await self._context.carrier.lane(self.line.hop, requires_tls=needs_tls)
            self._lane = lane
        return lane

    async def _send(self, lane: Lane, work: Work, text: bytes) -> bool:
        fence = _Fence(self._context, work, self._begin)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                results = await lane.send(work.envelope(text), fence=fence)
        except TimeoutError:
            self._lane = None
            await lane.close()
            results = [_too_slow(lane, one.id) for one in work.recipients]
        else:
            if not lane.is_usable:
                self._lane = None
                self._context.carrier.give_back(lane)
        self._knock_no_more()
        was_bad = self.line.pace.failures > 0
        opens = self._judge(results) and was_bad
        settlement = self._context.settlement(work, results, lane.transcript, opens=opens)
        await self._context.settle(settlement)
        self.is_sending = self.is_said = False
        await self._rest_if_sour(results)
        return not self.line.is_down

    def _begin(self) -> None:
        """Called at the fence: before DATA, and before the final dot."""
        if self.is_sending:
            self._knock_no_more()
        self.is_said = self.is_sending
        self.is_sending = True

    def _judge(self, results: Sequence[Result]) -> bool:
        """Let the pace learn; whether a server of the destination does its work."""
        pace = self.line.pace
        if results and all(_is_trouble(result) for result in results):
            pace.went_badly()
            return False
        if results and all(one.outcome is Outcome.DEFERRED for one in results):
            self.line.sour += 1
            pace.was_put_off()
        else:
            self.line.sour = 0
            pace.went_well()
        return True

    async def _rest_if_sour(self, results: Sequence[Result]) -> None:
        """Leave a destination alone that takes nothing at all, one message after the other."""
        line = self.line
        if line.pace.trouble < LOST and line.sour < SOUR:
            return
        worst = results[-1]
        line.sour = 0
        error = HopUnreachableError(
            worst.status,
            worst.reply,
            code=worst.code,
            is_remote=worst.is_remote,
            host=worst.host,
            address=worst.address,
        )
        if error.is_permanent:
            return
        await self._context.go_down(line, error, was_tried=False)

    async def _not_reached(self, work: Work, error: HopUnreachableError) -> bool:
        line = self.line
        if work.message.requires_tls:
            # Says nothing about mail that may go without TLS.
            await self._context.give_up(work, error)
            return True
        if not error.is_permanent and line.lanes > 1 and line.pace.trust is Trust.PROVEN:
            # Others of ours are connected: this was one connection too many, no reason to leave.
            line.pace.went_badly()
            line.waiting.appendleft(work)
            return False
        line.waiting.appendleft(work)
        await self._context.go_down(line, error)
        return False


class _Fence:
    """Asked before DATA and before the final dot, of each transaction that a message needs."""

    def __init__(self, context: Context, work: Work, begin: Callable[[], None]) -> None:
        self._context, self._work, self._begin = context, work, begin
        self._asked = False

    async def __call__(self) -> None:
        if not self._asked and self._context.stop.is_set():
            raise GoingError
        self._asked = True
        await self._context.leases.check(self._work)
        self._begin()


def _let_nobody_in(since: float) -> HopUnreachableError:
    seconds = time.monotonic() - since
    return HopUnreachableError(
        "4.4.1",
        f"it let nobody in for {seconds:.0f} s, while mail for others waited for a connection",
    )


def _nothing(ref: int) -> Result:
    return Result(ref, Outcome.DEFERRED, 0, "4.3.0", "the other server gave no answer for it")


def _too_slow(lane: Lane, ref: int) -> Result:
    return Result(
        ref,
        Outcome.DEFERRED,
        0,
        "4.4.2",
        f"the other server took more than {SEND_SECONDS / 60:.0f} minutes",
        host=lane.host,
        address=lane.address,
        tls=lane.tls,
    )


def _unreached(work: Work, error: HopUnreachableError) -> list[Result]:
    outcome = Outcome.FAILED if error.is_permanent else Outcome.DEFERRED
    return [
        Result(
            one.id,
            outcome,
            error.code,
            error.status,
            error.reply,
            error.is_remote,
            error.host,
            error.address,
        )
        for one in work.recipients
    ]


def _is_trouble(result: Result) -> bool:
    """The host as such: it closes the service, or the connection broke."""
    return result.outcome is Outcome.DEFERRED and (result.code == 421 or not result.is_remote)
