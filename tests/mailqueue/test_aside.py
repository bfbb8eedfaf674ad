"""Setting aside, and taking that back: nothing is lost, and nothing is done twice."""

from uuid import UUID

import pytest
from django.db import transaction

from apps.directory.models import User
from apps.mailqueue import services
from apps.mailqueue.models import Aside, MessageState, QueuedMessage, QueuedRecipient
from apps.mailqueue.services import Ending
from apps.runtime.ulid import new_ulid
from tests.mailqueue.leaving import NEAR, keep, send, settle, states
from tests.support.mail import drain, local, submission

pytestmark = pytest.mark.django_db


def aside(ids: list[UUID], ending: Ending = Ending.DELETE) -> tuple[UUID, list[UUID]]:
    act = new_ulid()
    return act, services.set_aside(ids, ending, act=act, by="root@elsewhere.test", reason="odd")


def ripen() -> None:
    Aside.objects.filter(due_at__gt=0).update(due_at=1)


def columns(message_id: UUID) -> list[object]:
    recipients = QueuedRecipient.objects.filter(message=message_id).order_by("id")
    message = QueuedMessage.objects.values_list("state", "last_error", "hold_until")
    return [
        message.get(pk=message_id),
        list(recipients.values_list("state", "destination", "next_attempt_at", "attempts")),
    ]


@pytest.mark.parametrize("ending", list(Ending))
def test_it_puts_back_what_waits_where_it_was(db: None, ending: Ending) -> None:
    (message_id,) = send(1, recipients=2)
    settle(services.claim_destination(NEAR, 1)[0], "deferred", "451 later", 7200)
    before = columns(message_id)
    act, done = aside([message_id], ending)
    assert done == [message_id]
    assert states(message_id) == ["held", "held"]
    assert services.claim_destination(NEAR, 9) == []
    assert services.bring_back(act, done) == ([message_id], [])
    assert columns(message_id) == before
    assert not Aside.objects.exists()
    assert services.bring_back(act, done) == ([], [])


def test_it_puts_back_what_was_to_be_processed(alice: User) -> None:
    item = submission(local(alice), hold_until_us=4_000_000_000_000_000)
    keep([item])
    before = columns(item.id)
    act, done = aside([item.id])
    assert services.claim(9) == []
    services.bring_back(act, done)
    assert columns(item.id) == before


def test_what_was_held_stays_held_with_its_reason(db: None) -> None:
    (message_id,) = send()
    services.hold([message_id], "looks odd")
    act, done = aside([message_id])
    assert QueuedMessage.objects.get().last_error == "to be deleted, by root@elsewhere.test"
    assert services.bring_back(act, done) == ([], [message_id])
    row = QueuedMessage.objects.get()
    assert (row.state, row.last_error) == (MessageState.HELD, "looks odd")
    assert states(message_id) == ["held"]


def test_another_end_remembers_how_it_was_before_the_first(db: None) -> None:
    (message_id,) = send()
    before = columns(message_id)
    first, _ = aside([message_id], Ending.DELETE)
    assert aside([message_id], Ending.DELETE)[1] == []
    second, done = aside([message_id], Ending.BOUNCE)
    assert services.bring_back(first, done) == ([], [])
    assert services.bring_back(second, done) == ([message_id], [])
    assert columns(message_id) == before


def test_what_its_door_waits_for_is_left_alone(db: None) -> None:
    (message_id,) = send()
    QueuedMessage.objects.update(state=MessageState.OFFERED)
    assert aside([message_id])[1] == []


def test_nothing_is_due_before_its_time(db: None) -> None:
    (message_id,) = send()
    act, _ = aside([message_id])
    assert services.due_to_end(9) == []
    ripen()
    (due,) = services.due_to_end(9)
    assert (due.message_id, due.act, due.ending) == (message_id, act, Ending.DELETE)
    assert (due.by, due.reason) == ("root@elsewhere.test", "odd")


def test_what_is_only_held_is_never_due(db: None) -> None:
    aside(send(), Ending.HOLD)
    ripen()
    assert services.due_to_end(9) == []


@pytest.mark.parametrize("verb", ["retry", "reroute", "clear", "hold", "delete", "cancel"])
def test_who_acts_later_has_the_last_word(db: None, verb: str) -> None:
    (message_id,) = send()
    act, done = aside([message_id])
    ripen()
    due = services.due_to_end(9)
    with transaction.atomic():
        if verb == "cancel":
            services.cancel(message_id)
        elif verb == "hold":
            services.retry([message_id])
            services.hold([message_id], "mine")
        else:
            getattr(services, verb)([message_id])
        assert services.claim_ends(due) == []
    assert services.due_to_end(9) == []
    assert services.bring_back(act, done) == ([], [])


def test_what_arrives_meanwhile_has_arrived(db: None) -> None:
    (message_id,) = send()
    (leased,) = services.claim_destination(NEAR, 1)
    act, done = aside([message_id])
    settle(leased, "delivered")
    assert QueuedMessage.objects.get().state == MessageState.DONE
    assert services.bring_back(act, done) == ([], [])
    ripen()
    with transaction.atomic():
        assert services.claim_ends(services.due_to_end(9)) == []
    assert not Aside.objects.exists()


def test_what_comes_back_meanwhile_keeps_its_next_try(db: None) -> None:
    (message_id,) = send()
    (leased,) = services.claim_destination(NEAR, 1)
    act, done = aside([message_id])
    settle(leased, "deferred", "451 later", 7200)
    assert states(message_id) == ["held"]
    services.bring_back(act, done)
    assert states(message_id) == ["waiting"]
    assert services.claim_destination(NEAR, 9) == []
    assert QueuedRecipient.objects.get().next_attempt_at > 0


def test_what_comes_back_while_it_is_under_way_is_not_sent_twice(db: None) -> None:
    (message_id,) = send()
    (leased,) = services.claim_destination(NEAR, 1)
    act, done = aside([message_id])
    services.bring_back(act, done)
    assert services.claim_destination(NEAR, 9) == []
    settle(leased, "delivered")
    assert QueuedMessage.objects.get().state == MessageState.DONE


def test_it_goes_with_its_message(db: None) -> None:
    (message_id,) = send()
    aside([message_id])
    QueuedMessage.objects.update(state=MessageState.DONE, settled_at=1)
    assert services.prune() == 1
    assert not Aside.objects.exists()


def test_release_is_taken_back(alice: User) -> None:
    later = 4_000_000_000_000_000
    item = submission(local(alice), hold_until_us=later)
    keep([item])
    assert services.reschedule(item.id, 0)
    assert services.postpone(item.id, later)
    assert QueuedMessage.objects.get().hold_until == later
    services.reschedule(item.id, 0)
    services.claim(1)
    assert not services.postpone(item.id, later)


def test_letting_go_is_taken_back(db: None) -> None:
    (message_id,) = send()
    services.hold([message_id], "odd")
    services.clear([message_id])
    assert services.hold_again([message_id], "odd", was_cleared=False) == [message_id]
    row = QueuedMessage.objects.get()
    assert (row.state, row.last_error, row.is_cleared) == (MessageState.HELD, "odd", False)
    assert states(message_id) == ["held"]


@pytest.mark.parametrize("by", ["undo", "retry"])
def test_what_is_taken_back_while_it_is_being_returned_is_delivered(alice: User, by: str) -> None:
    """Who returns it has leased its recipients by then, and may even have died over that."""
    item = submission(local(alice))
    keep([item])
    act, done = aside([item.id], Ending.BOUNCE)
    (returning,) = services.claim_messages([item.id])
    if by == "undo":
        services.bring_back(act, done)
    else:
        services.retry([item.id])
    drain()
    services.give_back(returning.token, [one.id for one in returning.recipients])
    assert states(item.id) == ["delivered"]
    assert QueuedMessage.objects.get(pk=item.id).state == MessageState.DONE
