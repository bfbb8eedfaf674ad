"""Rules about what the door found out of the sender: authentication, and the client. Pure.

What the DNS did not answer speaks against nobody.
"""

from typing import Final

from apps.mailauth.types import Policy, Result
from apps.scan.rules.book import Book, Weighed
from apps.scan.rules.seen import Seen

BOOK: Final = Book()
DOUBT: Final = 0.7  # points for each doubt about the client


@BOOK.rule(
    "AUTH_DMARC_FAIL",
    2.0,
    "neither SPF nor DKIM show that it is from its author's domain, which publishes a DMARC record"
    " that asks for nothing (`p=none`)",
    incoming=True,
)
def dmarc_fail(seen: Seen) -> str | None:
    if not _fails_dmarc(seen) or seen.found.dmarc.policy is not Policy.NONE:
        return None
    return f"DMARC: neither SPF nor DKIM show that it is from {seen.found.dmarc.author}"


@BOOK.rule(
    "AUTH_DMARC_FAIL_STRICT",
    3.5,
    "as AUTH_DMARC_FAIL, and the domain asks that such mail is quarantined or refused",
    incoming=True,
)
def dmarc_fail_strict(seen: Seen) -> str | None:
    dmarc = seen.found.dmarc
    if not _fails_dmarc(seen) or dmarc.policy is Policy.NONE:
        return None
    return (
        f"DMARC: neither SPF nor DKIM show that it is from {dmarc.author}, and {dmarc.domain} asks"
        f" not to take such mail (policy {dmarc.policy.value})"
    )


def _fails_dmarc(seen: Seen) -> bool:
    found = seen.found
    return (
        seen.is_unproven
        and found.dmarc.result is Result.FAIL
        and not found.arc.vouched
        and not (seen.is_list_post and found.dmarc.policy is Policy.NONE)
    )


@BOOK.rule(
    "AUTH_SPF_FAIL",
    1.5,
    "its reverse-path's domain says that the client may not send for it (SPF fail)",
    incoming=True,
)
def spf_fail(seen: Seen) -> str | None:
    spf = seen.found.spf
    if not seen.is_unproven or spf.result is not Result.FAIL:
        return None
    return f"SPF: {spf.domain} says that its client may not send for it"


@BOOK.rule(
    "AUTH_SPF_SOFTFAIL",
    0.7,
    "its reverse-path's domain says that the client should not send for it (SPF softfail)",
    incoming=True,
)
def spf_softfail(seen: Seen) -> str | None:
    spf = seen.found.spf
    if not seen.is_unproven or spf.result is not Result.SOFTFAIL:
        return None
    return f"SPF: {spf.domain} says that its client should not send for it"


@BOOK.rule(
    "AUTH_DKIM_BROKEN",
    0.7,
    "it is signed (DKIM), no signature holds, and no mailing list explains that",
    incoming=True,
)
def dkim_broken(seen: Seen) -> str | None:
    found = seen.found
    broken = [one for one in found.dkim if one.result is Result.FAIL and not one.is_testing]
    if not broken or not seen.is_unproven or seen.list_domain:
        return None
    if any(one.result is Result.PASS for one in found.dkim):
        return None
    return f"DKIM: the signature of {broken[0].domain} does not hold"


@BOOK.rule(
    "AUTH_NOTHING",
    1.0,
    "nothing at all shows who sent it: no SPF record, no DKIM signature",
    incoming=True,
)
def nothing(seen: Seen) -> str | None:
    found = seen.found
    if not seen.is_unproven or found.dkim or found.spf.result not in _SAYS_NOTHING:
        return None
    return "nothing shows who sent it: there is neither an SPF record nor a DKIM signature"


_SAYS_NOTHING: Final = frozenset({Result.NONE, Result.NEUTRAL, Result.PERMERROR})


@BOOK.rule(
    "AUTH_AUTHOR_UNCLEAR",
    2.0,
    "its From field can be read in more than one way, or names nobody",
    incoming=True,
)
def author_unclear(seen: Seen) -> str | None:
    dmarc = seen.found.dmarc
    if not seen.is_judged or dmarc.author or not seen.letter.has("from"):
        return None  # that there is no author at all is FROM_NONE's to say
    return dmarc.reason or None


@BOOK.rule(
    "AUTH_DMARC_PASS",
    -0.3,
    "SPF or DKIM show that it is from its author's domain, which publishes a DMARC record",
    incoming=True,
)
def dmarc_pass(seen: Seen) -> str | None:
    if not seen.is_judged or seen.found.dmarc.result is not Result.PASS:
        return None
    return f"DMARC: it is from {seen.found.dmarc.author}"


@BOOK.rule(
    "AUTH_VOUCHED",
    -0.5,
    "a forwarder we trust says that it was authenticated when it came there (ARC)",
    incoming=True,
)
def vouched(seen: Seen) -> str | None:
    sealer = seen.found.arc.vouched
    if not seen.is_judged or not sealer:
        return None
    return f"ARC: {sealer}, which forwarded it, says that it was authenticated there"


@BOOK.rule("CLIENT_LISTED", 2.5, "the client is on DNS block lists", incoming=True)
def listed(seen: Seen) -> str | None:
    words = seen.judgement.case.listed
    return f"the client {words}" if seen.is_judged and words else None


@BOOK.rule("CLIENT_ALLOWED", -1.5, "the client is on a DNS allow list", incoming=True)
def allowed(seen: Seen) -> str | None:
    zone = seen.judgement.case.allowed
    return f"the client is on the allow list {zone}" if seen.is_judged and zone else None


@BOOK.rule(
    "CLIENT_DOUBTFUL",
    DOUBT,
    "the client has no proper name, calls itself by a wrong one, is hasty …: 0.7 for each",
    most=2.1,
    incoming=True,
)
def doubtful(seen: Seen) -> Weighed | None:
    doubts = seen.judgement.case.doubts[:3]
    if not seen.is_judged or not doubts or seen.judgement.case.listed:
        return None
    points = round(DOUBT * len(doubts), 2)
    return Weighed(f"the client {', '.join(doubts)}", points)
