"""All that is kept sealed is sealed anew under the first ENCRYPTION_KEY, so that an old one can go.

It may be stopped and run again, and runs beside a service at work.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from apps.audit.services import record
from apps.directory import dkim, transports
from apps.directory.models import DkimKey, Transport
from apps.runtime import sealing
from apps.runtime.sealing import SealBrokenError

PAGE: Final = 200  # rows of one transaction


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many secrets got a new seal, and what is wrong with those that no key opens."""

    changed: int
    broken: tuple[str, ...]


def reseal() -> Resealed:
    """Seal what is not under the first key."""
    record("secrets.reseal")  # first: it may be stopped at any time
    broken: list[str] = []
    changed = seal_anew(
        DkimKey.objects.select_related("domain"),
        lambda key: dkim.context(key.domain.name, key.selector),
        broken,
    )
    changed += seal_anew(
        Transport.objects.all(), lambda way: transports.context(way.host, way.username), broken
    )
    return Resealed(changed, tuple(broken))


def seal_anew(rows: QuerySet[Any], context: Callable[[Any], str], broken: list[str]) -> int:
    """The same for rows of one table whose `secret` is sealed; return how many.

    Args:
        context: for which place a row's secret is sealed.
        broken: gets what is wrong with those that no key opens.
    """
    changed = after = 0
    while True:
        with transaction.atomic():
            page = list(
                rows.select_for_update(of=("self",)).filter(pk__gt=after).order_by("pk")[:PAGE]
            )
            changed += sum(_one(row, context(row), broken) for row in page)
        if not page:
            return changed
        after = page[-1].pk


def _one(row: Any, context: str, broken: list[str]) -> bool:
    if not row.secret or sealing.is_current(row.secret):
        return False
    try:
        secret = sealing.open_sealed(row.secret, context=context)
    except SealBrokenError as error:
        broken.append(error.detail)
        return False
    row.secret = sealing.seal(secret, context=context)
    row.save(update_fields=["secret"])
    return True
