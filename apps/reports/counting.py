"""What a report tells of a message, counted in memory, written in batches (RFC 7489 section 7.2).

One object for each event loop. Counts that a dying process takes along cost a report a little
truth, never mail. What a report says is bounded: no address of a recipient, no user, no subject is
in it.
"""

import json
import logging
import re
from typing import Any, Final

from django.conf import settings

from apps.mailauth import suffixes
from apps.mailauth.types import Authentication, Client, Policy, Result
from apps.mime.address import Address, AddressError
from apps.mime.headers import HeaderBlock, clean
from apps.reports import services
from apps.reports.services import Kind
from apps.runtime.clock import now
from apps.runtime.db import in_db
from apps.runtime.later import Later
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

WRITE_SECONDS: Final = 10.0
MOST_KINDS: Final = 10_000
"""Kinds of messages counted between two writes; beyond them a new kind is left out."""
MOST_OF_A_DOMAIN: Final = 500
"""The same of one domain, so that a flood in one name does not crowd out the others."""
AT_ONCE: Final = 300
"""Kinds of one transaction, 20 ms: on SQLite nobody else writes meanwhile."""
DAY_SECONDS: Final = 86_400
_WANTED: Final = re.compile(r"(?i)[;\s]rua\s*=")
_OVERRIDES: Final = frozenset(
    {"forwarded", "sampled_out", "trusted_forwarder", "mailing_list", "local_policy", "other"}
)
_REPORT: Final = re.compile(rb"(?i)report[ \t_]+domain:")


class Counts:
    """The counts of one event loop."""

    def __init__(self) -> None:
        self._counts: dict[Kind, int] = {}
        self._records: dict[tuple[int, str], str] = {}
        self._sizes: dict[str, int] = {}
        self._writing = Later(self._flush, WRITE_SECONDS)

    def add(
        self,
        client: Client,
        found: Authentication,
        disposition: Policy,
        override: str = "",
        at: int | None = None,
        *,
        comment: str = "",
    ) -> None:
        """Count one message, however many recipients it has, once what becomes of it is known.

        Nothing is counted where the author's domain wants no report, or where its record is not
        known for certain. Never raises.

        Args:
            disposition: what was done: `reject` for a refused one, `quarantine` for junk.
            override: why that is not what the domain asks for, a word of RFC 7489 appendix C.
            at: Unix seconds; None is now.
            comment: ours, to explain `override`.
        """
        dmarc = found.dmarc
        if not is_wanted(found):
            return
        kind = Kind(
            day=(now() if at is None else at) // DAY_SECONDS,
            domain=dmarc.domain,
            family=suffixes.organisational(dmarc.domain),
            address=client.address[:45],
            disposition=disposition.value,
            dkim=dmarc.dkim,
            spf=dmarc.spf,
            override=override if override in _OVERRIDES else "other" if override else "",
            comment=clean(comment)[:200],
            header_from=clean(dmarc.author or dmarc.domain)[:253],
            envelope_from=_domain(client.sender),
            results=json.dumps(_results(found), separators=(",", ":")),
        )
        if kind not in self._counts and not self._has_room(kind.domain):
            return
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self._records[kind.place] = clean(dmarc.record)
        self._writing.ask()

    async def close(self) -> None:
        """Write what was counted."""
        await self._writing.close()

    def _has_room(self, domain: str) -> bool:
        size = self._sizes.get(domain, 0)
        if len(self._counts) >= MOST_KINDS or size >= MOST_OF_A_DOMAIN:
            return False
        self._sizes[domain] = size + 1
        return True

    async def _flush(self) -> None:
        batch, records = list(self._counts.items()), dict(self._records)
        self._counts.clear()
        self._records.clear()
        self._sizes.clear()
        for start in range(0, len(batch), AT_ONCE):
            part = batch[start : start + AT_ONCE]
            try:
                await in_db("write", services.add_counts, part, records)
            except MailError as error:
                logger.warning(
                    "counts for DMARC reports were lost",
                    extra={"kinds": len(batch) - start, "detail": error.detail},
                )
                return


def is_wanted(found: Authentication) -> bool:
    """Whether the author's domain wants to hear of a message, and its record is certain."""
    dmarc = found.dmarc
    is_known = dmarc.domain and dmarc.result in (Result.PASS, Result.FAIL)
    return bool(settings.DMARC_REPORTS and is_known and _WANTED.search(dmarc.record))


def is_report(header: HeaderBlock, found: Authentication) -> bool:
    """Whether a message is itself a report, from whom it says it is from: such a one is not
    counted, or two servers would report to each other on their reports for ever (RFC 7489 section
    7.2.1.1). A forged one is counted like any other.

    Args:
        header: of the message.
    """
    return found.dmarc.result is Result.PASS and bool(
        _REPORT.search(header.first(b"subject") or b"") or header.first(b"tls-report-domain")
    )


def _results(found: Authentication) -> dict[str, Any]:
    """What DKIM and SPF said, for the report's auth_results."""
    dkim = [[one.domain, one.selector, one.result.value] for one in found.dkim if one.domain]
    spf = found.spf
    return {"dkim": dkim, "spf": [[spf.domain, spf.scope, spf.result.value]] if spf.domain else []}


def _domain(path: str) -> str:
    try:
        return Address.parse(path).domain[:253] if path else ""
    except AddressError:
        return ""
