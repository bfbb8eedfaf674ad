"""Housekeeping by the worker."""

from celery import shared_task

from apps.directory.services import history, oauth, rotation


@shared_task(name="directory.turn_dkim_keys")
def turn_dkim_keys() -> None:
    """One round of the DKIM keys: made, found in the DNS, retired."""
    rotation.turn()


@shared_task(name="directory.prune_history")
def prune_history() -> None:
    """Forget old sign-ins."""
    history.prune()


@shared_task(name="directory.prune_oauth")
def prune_oauth() -> None:
    """Forget codes that were not exchanged, and what programs have not refreshed for long."""
    oauth.prune()
