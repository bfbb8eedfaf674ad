"""Celery's door to the console's housekeeping."""

from celery import shared_task

from apps.console.services import bulkacts, imports, importwork
from apps.events import bell


@shared_task(name="console.prune")
def prune() -> None:
    """Forget acts that can no longer be taken back, and imports that are over."""
    bulkacts.prune()
    imports.prune()


@shared_task(name="console.run_imports")
def run_imports() -> None:
    """Add lines of imports that were begun, for some seconds; then others have a turn."""
    if importwork.work():
        bell.ring_imports()
