"""Celery's doors to the queue's housekeeping."""

from celery import shared_task

from apps.mailqueue import services


@shared_task(name="mailqueue.prune")
def prune() -> None:
    """Remove settled rows in small transactions until none is left, and what is known of
    destinations that nobody writes to any more; finish what nobody finished."""
    while services.prune():
        pass
    services.prune_destinations()
    services.finish_forgotten()
