"""Mail that waits for too long, and that nobody tries for now: told of, and ended."""

from uuid import UUID

import pytest

from apps.blobs import queries as blobs
from apps.delivery.outbound import overdue, running
from apps.directory.models import User
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.mailqueue.services import Submission
from apps.runtime.clock import now_us
from apps.trace import queries as trace
from tests.support.outgoing import queue, row, state

pytestmark = pytest.mark.django_db

HOUR_US = 3600 * 1_000_000
DAY_US = 24 * HOUR_US


def age(item: Submission, microseconds: int) -> None:
    """Let a message be so old; its id tells its time too."""
    at = now_us() - microseconds
    number = (at // 1000) << 80 | (item.id.int & ((1 << 80) - 1))
    older = UUID(int=number)
    QueuedRecipient.objects.filter(message=item.id).update(message=older)
    QueuedMessage.objects.filter(id=item.id).update(id=older, received_at=at)
    object.__setattr__(item, "id", older)


def reports_to(user: User) -> list[QueuedMessage]:
    return list(QueuedMessage.objects.filter(sender="", recipients__user=user))


def test_it_tells_the_sender_once_and_leaves_the_next_try_where_it_was(alice: User) -> None:
    item = queue("bob@a.test", sender=alice.address)
    age(item, 5 * HOUR_US)
    mailqueue.close_destination("mx/a.test", 600, "no answer from mx.a.test")
    before = row(item).next_attempt_at
    assert overdue.run(running.schedule()) == 1
    after = row(item)
    assert (after.state, after.is_delay_told) == ("waiting", True)
    assert after.next_attempt_at == before
    assert (after.lease_token, after.attempts) == (None, 0)
    assert len(reports_to(alice)) == 1
    assert overdue.run(running.schedule()) == 0
    assert len(reports_to(alice)) == 1


@pytest.mark.parametrize(("days", "action"), [(1, b"delayed"), (6, b"failed")])
def test_it_tells_what_the_server_answered(alice: User, days: int, action: bytes) -> None:
    item = queue("bob@a.test", sender=alice.address)
    age(item, days * DAY_US)
    mailqueue.close_destination("mx/a.test", 600, "452 4.2.2 bob has too much mail")
    assert overdue.run(running.schedule()) == 1
    (report,) = reports_to(alice)
    text = blobs.read(report.blob_id).replace(b"\n ", b" ")
    assert b"Action: " + action in text
    assert b"Status: 4.2.2" in text
    assert b"Diagnostic-Code: smtp; 452 4.2.2 bob has too much mail" in text
    assert b"mailbox is full." in text
    assert b"The other server answered: 452 4.2.2 bob has too much mail" in text


def test_it_returns_to_its_sender_what_has_waited_for_five_days(alice: User) -> None:
    item = queue("bob@a.test", "eve@a.test", sender=alice.address)
    age(item, 6 * DAY_US)
    mailqueue.close_destination("mx/a.test", 600, "no answer from mx.a.test")
    assert overdue.run(running.schedule()) == 2
    assert state(item) == "done"
    rows = QueuedRecipient.objects.filter(message=item.id)
    assert set(rows.values_list("state", "attempts")) == {("failed", 0)}
    assert all("no answer from mx.a.test" in one.last_reply for one in rows)
    assert len(reports_to(alice)) == 1
    failed = [one for one in trace.events_of(item.trace_id) if one.kind == "outbound.failed"]
    assert [one.data["to"] for one in failed] == ["bob@a.test", "eve@a.test"]


@pytest.mark.parametrize("paused", ["mx/a.test", mailqueue.EVERYWHERE])
def test_it_gives_nothing_up_where_sending_is_paused(
    alice: User, paused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where nobody answered before; and it looks behind it for what is not paused."""
    monkeypatch.setattr(overdue, "BATCH", 1)
    item = queue("bob@a.test", sender=alice.address)
    age(item, 6 * DAY_US)
    QueuedRecipient.objects.update(is_delay_told=True)
    mailqueue.close_destination("mx/a.test", 600, "no answer from mx.a.test")
    other = queue("bob@b.test", sender=alice.address)
    age(other, 5 * DAY_US + HOUR_US)
    QueuedRecipient.objects.update(is_delay_told=True)
    mailqueue.close_destination("mx/b.test", 600, "no answer from mx.b.test")
    mailqueue.pause(paused, "root@elsewhere.test")
    before = row(item).next_attempt_at
    is_other = paused != mailqueue.EVERYWHERE
    assert overdue.run(running.schedule()) == is_other
    assert state(item) == "routed"
    assert row(item).next_attempt_at == before
    assert state(other) == ("done" if is_other else "routed")
    mailqueue.resume(paused)
    assert overdue.run(running.schedule()) == 2 - is_other
    assert state(item) == "done"


def test_it_tells_of_what_waits_where_sending_is_paused(alice: User) -> None:
    item = queue("bob@a.test", sender=alice.address)
    age(item, DAY_US)
    mailqueue.pause("mx/a.test", "root@elsewhere.test")
    assert overdue.run(running.schedule()) == 1
    assert len(reports_to(alice)) == 1
    assert state(item) == "routed"


def test_it_does_not_call_late_what_its_sender_has_scheduled(alice: User) -> None:
    item = queue("bob@a.test", sender=alice.address)
    age(item, 30 * DAY_US)
    QueuedMessage.objects.filter(id=item.id).update(hold_until=now_us() - HOUR_US)
    assert overdue.run(running.schedule()) == 0
    assert state(item) == "routed"


def test_it_leaves_what_is_young_alone(alice: User) -> None:
    queue("bob@a.test", sender=alice.address)
    assert overdue.run(running.schedule()) == 0
    assert not reports_to(alice)


def test_it_returns_nothing_at_once_when_the_clock_is_set_to_next_week(alice: User) -> None:
    item = queue("bob@a.test", sender=alice.address)
    age(item, 6 * DAY_US)
    QueuedRecipient.objects.update(next_attempt_at=now_us() + DAY_US)
    assert overdue.run(running.schedule()) == 1
    waiting = row(item)
    assert (waiting.state, waiting.attempts, waiting.lease_token) == ("waiting", 0, None)
    assert 0 < waiting.next_attempt_at <= now_us()  # one more try, and that ends it
    assert not reports_to(alice)
