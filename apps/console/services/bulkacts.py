"""Acts on many things at once that can be taken back for a while."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from apps.console.models import BulkAct
from apps.directory.models import User
from apps.wire.errors import NotFound

LIFETIME: Final = timedelta(minutes=10)
MOST: Final = 1_000  # things of one request


def keep(*, user: User, what: str, before: Any, run: UUID | None = None) -> BulkAct:
    """Remember how things were, for LIFETIME.

    Args:
        before: JSON; an entry for each thing that was really changed. A secret only as it
            is sealed in its own row.
        run: what the portions of one act have in common: they are taken back together.
    """
    return BulkAct.objects.create(
        user=user, what=what, before=before, run=run, done_at=timezone.now()
    )


def take(*, user: User, act_id: UUID) -> BulkAct:
    """Claim an own act for its undoing; nobody gets it twice.

    Raises:
        NotFound: not one's own, too old, or taken back before.
    """
    mine = _own(user).filter(pk=act_id)
    if not mine.update(undone_at=timezone.now()):
        raise NotFound(f"bulk act {act_id}", text="It is too late to take that back")
    return BulkAct.objects.get(pk=act_id)


def last_of(*, user: User, run: UUID | None) -> UUID | None:
    """The last own portion of an act that can still be taken back.

    By what they have in common, and not from one to the next: a page that is sent twice does
    portions beside each other, and none of them may be forgotten.
    """
    if run is None:
        return None
    portions = _own(user).filter(run=run).order_by("-done_at", "-pk")
    return portions.values_list("pk", flat=True).first()


def _own(user: User) -> QuerySet[BulkAct]:
    since = timezone.now() - LIFETIME
    return BulkAct.objects.filter(user=user, undone_at=None, done_at__gt=since)


def prune() -> int:
    """Forget what can no longer be taken back; return how many rows that was."""
    return BulkAct.objects.filter(done_at__lt=timezone.now() - LIFETIME).delete()[0]
