"""What our daily reports to other domains have in common (RFC 7489, RFC 8460): in whose name they
are made, when they go, and how they are queued, each once."""

import hashlib
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.blobs import services as blobs
from apps.delivery.ownmail import begun, own_mail
from apps.directory import routing
from apps.directory.models import Domain, DomainKind, State
from apps.directory.routing import Status
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import EnvelopeRecipient
from apps.mime.address import Address
from apps.runtime.clock import now_us
from apps.trace import services as trace

DAY_SECONDS: Final = 86_400
FAILED: Final = "failed: "


def reporting_domain() -> str:
    """The domain of ours in whose name reports are made: the one that our host is in, else the
    oldest; "" if there is none. One query."""
    rows = Domain.objects.filter(
        kind=DomainKind.HOSTED, state=State.ACTIVE, alias_of=None, organization__state=State.ACTIVE
    )
    names = list(rows.order_by("id").values_list("name", flat=True))
    ours = [one for one in names if f".{settings.MAIL_HOSTNAME}".endswith(f".{one}")]
    return max(ours, key=len) if ours else next(iter(names), "")


def lot(domain: str, spread: int) -> int:
    """Seconds after midnight, below `spread`, from which this installation reports to a domain: not
    all servers of the world at once, and we not to all."""
    seed = f"{settings.MAIL_HOSTNAME} {domain}".encode()
    return int.from_bytes(hashlib.sha256(seed).digest()[:4], "big") % spread


def identity(door: str, domain: str, day: int) -> UUID:
    """Of a domain's report for a day; always the same, so that one that was queued by two workers
    is sent once."""
    seed = f"{door} {settings.MAIL_HOSTNAME} {domain} {day}".encode()
    millis = (day + 1) * DAY_SECONDS * 1_000
    return UUID(bytes=millis.to_bytes(6, "big") + hashlib.sha256(seed).digest()[:10])


def queue(raw: bytes, to: Sequence[Address], *, mail_id: UUID, door: str) -> str:
    """Queue the mail with a report, once; what became of it, in words that begin with FAILED if
    nothing did."""
    recipients = [one for address in to for one in _recipients(address)]
    if not recipients:
        return f"{FAILED}nobody has the address"
    item = own_mail(raw, mail_id=mail_id, at_us=now_us(), recipients=tuple(recipients), door=door)
    with transaction.atomic():
        if mailqueue.known([mail_id]):
            blobs.discard(item.blob)
            return "mailed before"
        blobs.insert([item.blob])
        mailqueue.enqueue([item])
        trace.record([begun(item)])
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
