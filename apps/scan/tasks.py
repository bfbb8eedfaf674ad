"""Celery's doors to what filtering keeps and learns."""

from celery import shared_task
from django.conf import settings

from apps.events import bell
from apps.scan.services import learning, notices, quarantine, verdicts

LEARN_SECONDS = 10.0  # then other housekeeping has its turn


@shared_task(name="scan.prune")
def prune() -> None:
    """Beat: forget what is old."""
    quarantine.forget_deleted()
    quarantine.prune(settings.QUARANTINE_DAYS)
    notices.prune()
    learning.prune()
    verdicts.prune()


@shared_task(name="scan.learn")
def learn() -> None:
    """Learn what users said of mail, as the bell asks; and as the beat does, in case one was
    lost."""
    if learning.learn_waiting(LEARN_SECONDS):
        bell.ring_learning()
