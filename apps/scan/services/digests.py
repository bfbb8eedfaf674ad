"""Once for each user and day: who has been told, and how often each wants to be."""

from typing import Final

from django.conf import settings
from django.db import models, transaction

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import User
from apps.runtime.rows import fetch
from apps.scan.digests import Content
from apps.scan.models import Digest, Quarantined

_CLAIM: Final = """
INSERT INTO scan_digest (user_id, every, day, junk, junk_uid) VALUES (%s, '', %s, %s, %s)
ON CONFLICT (user_id) DO UPDATE SET day = excluded.day, junk = excluded.junk,
  junk_uid = excluded.junk_uid
WHERE scan_digest.day < excluded.day OR scan_digest.day > excluded.day + 1
RETURNING user_id"""
# Who was told in days to come was told while the clock was wrong. Tomorrow may be: of two who tell
# around midnight one is late.


class Every(models.TextChoices):
    """How often a user is told."""

    DAILY = "daily", "Every day"
    WEEKLY = "weekly", "Every week"
    NEVER = "never", "Never"


def claim(told: Content, day: int) -> bool:
    """Take over telling a user, within the transaction that queues the letter; whether it is ours.

    Two who want to at once tell once; who dies before the commit has told nobody.

    Args:
        day: days since 1970-01-01 UTC.
    """
    if not fetch(_CLAIM, [told.user_id, day, *told.mark]):
        return False
    Quarantined.objects.filter(pk__in=told.told).update(is_told=True)
    return True


def every_of(user_id: int) -> Every:
    """How often a user is told."""
    said = Digest.objects.filter(user=user_id).values_list("every", flat=True).first()
    return Every(said) if said else usual_of(user_id)


def usual_of(user_id: int) -> Every:
    """How often a user is told who has not chosen: as the domain says, or else the setting."""
    said = User.objects.filter(pk=user_id).values_list("domain__digest", flat=True).first()
    return Every(said or settings.QUARANTINE_DIGEST)


@transaction.atomic
def set_every(user_id: int, every: Every | None) -> None:
    """Set how often a user is told; None: as it is usual here."""
    Digest.objects.update_or_create(
        user_id=user_id, defaults={"every": "" if every is None else every.value}
    )
    detail = {"every": "usual" if every is None else every.value}
    record("quarantine.digest", **subjects.of_user_id(user_id), detail=detail)


def note_sent(user_id: int) -> None:
    """Record that an administrator had a digest sent at once."""
    record("quarantine.tell", **subjects.of_user_id(user_id))
