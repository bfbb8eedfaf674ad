"""Webhooks: the only door through which they are set up, changed and removed. Who may, the floor
above asks (`provisioning.administration.webhooks`)."""

import json
from collections.abc import Collection
from typing import Any, Final

from django.db import transaction

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Domain, Organization
from apps.directory.services.sealed import Resealed, seal_anew
from apps.directory.subjects import Subject
from apps.runtime import sealing
from apps.runtime.clock import now
from apps.runtime.ulid import ulid_text
from apps.webhooks import kinds, signing, targets
from apps.webhooks.models import Endpoint
from apps.webhooks.services import interests
from apps.webhooks.signing import Keys
from apps.wire.errors import InvalidName, LimitReached

MOST: Final = 20  # of one place
OVERLAP: Final = 24 * 3_600  # seconds for which the secret before is used too
Place = Organization | Domain | None


def context(row: Endpoint) -> str:
    """For what its secret is sealed."""
    return f"webhook/{ulid_text(row.uid)}"


def add(
    *,
    place: Place,
    url: str,
    types: Collection[str] = (),
    description: str = "",
    is_enabled: bool = True,
) -> tuple[Endpoint, str]:
    """Set one up.

    Args:
        place: whose events it gets; None is everybody's.
        types: of `kinds.KINDS` or `kinds.GROUPS`; none is all.

    Returns:
        The row, and the secret of its signatures: the only time it is seen.

    Raises:
        InvalidName: URL, a type, or the place cannot be.
        LimitReached: there are too many at this place.
    """
    if isinstance(place, Domain) and place.alias_of_id is not None:
        raise InvalidName("place", text=f"{place.name} is an alias: name the domain itself")
    row = Endpoint(
        organization=place if isinstance(place, Organization) else None,
        domain=place if isinstance(place, Domain) else None,
        url=targets.checked(url, is_installations=place is None),
        description=_line(description),
        types=json.dumps(types_of(types)),
        is_enabled=is_enabled,
    )
    secret = signing.generate()
    row.secret = sealing.seal(Keys(secret).kept, context=context(row))
    with transaction.atomic():
        # Two at once may both be the twentieth: that harms nobody.
        if (
            Endpoint.objects.filter(organization=row.organization, domain=row.domain).count()
            >= MOST
        ):
            raise LimitReached("place", text=f"There are {MOST} webhooks here: remove one first")
        if is_enabled:
            interests.begin()
        row.save(force_insert=True)
        record("webhook.add", **subject_of(row), detail={"types": types_of(types)})
    return row, secret


def types_of(words: Collection[str]) -> list[str]:
    """Types in their order; InvalidName for what is none."""
    known = (*kinds.GROUPS, *kinds.KINDS)
    unknown = sorted(set(words).difference(known))
    if unknown:
        raise InvalidName("types", text=f"There is no type of event {unknown[0][:40]}")
    return [one for one in known if one in words]


def change(*, row: Endpoint, **changes: Any) -> Endpoint:
    """Change one.

    Args:
        changes: of url, types, description, is_enabled.

    Raises:
        InvalidName: URL or a type cannot be.
    """
    values: dict[str, Any] = dict(changes)
    if "url" in values:
        is_ours = row.organization_id is None and row.domain_id is None
        values["url"] = targets.checked(values["url"], is_installations=is_ours)
    if "types" in values:
        values["types"] = json.dumps(types_of(values["types"]))
    if "description" in values:
        values["description"] = _line(values["description"])
    new = {name: value for name, value in values.items() if getattr(row, name) != value}
    if not new:
        return row
    begins = new.get("is_enabled", False) or ("url" in new and row.is_enabled)
    if begins:  # it has another chance
        new |= {"stopped": "", "failures": 0, "failing_since": None, "closed_until": 0}
    with transaction.atomic():
        if new.get("is_enabled"):
            interests.begin()
        Endpoint.objects.filter(pk=row.pk).update(**new)
        told = {name: value for name, value in values.items() if name in new}
        record("webhook.change", **subject_of(row), detail=told)
    row.refresh_from_db()
    return row


def renew_secret(*, row: Endpoint) -> str:
    """Give it another secret; for a day what is sent is signed with the one before too.

    Returns:
        The secret: the only time it is seen.
    """
    secret = signing.generate()
    with transaction.atomic():
        locked = Endpoint.objects.select_for_update().get(pk=row.pk)
        keys = Keys(secret, keys_of(locked).now, now() + OVERLAP)
        sealed = sealing.seal(keys.kept, context=context(row))
        Endpoint.objects.filter(pk=row.pk).update(secret=sealed)
        record("webhook.secret", **subject_of(row))
    return secret


def remove(*, row: Endpoint) -> None:
    """Take one away, with what was to be sent there."""
    with transaction.atomic():
        Endpoint.objects.filter(pk=row.pk).delete()
        record("webhook.remove", **subject_of(row))


def stop(*, row_id: int, why: str) -> None:
    """End one that nobody answers at, in the caller's transaction."""
    row = Endpoint.objects.select_related("organization", "domain").get(pk=row_id)
    if not row.is_enabled:
        return
    Endpoint.objects.filter(pk=row_id).update(is_enabled=False, stopped=why[:300])
    record("webhook.stop", **subject_of(row), detail={"why": why})


def keys_of(row: Endpoint) -> Keys:
    """Its secrets; raises SealBrokenError."""
    return Keys.read(sealing.open_sealed(row.secret, context=context(row)))


def subject_of(row: Endpoint) -> Subject:
    """What records say of it."""
    if row.domain is not None:
        return subjects.of_domain(row.domain, row.url)
    if row.organization_id is not None:
        return subjects.of_organization(row.organization_id, row.url)
    return subjects.of_service(row.url)


def reseal() -> Resealed:
    """Seal what is not under the first key."""
    broken: list[str] = []
    return Resealed(seal_anew(Endpoint.objects.all(), context, broken), tuple(broken))


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
