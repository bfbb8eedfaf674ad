"""Celery's door to the housekeeping of the interface for programs."""

from celery import shared_task

from apps.api.services import replays


@shared_task(name="api.prune")
def prune() -> None:
    """Beat: forget answers that are older than a day."""
    replays.prune()
