"""The only door through which acts are recorded."""

from collections.abc import Mapping

from django.utils import timezone

from apps.audit.acting import current
from apps.audit.models import AuditRecord


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
        action: noun and verb, such as `user.suspend`.
        subject: what it was done to, by its name of now.
        organization_id, domain_id, user_id: whose administrators may read of it.
        detail: what was changed and to what; JSON, never a secret.
    """
    actor = current()
    AuditRecord.objects.create(
        at=timezone.now(),
        actor_kind=actor.kind,
        actor_id=actor.user_id,
        actor=actor.name,
        acting_for=actor.acting_for,
        door=actor.door,
        address=actor.address,
        action=action,
        subject=subject[:400],
        organization_id=organization_id,
        domain_id=domain_id,
        user_id=user_id,
        detail=dict(detail or {}),
    )
