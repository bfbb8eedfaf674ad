"""Organisations, the tenants: the only door through which their rows change."""

from enum import Enum
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Organization, State
from apps.directory.services import capacity, operators
from apps.events.bus import publish_on_commit
from apps.events.types import EVERYBODY, UserChanged
from apps.wire.errors import AlreadyExists, InUse, InvalidName, NotFound

MAX_NAME: Final = 200  # characters
MOST: Final = 2**31 - 1  # domains or users: what the columns hold
MOST_BYTES: Final = 2**63 - 1
_TO_STATE: Final = {
    State.ACTIVE: "organization.resume",
    State.LOCKED: "organization.lock",
    State.SUSPENDED: "organization.suspend",
}


class Keep(Enum):
    """What stands for a limit that is left as it is: None is one that is taken away."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
Limit = int | None | Keep


def organization_name(text: str) -> str:
    """Return an organisation's name as it is stored.

    Raises:
        InvalidName
    """
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidName("bad organisation", text="Not a name for an organisation")
    return name


def find(name: str) -> Organization:
    """Return the organisation of that name.

    Raises:
        NotFound
    """
    found = Organization.objects.filter(name=name.strip()).first()
    if found is None:
        raise NotFound("organisation", text=f"There is no organisation {name.strip()}")
    return found


def create(
    *,
    name: str,
    max_domains: int | None = None,
    max_users: int | None = None,
    max_storage: int | None = None,
) -> Organization:
    """Add an organisation, with what it may hold; None is no limit.

    Raises:
        InvalidName, AlreadyExists
    """
    stored = organization_name(name)
    limits = _limits(max_domains, max_users, max_storage)
    with transaction.atomic():
        try:
            with transaction.atomic():
                made = Organization.objects.create(name=stored, **limits)
        except IntegrityError:
            raise AlreadyExists(
                f"organisation {stored}", text=f"The organisation {stored} exists already"
            ) from None
        record("organization.add", **subjects.of_organization(made.pk, stored), detail=limits)
    return made


def rename(*, organization_id: int, name: str) -> Organization:
    """Give an organisation another name.

    Raises:
        InvalidName, AlreadyExists, NotFound
    """
    stored = organization_name(name)
    with transaction.atomic():
        found = capacity.lock(organization_id)
        before, found.name = found.name, stored
        try:
            with transaction.atomic():
                found.save(update_fields=["name"])
        except IntegrityError:
            raise AlreadyExists(
                f"organisation {stored}", text=f"The organisation {stored} exists already"
            ) from None
        record(
            "organization.rename",
            **subjects.of_organization(found.pk, stored),
            detail={"before": before},
        )
    return found


def set_limits(
    *,
    organization_id: int,
    max_domains: Limit = KEEP,
    max_users: Limit = KEEP,
    max_storage: Limit = KEEP,
) -> Organization:
    """Say what an organisation may hold. What it holds already stays, also beyond that.

    Args:
        max_domains, max_users: None is no limit.
        max_storage: bytes, the sum of all quotas; None is no limit.

    Raises:
        InvalidName: no such number.
        NotFound
    """
    limits = _limits(max_domains, max_users, max_storage)
    with transaction.atomic():
        found = capacity.lock(organization_id)
        for field, value in limits.items():
            setattr(found, field, value)
        if limits:
            found.save(update_fields=list(limits))
            record(
                "organization.change",
                **subjects.of_organization(found.pk, found.name),
                detail=limits,
            )
    return found


def _limits(max_domains: Limit, max_users: Limit, max_storage: Limit) -> dict[str, int | None]:
    """The columns that are set."""
    limits = {}
    for field, value, most in (
        ("max_domains", max_domains, MOST),
        ("max_users", max_users, MOST),
        ("max_storage", max_storage, MOST_BYTES),
    ):
        if isinstance(value, Keep):
            continue
        if value is not None and not 0 <= value <= most:
            raise InvalidName(f"{field} {value}", text=f"A limit is a number from 0 to {most}")
        limits[field] = value
    return limits


def set_state(*, organization_id: int, state: State) -> Organization:
    """Suspend or lock an organisation with all its domains, or let it work again. Nothing of its
    domains and users is touched.

    Raises:
        NotFound
        InUse: no operator could sign in any more.
    """
    with transaction.atomic():
        if state != State.ACTIVE:
            operators.keep_one(Q(user__domain__organization=organization_id))
        found = capacity.lock(organization_id)
        found.state = state
        found.save(update_fields=["state"])
        record(_TO_STATE[state], **subjects.of_organization(found.pk, found.name))
        publish_on_commit(UserChanged(EVERYBODY))
    return found


def delete(*, organization_id: int) -> None:
    """Delete an organisation that is empty, with the grants in it.

    Raises:
        NotFound
        InUse: it has domains.
    """
    with transaction.atomic():
        found = capacity.lock(organization_id)
        pk, name = found.pk, found.name
        try:
            found.delete()
        except ProtectedError:
            raise InUse(f"domains of {name}", text=f"{name} has domains") from None
        record("organization.remove", **subjects.of_organization(pk, name))
