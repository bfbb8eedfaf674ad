"""DKIM keys and the DNS together: who waits for a record signs once it is there.

One round of `turn` is what the worker does every ten minutes: keys for domains that have none, a
look for the records of pending keys, farewell to those whose last mail has arrived.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import F, Q
from django.utils import timezone

from apps.directory import dkim
from apps.directory.dkim import Finding, KeyRow
from apps.directory.models import DkimKey, DkimState
from apps.directory.services import dkim as keys
from apps.directory.services import domains
from apps.resolver.live import live_resolver
from apps.runtime import clock

logger = logging.getLogger(__name__)

ROUND: Final = 600  # seconds
# Who sets a domain up publishes its records soon, and wants to see it work; who has not for two
# days is asked for once a day.
EAGER: Final = timedelta(days=2)
ROUNDS_A_DAY: Final = 86_400 // ROUND
QUESTIONS: Final = 500  # of one round
SUPPLIED: Final = 100  # domains of one round: RSA keys cost time


@dataclass(frozen=True, slots=True)
class Turned:
    """What one round did: domains that got keys, keys that began to sign, keys retired."""

    supplied: int
    activated: int
    retired: int


def turn() -> Turned:
    """One round."""
    supplied = keys.supply(SUPPLIED)
    activated = 0
    rows = _to_look_for()
    by_domain: dict[str, list[str]] = {}
    for row, finding in zip(rows, findings(rows), strict=True):
        if finding is Finding.PUBLISHED:
            by_domain.setdefault(row.domain, []).append(row.selector)
    for name, selectors in by_domain.items():
        activated += len(keys.activate(name, selectors))
        logger.info("DKIM keys sign now", extra={"domain": name, "selectors": selectors})
    return Turned(supplied, activated, keys.retire(timezone.now()))


def _to_look_for() -> list[KeyRow]:
    """Pending keys whose turn it is, the youngest first."""
    turn_of = clock.now() // ROUND % ROUNDS_A_DAY
    found = (
        DkimKey.objects.filter(state=DkimState.PENDING)
        .annotate(turn=F("pk") % ROUNDS_A_DAY)
        .filter(Q(created_at__gt=timezone.now() - EAGER) | Q(turn=turn_of))
        .select_related("domain")
        .order_by("-created_at", "pk")
    )
    return [dkim.row_of(key) for key in found[:QUESTIONS]]


def activate(name: str, *, force: bool = False) -> list[tuple[KeyRow, Finding]]:
    """Look for the records of a domain's pending keys now, and let those that are there sign.

    Args:
        force: all sign, whatever the DNS says: its records may not be visible from here.

    Returns:
        Each pending key as it is afterwards, with what the DNS said.

    Raises:
        InvalidName, NotFound
    """
    domain = domains.find(name)
    rows = [row for row in dkim.keys_of(domain.name) if row.state == DkimState.PENDING]
    found = findings(rows)
    ready = [
        row.selector
        for row, finding in zip(rows, found, strict=True)
        if force or finding is Finding.PUBLISHED
    ]
    keys.activate(domain.name, ready)
    after = {row.selector: row for row in dkim.keys_of(domain.name)}
    pairs = zip(rows, found, strict=True)
    return [(after.get(row.selector, row), finding) for row, finding in pairs]


def findings(rows: Sequence[KeyRow]) -> list[Finding]:
    """What the DNS says of each key's record, in their order. Not within an event loop."""

    async def ask() -> list[Finding]:
        return await dkim.look_up(rows, live_resolver())

    return asyncio.run(ask()) if rows else []
