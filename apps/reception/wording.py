"""What was found out about a sender, in words: for replies, the trace, and who reads them. Pure.

Every sentence names the check, its result and why. What strangers wrote (domains, reasons of
theirs) is bounded by who read it; who shows a sentence cleans it.
"""

from collections.abc import Iterator
from typing import Final

from apps.mailauth.types import Arc, Authentication, Dkim, Dmarc, Iprev, Policy, Result, Spf

SIGNATURES_TOLD: Final = 10

_ASKS: Final = {
    Policy.NONE: "asks for nothing to be done about it",
    Policy.QUARANTINE: "asks to put such mail into Junk",
    Policy.REJECT: "asks to refuse such mail",
}
_SPARED: Final = {
    "sampled_out": "it asks so for a part of its mail only (pct=), and this is not in it",
    "trusted_forwarder": "a trusted forwarder saw that the message was genuine when it came to it",
}


def sentences(found: Authentication) -> Iterator[str]:
    """Say everything, one check after the other."""
    yield _iprev(found.iprev)
    if found.helo.result is not Result.NONE:
        yield _spf(found.helo, "HELO")
    yield _spf(found.spf, "the sender")
    yield from _signatures(found.dkim)
    if found.arc.result is not Result.NONE:
        yield _arc(found.arc)
    yield _dmarc(found.dmarc)


def spf_words(spf: Spf) -> str:
    """SPF in a few words, for a reply: `SPF: fail for example.org`."""
    if spf.result is Result.NONE:
        return f"SPF: {spf.domain or 'the sender'} has no record"
    return f"SPF: {spf.result.value} for {spf.domain or 'the sender'}"


def dkim_words(dkim: tuple[Dkim, ...]) -> str:
    """DKIM in a few words, for a reply: `DKIM: pass for example.org, fail for list.test`."""
    if not dkim:
        return "DKIM: no signature"
    told = dict.fromkeys(
        f"{one.result.value} for {one.domain or 'an unreadable one'}" for one in dkim
    )
    return f"DKIM: {', '.join(list(told)[:3])}"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _iprev(iprev: Iprev) -> str:
    if iprev.result is Result.PASS:
        return f"The address has the name {iprev.name}, which leads back to it."
    if iprev.result is Result.FAIL:
        name = f"the name {iprev.name}, which does" if iprev.name else "names, which do"
        return f"The address has {name} not lead back to it."
    if iprev.result is Result.PERMERROR:
        return "The address has no name."
    if iprev.result is Result.NONE:
        return "The name of the address was not asked for."
    return f"Whether the address has a name is not known{_because(iprev.reason)}."


_SPF: Final = {
    Result.PASS: "lets this address send for it",
    Result.FAIL: "says that this address may not send for it",
    Result.SOFTFAIL: "says that this address should rather not send for it",
    Result.NEUTRAL: "does not say whether this address may send for it",
    Result.NONE: "says nothing about who may send for it",
    Result.TEMPERROR: "could not be asked who may send for it",
    Result.PERMERROR: "has a record that cannot be used",
    Result.POLICY: "was not asked",
}


def _spf(spf: Spf, whose: str) -> str:
    if not spf.domain:
        return f"SPF of {whose}: {spf.result.value}{_because(spf.reason)}."
    by = f", by {spf.mechanism}" if spf.mechanism else ""
    said = f' It explains: "{spf.explanation}".' if spf.explanation else ""
    return (
        f"SPF {spf.result.value} of {whose}: {spf.domain} {_SPF[spf.result]}{by}"
        f"{_because(spf.reason)}.{said}"
    )


def _signatures(dkim: tuple[Dkim, ...]) -> Iterator[str]:
    if not dkim:
        yield "DKIM: the message is not signed."
    for one in dkim[:SIGNATURES_TOLD]:
        whose = f"a signature of {one.domain}" if one.domain else "a signature that is unreadable"
        key = f" (key {one.selector}, {one.algorithm or 'unknown'})" if one.selector else ""
        testing = ", which is only testing" if one.is_testing else ""
        yield f"DKIM {one.result.value}: {whose}{key}{testing}{_because(one.reason)}."
    if len(dkim) > SIGNATURES_TOLD:
        yield f"And {len(dkim) - SIGNATURES_TOLD} more signatures."


def _arc(arc: Arc) -> str:
    hands = f", handed on by {', '.join(arc.sealers)}" if arc.sealers else ""
    vouched = (
        f" {arc.vouched}, which is trusted, found the author genuine when the message came to it."
        if arc.vouched
        else ""
    )
    return (
        f"ARC {arc.result.value}: a chain of {arc.instance}{hands}{_because(arc.reason)}.{vouched}"
    )


def _dmarc(dmarc: Dmarc) -> str:
    if dmarc.result is Result.PASS:
        proofs = " and ".join(
            word for word, holds in (("SPF", dmarc.spf), ("DKIM", dmarc.dkim)) if holds
        )
        return f"DMARC pass: {dmarc.author} stands behind the message, by {proofs or 'its record'}."
    if not dmarc.author:
        asks = f" {dmarc.domain} {_ASKS[dmarc.policy]}." if dmarc.domain else ""
        return f"DMARC {dmarc.result.value}: nobody is the author{_because(dmarc.reason)}.{asks}"
    author = dmarc.author
    if dmarc.result is Result.NONE:
        return f"DMARC: {author} says nothing about its mail."
    if dmarc.result is Result.FAIL:
        return (
            f"DMARC fail: neither SPF nor DKIM show that the message is from {author};"
            f" {dmarc.domain or author} {_ASKS[dmarc.policy]}.{_spared(dmarc)}"
        )
    return f"DMARC {dmarc.result.value} for {author}{_because(dmarc.reason)}."


def _spared(dmarc: Dmarc) -> str:
    if dmarc.disposition is dmarc.policy:
        return ""
    why = _SPARED.get(dmarc.override, dmarc.override or "something else weighs more")
    done = {
        Policy.NONE: "nothing is held against it",
        Policy.QUARANTINE: "Junk is enough",
        Policy.REJECT: "it is refused",
    }[dmarc.disposition]
    return f" But {done}: {why}."
