"""What the statements of the queue read: a backlog costs nothing to whoever is not in it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from apps.mailqueue import services
from apps.mailqueue.models import MessageState, QueuedMessage
from apps.mailqueue.services import destinations
from apps.runtime.clock import now_us
from apps.runtime.db import is_sqlite
from apps.runtime.ulid import new_ulid
from tests.mailqueue.leaving import DEAD, NEAR, backlog, results, send

pytestmark = pytest.mark.django_db
BACKLOG = 10_000
HOUR_US = 3_600_000_000


# The last: all of a partial index, which a planner without statistics may think is small.
WHOLE = re.compile(
    r"SCAN (mailqueue_queued|late|message)|Seq Scan on mailqueue_queued"
    r"|Bitmap Index Scan on (recipient|queue)_[^\n]*(\n(?!\s+Index Cond)|$)"
)


class Plans:
    """Asks the database how it runs each statement about the queue, as an execute wrapper."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not many and "mailqueue_queued" in sql and "INSERT" not in sql:
            self.found.append(f"{sql}\n{_plan(sql, params)}")
        return execute(sql, params, many, context)

    @property
    def full_scans(self) -> list[str]:
        """Statements that read a whole table of the queue, or a whole index of it."""
        return [plan for plan in self.found if WHOLE.search(plan)]


def _plan(sql: str, params: Any) -> str:
    if is_sqlite():
        text = sql.replace("%s", "?")
        rows = connection.connection.execute(f"EXPLAIN QUERY PLAN {text}", params or ()).fetchall()
    else:
        with connection.connection.cursor() as cursor:
            rows = cursor.execute(f"EXPLAIN {sql}", params).fetchall()
    return "\n".join(str(row[-1]) for row in rows)


def work(job: Callable[[], object]) -> int:
    """Steps of SQLite's machine that a job takes, in hundreds; Postgres counts none."""
    steps = 0
    if not is_sqlite():
        job()
        return 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.connection.set_progress_handler(count, 100)
    try:
        job()
    finally:
        connection.connection.set_progress_handler(None, 0)
    return steps


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def look_claim_settle() -> None:
    """What a worker does for one new message."""
    assert services.due_destinations(100)[0].name == NEAR
    (message,) = services.claim_destination(NEAR, 20)
    mine = [one.id for one in message.recipients]
    assert services.renew([message.token], mine, 60)
    assert services.check([message.token], mine)
    with transaction.atomic():
        services.settle_outgoing(results(message, "delivered"))


def test_it_reads_no_backlog_for_a_new_message(db: None) -> None:
    """Ten thousand that wait for a dead destination, and ten thousand scheduled for tomorrow."""
    send()
    alone = work(look_claim_settle)
    backlog(BACKLOG, attempts=3, next_attempt_at=now_us() + HOUR_US, is_delay_told=True)
    scheduled = QueuedMessage.objects.filter(state=MessageState.ROUTED)[:1].get()
    QueuedMessage.objects.bulk_create(
        QueuedMessage(
            id=new_ulid(),
            blob=scheduled.blob,
            trace_id=new_ulid(),
            size=1,
            sender="",
            door="mx",
            state=MessageState.ACCEPTED,
            received_at=1,
            hold_until=now_us() + 24 * HOUR_US,
        )
        for _ in range(BACKLOG)
    )
    analyze()
    plans = Plans()
    with connection.execute_wrapper(plans):
        send()
        assert work(look_claim_settle) <= 2 * alone + 5
        now = now_us()
        late = services.claim_overdue(
            9, untold_before_us=now - 4 * HOUR_US, expired_before_us=now - 120 * HOUR_US
        )
    assert late == []
    assert len(plans.found) >= 12
    assert plans.full_scans == []


@pytest.mark.parametrize("is_known", [True, False], ids=["statistics", "no statistics"])
def test_it_reads_no_more_than_it_claims(db: None, is_known: bool) -> None:
    """All of a backlog becomes due at once: each claim takes its few."""
    send(20)
    few = work(lambda: services.claim_destination(NEAR, 20))
    backlog(BACKLOG, attempts=1, next_attempt_at=1)
    if is_known:
        analyze()
    plans = Plans()
    with connection.execute_wrapper(plans):
        assert work(lambda: services.claim_destination(DEAD, 20)) <= 5 * few + 100
        assert work(lambda: services.due_destinations(20)) <= 0.6 * destinations.LOOK
        assert work(lambda: services.claim_overdue(9, untold_before_us=0, expired_before_us=0)) < 5
    assert len(plans.found) >= 7
    assert plans.full_scans == []


def test_it_finds_a_full_scan_when_there_is_one(db: None) -> None:
    send()
    backlog(BACKLOG // 10)
    analyze()
    plans = Plans()
    with connection.execute_wrapper(plans), connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM mailqueue_queuedrecipient WHERE claims = 7")
    assert len(plans.full_scans) == 1
