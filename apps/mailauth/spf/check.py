"""SPF of a connection: of the name it said in HELO, and of the reverse-path (RFC 7208 section 2).

What comes in is what the client said, unread; what goes out is a `Spf` and never an exception.
"""

import asyncio
import time
from typing import Final

from apps.mailauth.iprev import read_address
from apps.mailauth.spf.evaluation import Evaluation, Outcome, SpfError
from apps.mailauth.types import Client, Result, Spf
from apps.mime.address import AddressError, normalise_domain, take_apart
from apps.resolver.base import IPAddress, Resolver

SECONDS: Final = 20.0  # for a check; RFC 7208 section 4.6.4 wants no less
EXPLANATION_SECONDS: Final = 3.0  # beyond that: a text is not worth a wait
POSTMASTER: Final = "postmaster"  # whom an identity without a local part means (section 4.3)


async def check_helo(client: Client, resolver: Resolver) -> Spf:
    """Whether the domain of HELO lets the client use it. Never raises but CancelledError."""
    return await _check(client, resolver, "helo", POSTMASTER, client.helo)


async def check_sender(client: Client, resolver: Resolver) -> Spf:
    """Whether the domain of the reverse-path lets the client use it; of the null path, whether
    that of HELO does (section 2.4). Never raises but CancelledError."""
    local, domain = take_apart(client.sender)
    if not client.sender:
        domain = client.helo
    return await _check(client, resolver, "mfrom", local or POSTMASTER, domain)


async def _check(client: Client, resolver: Resolver, scope: str, local: str, domain: str) -> Spf:
    name = _domain(domain)
    address = read_address(client.address)
    if not name:
        return Spf(scope=scope, reason="not a domain name")
    if address is None:
        return Spf(domain=name, scope=scope, reason="the connection has no IP address")
    evaluation = Evaluation(resolver, address, _values(client, address, local, name))
    try:
        async with asyncio.timeout(SECONDS):
            outcome = await evaluation.check(name)
    except TimeoutError:
        return Spf(Result.TEMPERROR, name, scope, "the DNS did not answer in time")
    except SpfError as error:
        return Spf(error.result, name, scope, error.reason)
    return Spf(
        result=outcome.result,
        domain=name,
        scope=scope,
        reason=f"{name} has no record" if outcome.result is Result.NONE else "",
        mechanism=outcome.mechanism,
        explanation=await _explanation(evaluation, outcome),
    )


async def _explanation(evaluation: Evaluation, outcome: Outcome) -> str:
    if outcome.result is not Result.FAIL:
        return ""
    try:
        async with asyncio.timeout(EXPLANATION_SECONDS):
            return await evaluation.explain(outcome)
    except (TimeoutError, SpfError):
        return ""


def _domain(text: str) -> str:
    """The domain in A-labels, "" if it is none that can have a record (section 4.3): an address, a
    single label, a top label of digits."""
    try:
        name = normalise_domain(text)
    except AddressError:
        return ""
    _, dot, top = name.rpartition(".")
    return name if dot and not top.isdigit() and not name.startswith("[") else ""


def _values(client: Client, address: IPAddress, local: str, domain: str) -> dict[str, str]:
    """Of the macros that stay the same in a check (section 7.2)."""
    if address.version == 4:
        dotted, reverse = str(address), "in-addr"
    else:
        # In upper case as the published test suite has it; to the DNS it is the same.
        dotted, reverse = ".".join(f"{int(address):032X}"), "ip6"
    return {
        "s": f"{local}@{domain}",
        "l": local,
        "o": domain,
        "i": dotted,
        "v": reverse,
        "h": client.helo if client.helo.isascii() else _domain(client.helo) or client.helo,
        "c": str(address),
        "r": client.hostname,
        "t": str(int(time.time())),
    }
