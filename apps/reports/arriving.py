"""Read the reports that came with the mail, and keep those on domains of their readers.

`read_next` takes one message off the list and is done with it whatever is in it. The mail itself
was filed long before, and nothing here touches it.
"""

import logging
import time
from typing import Final

from django.db import DatabaseError, transaction

from apps.blobs import queries as blobs
from apps.mailauth import aggregate
from apps.reports import queries, reading, services
from apps.reports.reading import Reading, Report
from apps.reports.services import Arrived, Origin
from apps.runtime.clock import now
from apps.runtime.db import translate_errors
from apps.trace import services as trace
from apps.wire.errors import Damaged, MailError

logger = logging.getLogger(__name__)

READ: Final = "report.read"
UNREAD: Final = "report.unread"


def read_all(most: int, *, seconds: float) -> int:
    """Read what waits, at most so many messages, and begin none after so long; returns how many
    there were."""
    end = time.monotonic() + seconds
    for number in range(most):
        if time.monotonic() > end or not read_next():
            return number
    return most


def read_next() -> bool:
    """Read one message; False if none waits. One that nobody can read is logged, and given up
    after a few times.

    Raises:
        MailError: the database or the blob store does not answer; it is read later.
    """
    with translate_errors():
        arrived = services.begin_reading()
        if arrived is None:
            return False
        try:
            _read(arrived)
        except (MailError, DatabaseError):
            raise
        except Exception:
            logger.exception("a report is not read", extra={"trace_id": str(arrived.trace_id)})
    return True


def _read(arrived: Arrived) -> None:
    try:
        found = reading.read(blobs.read(arrived.blob_id), now=now())
    except Damaged:
        found = Reading((), ("the message is damaged",))  # fsck tells more
    with transaction.atomic():
        events = [_keep(report, arrived) for report in found.reports]
        if not events:
            told = {"why": "; ".join(dict.fromkeys(found.problems))}
            events.append(trace.Event(arrived.trace_id, UNREAD, told))
        trace.record(events)
        services.done_reading(arrived.trace_id)


def _keep(report: Report, arrived: Arrived) -> trace.Event:
    is_dmarc = isinstance(report, aggregate.Report)
    about = report.published.domain if isinstance(report, aggregate.Report) else report.domain
    told = {"report": "dmarc" if is_dmarc else "tls", "about": about}
    domain = queries.owned_domain(arrived.readers, about)
    if domain is None:
        why = "it is about a domain that is not its readers' own"
        return trace.Event(arrived.trace_id, UNREAD, {**told, "why": why})
    origin = Origin(domain, arrived.sender, arrived.is_genuine, arrived.trace_id)
    if isinstance(report, aggregate.Report):
        is_kept = services.keep_dmarc(report, origin)
    else:
        is_kept = services.keep_tls(report, origin)
    if not is_kept:
        why = "it is known already, or there are too many of that domain"
        return trace.Event(arrived.trace_id, UNREAD, {**told, "why": why})
    told["by"] = report.organization
    return trace.Event(arrived.trace_id, READ, {**told, "rows": len(report.rows)})
