"""The daily look at policies that are kept: fetched anew before they expire (RFC 8461 s10.2).

A domain that gets mail once a month keeps its protection that way: its policy does not run out just
when somebody has silenced its web server.
"""

import asyncio
from typing import Final

from apps.remote import queries
from apps.remote.services import DAY_SECONDS
from apps.remote.stscache import live_sts
from apps.resolver.live import live_resolver
from apps.runtime.clock import now
from apps.runtime.db import in_db

AT_ONCE: Final = 20


async def refresh() -> int:
    """Fetch all policies that were last fetched more than a day ago; returns how many came."""
    at = now()
    domains = await in_db(
        "read", queries.sts_domains, fetched_before=at - DAY_SECONDS, expires_after=at
    )
    turns = asyncio.Semaphore(AT_ONCE)
    cache = live_sts(live_resolver())

    async def fetch(domain: str) -> bool:
        async with turns:
            return await cache.refresh(domain)

    try:
        return sum(await asyncio.gather(*map(fetch, domains)))
    finally:
        await cache.close()
