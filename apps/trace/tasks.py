"""Celery's door to the flight recorder's housekeeping."""

from celery import shared_task

from apps.trace import services
from apps.trace.services import rolling

KEEP_DAYS = 90


@shared_task(name="trace.prune")
def prune() -> None:
    """Remove events older than KEEP_DAYS."""
    services.prune(KEEP_DAYS)


@shared_task(name="trace.roll")
def roll() -> None:
    """Beat: count mail flow, as far as the index of messages has come."""
    rolling.roll()
