"""Celery's doors to the housekeeping of mailboxes."""

from celery import shared_task

from apps.mailstore.services import aside, journal, purge, threads


@shared_task(name="mailstore.purge")
def forget() -> None:
    """Forget what was expunged or deleted some days ago, old rows of the journal, and what fsck has
    set aside as long ago."""
    purge.purge()
    journal.prune()
    aside.prune()


@shared_task(name="mailstore.threads")
def thread() -> None:
    """Find the conversations of what was filed before there were any."""
    threads.backfill()
