"""Celery's door to the checks of our domains' records."""

from celery import shared_task

from apps.dnscheck.services import inquiries


@shared_task(name="dnscheck.check_due")
def check_due() -> None:
    """Ask for the records of the domains that are due."""
    inquiries.check_due()
