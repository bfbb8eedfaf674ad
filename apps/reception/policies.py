"""What the domains of recipients want done with mail whose sender is in doubt.

Read once in a few seconds for each domain and event loop: under load most recipients are in the
same few domains, and nobody notices a change that much later. An alias domain has the wishes of the
domain that it stands for; what is no domain of ours has the usual ones.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from apps.directory.models import Sternness
from apps.runtime.groupcommit import GroupCommit
from apps.runtime.rows import fetch
from apps.wire.errors import MailError


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one domain wants.

    Args:
        dmarc: for mail that fails DMARC.
        lists: for clients that DNS block lists name.
        greylists: mail that looks doubtful is asked to come back.
    """

    dmarc: Sternness = Sternness.REJECT
    lists: Sternness = Sternness.REJECT
    greylists: bool = False


USUAL: Final = Wishes()

_SQL: Final = """
SELECT d.name, COALESCE(t.dmarc_policy, d.dmarc_policy), COALESCE(t.list_policy, d.list_policy),
  COALESCE(t.greylists, d.greylists)
FROM directory_domain d LEFT JOIN directory_domain t ON t.id = d.alias_of_id
WHERE d.name IN ({marks})"""


def wishes_of(domains: Iterable[str]) -> dict[str, Wishes]:
    """The wishes of those of these domains (A-labels) that are ours; one statement."""
    names = sorted({name for name in domains if name})
    if not names:
        return {}
    rows = fetch(_SQL.format(marks=", ".join(["%s"] * len(names))), names)
    return {
        name: Wishes(Sternness(dmarc), Sternness(lists), bool(greylists))
        for name, dmarc, lists, greylists in rows
    }


class Policies:
    """The wishes of domains, for one event loop."""

    SECONDS: Final = 3.0
    MOST: Final = 5_000  # remembered domains

    def __init__(self) -> None:
        self._gathered: GroupCommit[str, Wishes] = GroupCommit(_look_up, pool="read")
        self._known: dict[str, Wishes] = {}
        self._until = 0.0

    async def of(self, domain: str) -> Wishes:
        """What a domain wants; "" is the `<postmaster>` of no domain in particular.

        Raises:
            StorageUnavailable, Overloaded
        """
        now = time.monotonic()
        if now >= self._until or len(self._known) >= self.MOST:
            self._known.clear()
            self._until = now + self.SECONDS
        found = self._known.get(domain)
        if found is None:
            found = self._known[domain] = await self._gathered.submit(domain)
        return found

    async def close(self) -> None:
        """Return when every question that was asked has its answer."""
        await self._gathered.drain()


def _look_up(domains: list[str]) -> list[Wishes | MailError]:
    found = wishes_of(domains)
    return [found.get(one, USUAL) for one in domains]
