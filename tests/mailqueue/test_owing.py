"""What the trace is owed: recorded once, before all that follows, by whoever comes first."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from django.db import OperationalError, transaction

from apps.blobs import services as blobs
from apps.delivery import administer, process, recall
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailqueue import services
from apps.mailqueue.models import QueuedMessage
from apps.mailqueue.services import Ending, Submission
from apps.provisioning import services as provisioning
from apps.runtime.clock import now_us
from apps.trace import queries
from apps.trace.models import TraceEvent
from apps.wire.errors import MailError
from tests.support.mail import RAW, drain, local, submission

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(db: None) -> User:
    provisioning.add_domain("example.test")
    return provisioning.add_user("alice@example.test", "correct horse battery")[0]


def owing(item: Submission) -> UUID:
    """A message as a door for many takes it."""
    accept([item], owes=True)
    return item.id


def recorded(trace_id: UUID) -> list[str]:
    """Kinds of the events that have rows."""
    rows = TraceEvent.objects.filter(trace_id=trace_id).order_by("id")
    return list(rows.values_list("kind", flat=True))


def read(trace_id: UUID) -> list[str]:
    """Kinds of the events as readers get them, by themselves and among others."""
    found = [one.kind for one in queries.events_of(trace_id)]
    many = queries.events_of_many([UUID(int=1), trace_id], 100)
    assert [one.kind for one in many.get(trace_id, [])] == found
    return found


def test_it_is_read_from_the_queue_until_it_is_recorded(alice: User) -> None:
    item = submission(local(alice))
    item = replace(item, judgement='{"spf": "pass"}', traced={"subject": "Quarterly\ud800 \0"})
    owing(item)
    at_once = replace(item, id=UUID(int=7), trace_id=UUID(int=7), blob=blobs.prepare(RAW))
    accept([at_once])
    assert recorded(item.id) == []
    assert read(item.id) == ["mx.received", "reception.judged"]
    before = queries.events_of(item.id)
    assert before[0].data["subject"] == item.traced["subject"]
    assert len(services.claim()) == 2
    assert recorded(item.id) == ["mx.received"]
    assert queries.events_of(item.id) == before
    other = queries.events_of(at_once.id)
    for one in (*before, *other):
        one.data.pop("queue_id", None)
    assert before == other


def test_it_is_recorded_once_however_often_it_is_claimed(alice: User) -> None:
    owed = owing(submission(local(alice)))
    for _ in range(3):
        assert len(services.claim()) == 1
        QueuedMessage.objects.update(lease_until=1)
    drain()
    assert recorded(owed).count("mx.received") == 1
    assert recorded(owed)[0] == "mx.received"
    assert QueuedMessage.objects.get(pk=owed).owed == ""


def test_a_claim_and_what_it_records_are_one(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    owed = owing(submission(local(alice)))

    def fail(*_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("apps.trace.services.record", fail)
    with pytest.raises((OperationalError, MailError)):
        process.run_once()
    assert QueuedMessage.objects.get(pk=owed).claims == 0
    assert read(owed) == ["mx.received"]
    monkeypatch.undo()
    drain()
    assert recorded(owed)[0] == "mx.received"
    assert recorded(owed).count("mx.received") == 1


def test_a_retry_after_an_unknown_commit_owes_it_once(alice: User) -> None:
    item = submission(local(alice))
    owing(item)
    owing(item)
    drain()
    owing(item)
    assert read(item.id).count("mx.received") == 1


def test_what_waits_for_its_time_is_recorded_at_once(alice: User) -> None:
    item = submission(local(alice), hold_until_us=now_us() + 3_600_000_000)
    owing(item)
    assert recorded(item.id) == ["mx.received"]
    assert QueuedMessage.objects.get(pk=item.id).owed == ""


def hold(message_id: UUID, _user: User) -> None:
    assert administer.hold([message_id], "odd") == 1


def delete(message_id: UUID, _user: User) -> None:
    assert administer.delete([message_id]) == 1


def cancel(message_id: UUID, _user: User) -> None:
    assert administer.cancel([message_id]) == 1


def set_aside(message_id: UUID, _user: User) -> None:
    _, found = administer.set_aside([message_id], Ending.DELETE)
    assert found == [message_id]


def recalled(message_id: UUID, user: User) -> None:
    assert recall.cancel(message_id, user.pk) is services.Recall.CANCELLED


def reroute(message_id: UUID, _user: User) -> None:
    administer.reroute([message_id])


@pytest.mark.parametrize("act", [hold, delete, cancel, set_aside, recalled, reroute])
def test_who_acts_first_records_it_first(alice: User, act: Callable[[UUID, User], None]) -> None:
    item = replace(submission(local(alice)), user_id=alice.pk, door="submission")
    owing(item)
    act(item.id, alice)
    kinds = recorded(item.id)
    assert kinds[:1] == ["submission.received"]
    assert kinds.count("submission.received") == 1
    assert read(item.id) == kinds
    QueuedMessage.objects.update(lease_until=0)
    drain()
    assert recorded(item.id).count("submission.received") == 1


def test_a_door_that_withdraws_it_records_it(alice: User) -> None:
    owed = owing(replace(submission(local(alice)), offered_us=60_000_000))
    with transaction.atomic():
        found, _ = services.withdraw([owed])
    assert found == [owed]
    assert recorded(owed) == ["mx.received"]


def test_a_door_that_waits_no_longer_records_it(alice: User) -> None:
    owed = owing(replace(submission(local(alice)), offered_us=60_000_000))
    services.accept_offered([owed])
    assert recorded(owed) == ["mx.received"]
    drain()
    assert recorded(owed).count("mx.received") == 1
