"""What an organisation may hold: domains, users, and space that is promised to them.

Counted under a lock of the organisation's row, which whoever adds something holds until the commit:
two who take the last place cannot both have it. Lock order: domains, users, then organisations.
On SQLite every transaction that writes is alone anyway. Operators are free: they do not ask here.

The box that a domain has for its postmaster (`names.is_own_postmaster`) takes no place: it came
with the domain.
"""

from typing import Final

from django.db import transaction
from django.db.models import Count, Q, Sum

from apps.directory.models import Domain, Kind, Organization, User
from apps.directory.services.names import POSTMASTER
from apps.wire.errors import LimitReached, NotFound

OWN_BOX: Final = Q(kind=Kind.SHARED, key__startswith=f"{POSTMASTER}@")


def lock(organization_id: int) -> Organization:
    """Lock and return an organisation, within the caller's transaction.

    Raises:
        NotFound
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an organisation's places are counted under its lock")
    rows = Organization.objects.select_for_update(no_key=True)
    found = rows.filter(pk=organization_id).first()
    if found is None:
        raise NotFound(f"organisation {organization_id}", text="There is no such organisation")
    return found


def take_domain(organization_id: int) -> None:
    """Make sure that there is a place for one more domain.

    Raises:
        LimitReached, NotFound
    """
    most = lock(organization_id).max_domains
    if most is None:
        return
    if Domain.objects.filter(organization=organization_id).count() >= most:
        raise LimitReached(
            f"domains of organisation {organization_id}",
            text=f"The organisation has all the domains it may have ({most})",
        )


def take_user(organization_id: int, quota: int) -> None:
    """Make sure that there is a place for one more user.

    Args:
        quota: bytes that are promised to it, 0 for no limit.

    Raises:
        LimitReached, NotFound
    """
    organization = lock(organization_id)
    if organization.max_users is None and organization.max_storage is None:
        return
    users, promised = _held(organization)
    most = organization.max_users
    if most is not None and users >= most:
        raise LimitReached(
            f"users of organisation {organization_id}",
            text=f"The organisation has all the users it may have ({most})",
        )
    _refuse_beyond(organization, promised, quota)


def take_space(organization_id: int, *, before: int, after: int) -> None:
    """Make sure that a user's quota may grow; to get smaller is always allowed.

    Args:
        before, after: bytes, 0 for no limit. The user's row is locked, so that `before` holds.

    Raises:
        LimitReached, NotFound
    """
    organization = lock(organization_id)
    if after == before or (after and before and after < before):
        return
    _refuse_beyond(organization, _held(organization)[1] - before, after)


def _held(organization: Organization) -> tuple[int, int]:
    """How many users there are, and the sum of their quotas in bytes."""
    users = User.objects.living().filter(domain__organization=organization).exclude(OWN_BOX)
    found = users.aggregate(users=Count("pk"), promised=Sum("quota"))
    return found["users"], int(found["promised"] or 0)


def _refuse_beyond(organization: Organization, promised: int, quota: int) -> None:
    most = organization.max_storage
    if most is None:
        return
    if not quota:
        raise LimitReached(
            f"no quota in organisation {organization.pk}",
            text="The organisation's space is limited: this user needs a quota",
        )
    if promised + quota > most:
        left = max(most - promised, 0)
        raise LimitReached(
            f"space of organisation {organization.pk}",
            text=f"The organisation has {left} bytes left to give",
        )
