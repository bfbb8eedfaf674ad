"""The DNS: whether it answers, and what it says of this host."""

import asyncio
from typing import Final

from django.conf import settings

from apps.dnscheck.hostname import is_lost
from apps.provisioning.health.checks import Check, State
from apps.resolver.base import DnsError, DnsUnavailableError, IPAddress, Resolver
from apps.resolver.live import live_resolver

SECONDS: Final = 2.5
ADDRESSES: Final = 4  # whose names are asked for
_RESOLVER, _HOST, _POINTER = "dns", "dns.host", "dns.pointer"


def names() -> list[Check]:
    """Ask the resolver that mail is sent with."""
    host = str(settings.MAIL_HOSTNAME).lower().removesuffix(".")

    async def ask() -> list[Check]:
        return await look(live_resolver(), host)

    return asyncio.run(ask())


async def look(resolver: Resolver, host: str) -> list[Check]:
    """What it says of a host: that it has an address, and that the address has its name."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _look(resolver, host)
    except (DnsUnavailableError, TimeoutError):
        words = "The name server does not answer: no mail can be sent, and senders are not checked."
        advice = "See DNS_SERVERS, or /etc/resolv.conf; a resolver on this machine is best."
        return [Check(_RESOLVER, "Name server", State.BAD, words, advice)]


async def _look(resolver: Resolver, host: str) -> list[Check]:
    if is_lost(host):
        await _answers(resolver, host)
        words = f"{host} is no name that others can find."
        advice = "Set MAIL_HOSTNAME to a whole name, such as the one in your MX record."
        bad = Check(_HOST, "Host name", State.BAD, words, advice)
        return [_works(), bad]
    try:
        found = await resolver.addresses(host)
    except DnsUnavailableError:
        raise
    except DnsError:
        words = f"{host} has no address in the DNS."
        advice = "Publish an A or AAAA record for it, or see MAIL_HOSTNAME."
        return [_works(), Check(_HOST, "Host name", State.BAD, words, advice)]
    shown = ", ".join(map(str, found.records[:ADDRESSES]))
    good = Check(_HOST, "Host name", State.OK, f"{host} is {shown}.")
    return [_works(), good, await _pointers(resolver, host, found.records[:ADDRESSES])]


async def _answers(resolver: Resolver, name: str) -> None:
    """Any answer will do, also that there is no such name."""
    try:
        await resolver.addresses(name)
    except DnsUnavailableError:
        raise
    except DnsError:
        return


async def _pointers(resolver: Resolver, host: str, addresses: tuple[IPAddress, ...]) -> Check:
    without = []
    for address in addresses:
        try:
            answer = await resolver.ptr(address)
        except DnsUnavailableError:
            raise
        except DnsError:
            without.append(address)
        else:
            if host not in answer.records:
                without.append(address)
    if not without:
        return Check(_POINTER, "Name of the address", State.OK, f"The addresses lead to {host}.")
    words = f"{', '.join(map(str, without))} does not lead back to {host}: some refuse such mail."
    advice = "Have who gave you the address set its PTR record to the host name."
    return Check(_POINTER, "Name of the address", State.WARNING, words, advice)


def _works() -> Check:
    return Check(_RESOLVER, "Name server", State.OK, "It answers.")
