"""The MTA-STS policies of other domains, as a running loop sees them.

A policy is looked for when mail goes to its domain, and kept in the database as long as it says:
whoever can silence a domain's DNS or web server cannot take it away (RFC 8461 section 3.3). What a
look found, a failure too, holds for a few minutes in memory.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from apps.remote import queries, services, sts
from apps.remote.demand import Failure
from apps.remote.queries import KeptSts
from apps.remote.sts import PolicyInvalidError, Sts
from apps.remote.webfetch import FetchError, UntrustedError, Web
from apps.resolver.base import DnsUnavailableError, NoDataError, NoSuchNameError, Resolver
from apps.runtime.clock import now
from apps.runtime.db import in_db

HOLD_SECONDS: Final = 300.0
"""Time between two looks for a domain; RFC 8461 section 3.3 asks for five minutes after a failed
fetch."""
MOST_DOMAINS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Announced:
    """What a domain says by MTA-STS.

    Args:
        policy: that holds now; None: there is none.
        failure, reason: why a policy that is announced could not be had; for the report.
    """

    policy: Sts | None = None
    failure: Failure | None = None
    reason: str = ""


class _Trouble(Exception):
    """A fetch that gave no policy."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure
        self.reason = reason


class StsCache:
    """For one event loop.

    Args:
        web: fetches policies; closed with this object.
    """

    def __init__(self, resolver: Resolver, web: Web) -> None:
        self._resolver = resolver
        self._web = web
        self._known: dict[str, tuple[float, Announced]] = {}
        self._looking: dict[str, asyncio.Task[Announced]] = {}

    async def find(self, domain: str) -> Announced:
        """What a domain says; many that ask at once cause one look.

        Raises:
            MailError: the database does not answer.
        """
        until, known = self._known.get(domain, (0.0, Announced()))
        if time.monotonic() < until:
            return known
        looking = self._looking.get(domain)
        if looking is None:
            looking = self._looking[domain] = asyncio.ensure_future(self._look(domain))
            looking.add_done_callback(lambda done: self._looked(domain, done))
        return await asyncio.shield(looking)  # it is not only the one task's that is cancelled

    async def refresh(self, domain: str) -> bool:
        """Fetch a policy again before it expires, whether or not its id changed
        (RFC 8461 section 10.2); False if that failed."""
        try:
            identity = await self._identity(domain)
            if identity is not None:
                await self._fetch(domain, identity)
        except _Trouble:
            return False
        return identity is not None

    async def close(self) -> None:
        """End the looks that are under way, and the web client."""
        looking = list(self._looking.values())
        for one in looking:
            one.cancel()
        await asyncio.gather(*looking, return_exceptions=True)
        await self._web.close()

    def _looked(self, domain: str, done: asyncio.Task[Announced]) -> None:
        self._looking.pop(domain, None)
        if not done.cancelled():
            done.exception()  # whoever still waits hears of it; if nobody does, it is no news

    async def _look(self, domain: str) -> Announced:
        kept = await in_db("read", queries.sts_policy, domain)
        found = await self._compare(domain, _live(kept))
        while len(self._known) >= MOST_DOMAINS:
            self._known.pop(next(iter(self._known)))
        self._known.pop(domain, None)
        self._known[domain] = time.monotonic() + HOLD_SECONDS, found
        return found

    async def _compare(self, domain: str, kept: Sts | None) -> Announced:
        """Hold what is announced against what is kept."""
        identity = await self._identity(domain)
        if identity is None or (kept is not None and kept.id == identity):
            return Announced(kept)
        try:
            return Announced(await self._fetch(domain, identity))
        except _Trouble as trouble:
            return Announced(kept, trouble.failure, trouble.reason)

    async def _identity(self, domain: str) -> str | None:
        try:
            answer = await self._resolver.txt(f"_mta-sts.{domain}")
        except (NoSuchNameError, NoDataError, DnsUnavailableError):
            return None
        return sts.policy_id(answer.records)

    async def _fetch(self, domain: str, identity: str) -> Sts:
        host = f"mta-sts.{domain}"
        try:
            page = await self._web.get(host, "/.well-known/mta-sts.txt", limit=sts.POLICY_BYTES)
        except UntrustedError as error:
            raise _Trouble(Failure.STS_WEBPKI, f"{host}: {error}") from None
        except FetchError as error:
            raise _Trouble(Failure.STS_FETCH, f"{host}: {error}") from None
        if page.status != 200:
            raise _Trouble(Failure.STS_FETCH, f"{host} answered with status {page.status}")
        if page.media_type != "text/plain":  # else any place for uploads could hold a policy
            raise _Trouble(Failure.STS_INVALID, f"{host}: the policy is not plain text")
        try:
            policy = sts.parse(page.body.decode("utf-8"), identity)
        except UnicodeDecodeError:
            raise _Trouble(Failure.STS_INVALID, f"{host}: the policy is not UTF-8") from None
        except PolicyInvalidError as error:
            raise _Trouble(Failure.STS_INVALID, f"{host}: the policy is wrong: {error}") from None
        await in_db("write", services.keep_sts, domain=domain, policy=policy)
        return policy


def live_sts(resolver: Resolver) -> StsCache:
    """By the settings."""
    return StsCache(resolver, Web(resolver, port=settings.HTTPS_OUT_PORT))


def _live(kept: KeptSts | None) -> Sts | None:
    return kept.policy if kept is not None and kept.expires_at > now() else None
