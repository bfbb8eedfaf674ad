"""Which zone a domain is in, and where those in charge of it are.

The resolvers tell, walking up from the domain. Where they fail, it is found out why: with checking
disabled (a zone whose DNSSEC is broken is there then), and by asking those in charge of the zone
above, who know to whom they handed it. Addresses are a stranger's word: only those that
`apps.remote.addresses` allows are asked, so that no zone has this host ask its neighbours.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

import dns.message
import dns.rdatatype
from django.conf import settings

from apps.dnscheck.answers import Outcome, Problem, Reply, Zone
from apps.dnscheck.packets import Server
from apps.mailauth import suffixes
from apps.remote.addresses import is_allowed

SERVERS_MOST: Final = 4  # of a zone that are asked
PARENTS_MOST: Final = 2  # of the zone above
LABELS_MOST: Final = 8  # names on the way up
_RESOLVERS_MOST: Final = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A zone, and its servers that can be asked."""

    zone: Zone
    servers: tuple[Server, ...] = ()


def resolvers(endpoints: Iterable[tuple[str, int]]) -> tuple[Server, ...]:
    """Resolvers as servers to ask."""
    found = list(dict.fromkeys(endpoints))[:_RESOLVERS_MOST]
    return tuple(Server(host, host, port, recurses=True) for host, port in found)


async def find(domain: str, asked: Sequence[Server]) -> Found:
    """Find the zone of a domain.

    Args:
        asked: resolvers, the first one that answers counts.
    """
    failed = ""
    has_apex_alias = False
    for name in _upwards(domain):
        reply = await ask_any(asked, name, "NS")
        if reply.outcome is Outcome.SILENT:
            return Found(Zone(problem=Problem.OFFLINE))
        if reply.canonical:
            has_apex_alias = has_apex_alias or name == domain
        elif reply.outcome is Outcome.RECORDS:
            return await _found(name, reply.records, asked, has_apex_alias=has_apex_alias)
        elif not reply.outcome.is_answer:
            failed = name
            break
    if failed:
        return await _why(failed, asked)
    if has_apex_alias:
        hosts, glue = await _handed(domain, asked) or ([], {})
        return await _found(domain, hosts, asked, glue=glue, has_apex_alias=True)
    is_online = await ask_any(asked, "", "NS")
    problem = Problem.NO_ZONE if is_online.outcome is Outcome.RECORDS else Problem.OFFLINE
    return Found(Zone(problem=problem, has_apex_alias=has_apex_alias))


async def ask_any(asked: Sequence[Server], name: str, kind: str, *, checks: bool = True) -> Reply:
    """What the first resolver that answers says, else what the last one did."""
    reply = Reply("", Outcome.SILENT)
    for server in asked:
        reply = await server.ask((name, kind), checks=checks)
        if reply.outcome.is_answer:
            return reply
    return reply


def _upwards(domain: str) -> list[str]:
    """A domain and those above it, down to the one that somebody registered."""
    top = suffixes.organisational(domain)
    names = [domain]
    while names[-1] != top and "." in names[-1] and len(names) < LABELS_MOST:
        names.append(names[-1].partition(".")[2])
    return names


async def _found(
    name: str,
    hosts: Iterable[str],
    asked: Sequence[Server],
    *,
    problem: Problem = Problem.NONE,
    glue: dict[str, list[str]] | None = None,
    has_apex_alias: bool = False,
) -> Found:
    names = tuple(host.rstrip(".") for host in hosts)[:SERVERS_MOST]
    known = glue or {}
    checks = problem is not Problem.BOGUS
    questions = [_addresses(host, known.get(host, ()), asked, checks=checks) for host in names]
    servers, is_forbidden = [], False
    for host, addresses in zip(names, await asyncio.gather(*questions), strict=True):
        allowed = [one for one in addresses if _may_be_asked(one)]
        is_forbidden = is_forbidden or len(allowed) < len(addresses)
        if allowed:
            servers.append(Server(host, allowed[0], settings.DNS_OUT_PORT))
    if not servers and is_forbidden and problem is Problem.NONE:
        problem = Problem.FORBIDDEN
    return Found(Zone(name, names, problem, has_apex_alias), tuple(servers))


def _may_be_asked(address: str) -> bool:
    found = ip_address(address)
    return is_allowed(found) and (found.version == 4 or settings.SMTP_OUT_IPV6)


async def _addresses(
    host: str, glue: Sequence[str], asked: Sequence[Server], *, checks: bool
) -> list[str]:
    """IPv4 first: it is what every name server has."""
    replies = [await ask_any(asked, host, "A", checks=checks)]
    if replies[0].outcome is not Outcome.RECORDS:
        replies.append(await ask_any(asked, host, "AAAA", checks=checks))
    return [one for reply in replies for one in reply.records] or list(glue)


async def _why(name: str, asked: Sequence[Server]) -> Found:
    """A zone that the resolvers cannot read, and what is the matter with it."""
    reply = await ask_any(asked, name, "NS", checks=False)
    if reply.outcome is Outcome.RECORDS and not reply.canonical:
        return await _found(name, reply.records, asked, problem=Problem.BOGUS)
    is_online = await ask_any(asked, "", "NS")
    if is_online.outcome is not Outcome.RECORDS:
        return Found(Zone(problem=Problem.OFFLINE))
    if handed := await _handed(name, asked):
        hosts, glue = handed
        return await _found(name, hosts, asked, problem=Problem.LAME, glue=glue)
    return Found(Zone(name, problem=Problem.SILENT))


async def _handed(
    name: str, asked: Sequence[Server]
) -> tuple[list[str], dict[str, list[str]]] | None:
    """To which servers a zone was handed, by the word of those above it."""
    for message in await _parents_word(name, asked):
        hosts, glue = _referral(name, message)
        if hosts:
            return hosts, glue
    return None


async def _parents_word(name: str, asked: Sequence[Server]) -> list[dns.message.Message]:
    """What those in charge of the zone above say of the servers of a zone."""
    above = name
    for _ in range(LABELS_MOST):
        above = above.partition(".")[2]
        reply = await ask_any(asked, above, "NS")
        if reply.outcome is Outcome.RECORDS and not reply.canonical:
            parent = await _found(above, reply.records, asked)
            servers = parent.servers[:PARENTS_MOST]
            said = await asyncio.gather(*(server.message((name, "NS")) for server in servers))
            return [one for one in said if isinstance(one, dns.message.Message)]
        if not above:
            break
    return []


def _referral(name: str, message: dns.message.Message) -> tuple[list[str], dict[str, list[str]]]:
    """The servers that a zone was handed to, and the addresses that came along."""
    hosts: list[str] = []
    for rrset in (*message.answer[:8], *message.authority[:8]):
        owner = rrset.name.to_text(omit_final_dot=True).lower()
        if rrset.rdtype == dns.rdatatype.NS and owner == name:
            hosts += [one.target.to_text(omit_final_dot=True).lower() for one in list(rrset)[:8]]
    glue: dict[str, list[str]] = {}
    for rrset in message.additional[:16]:
        owner = rrset.name.to_text(omit_final_dot=True).lower()
        if rrset.rdtype in {dns.rdatatype.A, dns.rdatatype.AAAA} and owner in hosts:
            glue.setdefault(owner, []).extend(one.address for one in list(rrset)[:4])
    return hosts, glue
