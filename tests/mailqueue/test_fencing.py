"""Leases under way: renewed, proved, given back; and what stops a paused worker."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db import connection

from apps.mailqueue import services
from apps.mailqueue.models import QueuedRecipient
from apps.mailqueue.services import Outgoing
from apps.runtime.clock import now_us
from tests.mailqueue.leaving import NEAR, lapse, make_due, send, settle

pytestmark = pytest.mark.django_db


def recipients(*messages: Outgoing) -> list[int]:
    return [one.id for message in messages for one in message.recipients]


def test_it_makes_leases_longer(db: None) -> None:
    send(2)
    first, second = (services.claim_destination(NEAR, 1)[0] for _ in range(2))
    mine = recipients(first, second)
    assert services.renew({first.token, second.token}, mine, 1000) == set(mine)
    for row in QueuedRecipient.objects.all():
        assert 990_000_000 < row.lease_until - now_us() < 1_010_000_000
        assert row.next_attempt_at == row.lease_until


def test_it_takes_a_lapsed_lease_up_again_unless_another_did(db: None) -> None:
    send(2)
    kept, lost = (services.claim_destination(NEAR, 1)[0] for _ in range(2))
    lapse(lost)
    assert recipients(*services.claim_destination(NEAR, 1)) == recipients(lost)
    lapse(kept)
    found = services.renew({kept.token, lost.token}, recipients(kept, lost), 60)
    assert found == set(recipients(kept))
    assert services.check({kept.token}, recipients(kept)) == set(recipients(kept))


def test_it_renews_and_proves_nothing_for_nobody(db: None) -> None:
    send()
    (message,) = services.claim_destination(NEAR, 1)
    assert services.renew([], recipients(message), 60) == set()
    assert services.renew([uuid4()], recipients(message), 60) == set()
    assert services.check([], recipients(message)) == set()
    assert services.check([message.token], []) == set()


def test_it_proves_a_lease_that_lasts_long_enough(db: None) -> None:
    send()
    (message,) = services.claim_destination(NEAR, 1, 60)
    mine = recipients(message)
    assert services.check([message.token], mine, 30) == set(mine)
    assert services.check([message.token], mine, 90) == set()
    lapse(message)
    assert services.check([message.token], mine) == set()


@pytest.mark.parametrize("act", [services.delete, lambda ids: services.hold(ids, "stop")])
def test_it_proves_no_lease_of_what_was_stopped(db: None, act: object) -> None:
    (message_id,) = send()
    (message,) = services.claim_destination(NEAR, 1)
    act([message_id])  # type: ignore[operator]
    assert services.check([message.token], recipients(message)) == set()
    assert services.renew([message.token], recipients(message), 60) == set()
    settle(message, "delivered")  # it had gone before


def test_it_is_due_at_once_when_given_back(db: None) -> None:
    (message_id,) = send()
    (message,) = services.claim_destination(NEAR, 1)
    services.give_back(message.token, recipients(message))
    assert QueuedRecipient.objects.get().next_attempt_at == 0
    settle(services.claim_destination(NEAR, 1)[0], "deferred", "451 later", 60)
    make_due(message_id)
    (message,) = services.claim_destination(NEAR, 1)
    services.give_back(message.token, recipients(message))
    row = QueuedRecipient.objects.get()
    assert 0 < row.next_attempt_at <= now_us() + 1_000
    assert (row.attempts, row.crashes, row.lease_token) == (1, 0, None)


def test_it_is_due_later_when_given_back_until_then(db: None) -> None:
    send()
    (message,) = services.claim_destination(NEAR, 1)
    services.give_back(message.token, recipients(message), wait_seconds=60)
    assert services.claim_destination(NEAR, 1) == []
    assert 59_000_000 < QueuedRecipient.objects.get().next_attempt_at - now_us() < 61_000_000


def test_it_gives_back_nothing_that_is_not_its_own(db: None) -> None:
    send()
    (paused,) = services.claim_destination(NEAR, 1)
    lapse(paused)
    (current,) = services.claim_destination(NEAR, 1)
    services.give_back(paused.token, recipients(paused))
    assert services.check([current.token], recipients(current)) == set(recipients(current))


@pytest.mark.parametrize("hours", [-1, 1, 120])
def test_it_asks_the_clock_of_the_database_alone(db: None, hours: int) -> None:
    """A worker whose own clock is wrong neither takes over what is leased, nor loses its lease."""
    send()
    (message,) = services.claim_destination(NEAR, 1)
    with time_machine.travel(timedelta(hours=hours), tick=True):
        assert services.claim_destination(NEAR, 1) == []
        assert services.check([message.token], recipients(message)) == set(recipients(message))
        assert services.renew([message.token], recipients(message), 60)
        settle(message, "deferred", "451 later", 300)
    with connection.cursor() as cursor:
        cursor.execute("SELECT next_attempt_at FROM mailqueue_queuedrecipient")
        assert 290_000_000 < cursor.fetchone()[0] - now_us() < 310_000_000
