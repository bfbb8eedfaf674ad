"""How TLS went, counted in memory and written in batches: the ground of daily reports (RFC 8460).

A successful session adds one to a number; only failures are told apart by host and address. Counts
that a dying process takes along cost a report a little truth, never mail.
"""

import asyncio
import logging
from typing import Final

from apps.remote import services
from apps.remote.demand import Demand, Level, Verdict
from apps.remote.services import DAY_SECONDS, Sessions
from apps.runtime.clock import now
from apps.runtime.db import in_db
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

WRITE_SECONDS: Final = 10.0
MOST_KINDS: Final = 5_000
"""Kinds of results counted between two writes; beyond them a new kind is left out."""
MOST_OF_A_DOMAIN: Final = 200
"""The same of one domain, so that one with a thousand odd servers does not crowd out others."""

_Key = tuple[int, str, str, str, str, str, str]


class Results:
    """The counts of one event loop."""

    def __init__(self) -> None:
        self._counts: dict[_Key, Sessions] = {}
        self._kinds: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def add(
        self, demand: Demand, verdict: Verdict, sending_address: str, receiving_address: str
    ) -> None:
        """Count one session. Where no TLS is wanted, or no report can be made, nothing is."""
        if not demand.domain or demand.level is Level.NONE:
            return
        told = verdict if verdict.failure or demand.note is None else demand.note
        failed = told.failure is not None
        result = str(told.failure or "")
        host = demand.host if failed else ""
        sending = sending_address if failed else ""
        receiving = receiving_address if failed else ""
        day = now() // DAY_SECONDS
        key = day, demand.domain, str(demand.policy_type), result, host, sending, receiving
        before = self._counts.get(key)
        if before is None and not self._has_room(demand.domain):
            return
        self._counts[key] = Sessions(
            *key[:3],
            policy=demand.policy,
            patterns=demand.patterns,
            result=result,
            mx_host=host,
            sending_address=sending,
            receiving_address=receiving,
            reason=told.reason[:300],
            sessions=1 if before is None else before.sessions + 1,
        )
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_SECONDS, self._write)

    async def close(self) -> None:
        """Write what was counted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._writing is not None:
            await self._writing
        await self._flush()

    def _has_room(self, domain: str) -> bool:
        kinds = self._kinds.get(domain, 0)
        if len(self._counts) >= MOST_KINDS or kinds >= MOST_OF_A_DOMAIN:
            return False
        self._kinds[domain] = kinds + 1
        return True

    def _write(self) -> None:
        self._timer = None
        self._writing = asyncio.ensure_future(self._flush())

    async def _flush(self) -> None:
        batch = list(self._counts.values())
        self._counts.clear()
        self._kinds.clear()
        if not batch:
            return
        try:
            await in_db("write", services.add_sessions, batch)
        except MailError as error:
            logger.warning(
                "counts of TLS were lost", extra={"kinds": len(batch), "detail": error.detail}
            )
