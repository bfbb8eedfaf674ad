"""Celery's doors to reports: reading those that came, removing what is old."""

from celery import shared_task
from django.conf import settings

from apps.reports import arriving, services

AT_ONCE = 500
SECONDS = 30.0  # then other housekeeping has its turn


@shared_task(name="reports.read")
def read() -> None:
    """Beat: read the reports that came with the mail."""
    arriving.read_all(AT_ONCE, seconds=SECONDS)


@shared_task(name="reports.prune")
def prune() -> None:
    """Beat: remove counts and reports of long ago."""
    services.prune(settings.REPORTS_DAYS)
