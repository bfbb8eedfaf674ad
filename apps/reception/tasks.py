"""Celery's door to the housekeeping of what reception remembers."""

from celery import shared_task
from django.conf import settings

from apps.reception.services import acquaintances, correspondents, greylisting, refusals


@shared_task(name="reception.prune")
def prune() -> None:
    """Beat: forget what is old, and what there is too much of."""
    greylisting.prune()
    acquaintances.prune()
    correspondents.prune()
    refusals.prune(settings.REJECTS_DAYS)
