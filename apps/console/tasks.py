"""Celery's door to the console's housekeeping."""

from celery import shared_task

from apps.console.services import bulkacts


@shared_task(name="console.prune")
def prune() -> None:
    """Forget acts that can no longer be taken back."""
    bulkacts.prune()
