"""Celery's doors to webhooks."""

from celery import shared_task

from apps.webhooks import gathering, sending
from apps.webhooks.services import deliveries, interests

GATHER_SECONDS = 10.0  # then other housekeeping has its turn
SEND_SECONDS = 60.0  # of a thread of its own


@shared_task(name="webhooks.gather")
def gather() -> None:
    """Beat: make events of what happened, and begin to send what is due."""
    gathering.gather(seconds=GATHER_SECONDS)
    sending.hands.begin(SEND_SECONDS)


@shared_task(name="webhooks.prune")
def prune() -> None:
    """Beat: forget events of a week ago, and who no longer reads any."""
    deliveries.prune()
    interests.forget_old()
