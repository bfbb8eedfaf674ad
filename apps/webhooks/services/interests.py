"""For whom events are kept: organisations with a webhook that is on, and those whose events
somebody has read as a stream or a list within a day. While there are none, nothing is gathered."""

from collections.abc import Callable, Mapping
from typing import Final

from django.db import transaction

from apps.runtime.clock import now_us
from apps.webhooks.models import Cursor, Endpoint, Interest
from apps.webhooks.sources import acts, mail, quotas, signins

EVERYTHING: Final = 0
STAYS_US: Final = 24 * 3_600 * 1_000_000
_RENEWED_US: Final = STAYS_US // 2
_ENDS: Final[Mapping[str, Callable[[], int]]] = {
    one.NAME: one.end for one in (mail, acts, signins, quotas)
}


def wanted() -> frozenset[int]:
    """The organisations whose events are kept; EVERYTHING among them is all."""
    found: set[int] = set()
    rows = Endpoint.objects.filter(is_enabled=True).order_by()
    for organization, home in rows.values_list("organization_id", "domain__organization_id"):
        found.add(organization or home or EVERYTHING)
    found.update(
        Interest.objects.filter(until__gt=now_us()).values_list("organization_id", flat=True)
    )
    return frozenset(found)


def begin() -> None:
    """Somebody is about to want events, in the caller's transaction: if nobody else does, nothing
    was read for a while, and what happened then is told to nobody."""
    if not wanted():
        for name, end in _ENDS.items():
            Cursor.objects.update_or_create(name=name, defaults={"place": end()})


def note(organization_ids: frozenset[int]) -> None:
    """Somebody reads the events of some organisations, or EVERYTHING; written twice a day."""
    now = now_us()
    rows = Interest.objects.filter(pk__in=organization_ids, until__gt=now + _RENEWED_US)
    new = organization_ids.difference(rows.values_list("pk", flat=True))
    if not new:
        return
    with transaction.atomic():
        begin()
        for one in sorted(new):
            Interest.objects.update_or_create(pk=one, defaults={"until": now + STAYS_US})


def forget_old() -> None:
    """Those whose time is over."""
    Interest.objects.filter(until__lte=now_us()).delete()
