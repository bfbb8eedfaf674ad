"""The write door of reports: counts of what we saw, what became of our reports, what others
reported of us."""

from apps.reports.services.arrivals import Arrived, begin_reading, done_reading, note_arrivals
from apps.reports.services.counts import (
    KEEP_DAYS,
    MOST_OF_A_DAY,
    MOST_OF_A_DOMAIN,
    MOST_OF_A_FAMILY,
    Kind,
    add_counts,
    note_report,
)
from apps.reports.services.pruning import forget_domain, prune
from apps.reports.services.received import Origin, keep_dmarc, keep_tls

__all__ = [
    "KEEP_DAYS",
    "MOST_OF_A_DAY",
    "MOST_OF_A_DOMAIN",
    "MOST_OF_A_FAMILY",
    "Arrived",
    "Kind",
    "Origin",
    "add_counts",
    "begin_reading",
    "done_reading",
    "forget_domain",
    "keep_dmarc",
    "keep_tls",
    "note_arrivals",
    "note_report",
    "prune",
]
