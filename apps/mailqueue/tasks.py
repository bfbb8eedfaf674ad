"""Celery's doors to the queue's housekeeping."""

from celery import shared_task

from apps.mailqueue import services


@shared_task(name="mailqueue.prune")
def prune() -> None:
    """Remove settled rows in small transactions until none is left."""
    while services.prune():
        pass
