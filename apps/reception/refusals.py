"""The traces of what was refused: so that an administrator who is asked finds it by its address.

Whoever forges mail can have it refused as often as he likes, so what is written has bounds: so many
a minute in all, and so many of one network, in number and in size. What is beyond them is told in
the log alone. Written in batches, in the background: no client waits for it, and no mail. While the
database is away they are kept in memory, in bounds, and written when it is back, with the time at
which they happened; a process that ends before that takes them along.
"""

import json
import logging
import time
from collections.abc import Sequence
from typing import Final

from django.db import transaction

from apps.reception.networks import network_key
from apps.runtime.clock import now_us
from apps.runtime.db import in_db
from apps.runtime.later import Later
from apps.runtime.seldom import Seldom
from apps.trace import services as trace
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

WRITE_SECONDS: Final = 0.25
AGAIN_SECONDS: Final = 5.0
"""Until the next try after the database was away."""
PER_MINUTE: Final = 120
"""Refusals that are written."""
PER_NETWORK: Final = 20
MINUTE_OCTETS: Final = 400_000
"""Octets of them: what strangers say before they are refused may be long."""
NETWORK_OCTETS: Final = 100_000
KEPT_MOST: Final = 1_000
"""Events that wait for a database that is away."""


class Refusals:
    """The refusals of one event loop."""

    def __init__(self) -> None:
        self._events: list[trace.Event] = []
        self._counts: dict[str, tuple[int, int]] = {}
        self._minute = 0
        self._is_closed = False
        self._total = (0, 0)  # refusals, and their octets
        self._writing = Later(self._flush, WRITE_SECONDS)
        self._again = Later(self._flush, AGAIN_SECONDS)
        self._seldom = Seldom(logger)

    def note(self, address: str, events: Sequence[trace.Event]) -> bool:
        """Have the events of one refusal written; false if there were too many lately."""
        written = [_written(one) for one in events]
        if not self._admit(network_key(address), sum(len(one.text) for one in written)):
            self._seldom.info("refusals are not traced", "flood", {"address": address})
            return False
        self._events.extend(written)
        self._bound()
        self._writing.ask()
        return True

    async def close(self) -> None:
        """Write what waits."""
        await self._writing.close()
        self._is_closed = True
        await self._again.close()

    def _admit(self, network: str, octets: int) -> bool:
        minute = int(time.monotonic()) // 60
        if minute != self._minute:
            self._minute, self._total = minute, (0, 0)
            self._counts.clear()
        number, size = self._total
        of_network, its_size = self._counts.get(network, (0, 0))
        if number >= PER_MINUTE or of_network >= PER_NETWORK:
            return False
        if size + octets > MINUTE_OCTETS or its_size + octets > NETWORK_OCTETS:
            return False
        self._total = number + 1, size + octets
        self._counts[network] = of_network + 1, its_size + octets
        return True

    async def _flush(self) -> None:
        events, self._events = self._events, []
        if not events:
            return
        try:
            await in_db("write", _record, events)
        except MailError as error:
            self._seldom.warning("traces of refusals wait", "store", {"detail": error.detail})
            self._events[:0] = events
            self._bound()
            if not self._is_closed:
                self._again.ask()

    def _bound(self) -> None:
        """The newest are kept: of those that were first there are enough by then."""
        if (over := len(self._events) - KEPT_MOST) > 0:
            del self._events[:over]
            self._seldom.warning("traces of refusals were lost", "many", {"events": over})


def _written(one: trace.Event) -> trace.Event:
    """As it is written, with the time at which it happened."""
    text = one.text or json.dumps(one.data)
    at_us = now_us() if one.at_us is None else one.at_us
    return trace.Event(one.trace_id, one.kind, at_us=at_us, text=text)


def _record(events: Sequence[trace.Event]) -> None:
    with transaction.atomic():
        trace.record(events)
