"""Asks the DNS for all records of a domain: those in charge of its zone, and resolvers.

All questions together have SECONDS. What has not come by then is silence, and what came counts.
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings

from apps.dnscheck import delegation, questions
from apps.dnscheck.answers import Answers, Key, Outcome, Problem, Reply, Zone
from apps.dnscheck.delegation import Found
from apps.dnscheck.here import Here
from apps.dnscheck.packets import Server
from apps.dnscheck.records import Wanted
from apps.dnscheck.spfproof import prove
from apps.mailauth.types import Spf
from apps.resolver.live import configured_servers

logger = logging.getLogger(__name__)

SECONDS: Final = 10.0
_FIND_SECONDS: Final = 4.0
_ASK_SECONDS: Final = 8.0  # from the beginning
_PROVE_SECONDS: Final = 9.5
_HOST_SECONDS: Final = 2.0
ADDRESSES_MOST: Final = 4  # of this host


class Inquiry:
    """The questions about one domain. Belongs to one event loop."""

    def __init__(self, domain: str, wanted: Sequence[Wanted], here: Here) -> None:
        self._domain = domain
        self._wanted = wanted
        self._here = here
        self._trusted = delegation.resolvers(configured_servers())
        elsewhere = [(one.host, one.port) for one in settings.DNS_CHECK_RESOLVERS]
        self._resolvers = delegation.resolvers(elsewhere) or self._trusted
        self._stray = questions.stray_name(domain)
        self._own: dict[Key, dict[str, Reply]] = {}
        self._others: dict[Key, dict[str, Reply]] = {}
        self._hosts: dict[str, Reply] = {}
        self._spf: dict[str, Spf] = {}
        self._addresses: tuple[str, ...] = ()
        self._begun_at = asyncio.get_running_loop().time()

    async def answers(self) -> Answers:
        """All of them, after SECONDS at the latest; never raises but CancelledError."""
        asked_at = datetime.now(UTC)
        found = Found(Zone(problem=Problem.SILENT))
        looking = asyncio.ensure_future(delegation.find(self._domain, self._trusted))
        if await self._until(_FIND_SECONDS, [looking]):
            found = looking.result()
        if found.zone.problem is not Problem.OFFLINE:
            await self._until(_ASK_SECONDS, self._all(found.servers))
            await self._until(_ASK_SECONDS, self._consequences())
            await self._until(_PROVE_SECONDS, [self._prove()])
        return Answers(
            domain=self._domain,
            asked_at=asked_at,
            zone=_judged(found, self._own.get((self._domain, "SOA"), {})),
            own=_frozen(self._own),
            others=_frozen(self._others),
            hosts=dict(self._hosts),
            spf=dict(self._spf),
            addresses=self._addresses,
            seen_addresses=tuple(self._seen_addresses())[:ADDRESSES_MOST],
            stray=self._stray,
        )

    async def _until(
        self, seconds: float, work: Iterable[Coroutine[Any, Any, None] | asyncio.Future[Any]]
    ) -> bool:
        """Do all of it, but give up so long after the beginning; whether all is done."""
        tasks = {asyncio.ensure_future(one) for one in work}
        if not tasks:
            return True
        left = self._begun_at + seconds - asyncio.get_running_loop().time()
        done, late = await asyncio.wait(tasks, timeout=max(left, 0))
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for task in done:
            if (error := task.exception()) is not None:
                logger.error("a question to the DNS failed", exc_info=error)
        return not late and all(task.exception() is None for task in done)

    def _all(self, servers: Sequence[Server]) -> list[Coroutine[Any, Any, None]]:
        domain, wanted = self._domain, self._wanted
        own = questions.own(domain, wanted, self._stray)
        lost = questions.doubled(domain, wanted)
        host = questions.of_host(wanted, self._here.host)
        work = [self._ask(server, key, self._own) for key in own for server in servers]
        work += [self._ask(server, key, self._others) for key in own for server in self._resolvers]
        work += [self._ask(server, key, self._others) for key in host for server in self._trusted]
        # Where a record was put by mistake, one who is in charge tells enough.
        work += [self._ask(server, key, self._own) for key in lost for server in servers[:1]]
        return work

    async def _ask(self, server: Server, key: Key, into: dict[Key, dict[str, Reply]]) -> None:
        place = into.setdefault(key, {})
        label = f"{server.label} {server.address}"
        place[label] = Reply(server.label, Outcome.SILENT)  # until it answers
        place[label] = await server.ask(key)

    def _consequences(self) -> list[Coroutine[Any, Any, None]]:
        """What is asked because of the answers: where aliases and mail hosts lead."""
        work = [
            self._follow(key, label, reply)
            for key, replies in self._own.items()
            for label, reply in replies.items()
            if reply.outcome is Outcome.ALIAS
        ]
        mx = (self._domain, "MX")
        replies = [*self._own.get(mx, {}).values(), *self._others.get(mx, {}).values()]
        records = [record for reply in replies for record in reply.records]
        work += [self._host(name) for name in questions.mail_hosts(records, self._here.host)]
        addresses = self._here.addresses or self._seen_addresses()
        self._addresses = tuple(addresses)[:ADDRESSES_MOST]
        return work

    def _seen_addresses(self) -> list[str]:
        keys = [(self._here.host, "A"), (self._here.host, "AAAA")]
        replies = [one for key in keys for one in self._others.get(key, {}).values()]
        return list(dict.fromkeys(record for reply in replies for record in reply.records))

    async def _follow(self, key: Key, label: str, reply: Reply) -> None:
        """Ask a resolver for what is at the end of an alias, as everybody else does."""
        found = await delegation.ask_any(self._trusted, reply.canonical, key[1])
        self._own[key][label] = Reply(
            reply.server,
            found.outcome,
            found.records,
            min(reply.ttl, found.ttl),
            found.canonical or reply.canonical,
        )

    async def _host(self, name: str) -> None:
        found = await delegation.ask_any(self._trusted, name, "A")
        if found.outcome is Outcome.EMPTY:
            found = await delegation.ask_any(self._trusted, name, "AAAA")
        self._hosts[name] = found

    async def _prove(self) -> None:
        """See what the SPF record says of each of our addresses."""
        records = _agreed(self._own, self._others, (self._domain, "TXT"))
        hosts = _agreed(self._own, self._others, (self._domain, "MX"))
        for address in self._addresses:
            self._spf[address] = await prove(
                address, self._domain, self._here.host, records=records, hosts=hosts
            )


async def addresses_of(host: str) -> tuple[str, ...]:
    """The addresses that the DNS gives a host; none if it does not answer soon."""
    asked = delegation.resolvers(configured_servers())
    found: list[str] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_HOST_SECONDS):
            for kind in ("A", "AAAA"):
                found += (await delegation.ask_any(asked, host, kind)).records
    return tuple(found)[:ADDRESSES_MOST]


async def ask(domain: str, wanted: Sequence[Wanted], here: Here) -> Answers:
    """Ask for all records of a domain (A-labels)."""
    return await Inquiry(domain, wanted, here).answers()


def _agreed(
    own: Mapping[Key, Mapping[str, Reply]], others: Mapping[Key, Mapping[str, Reply]], key: Key
) -> tuple[str, ...]:
    """The records of the first who is in charge and answers, else of a resolver."""
    replies = [*own.get(key, {}).values(), *others.get(key, {}).values()]
    return next((one.records for one in replies if one.outcome.is_answer), ())


def _judged(found: Found, soa: Mapping[str, Reply]) -> Zone:
    """The zone with what its servers were like: a resolver's failure had a reason."""
    zone = found.zone
    if zone.problem not in {Problem.NONE, Problem.LAME}:
        return zone
    outcomes = {reply.outcome for reply in soa.values()}
    if any(one.is_answer for one in outcomes):
        problem = Problem.NONE
    elif outcomes <= {Outcome.SILENT}:
        problem = Problem.SILENT
    else:
        problem = Problem.LAME
    return Zone(zone.name, zone.servers, problem, zone.has_apex_alias)


def _frozen(found: Mapping[Key, Mapping[str, Reply]]) -> dict[Key, tuple[Reply, ...]]:
    return {key: tuple(replies.values()) for key, replies in found.items()}
