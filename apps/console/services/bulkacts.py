"""Acts on many things at once that can be taken back for a while."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from apps.console.models import BulkAct
from apps.directory.models import User
from apps.wire.errors import NotFound

LIFETIME: Final = timedelta(minutes=10)
MOST: Final = 1_000  # things of one request


def keep(*, user: User, what: str, before: Any, follows: UUID | None = None) -> BulkAct:
    """Remember how things were, for LIFETIME.

    Args:
        before: JSON; an entry for each thing that was really changed. A secret only as it
            is sealed in its own row.
        follows: the act of the portion before, which is taken back after this one.
    """
    return BulkAct.objects.create(
        user=user, what=what, before=before, follows=follows, done_at=timezone.now()
    )


def take(*, user: User, act_id: UUID) -> BulkAct:
    """Claim an own act for its undoing; nobody gets it twice.

    Raises:
        NotFound: not one's own, too old, or taken back before.
    """
    mine = BulkAct.objects.filter(
        pk=act_id, user=user, undone_at=None, done_at__gt=timezone.now() - LIFETIME
    )
    if not mine.update(undone_at=timezone.now()):
        raise NotFound(f"bulk act {act_id}", text="It is too late to take that back")
    return BulkAct.objects.get(pk=act_id)


def prune() -> int:
    """Forget what can no longer be taken back; return how many rows that was."""
    return BulkAct.objects.filter(done_at__lt=timezone.now() - LIFETIME).delete()[0]
