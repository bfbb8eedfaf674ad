"""Holding, retrying, rerouting and deleting: what waits, what is held, what is under way."""

from uuid import UUID

import pytest
from django.db import transaction

from apps.directory.models import User
from apps.mailqueue import services
from apps.mailqueue.models import (
    Destination,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from tests.mailqueue.leaving import FAR, NEAR, ids, keep, lapse, route, send, settle, states
from tests.support.mail import local, submission

pytestmark = pytest.mark.django_db


def state(message: UUID) -> str:
    return QueuedMessage.objects.get(pk=message).state


def test_it_holds_what_waits(db: None) -> None:
    (message_id,) = send(1, recipients=2)
    assert services.hold([message_id], "looks odd") == [message_id]
    assert states(message_id) == [RecipientState.HELD] * 2
    assert services.claim_destination(NEAR, 9) == []
    assert services.due_destinations(9) == []
    row = QueuedMessage.objects.get()
    assert (row.state, row.last_error) == (MessageState.HELD, "looks odd")


@pytest.mark.parametrize(
    ("outcome", "recipient", "message"),
    [
        ("delivered", RecipientState.DELIVERED, MessageState.DONE),
        ("failed", RecipientState.FAILED, MessageState.DONE),
        ("deferred", RecipientState.HELD, MessageState.HELD),
    ],
)
def test_it_holds_what_is_under_way_unless_that_ends_it(
    db: None, outcome: str, recipient: str, message: str
) -> None:
    (message_id,) = send()
    (leased,) = services.claim_destination(NEAR, 1)
    services.hold([message_id], "looks odd")
    settle(leased, outcome, "said")
    assert states(message_id) == [recipient]
    assert state(message_id) == message


def test_it_holds_what_comes_back_to_a_held_message(db: None) -> None:
    """Its state was changed after the recipient was read as waiting."""
    (message_id,) = send()
    (leased,) = services.claim_destination(NEAR, 1)
    QueuedMessage.objects.update(state=MessageState.HELD)
    settle(leased, "deferred", "451 later")
    assert states(message_id) == [RecipientState.HELD]


def test_it_tries_at_once_what_was_held_or_waits(db: None) -> None:
    held, waiting = send(2)
    for message in services.claim_destination(NEAR, 9):
        settle(message, "deferred", "451 later", 7200)
    services.hold([held], "looks odd")
    assert sorted(services.retry([held, waiting])) == sorted([held, waiting])
    assert ids(services.claim_destination(NEAR, 9)) == [held, waiting]
    assert {state(held), state(waiting)} == {MessageState.ROUTED}


def test_it_opens_the_door_for_what_is_to_be_tried(db: None) -> None:
    (message_id,) = send()
    services.close_destination(NEAR, 3600, "nobody answers")
    services.retry([message_id])
    assert [one.name for one in services.due_destinations(9)] == [NEAR]
    assert Destination.objects.get().failures == 1


def test_it_gives_nobody_a_second_copy_by_retrying(db: None) -> None:
    (message_id,) = send()
    (leased,) = services.claim_destination(NEAR, 1)
    services.hold([message_id], "looks odd")
    services.retry([message_id])
    assert services.claim_destination(NEAR, 9) == []
    assert services.check([leased.token], [leased.recipients[0].id])
    settle(leased, "delivered")
    assert state(message_id) == MessageState.DONE


def test_it_gives_nobody_a_second_copy_by_rerouting(db: None) -> None:
    (message_id,) = send(1, recipients=2)
    (leased,) = services.claim_destination(NEAR, 1)
    assert services.reroute([message_id]) == []
    assert services.claim(9) == []
    settle(leased, "deferred", "451 later", 600)
    assert services.reroute([message_id]) == [message_id]
    assert states(message_id) == [RecipientState.PENDING] * 2
    route(FAR)
    assert len(services.claim_destination(FAR, 9)[0].recipients) == 2


def test_it_frees_what_a_dead_worker_holds(db: None) -> None:
    first, second = send(2)
    lapse(*services.claim_destination(NEAR, 2))
    QueuedRecipient.objects.update(crashes=2)
    services.retry([first])
    services.reroute([second])
    (claimed,) = services.claim_destination(NEAR, 9)
    assert (claimed.id, claimed.recipients[0].crashes) == (first, 0)
    assert [one.id for one in services.claim(9)] == [second]


def test_it_processes_again_what_was_held_before_it_had_a_way(alice: User) -> None:
    item = submission(local(alice))
    keep([item])
    (claimed,) = services.claim(1)
    with transaction.atomic():
        services.settle(claimed.token, [item.id], "routed")
        services.settle_recipients([(claimed.recipients[0].id, "held", "no mailbox")])
    assert services.retry([item.id]) == [item.id]
    assert state(item.id) == MessageState.ACCEPTED
    assert [one.id for one in services.claim(1)[0].recipients] == [claimed.recipients[0].id]


def test_it_deletes_what_waits_and_lets_go_what_is_under_way(db: None) -> None:
    (message_id,) = send(1, recipients=101)
    (leased,) = services.claim_destination(NEAR, 9)
    assert len(leased.recipients) == 100
    with transaction.atomic():
        assert services.delete([message_id]) == ([message_id], [])
    assert state(message_id) == MessageState.DONE
    assert services.claim_destination(NEAR, 9) == []
    mine = [one.id for one in leased.recipients]
    assert services.check([leased.token], mine) == set()
    services.give_back(leased.token, mine[:50])
    services.settle_outgoing(
        [
            services.Settled(leased.token, message_id, one, "delivered", "250 OK")
            for one in mine[50:]
        ]
    )
    assert states(message_id) == ["deleted"] * 50 + ["delivered"] * 50 + ["deleted"]
    assert state(message_id) == MessageState.DONE
    assert services.due_destinations(9) == []


def test_it_says_no_more_of_what_was_settled(db: None) -> None:
    (message_id,) = send(1, recipients=2)
    (leased,) = services.claim_destination(NEAR, 9)
    settle(leased, "failed", "550 no")
    with transaction.atomic():
        assert services.delete([message_id]) == ([], [])
    assert services.hold([message_id], "late") == services.retry([message_id]) == []
    assert services.reroute([message_id]) == []
    assert states(message_id) == [RecipientState.FAILED] * 2


def test_it_leases_for_an_administrator_without_calling_it_a_crash(db: None) -> None:
    (message_id,) = send()
    assert services.claim_messages([message_id])
    assert services.claim_destination(NEAR, 9) == []
    assert services.claim_messages([message_id]) == []
    QueuedRecipient.objects.update(lease_until=1, next_attempt_at=1)
    assert ids(services.claim_messages([message_id])) == [message_id]
