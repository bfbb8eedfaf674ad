"""The only door through which acts are recorded, and through which old records go."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from apps.audit.acting import current
from apps.audit.details import bounded, line
from apps.audit.models import AuditRecord

PRUNE_ROWS: Final = 1_000
KEEP_LEAST: Final = 30
"""Days for which the database itself lets no record go (migration 0002)."""
_NAME: Final = 320
_VIA: Final = 120
_SUBJECT: Final = 400


def record(
    action: str,
    *,
    subject: str = "",
    organization_id: int | None = None,
    domain_id: int | None = None,
    user_id: int | None = None,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Record an act of the current actor, in the caller's transaction: both happen or none.

    Args:
        action: noun and verb, such as `user.suspend`; `words.py` has a sentence for each.
        subject: what it was done to, by its name of now.
        organization_id, domain_id, user_id: whose administrators may read of it
            (`directory.subjects` knows them).
        detail: what was changed and to what; a little, and never a secret (`details.py`).

    Raises:
        SecretError: a name in `detail` says that its value is a secret.
    """
    actor = current()
    AuditRecord.objects.create(
        at=timezone.now(),
        actor_kind=actor.kind,
        actor_id=actor.user_id,
        actor=line(actor.name, _NAME),
        acting_for=line(actor.acting_for, _NAME),
        door=line(actor.door, 10),
        via=line(actor.via, _VIA),
        address=line(actor.address, 45),
        action=action,
        subject=line(subject, _SUBJECT),
        organization_id=organization_id,
        domain_id=domain_id,
        user_id=user_id,
        detail=bounded(detail or {}),
    )


def prune(days: int) -> int:
    """Remove records that are older, the oldest first, in small transactions.

    Args:
        days: at least `KEEP_LEAST`; 0 keeps all for ever.

    Returns:
        How many went.
    """
    if not days:
        return 0
    before = timezone.now() - timedelta(days=max(days, KEEP_LEAST))
    old = AuditRecord.objects.filter(at__lt=before).order_by("at")
    total = 0
    while ids := list(old.values_list("pk", flat=True)[:PRUNE_ROWS]):
        with transaction.atomic():
            total += AuditRecord.objects.filter(pk__in=ids).delete()[0]
    return total
