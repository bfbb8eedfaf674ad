"""Celery's door to the housekeeping of what was said for users who are away."""

from celery import shared_task

from apps.sieve import services


@shared_task(name="sieve.prune")
def prune() -> None:
    """Beat: forget whom nobody needs to remember any more."""
    services.prune()
