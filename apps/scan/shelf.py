"""What lies in quarantine, for administrators: lists within one tenant, and one copy whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db.models import Q

from apps.blobs import services as blobs
from apps.directory.models import Domain
from apps.mailqueue.services.columns import cuts_of
from apps.mailstore.shown import assemble
from apps.runtime.ulid import ulid_text
from apps.scan.copies import Copy, find
from apps.scan.models import Quarantined, QuarantineState
from apps.wire.errors import NotFound

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Shelved:
    """One copy. Times are ISO 8601 in UTC; `trace` and `queue_id` as people read them."""

    number: int
    kept: str
    state: str
    reason: str
    to: str
    author: str
    subject: str
    size: int
    sender: str
    address: str
    rule: str
    words: str
    points: float
    settled: str | None
    settled_by: str
    trace: str
    queue_id: str


def shelved(
    *,
    user_id: int | None = None,
    organization: str | None = None,
    domain: str | None = None,
    every: bool = False,
    limit: int = 1_000,
) -> Iterator[Shelved]:
    """Copies of one user, of the domains of an organisation, of one domain, or all; newest first.

    Args:
        every: those too that were let go or deleted.
    """
    rows = Quarantined.objects.defer("prefix", "cuts").order_by("-pk")
    if not every:
        rows = rows.filter(state=QuarantineState.KEPT)
    yield from map(_shelved, rows.filter(_whose(user_id, organization, domain))[:limit])


def one(number: int) -> Quarantined:
    """A copy by its number. Raises NotFound."""
    row = Quarantined.objects.filter(pk=number).first()
    if row is None:
        raise NotFound(
            f"quarantine {number}", text=f"Nothing in quarantine has the number {number}"
        )
    return row


def of_number(number: int) -> Copy:
    """Where the reader's copy with this number stands.

    Raises:
        NotFound: there is no such number, or its address has no mailbox here.
    """
    row = one(number)
    if row.user_id is None:
        text = f"{row.original} has no mailbox here"
        raise NotFound(f"reader of {number}", text=text)
    return find(row.user_id, row.trace_id)


def described(row: Quarantined) -> Shelved:
    """One row in words."""
    return _shelved(row)


def source(row: Quarantined) -> bytes:
    """The message as its reader would see it, without delivery head.

    Raises:
        NotFound: it was let go or deleted.
        Damaged, StorageUnavailable
    """
    if row.blob_id is None:
        raise NotFound(f"bytes of {row.pk}", text="It is not in quarantine any more")
    return assemble(bytes(row.prefix), blobs.read(row.blob_id), cuts_of(row.cuts))


def beginning(row: Quarantined, most: int) -> bytes:
    """The same, without what lies behind the first `most` octets that were received: those are not
    even read. Raises: as `source`."""
    if row.blob_id is None:
        raise NotFound(f"bytes of {row.pk}", text="It is not in quarantine any more")
    raw = blobs.read_range(row.blob_id, 0, most)
    cuts = [(start, min(end, len(raw))) for start, end in cuts_of(row.cuts) if start < len(raw)]
    return assemble(bytes(row.prefix), raw, cuts)


def _whose(user_id: int | None, organization: str | None, domain: str | None) -> Q:
    wanted = Q()
    if user_id is not None:
        wanted &= Q(user=user_id)
    if domain is not None:
        wanted &= Q(domain=domain)
    if organization is not None:
        names = Domain.objects.filter(organization__name=organization).values("name")
        wanted &= Q(domain__in=names)
    return wanted


def _shelved(row: Quarantined) -> Shelved:
    return Shelved(
        number=row.pk,
        kept=_moment(row.kept_at),
        state=row.state,
        reason=row.reason,
        to=row.original,
        author=row.author or f"<{row.sender}>",
        subject=row.subject,
        size=row.size,
        sender=row.sender,
        address=row.address,
        rule=row.rule,
        words=row.words,
        points=row.points,
        settled=_moment(row.settled_at) if row.settled_at else None,
        settled_by=row.settled_by,
        trace=ulid_text(row.trace_id),
        queue_id=ulid_text(row.queue_id),
    )


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
