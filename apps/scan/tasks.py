"""Celery's doors to what filtering keeps."""

from celery import shared_task
from django.conf import settings

from apps.scan.services import notices, quarantine


@shared_task(name="scan.prune")
def prune() -> None:
    """Beat: forget what is old."""
    quarantine.prune(settings.QUARANTINE_DAYS)
    notices.prune()
