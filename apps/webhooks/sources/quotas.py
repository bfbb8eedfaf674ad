"""Mailboxes that fill up, read off what their users were told.

A row is written anew at each level, and its moment is that of its transaction's beginning: what is
a little older is read again, and told once by its origin.
"""

from typing import Final

from apps.mailstore.models import QuotaNotice
from apps.runtime.clock import now
from apps.webhooks import kinds
from apps.webhooks.happened import Happened, Read
from apps.webhooks.sources.homes import homes

NAME: Final = "quotas"
_BACK: Final = 120  # seconds: no transaction that tells somebody takes so long
_SECOND: Final = 1_000_000


def end() -> int:
    """Where whoever begins now begins."""
    return now()


def after(place: int, most: int) -> Read:
    """Those who were told since; two statements."""
    rows = QuotaNotice.objects.filter(told_at__gte=place - _BACK).order_by("told_at", "pk")
    told = list(rows.values_list("user_id", "level", "told_at", "user__key", "user__domain_id"))
    where = homes({row[4] for row in told[:most] if row[4] is not None})
    found = []
    for user, level, at, key, domain in told[:most]:
        home = where.get(domain)
        owner, here = (None, None) if home is None else (home.organization_id, home.domain_id)
        data = {"user": key, "user_id": user, "percent": level}
        origin = f"quota/{user}/{level}/{at}"
        found.append(Happened(kinds.FULL, at * _SECOND, owner, here, data, origin))
    return Read(found, max([place, *(row[2] for row in told[:most])]), len(told) <= most)
