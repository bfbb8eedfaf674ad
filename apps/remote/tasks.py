"""Celery's doors to the housekeeping of TLS policies."""

import asyncio

from celery import shared_task

from apps.remote import services
from apps.remote.refresh import refresh


@shared_task(name="remote.refresh_policies")
def refresh_policies() -> None:
    """Beat: fetch the kept MTA-STS policies anew, remove what is old."""
    asyncio.run(refresh())
    services.prune()
