"""Where a domain's DMARC policy is published (RFC 7489 section 6.6.3): at itself, or else at its
organisational domain. Two questions at the most, and never an exception but cancellation."""

from dataclasses import dataclass
from functools import lru_cache

from apps.mailauth.dmarc.record import Record, RecordError, is_record, parse
from apps.mailauth.suffixes import organisational
from apps.mailauth.types import Policy, Result
from apps.resolver.base import DnsError, DnsUnavailableError, Resolver

TEXT_MAX = 1_000  # characters of a record that are kept for the trace and for reports


@dataclass(frozen=True, slots=True)
class Published:
    """What was found for an author's domain.

    Args:
        author: the domain that was asked for.
        domain: whose record it is, "" without one.
        text: the record, printable ASCII, bounded.
        record: None if there is none to go by: `result` is then none, permerror or temperror, and
            `reason` says why.
    """

    author: str
    domain: str = ""
    text: str = ""
    record: Record | None = None
    result: Result = Result.NONE
    reason: str = ""

    @property
    def policy(self) -> Policy:
        """What is asked for this author: sp= speaks of domains below the record's own."""
        if self.record is None:
            return Policy.NONE
        is_own = self.domain == self.author
        return self.record.policy if is_own else self.record.subdomain_policy


async def discover(author: str, resolver: Resolver) -> Published:
    """Ask the DNS for the record that covers a domain (A-label)."""
    for domain in dict.fromkeys((author, organisational(author))):
        try:
            answer = await resolver.txt(f"_dmarc.{domain}")
        except DnsUnavailableError:
            return Published(
                author, domain, result=Result.TEMPERROR, reason="the DNS does not answer"
            )
        except DnsError:
            continue
        # Records of other kinds (wildcards answer with anything) are as if they were not there.
        found = [text for text in answer.records if is_record(text)]
        if len(found) == 1:
            return _read(author, domain, found[0])
        if found:
            reason = "several records stand where one should"  # step 5: as if there were none
            return Published(author, domain, reason=reason)
    return Published(author, reason="no policy is published")


@lru_cache(maxsize=512)  # the large senders' again and again; of a few octets each, as a rule
def _read(author: str, domain: str, text: bytes) -> Published:
    shown = _shown(text)
    try:
        return Published(author, domain, shown, parse(text))
    except RecordError as error:
        return Published(author, domain, shown, None, Result.PERMERROR, str(error))


def _shown(text: bytes) -> str:
    """A record for the trace and for reports, which a stranger wrote. Only whole tags: half an
    address of rua= is another address."""
    kept = text if len(text) <= TEXT_MAX else text[:TEXT_MAX].rpartition(b";")[0]
    return "".join(chr(one) if 32 <= one < 127 else "?" for one in kept)
