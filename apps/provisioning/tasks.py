"""Housekeeping by the worker."""

from celery import shared_task

from apps.directory.services import accountlinks, forwards, limits
from apps.provisioning import dnsletters, quotaletters, recovery, services


@shared_task(name="provisioning.purge_removed")
def purge_removed() -> None:
    """Let go of users that were removed a month ago, and of forwards and links that are over."""
    services.purge_removed()
    forwards.forget_old()
    accountlinks.forget_old()


@shared_task(name="provisioning.prune_send_counts")
def prune_send_counts() -> None:
    """Forget what was sent in hours and days that are over."""
    limits.prune()


@shared_task(name="provisioning.answer_wishes")
def answer_wishes() -> None:
    """Write to who has forgotten a password."""
    recovery.answer_wishes()


@shared_task(name="provisioning.tell_full")
def tell_full() -> None:
    """Write to whose mailbox fills up."""
    quotaletters.tell_all()


@shared_task(name="provisioning.tell_dns")
def tell_dns() -> None:
    """Write to the administrators of domains whose records are wrong."""
    dnsletters.tell_all()
