"""Celery's door to the audit log's housekeeping."""

from celery import shared_task
from django.conf import settings

from apps.audit import services


@shared_task(name="audit.prune")
def prune() -> None:
    """Remove records older than AUDIT_DAYS."""
    services.prune(settings.AUDIT_DAYS)
