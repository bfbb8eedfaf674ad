"""Remove what is old, in small transactions: mail never waits behind housekeeping."""

from typing import Final

from django.db import connection, transaction
from django.db.models import QuerySet

from apps.reports.models import ReceivedReport
from apps.reports.services.counts import KEEP_DAYS
from apps.runtime.clock import now

PRUNE_ROWS: Final = 5_000
PRUNE_REPORTS: Final = 2  # each with up to 10,000 rows
_DAY_SECONDS: Final = 86_400

_COUNTS: Final = """
DELETE FROM reports_dmarccount WHERE id IN (
  SELECT id FROM reports_dmarccount WHERE day < %s ORDER BY day LIMIT %s)"""
_DAYS: Final = """
DELETE FROM reports_dmarcday WHERE id IN (
  SELECT id FROM reports_dmarcday WHERE day < %s ORDER BY day LIMIT %s)"""


def prune(keep_received_days: int) -> int:
    """Remove counts of days that nobody asks for any more, and reports that were received longer
    ago than that; returns how many rows and reports."""
    today = now() // _DAY_SECONDS
    removed = _repeat(_COUNTS, today - KEEP_DAYS) + _repeat(_DAYS, today - KEEP_DAYS)
    before = now() - keep_received_days * _DAY_SECONDS
    old = ReceivedReport.objects.filter(received_at__lt=before).order_by("received_at")
    return removed + _remove(old)


def _repeat(sql: str, before: int) -> int:
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, [before, PRUNE_ROWS])
            removed = int(cursor.rowcount)
        total += removed
        if removed < PRUNE_ROWS:
            return total


def forget_domain(domain_id: int) -> int:
    """Remove the reports on a domain of ours that is about to go, in small transactions; returns
    how many."""
    return _remove(ReceivedReport.objects.filter(domain_id=domain_id).order_by("id"))


def _remove(old: QuerySet[ReceivedReport]) -> int:
    total = 0
    while True:
        ids = list(old.values_list("id", flat=True)[:PRUNE_REPORTS])
        ReceivedReport.objects.filter(id__in=ids).delete()
        total += len(ids)
        if len(ids) < PRUNE_REPORTS:
            return total
