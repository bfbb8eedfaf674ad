"""Celery's door to the housekeeping of the web's sessions."""

from importlib import import_module

from celery import shared_task
from django.conf import settings

from apps.webmail.services import abandoned, scheduled, snooze


@shared_task(name="webmail.clear_sessions")
def clear_sessions() -> None:
    """Remove sessions that have ended by age: nobody comes back to sign out of them."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


@shared_task(name="webmail.prune_drafts")
def prune_drafts() -> None:
    """Forget letters that nobody writes any more, and uploads that were given up."""
    abandoned.prune()


@shared_task(name="webmail.wake_snoozed")
def wake_snoozed() -> None:
    """Beat: bring back the mail whose time has come."""
    snooze.wake()


@shared_task(name="webmail.scheduled")
def settle_scheduled() -> None:
    """Beat: put scheduled mail that has left into Sent, and cancel what was taken away."""
    scheduled.sweep()
