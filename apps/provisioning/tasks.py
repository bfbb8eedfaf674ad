"""Housekeeping by the worker."""

from celery import shared_task

from apps.provisioning import services


@shared_task(name="provisioning.purge_removed")
def purge_removed() -> None:
    """Let go of users that were removed a month ago."""
    services.purge_removed()
