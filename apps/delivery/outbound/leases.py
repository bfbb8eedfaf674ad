"""What this loop holds under lease: renewed while the loop lives, checked before anything is sent.

A lease is counted here by CLOCK_BOOTTIME, which no step of the wall clock moves and which goes on
while the machine sleeps or this process is stopped. Before DATA and before the final dot the fence
asks it; when the lease may have run out meanwhile, the database says whose the recipients are now,
and mail that another worker took over is not sent by us.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from apps.delivery.outbound.transactions import Work
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import OUT_LEASE_SECONDS
from apps.runtime.db import in_db
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

# From here to the end of a lease we no longer trust our own clock alone: the reply to what is sent
# now may take a while, and another worker's claim may come at the very end of it.
MARGIN: Final = OUT_LEASE_SECONDS / 3
RENEW_EVERY: Final = OUT_LEASE_SECONDS / 4


class NotOursError(Exception):
    """The recipients of a transaction were taken over, held, deleted or cancelled meanwhile."""


class GoingError(Exception):
    """This process is about to end: what has not begun is left to others."""


def boottime() -> float:
    """Seconds since the machine started, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class _Claim:
    """What one claim brought: its recipients that are not settled, and until when they are ours
    for certain."""

    until: float
    works: set[Work] = field(default_factory=set)


class Leases:
    """The leases of one loop. All methods are for the loop's thread."""

    def __init__(self) -> None:
        self._claims: dict[UUID, _Claim] = {}

    def take(self, works: Iterable[Work], since: float) -> None:
        """Remember what a claim brought that began at `since` (boottime)."""
        for work in works:
            claim = self._claims.setdefault(work.token, _Claim(since + OUT_LEASE_SECONDS))
            claim.works.add(work)

    def drop(self, work: Work) -> None:
        """It is settled or given back, or was lost."""
        claim = self._claims.get(work.token)
        if claim is not None:
            claim.works.discard(work)
            if not claim.works:
                del self._claims[work.token]

    @property
    def works(self) -> list[Work]:
        """All that is held."""
        return [work for claim in self._claims.values() for work in claim.works]

    async def check(self, work: Work) -> None:
        """Return if the work is certainly still ours.

        Raises:
            NotOursError: it is not.
            MailError: the database does not say.
        """
        claim = self._claims.get(work.token)
        if claim is None or work not in claim.works:
            raise NotOursError
        if work.is_doubtful or boottime() >= claim.until - MARGIN:
            await self._renew({work.token: claim})
            if work.is_doubtful:
                raise NotOursError

    async def keep(self) -> None:
        """Renew all leases again and again; a task for as long as the loop lives."""
        while True:
            await asyncio.sleep(RENEW_EVERY)
            try:
                await self.renew()
            except MailError as error:
                logger.warning("leases could not be renewed", extra={"detail": str(error)})
            except Exception:
                logger.exception("leases could not be renewed")

    async def renew(self) -> None:
        """Renew all leases once."""
        if self._claims:
            await self._renew(dict(self._claims))

    async def _renew(self, claims: Mapping[UUID, _Claim]) -> None:
        works = [work for claim in claims.values() for work in claim.works]
        since = boottime()
        ids = [one for work in works for one in work.ids]
        ours = await in_db("write", mailqueue.renew, list(claims), ids, OUT_LEASE_SECONDS)
        for claim in claims.values():
            claim.until = since + OUT_LEASE_SECONDS
        for work in works:  # one that was settled meanwhile is among them, and nobody asks for it
            work.is_doubtful = not ours.issuperset(work.ids)
