"""Daily reports to other domains on mail in their names (RFC 7489 section 7.2).

`send_due` runs every quarter of an hour for the day before, and sends each report once, as mail
signed like all mail of ours. A domain's hour is drawn by lot from its name, over most of the day;
what has to wait (its DNS does not answer) is tried again until the day is over. Reports go only
where their reader wants them: an address under another organisation's name must be confirmed there
(section 7.1), or anybody's DMARC record could send our reports to anybody.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from django.conf import settings

from apps.delivery import dmarcrpt, ownreports
from apps.delivery.ownreports import DAY_SECONDS, FAILED
from apps.delivery.tlsrpt import Heading
from apps.mailauth.dmarc import discovery
from apps.mailauth.dmarc.record import Record, RecordError, Report, is_record, parse
from apps.mailauth.suffixes import organisational
from apps.mailauth.types import Result
from apps.mime.address import Address
from apps.reports import queries, services
from apps.reports.queries import Due
from apps.resolver.base import DnsError, DnsUnavailableError, Resolver
from apps.resolver.live import live_resolver
from apps.runtime.clock import now
from apps.runtime.db import in_db
from apps.runtime.ulid import ulid_text
from apps.wire.errors import MailError, NotFound

logger = logging.getLogger(__name__)

DOOR: Final = "dmarcreport"
SPREAD_SECONDS: Final = 20 * 3600
AT_ONCE: Final = 20
"""Domains that are looked up and served at a time."""
RUN_SECONDS: Final = 300.0
"""After which a run begins no more: a thousand domains with slow DNS hold up no other work."""
MOST_TARGETS: Final = 5
"""Addresses of one domain that a report goes to."""
NOT_WANTED: Final = "asks for no reports"
WAITS: Final = "waits: the DNS does not answer"


@dataclass(frozen=True, slots=True)
class Targets:
    """Where a report goes, and in words where it does not."""

    reports: tuple[Report, ...]
    refused: tuple[str, ...]


class WaitError(Exception):
    """The DNS does not answer: later, perhaps."""


async def send_due(at: int | None = None) -> int:
    """Send the reports of yesterday that are due by now; returns how many were handed over.

    Args:
        at: Unix seconds; None is now.
    """
    if not settings.DMARC_REPORTS:
        return 0
    at = now() if at is None else at
    day = at // DAY_SECONDS - 1
    due = await in_db("read", queries.due, day)
    return await send(day, [one for one in due if lot(one.domain) <= at % DAY_SECONDS])


async def send(day: int, due: Sequence[Due]) -> int:
    """Send reports of a day now; returns how many were handed over."""
    reporter = await in_db("read", ownreports.reporting_domain)
    if not reporter or not due:
        return 0  # nobody could sign them
    waiting, resolver = iter(due), live_resolver()
    end = time.monotonic() + RUN_SECONDS

    async def serve() -> int:
        sent = 0
        for one in waiting:
            if time.monotonic() > end:
                break
            sent += await _send_one(resolver, reporter, day, one)
        return sent

    return sum(await asyncio.gather(*(serve() for _ in range(AT_ONCE))))


def lot(domain: str) -> int:
    """Seconds after midnight from which this installation reports to a domain."""
    return ownreports.lot(domain, SPREAD_SECONDS)


def preview(day: int, domain: str) -> bytes:
    """The report as it would be sent now, XML; by the record that was last met. Two queries.

    Raises:
        NotFound: nothing was counted for the domain that day.
    """
    found, reporter = queries.day_of(day, domain), ownreports.reporting_domain()
    if found is None:
        raise NotFound(text=f"No mail in the name of {domain} was counted on that day")
    try:
        record = parse(found.record.encode())
    except RecordError as error:
        raise NotFound(text=f"The DMARC record of {domain} cannot be read: {error}") from None
    return _document(_heading(reporter, day, domain), record, found)


async def targets(domain: str, record: Record, resolver: Resolver) -> Targets:
    """Find the addresses that a domain's report may go to.

    Raises:
        WaitError: the DNS keeps silent about all that would be left.
    """
    found: list[Report] = []
    refused: list[str] = []
    has_silent = False
    for one in record.reports[:MOST_TARGETS]:
        try:
            confirmed = await _confirmed(domain, one, resolver)
        except DnsUnavailableError:
            has_silent = True
            refused.append(f"{one.address}: its DNS does not answer")
            continue
        found += confirmed
        if not confirmed:
            refused.append(f"{one.address}: not confirmed by its domain")
    if has_silent and not found:
        raise WaitError
    return Targets(tuple({one.address: one for one in found}.values()), tuple(refused))


async def _confirmed(domain: str, report: Report, resolver: Resolver) -> list[Report]:
    """The address, if its domain wants the report, or those that it names in its place."""
    host = Address.parse(report.address).domain
    if organisational(host) == organisational(domain):
        return [report]
    try:
        answer = await resolver.txt(f"{domain}._report._dmarc.{host}")
    except DnsUnavailableError:
        raise
    except DnsError:
        return []
    found = [text for text in answer.records if is_record(text)]
    if not found:
        return []
    try:
        instead = parse(found[0]).reports
    except RecordError:  # `v=DMARC1` alone is what most publish here
        instead = ()
    # Only at the same host, or the confirmation could send the report on to a victim (step 7).
    return [one for one in instead if Address.parse(one.address).domain == host] or [report]


async def _send_one(resolver: Resolver, reporter: str, day: int, due: Due) -> bool:
    """Whether it is on its way."""
    try:
        outcome, is_done = await _serve(resolver, reporter, day, due)
        note = partial(services.note_report, day=day, domain=due.domain)
        await in_db("write", note, outcome=outcome, is_done=is_done)
    except MailError as error:
        logger.warning(
            "a DMARC report has to wait", extra={"domain": due.domain, "detail": error.detail}
        )
        return False
    except Exception:
        # A domain of which nobody can make a report must not stop the others.
        logger.exception("a DMARC report cannot be made", extra={"domain": due.domain})
        return False
    return is_done and outcome.startswith("mailed")


async def _serve(resolver: Resolver, reporter: str, day: int, due: Due) -> tuple[str, bool]:
    """What became of a report, in words, and whether that is the end of it."""
    published = await discovery.discover(due.domain, resolver)
    if published.result is Result.TEMPERROR:
        return WAITS, False
    record = published.record
    if record is None or published.domain != due.domain or not record.reports:
        return NOT_WANTED, True
    try:
        wanted = await targets(due.domain, record, resolver)
    except WaitError:
        return WAITS, False
    heading = _heading(reporter, day, due.domain)
    return await in_db("write", _queue, heading, record, due, wanted), True


def _queue(heading: Heading, record: Record, due: Due, wanted: Targets) -> str:
    """Queue the mail, once; what became of it, in words."""
    packed = dmarcrpt.pack(_document(heading, record, due))
    to = [Address.parse(one.address) for one in wanted.reports]
    raw = dmarcrpt.mail(heading, to, packed, datetime.fromtimestamp(now(), UTC))
    fitting = [one for one in wanted.reports if one.size_max is None or len(raw) <= one.size_max]
    refused = [*wanted.refused]
    if len(fitting) < len(to):
        too_small = [one.address for one in wanted.reports if one not in fitting]
        refused += [f"{one}: takes no report so large" for one in too_small]
        to = [Address.parse(one.address) for one in fitting]
        raw = dmarcrpt.mail(heading, to, packed, datetime.fromtimestamp(now(), UTC))
    if not to:
        return FAILED + "; ".join(refused)
    mail_id = ownreports.identity(DOOR, heading.domain, heading.day)
    return "; ".join([ownreports.queue(raw, to, mail_id=mail_id, door=DOOR), *refused])


def _document(heading: Heading, record: Record, due: Due) -> bytes:
    rows = queries.counted(heading.day, heading.domain, limit=2 * services.MOST_OF_A_DOMAIN)
    return dmarcrpt.document(heading, record, rows, left_out=due.left_out)


def _heading(reporter: str, day: int, domain: str) -> Heading:
    mail_id = ownreports.identity(DOOR, domain, day)
    return Heading(
        domain=domain,
        reporter=reporter,
        organization=reporter,
        day=day,
        key=ulid_text(mail_id).lower(),
    )
