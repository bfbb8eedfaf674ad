"""The ARC chain of a message that comes in: verified, and what trusted sealers say in it.

A chain that holds proves who handed the message on and what each of them claims to have found out;
it does not make them honest. Therefore `Arc.vouched` asks for a sealer that the administrator
trusts, and for trusted ones only between that and us: who stands above in the chain could have
written the message anew (RFC 8617 section 9.4 and 9.5 leave it to the receiver).

Nothing here raises, whatever the message and whatever the DNS says.
"""

import asyncio
from collections.abc import Collection
from functools import partial
from typing import Final

from apps.mailauth import arc, keyring, reading
from apps.mailauth.arc import Chain, Set, Status, Verdict
from apps.mailauth.bodies import Bodies
from apps.mailauth.keyring import Keyring
from apps.mailauth.message import Message
from apps.mailauth.reading import Finding
from apps.mailauth.suffixes import organisational
from apps.mailauth.types import Arc, Result
from apps.resolver.base import Resolver

# What is worked through on the event loop; honest chains are shorter. More goes to a thread.
INLINE: Final = 6  # sets
HEADER_INLINE: Final = 64 << 10  # octets of header

_RESULTS: Final = {
    Status.NONE: Result.NONE,
    Status.PASS: Result.PASS,
    Status.FAIL: Result.FAIL,
    Status.UNKNOWN: Result.TEMPERROR,
}
_STATUSES: Final = {result: status for status, result in _RESULTS.items()}


async def check(
    message: Message,
    resolver: Resolver,
    *,
    now: int,
    trusted: Collection[str],
    author: str,
    bodies: Bodies | None = None,
    seconds: float = keyring.SECONDS,
) -> Arc:
    """Verify the chain of a message.

    Args:
        now: Unix seconds.
        trusted: sealers, domains as A-labels; what is below one is trusted, too.
        author: the domain of From, "" if there is not exactly one: nobody can vouch then.
        bodies: of this message, shared with who else hashes its body.
        seconds: for the keys, all together; if one is late the result is temperror, unless
            something else fails for certain.
    """
    chain = arc.read(message)
    verdict = await _verdict(message, chain, resolver, now, bodies or Bodies(message.body), seconds)
    is_vouchable = verdict.status is Status.PASS and bool(author)
    return Arc(
        result=_RESULTS[verdict.status],
        instance=chain.highest,
        sealers=tuple(one.sealed_by.domain for one in chain.sets),
        vouched=_vouched(chain, trusted, author) if is_vouchable else "",
        reason=verdict.reason,
    )


def verdict(found: Arc) -> Verdict:
    """What `arc.seal` wants to know of a chain that was checked here."""
    return Verdict(_STATUSES.get(found.result, Status.UNKNOWN), found.reason)


async def _verdict(
    message: Message, chain: Chain, resolver: Resolver, now: int, bodies: Bodies, seconds: float
) -> Verdict:
    """Ask for the keys of the last set first: what falls with that would only have us put fifty
    more questions to the name servers of others."""
    if chain.latest is None:
        return arc.judge(message, chain, Keyring({}), now=now)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    records = await keyring.look_up(chain.latest_record_names, resolver, seconds=seconds)
    sums = await bodies.sums((chain.latest.form,))
    judge = partial(arc.judge, message, chain, now=now, sums=sums)
    is_heavy = len(chain.sets) > INLINE or message.header_size > HEADER_INLINE

    async def judged() -> Verdict:
        keys = Keyring(records)
        return await asyncio.to_thread(judge, keys) if is_heavy else judge(keys)

    first = await judged()
    rest = chain.record_names - records.keys()
    if first.status is Status.FAIL or not rest:
        return first
    left = max(0.0, begin + seconds - loop.time())
    records |= await keyring.look_up(rest, resolver, seconds=left)
    return await judged()


def _vouched(chain: Chain, trusted: Collection[str], author: str) -> str:
    for one in reversed(chain.sets):
        sealer = one.sealed_by.domain
        if not _is_trusted(sealer, trusted):
            break
        if _says_authentic(one, author):
            return sealer
    return ""


def _is_trusted(sealer: str, trusted: Collection[str]) -> bool:
    return any(sealer == one or sealer.endswith(f".{one}") for one in trusted)


def _says_authentic(one: Set, author: str) -> bool:
    """Whether its results say that DMARC passed for this author. Those that say nothing of DMARC
    count if SPF or a signature passed for a domain of the same organisation."""
    findings = reading.read(one.said)
    if findings is None:
        return False
    results = findings.results
    if dmarc := [found for found in results if found.method == "dmarc"]:
        # Two that differ were not written by one program: somebody got text of his into the field.
        return all(_passed(found) and _from(found) == author for found in dmarc)
    return any(_passed(found) and _is_aligned(found, author) for found in results)


def _passed(found: Finding) -> bool:
    return found.result == Result.PASS.value


def _from(found: Finding) -> str:
    return reading.domain_of(found.get("header", "from"))


def _is_aligned(found: Finding, author: str) -> bool:
    """Relaxed alignment (RFC 7489 section 3.1): what the author's domain wishes is not told."""
    if found.method == "dkim":
        value = found.get("header", "d") or found.get("header", "i")
    elif found.method == "spf":
        value = found.get("smtp", "mailfrom") or found.get("smtp", "mfrom")
    else:
        return False
    domain = reading.domain_of(value)
    return bool(domain) and organisational(domain) == organisational(author)
