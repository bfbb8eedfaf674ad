"""The audit log as the command asks for it: texts come in as people write them."""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.db.models import Q

from apps.audit import queries
from apps.audit.queries import MOST, Row, Wanted
from apps.audit.services import record
from apps.directory.models import Domain, User
from apps.directory.services import users
from apps.directory.services.domains import domain_name
from apps.provisioning import sending
from apps.provisioning.undelete import moment as seconds


def moment(text: str) -> datetime:
    """A time in UTC, or some time ago: as `undelete.moment`. Raises ValueError."""
    return datetime.fromtimestamp(seconds(text), UTC)


def wanted(
    *,
    user: str | None = None,
    domain: str | None = None,
    organization: str | None = None,
    actor: str = "",
    action: str = "",
    subject: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> Wanted:
    """What is asked for.

    Args:
        user: an address, also of one who is removed. Of one of whom nothing is left, what names it.
        domain: a domain; of one that is not hosted any more, what names it.

    Raises:
        InvalidAddress, InvalidName
        NotFound: there is no such organisation.
    """
    ids = None
    if user is not None:
        key = users.user_address(user).key
        ids = _user_ids(key)
        if not ids:
            ids, subject = None, key
    domain_id = None
    if domain is not None:
        name = domain_name(domain)
        domain_id = Domain.objects.filter(name=name).values_list("pk", flat=True).first()
        if domain_id is None:
            subject = name
    tenant = None
    if organization is not None:
        found = sending.scope(organization, is_organization=True).organization
        tenant = None if found is None else found.pk
    return Wanted(
        actor=actor,
        action=action,
        subject=subject,
        users=ids,
        domain_id=domain_id,
        organization_id=tenant,
        since=since,
        until=until,
    )


def _user_ids(key: str) -> list[int]:
    """Of all who have or had that address; `users.bury` says how tombstones are named."""
    named = Q(key=key) | Q(key__startswith=f"{key}#")
    return list(User.objects.filter(named).order_by("pk").values_list("pk", flat=True))


def rows(asked: Wanted, limit: int = 0) -> Iterator[Row]:
    """Newest first, `limit` of them or all."""
    before: int | None = None
    left = limit or -1
    while left:
        size = MOST if left < 0 else min(left, MOST)
        page = queries.page(asked, before=before, limit=size)
        yield from page.rows
        before = page.after
        if before is None:
            return
        left -= len(page.rows) if left > 0 else 0


def export(asked: Wanted) -> Iterator[Row]:
    """Oldest first; that it was exported is recorded first, and is not in it."""
    found = queries.export(asked)
    first = next(found, None)
    record("audit.export")
    if first is not None:
        yield first
        yield from found
