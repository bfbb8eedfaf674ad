"""Celery's door to the collection of blobs."""

from celery import shared_task

from apps.blobs import services


@shared_task(name="blobs.collect")
def collect() -> None:
    """Remove what nothing names any more."""
    services.collect()
