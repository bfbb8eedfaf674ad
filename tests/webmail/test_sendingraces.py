"""Clicks at the same moment, and undo against the worker that takes the letter: one of them wins,
and all of it is as if the other had come later."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection

from apps.delivery import process
from apps.delivery.posting import TooLate
from apps.directory.models import User
from apps.mailqueue.models import MessageState, QueuedMessage
from apps.runtime.clock import now
from apps.webmail.models import Draft, DraftState
from apps.webmail.services import scheduled, sending
from apps.wire.errors import MailError
from tests.support.mail import drain
from tests.webmail.test_sending import WEB, held, send, written

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each of them returned, or the MailError that it raised."""

    def run(act: Callable[[], Any]) -> Any:
        try:
            return act()
        except MailError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [one.result(30) for one in [threads.submit(run, act) for act in acts]]


def test_clicks_at_the_same_moment_are_one_message(alice: User, bob: User) -> None:
    draft = written(alice)
    done = at_once(*[lambda: send(alice, draft, undo_seconds=10)] * 4)
    assert len({one.queue_id for one in done}) == 1
    assert QueuedMessage.objects.count() == 1
    assert len(held(alice, "sent")) == 1
    assert held(alice, "drafts") == []


def test_undo_and_the_worker_do_not_both_get_it(alice: User, bob: User) -> None:
    for number in range(ROUNDS):
        draft = send(alice, written(alice, subject=str(number)), undo_seconds=10)
        QueuedMessage.objects.filter(hold_until__gt=1).update(hold_until=1)
        undone, _ = at_once(
            partial(sending.undo, user=alice, draft_id=draft.id, origin=WEB),
            process.run_once,
        )
        drain()
        arrived = (str(number), 0) in held(bob, "inbox")
        assert arrived == isinstance(undone, TooLate)
        state = Draft.objects.get(pk=draft.pk).state
        assert state == (DraftState.SENT if arrived else DraftState.OPEN)


def test_undo_twice_at_once_makes_one_draft(alice: User, bob: User) -> None:
    draft = send(alice, written(alice), undo_seconds=10)
    at_once(*[lambda: sending.undo(user=alice, draft_id=draft.id, origin=WEB)] * 3)
    assert len(held(alice, "drafts")) == 1
    assert held(alice, "sent") == []
    assert QueuedMessage.objects.get().state == MessageState.CANCELLED


def test_send_now_change_and_cancel_at_once_leave_one_truth(alice: User, bob: User) -> None:
    for number in range(ROUNDS):
        draft = send(alice, written(alice, subject=str(number)), at=now() + 3_600)
        mine: dict[str, Any] = {"user": alice, "draft_id": draft.id, "origin": WEB}
        at_once(
            partial(sending.change, **mine, at=0),
            partial(sending.change, **mine, at=now() + 7_200),
            partial(sending.undo, **mine),
            scheduled.sweep,
        )
        found = Draft.objects.get(pk=draft.pk)
        live = QueuedMessage.objects.filter(state=MessageState.ACCEPTED)
        assert live.count() == (0 if found.state == DraftState.OPEN else 1)
        place = {"open": "drafts", "sent": "sent", "scheduled": "scheduled"}[found.state]
        for use in ("drafts", "sent", "scheduled"):
            there = [subject for subject, _ in held(alice, use) if subject == str(number)]
            assert len(there) == (use == place), (use, found.state)
        live.update(hold_until=0)
        drain()
        Draft.objects.update(hold_until=0)
        scheduled.sweep()
