"""What DMARC makes of a message (RFC 7489 section 6.6): does the domain in From stand behind it,
and if not, what is to be done?

A forger must gain nothing by being odd. Of a From field that names several domains, or can be read
in several ways, nobody is the author: it never passes, and the strictest of the policies concerned
applies. An answer that the DNS owes counts as temporary only if it could have made the message
pass, so that a dead name server of the forger's own excuses nothing.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from apps.mailauth.dmarc.authors import Author
from apps.mailauth.dmarc.discovery import Published, discover
from apps.mailauth.suffixes import organisational
from apps.mailauth.types import Arc, Dkim, Dmarc, Policy, Result, Spf
from apps.resolver.base import Resolver

Sample = Callable[[], int]

SECONDS: Final = 8.0  # a resolver gives up earlier; this is for one that does not

_SEVERITY: Final = (Policy.NONE, Policy.QUARANTINE, Policy.REJECT)


@dataclass(frozen=True, slots=True)
class Identities:
    """What was authenticated.

    Args:
        spf: of the reverse-path; of the name in EHLO where that is null.
        arc: lifts a failure if somebody trusted vouches for the author.
    """

    spf: Spf = field(default_factory=Spf)
    dkim: Sequence[Dkim] = ()
    arc: Arc = field(default_factory=Arc)


def sample() -> int:
    """A number from 0 to 99, each as likely: whether pct= spares a message."""
    return secrets.randbelow(100)


async def evaluate(
    author: Author, identities: Identities, resolver: Resolver, *, sample: Sample = sample
) -> Dmarc:
    """Find the policies of an author's domains and judge a message by them."""
    return judge(author, identities, await policies(author, resolver), sample=sample)


async def policies(
    author: Author, resolver: Resolver, *, seconds: float = SECONDS
) -> list[Published]:
    """What each of the domains in From publishes, all asked for at once.

    Args:
        seconds: what is late is a temperror of its own: a forger's slow name server must not keep
            the policy of another domain from being known.
    """
    if author.is_crowd or not author.domains:
        return []
    if len(author.domains) == 1:  # nearly always: no task is needed to wait for one
        try:
            async with asyncio.timeout(seconds):
                return [await discover(author.domains[0], resolver)]
        except TimeoutError:
            return [late(author.domains[0])]
    asked = [asyncio.create_task(discover(one, resolver)) for one in author.domains]
    try:
        await asyncio.wait(asked, timeout=seconds)
        return [
            task.result() if task.done() else late(domain)
            for domain, task in zip(author.domains, asked, strict=True)
        ]
    finally:
        for task in asked:
            task.cancel()


def late(domain: str) -> Published:
    """What stands for a policy that did not come in time."""
    return Published(
        domain, domain, result=Result.TEMPERROR, reason="the DNS did not answer in time"
    )


def judge(
    author: Author,
    identities: Identities,
    published: Sequence[Published],
    *,
    sample: Sample = sample,
) -> Dmarc:
    """Say what DMARC makes of a message. Pure.

    Args:
        published: of each of `author.domains`.
        sample: gives a number from 0 to 99.
    """
    if author.domain and published:
        return _of_one(author.domain, identities, published[0], sample)
    if author.is_crowd:
        # Nobody writes in the name of so many, and their policies are not asked for one by one.
        return Dmarc(
            Result.PERMERROR,
            disposition=Policy.REJECT,
            override="local_policy",
            reason=author.reason or "From names more domains than honest mail does",
        )
    if not author.domains:
        return Dmarc(Result.NONE, reason=author.reason)
    return _of_several(author, identities, published, sample)


def _of_one(author: str, identities: Identities, published: Published, sample: Sample) -> Dmarc:
    record = published.record
    if record is None:
        return Dmarc(
            published.result,
            author,
            published.domain,
            published.text,
            reason=published.reason,
        )
    spf, dkim = _aligned(published, identities, Result.PASS)
    known = (author, published.domain, published.text, published.policy)
    if spf or dkim:
        return Dmarc(Result.PASS, *known, spf=spf, dkim=dkim)
    if any(_aligned(published, identities, Result.TEMPERROR)):
        reason = f"the DNS does not say whether {author} stands behind it"
        return Dmarc(Result.TEMPERROR, *known, reason=reason)
    reason = f"neither SPF nor DKIM shows that {author} stands behind it"
    disposition, override = _spared(published, sample)
    if identities.arc.vouched and published.policy is not Policy.NONE:
        disposition, override = Policy.NONE, "trusted_forwarder"
    return Dmarc(Result.FAIL, *known, disposition, override=override, reason=reason)


def _of_several(
    author: Author, identities: Identities, published: Sequence[Published], sample: Sample
) -> Dmarc:
    """The strictest policy of those that do not stand behind it, section 6.6.1; of a field that can
    be read in several ways nobody does, whatever they signed."""
    failing = [
        one
        for one in published
        if not (author.is_plain and any(_aligned(one, identities, Result.PASS)))
    ]
    strictest = max(failing, key=lambda one: _SEVERITY.index(one.policy), default=None)
    if strictest is not None and strictest.policy is not Policy.NONE:
        disposition, override = _spared(strictest, sample)
        return Dmarc(
            Result.FAIL,
            "",
            strictest.domain,
            strictest.text,
            strictest.policy,
            disposition,
            override=override,
            reason=author.reason,
        )
    if any(one.result is Result.TEMPERROR for one in failing):
        return Dmarc(Result.TEMPERROR, reason=f"{author.reason}, and the DNS does not answer")
    return Dmarc(Result.PERMERROR, reason=author.reason)


def _aligned(published: Published, identities: Identities, result: Result) -> tuple[bool, bool]:
    """Whether SPF and DKIM have this result for a domain of the author's (section 3.1)."""
    record = published.record
    if record is None:
        return False, False
    spf, author = identities.spf, published.author
    return (
        spf.result is result and _belong(spf.domain, author, is_strict=record.is_spf_strict),
        any(
            one.result is result and _belong(one.domain, author, is_strict=record.is_dkim_strict)
            for one in identities.dkim
        ),
    )


def _belong(domain: str, author: str, *, is_strict: bool) -> bool:
    if not domain or is_strict:
        return domain == author
    return organisational(domain) == organisational(author)


def _spared(published: Published, sample: Sample) -> tuple[Policy, str]:
    """The disposition of a failing message, and why it is milder than the policy: some of them are
    let off with the next milder one (section 6.6.4)."""
    policy, record = published.policy, published.record
    if policy is Policy.NONE or record is None:
        return policy, ""
    milder = _SEVERITY[_SEVERITY.index(policy) - 1]
    if record.is_testing:  # RFC 9989 section 4.7
        return milder, "other"
    if record.percent < 100 and sample() >= record.percent:
        return milder, "sampled_out"
    return policy, ""
