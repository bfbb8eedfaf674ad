"""Who wrote a message, and what proves it. Pure.

Whatever speaks for a message because of its author counts only with a proof: the name in From is
the first thing that a forger writes. Proven is the domain; that a local part belongs to whoever
uses it is the business of that domain.
"""

from dataclasses import dataclass
from typing import Final

from apps.mailauth.suffixes import organisational
from apps.mailauth.types import Authentication, Result
from apps.reception.judging import Judgement
from apps.scan.base import Case


@dataclass(frozen=True, slots=True)
class Author:
    """The one author of a message.

    Args:
        key: `Address.key`, "" if From names nobody, or several.
        domain: A-label, "" without `key`.
        proof: what shows that its domain stands behind the message, in words that follow "is
            proven by"; "" if nothing does.
    """

    key: str = ""
    domain: str = ""
    proof: str = ""

    @property
    def organisation(self) -> str:
        """The organisational domain, "" without one."""
        return organisational(self.domain) if self.domain else ""


NOBODY: Final = Author()


def author_of(case: Case) -> Author:
    """The author, if From names exactly one."""
    letter = case.letter
    if letter.header.count(b"from") != 1 or len(letter.authors) != 1:
        return NOBODY
    person = letter.author
    if not person.domain:
        return NOBODY
    return Author(person.address, person.domain, _proof(case, person.domain))


def _proof(case: Case, domain: str) -> str:
    if case.is_outgoing:
        return "the password of the user who sends it"
    found = Judgement.from_data(case.judgement).case.authentication
    if found.dmarc.author and found.dmarc.author != domain:
        return ""  # the door understood From in another way than we do: nobody is proven
    if found.dmarc.result is Result.FAIL:  # it may ask for more than the same organisation
        return _by_arc(found, domain)
    return _by_dkim(found, domain) or _by_spf(found, domain) or _by_arc(found, domain)


def _by_dkim(found: Authentication, domain: str) -> str:
    """The signature of a domain of the same organisation, in words."""
    for one in found.dkim:
        if one.result is Result.PASS and organisational(one.domain) == organisational(domain):
            return f"the DKIM signature of {one.domain}"
    return ""


def _by_spf(found: Authentication, domain: str) -> str:
    spf = found.spf
    if spf.result is Result.PASS and organisational(spf.domain) == organisational(domain):
        return f"SPF of {spf.domain}"
    return ""


def _by_arc(found: Authentication, domain: str) -> str:
    if found.arc.result is Result.PASS and found.arc.vouched and found.dmarc.author == domain:
        return f"the word of {found.arc.vouched}, which forwarded it (ARC)"
    return ""
