"""Taking back and ending at the same time: one of them, never both, and nothing is lost."""

from functools import partial
from uuid import UUID

import pytest
from django.db import connection

from apps.delivery import administer
from apps.mailqueue import services
from apps.mailqueue.models import Aside, MessageState, QueuedMessage
from apps.mailqueue.services import Ending
from tests.mailqueue.abreast import race
from tests.mailqueue.leaving import NEAR, send, states

ROUNDS = 12


def due(ending: Ending) -> tuple[UUID, UUID]:
    (message_id,) = send(1, NEAR)
    act, _ = administer.set_aside([message_id], ending)
    Aside.objects.update(due_at=1)
    return message_id, act


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ending", [Ending.DELETE, Ending.BOUNCE])
def test_it_is_ended_or_taken_back(ending: Ending) -> None:
    for _ in range(ROUNDS):
        message_id, act = due(ending)
        ended, back = race(administer.end_due, partial(administer.take_back, act, [message_id]))
        assert sorted([ended, back]) == [0, 1], (ended, back)  # type: ignore[type-var]
        row = QueuedMessage.objects.get(pk=message_id)
        if back:
            assert (row.state, states(message_id)) == (MessageState.ROUTED, ["waiting"])
        else:
            gone = "deleted" if ending is Ending.DELETE else "failed"
            assert (row.state, states(message_id)) == (MessageState.DONE, [gone])
        assert not Aside.objects.exists()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE mailqueue_queuedrecipient SET state = 'deleted'")


@pytest.mark.django_db(transaction=True)
def test_two_workers_end_it_once() -> None:
    for _ in range(ROUNDS):
        message_id, _ = due(Ending.BOUNCE)
        found = race(administer.end_due, administer.end_due)
        assert sorted(found) == [0, 1], found  # type: ignore[type-var]
        assert states(message_id) == ["failed"]


@pytest.mark.django_db(transaction=True)
def test_a_sender_has_it_or_it_is_set_aside() -> None:
    for _ in range(ROUNDS):
        (message_id,) = send(1, NEAR)
        claimed, aside = race(
            partial(services.claim_destination, NEAR, 1),
            partial(administer.set_aside, [message_id], Ending.DELETE),
        )
        assert isinstance(aside, tuple)
        assert aside[1] == [message_id]
        assert isinstance(claimed, list)
        Aside.objects.update(due_at=1)
        if claimed:
            mine = [one.id for one in claimed[0].recipients]
            assert services.check([claimed[0].token], mine) == set()
        administer.end_due()
        assert states(message_id) == ["deleted"]
