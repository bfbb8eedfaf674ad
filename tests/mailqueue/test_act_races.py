"""Several administrators act on the same message, or one does while its worker ends it: it ends
once, and what was reserved for it is given back once."""

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

import pytest

from apps.delivery import administer, bounce, process
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailqueue import services
from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient
from apps.mailqueue.services import Ending
from apps.mailstore.models import Entry, Usage
from apps.trace import queries as trace
from tests.mailqueue.abreast import race
from tests.mailqueue.leaving import states
from tests.support.mail import local, submission

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 8
Act = Callable[[Sequence[UUID]], object]
ACTS: dict[str, Act] = {
    "bounce": administer.bounce,
    "delete": administer.delete,
    "cancel": administer.cancel,
}


@pytest.fixture
def reader(alice: User) -> User:
    """Somebody with a quota, for whom space is reserved."""
    User.objects.filter(pk=alice.pk).update(quota=1_000_000)
    return User.objects.get(pk=alice.pk)


def take(reader: User) -> UUID:
    item = submission(local(reader), sender=reader.address)
    accept([item])
    assert reserved(reader) == item.size
    return item.id


def hold(reader: User) -> UUID:
    message_id = take(reader)
    assert administer.hold([message_id], "odd") == 1
    return message_id


def reserved(reader: User) -> int:
    return Usage.objects.get(user=reader).reserved


def kinds(message_id: UUID) -> list[str]:
    trace_id = QueuedMessage.objects.get(pk=message_id).trace_id
    return [event.kind for event in trace.events_of(trace_id)]


def while_it_is_reported(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let somebody else act between the moment a bounce has claimed a message and the one when it
    ends it."""
    prepare = bounce.prepare

    def meanwhile(*words: object) -> object:
        monkeypatch.setattr(bounce, "prepare", prepare)
        act()
        return prepare(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(bounce, "prepare", meanwhile)


def test_what_is_deleted_while_it_is_being_returned_is_deleted(
    reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = hold(reader)
    while_it_is_reported(monkeypatch, partial(administer.delete, [message_id]))
    assert administer.bounce([message_id], "no such thing") == 0
    assert states(message_id) == ["deleted"]
    assert reserved(reader) == 0
    assert "outbound.failed" not in kinds(message_id)
    assert not QueuedMessage.objects.exclude(pk=message_id).exists()  # nobody gets a report
    assert QueuedRecipient.objects.get().lease_token is None


def test_what_is_let_go_while_it_is_being_returned_is_delivered(
    reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = hold(reader)

    def deliver() -> None:
        administer.release_hold([message_id])
        process.run_once()

    while_it_is_reported(monkeypatch, deliver)
    assert administer.bounce([message_id]) == 0
    assert states(message_id) == ["delivered"]
    assert reserved(reader) == 0


def test_what_is_set_aside_while_it_is_being_returned_is_returned(
    reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = hold(reader)
    while_it_is_reported(monkeypatch, partial(administer.set_aside, [message_id], Ending.DELETE))
    assert administer.bounce([message_id]) == 1
    assert (states(message_id), reserved(reader)) == (["failed"], 0)
    assert administer.end_due() == 0


@pytest.mark.parametrize(
    "pair",
    [
        ("bounce", "delete"),
        ("delete", "delete"),
        ("bounce", "bounce"),
        ("bounce", "cancel"),
        ("cancel", "delete"),
    ],
)
def test_two_acts_end_it_once(reader: User, pair: tuple[str, str]) -> None:
    ends = {"bounce": "failed", "delete": "deleted", "cancel": "cancelled"}
    for _ in range(ROUNDS):
        message_id = hold(reader)
        found = race(*(partial(ACTS[name], [message_id]) for name in pair))
        assert sorted(found) == [0, 1], found  # type: ignore[type-var]
        winner = pair[found.index(1)]
        assert states(message_id) == [ends[winner]]
        assert reserved(reader) == 0
        QueuedMessage.objects.exclude(pk=message_id).delete()  # reports, whose space is their own
        Usage.objects.filter(user=reader).update(reserved=0)


@pytest.mark.parametrize("name", sorted(ACTS))
def test_a_worker_files_it_or_an_act_ends_it(reader: User, name: str) -> None:
    for number in range(ROUNDS):
        message_id = take(reader)
        before = Entry.objects.count()
        done = race(process.run_once, partial(ACTS[name], [message_id]))[1]
        while process.run_once():
            pass
        filed = Entry.objects.count() - before
        assert (filed, done) in ((0, 1), (1, 0)), number
        assert reserved(reader) == 0
        assert QueuedMessage.objects.get(pk=message_id).state in (
            MessageState.DONE,
            MessageState.CANCELLED,
        )
    assert services.claim(9) == []
