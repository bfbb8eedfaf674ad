"""A batch of messages for one scanner: so many at once as it can work on, all within one deadline.

Four ways of having no result are kept apart, for they are treated differently: the scanner is away;
it is there, but has nothing to say of this message; it had no time for it; it was not to be asked.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import ClassVar, Final, Protocol

from apps.scan.base import Case
from apps.scan.servers.answers import (
    AWAY,
    BUSY,
    MISSED,
    SKIPPED,
    Answer,
    AwayError,
    MissedError,
    failed,
)
from apps.scan.servers.guard import Guard

log = logging.getLogger(__name__)

PING_SECONDS: Final = 1.0
_LEAST_SECONDS: Final = 0.5  # with less time left none is begun
_FAIR: Final = 0.6  # of the whole time: no answer within that is the message's own fault
_LATE: Final = "its turn did not come in time"


class Scanner(Protocol):
    """How to speak with one."""

    name: ClassVar[str]
    at_once: ClassVar[int]

    def skips(self, case: Case) -> str:
        """Why it is not to be asked about a message; "" if it is."""
        ...

    async def ask(self, case: Case) -> Answer:
        """Its answer; raises AwayError, MissedError, OSError."""
        ...

    async def ping(self) -> str:
        """Something about itself; raises the same."""
        ...


class Asking:
    """One batch.

    Args:
        until: loop time.
    """

    def __init__(self, scanner: Scanner, guard: Guard, until: float) -> None:
        self._scanner = scanner
        self._guard = guard
        self._until = until
        self._began = asyncio.get_running_loop().time()
        self._turns = asyncio.Semaphore(scanner.at_once)
        self._pinged: asyncio.Task[str] | None = None

    async def all(self, cases: Sequence[Case]) -> list[Answer]:
        """An answer for each, whatever happens."""
        if self._guard.wants_ping:
            await self._why_away()
            self._pinged = None  # much may happen until it is asked for again
        answers = await asyncio.gather(*map(self._one, cases))
        if self._guard.why:
            # Those behind it waited in vain, and not because it had so much to do.
            away = failed(AWAY, self._guard.why)
            return [away if one["state"] == BUSY else one for one in answers]
        return answers

    async def _one(self, case: Case) -> Answer:
        if why := self._scanner.skips(case):
            return failed(SKIPPED, why)
        try:
            async with asyncio.timeout_at(self._until - _LEAST_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            return failed(BUSY, _LATE)
        try:
            return await self._asked(case)
        finally:
            self._turns.release()

    async def _asked(self, case: Case) -> Answer:
        if self._guard.why:
            return failed(AWAY, self._guard.why)
        left = self._until - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(self._until):
                answer = await self._scanner.ask(case)
            self._guard.back()
            return answer
        except AwayError as error:
            self._guard.away(str(error))
            return failed(AWAY, error)
        except TimeoutError:
            answer = await self._silent("no answer in time")
            is_late = left < _FAIR * (self._until - self._began)
            return failed(BUSY, _LATE) if answer["state"] == MISSED and is_late else answer
        except MissedError as error:
            return failed(MISSED, error)
        except OSError as error:
            return await self._silent(error.strerror or type(error).__name__)
        except Exception:
            log.exception("a scanner's answer", extra={"scanner": self._scanner.name})
            return failed(MISSED, "its answer could not be read")

    async def _silent(self, why: str) -> Answer:
        """There was no answer: is it the scanner, or this message?"""
        if away := await self._why_away():
            return failed(AWAY, away)
        return failed(MISSED, why)

    async def _why_away(self) -> str:
        """Ask whether it is there, once for the whole batch; why not, "" if it is."""
        if self._pinged is None:
            self._pinged = asyncio.ensure_future(self._ping())
        return await asyncio.shield(self._pinged)

    async def _ping(self) -> str:
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._scanner.ping()
            self._guard.back()
            return ""
        except TimeoutError:  # an OSError too
            why = "no answer to a ping"
        except OSError as error:
            why = error.strerror or type(error).__name__
        except (AwayError, MissedError) as error:
            why = str(error)
        self._guard.away(why)
        return self._guard.why
