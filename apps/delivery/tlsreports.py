"""Daily reports to other domains on how TLS with their servers went (RFC 8460).

`send_due` runs every hour for the day before, and sends each report once: by mail, signed like all
mail of ours, or by HTTPS. A domain's hour is drawn by lot from its name, so that not all servers of
the world report at midnight (section 4.1); what could not be handed over is tried again every hour
until the day is over (section 5.5). Counts of domains that want no report are left to be pruned.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.blobs import services as blobs
from apps.delivery import tlsrpt
from apps.delivery.ownmail import own_mail
from apps.delivery.tlsrpt import Heading, Targets
from apps.directory import routing
from apps.directory.models import Domain, DomainKind, State
from apps.directory.routing import Status
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import EnvelopeRecipient
from apps.mime.address import Address
from apps.remote import queries, services
from apps.remote.services import DAY_SECONDS
from apps.remote.webfetch import FetchError, Web
from apps.resolver.base import DnsError, DnsUnavailableError, Resolver
from apps.resolver.live import live_resolver
from apps.runtime.clock import now, now_us
from apps.runtime.db import in_db
from apps.runtime.ulid import ulid_text
from apps.trace import services as trace
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
FAILED: Final = "failed: "


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
    reporter = await in_db("read", reporting_domain)
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
    seed = f"{settings.MAIL_HOSTNAME} {domain}".encode()
    return int.from_bytes(hashlib.sha256(seed).digest()[:4], "big") % SPREAD_SECONDS


def reporting_domain() -> str:
    """The domain of ours in whose name reports are made: the one that our host is in, else the
    oldest; "" if there is none. One query."""
    rows = Domain.objects.filter(
        kind=DomainKind.HOSTED, state=State.ACTIVE, alias_of=None, organization__state=State.ACTIVE
    )
    names = list(rows.order_by("id").values_list("name", flat=True))
    ours = [one for one in names if f".{settings.MAIL_HOSTNAME}".endswith(f".{one}")]
    return max(ours, key=len) if ours else next(iter(names), "")


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
    identity = _id(day, domain)
    return Heading(
        domain=domain,
        reporter=reporter,
        organization=settings.MAIL_HOSTNAME,
        day=day,
        key=ulid_text(identity).lower(),
    )


def _id(day: int, domain: str) -> UUID:
    """Of a domain's report for a day; always the same, so that one that was queued by two workers
    is sent once."""
    digest = hashlib.sha256(f"{settings.MAIL_HOSTNAME} {domain} {day}".encode()).digest()
    millis = (day + 1) * DAY_SECONDS * 1_000
    return UUID(bytes=millis.to_bytes(6, "big") + digest[:10])


def _queue(heading: Heading, to: Sequence[Address], packed: bytes) -> str:
    """Queue the mail, once; what became of it, in words."""
    recipients = [one for address in to for one in _recipients(address)]
    if not recipients:
        return f"{FAILED}nobody has the address"
    at_us, identity = now_us(), _id(heading.day, heading.domain)
    item = own_mail(
        tlsrpt.mail(heading, to, packed, datetime.fromtimestamp(now(), UTC)),
        mail_id=identity,
        at_us=at_us,
        recipients=tuple(recipients),
        door=DOOR,
    )
    told = {"from": "", "to": [str(one) for one in to], "queue_id": ulid_text(identity)}
    with transaction.atomic():
        if mailqueue.known([identity]):
            blobs.discard(item.blob)
            return "mailed before"
        blobs.insert([item.blob])
        mailqueue.enqueue([item])
        trace.record([trace.Event(identity, f"{DOOR}.received", {**told, "size": item.size})])
        transaction.on_commit(bell.ring)
    return "mailed to " + ", ".join(map(str, to))


def _recipients(address: Address) -> list[EnvelopeRecipient]:
    found = routing.resolve(address)
    if found.status is Status.REMOTE:
        return [EnvelopeRecipient(str(address), str(address), None, notify="NEVER")]
    if found.status is not Status.LOCAL:
        return []
    return [
        *(
            EnvelopeRecipient(
                user.address, str(address), user.user_id, notify="NEVER", is_limited=False
            )
            for user in found.users
        ),
        *(EnvelopeRecipient(one, str(address), None, notify="NEVER") for one in found.remote),
    ]
