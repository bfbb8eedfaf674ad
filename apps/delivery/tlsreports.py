"""Daily reports to other domains on how TLS with their servers went (RFC 8460).

`send_due` runs every hour for the day before, and sends each report once: by mail, signed like all
mail of ours, or by HTTPS. A domain's hour is drawn by lot from its name, so that not all servers of
the world report at midnight (section 4.1); what could not be handed over is tried again every hour
until the day is over (section 5.5). Counts of domains that want no report are left to be pruned.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.conf import settings

from apps.delivery import ownreports, tlsrpt
from apps.delivery.ownreports import FAILED
from apps.delivery.tlsrpt import Heading, Targets
from apps.mime.address import Address
from apps.remote import queries, services
from apps.remote.services import DAY_SECONDS
from apps.remote.webfetch import FetchError, Web
from apps.resolver.base import DnsError, DnsUnavailableError, Resolver
from apps.resolver.live import live_resolver
from apps.runtime.clock import now
from apps.runtime.db import in_db
from apps.runtime.ulid import ulid_text
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

DOOR: Final = "tlsreport"
SPREAD_SECONDS: Final = 4 * 3600
AT_ONCE: Final = 20
"""Domains that are looked up and served at a time."""
MOST_ROWS: Final = 1_000
"""Lines of one report."""
_DONE: Final = frozenset({200, 201, 202, 204})
NOT_WANTED: Final = "asks for no reports"


@dataclass(frozen=True, slots=True)
class Hands:
    """What a run works with."""

    resolver: Resolver
    web: Web
    reporter: str


async def send_due(at: int | None = None) -> int:
    """Send the reports of yesterday that are due by now; returns how many were handed over.

    Args:
        at: Unix seconds; None is now.
    """
    at = now() if at is None else at
    day = at // DAY_SECONDS - 1
    reporter = await in_db("read", ownreports.reporting_domain)
    if not reporter:
        return 0  # nobody could sign them
    domains = await in_db("read", queries.unreported, day)
    due = [one for one in domains if lot(one) <= at % DAY_SECONDS]
    resolver = live_resolver()
    web = Web(resolver)
    turns = asyncio.Semaphore(AT_ONCE)
    hands = Hands(resolver, web, reporter)
    try:
        sent = await asyncio.gather(*(_in_turn(turns, hands, day, one) for one in due))
    finally:
        await web.close()
    return sum(sent)


def lot(domain: str) -> int:
    """Seconds after midnight from which this installation reports to a domain."""
    return ownreports.lot(domain, SPREAD_SECONDS)


async def _in_turn(turns: asyncio.Semaphore, hands: Hands, day: int, domain: str) -> bool:
    async with turns:
        try:
            return await _serve(hands, day, domain)
        except MailError as error:
            logger.warning(
                "a report on TLS has to wait", extra={"domain": domain, "detail": error.detail}
            )
            return False


async def _serve(hands: Hands, day: int, domain: str) -> bool:
    try:
        wanted = tlsrpt.targets((await hands.resolver.txt(f"_smtp._tls.{domain}")).records)
    except DnsUnavailableError:
        return False
    except DnsError:
        wanted = Targets()
    if not wanted:
        await in_db("write", services.note_report, day=day, domain=domain, outcome=NOT_WANTED)
        return False
    heading = _heading(hands.reporter, day, domain)
    rows = await in_db("read", lambda: list(queries.counted(day, domain, limit=MOST_ROWS)))
    packed = tlsrpt.document(heading, rows)
    done = [await _post(hands.web, url, packed) for url in wanted.urls]
    if wanted.addresses:
        done.append(await in_db("write", _queue, heading, wanted.addresses, packed))
    outcome = "; ".join(done)
    is_sent = any(not one.startswith(FAILED) for one in done)
    await in_db(
        "write", services.note_report, day=day, domain=domain, outcome=outcome, is_sent=is_sent
    )
    return is_sent


async def _post(web: Web, url: str, packed: bytes) -> str:
    """What became of it, in words."""
    try:
        page = await web.post(url, packed, tlsrpt.MEDIA_TYPE)
    except FetchError as error:
        return f"{FAILED}{error}"
    if page.status not in _DONE:
        return f"{FAILED}status {page.status}"
    return "posted"


def _heading(reporter: str, day: int, domain: str) -> Heading:
    mail_id = ownreports.identity(DOOR, domain, day)
    return Heading(
        domain=domain,
        reporter=reporter,
        organization=settings.MAIL_HOSTNAME,
        day=day,
        key=ulid_text(mail_id).lower(),
    )


def _queue(heading: Heading, to: Sequence[Address], packed: bytes) -> str:
    """Queue the mail, once; what became of it, in words."""
    raw = tlsrpt.mail(heading, to, packed, datetime.fromtimestamp(now(), UTC))
    mail_id = ownreports.identity(DOOR, heading.domain, heading.day)
    return ownreports.queue(raw, to, mail_id=mail_id, door=DOOR)
