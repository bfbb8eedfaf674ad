"""Celery's door to the housekeeping of the web's sessions."""

from importlib import import_module

from celery import shared_task
from django.conf import settings


@shared_task(name="webmail.clear_sessions")
def clear_sessions() -> None:
    """Remove sessions that have ended by age: nobody comes back to sign out of them."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
