"""How TLS went, counted in memory and written in batches: the ground of daily reports (RFC 8460).

A successful session adds one to a number; only failures are told apart by host and address. Counts
that a dying process takes along cost a report a little truth, never mail.
"""

import logging
from typing import Final

from apps.remote import services
from apps.remote.demand import Demand, Level, Verdict
from apps.remote.services import DAY_SECONDS, Sessions
from apps.runtime.clock import now
from apps.runtime.db import in_db
from apps.runtime.later import Later
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
        self._writing = Later(self._flush, WRITE_SECONDS)

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
        self._writing.ask()

    async def close(self) -> None:
        """Write what was counted."""
        await self._writing.close()

    def _has_room(self, domain: str) -> bool:
        kinds = self._kinds.get(domain, 0)
        if len(self._counts) >= MOST_KINDS or kinds >= MOST_OF_A_DOMAIN:
            return False
        self._kinds[domain] = kinds + 1
        return True

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
