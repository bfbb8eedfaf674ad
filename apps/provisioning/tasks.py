"""Housekeeping by the worker."""

from celery import shared_task

from apps.directory.services import forwards, limits
from apps.provisioning import services


@shared_task(name="provisioning.purge_removed")
def purge_removed() -> None:
    """Let go of users that were removed a month ago, and of forwards that nobody agreed to."""
    services.purge_removed()
    forwards.forget_old()


@shared_task(name="provisioning.prune_send_counts")
def prune_send_counts() -> None:
    """Forget what was sent in hours and days that are over."""
    limits.prune()
