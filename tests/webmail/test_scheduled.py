"""Letters that leave later: changed, sent now, taken back, and what IMAP clients do to them."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.delivery.posting import TooLate
from apps.directory.models import User
from apps.mailqueue.models import MessageState, QueuedMessage
from apps.mailstore.models import FLAG_DRAFT, FLAG_SEEN, Entry, Mailbox
from apps.mailstore.services import copy, expunge, mailboxes
from apps.runtime.clock import now
from apps.webmail.models import Draft, DraftState
from apps.webmail.services import scheduled, sending
from apps.webmail.tasks import settle_scheduled
from mailhost.celery import app
from tests.support.mail import drain
from tests.webmail.test_sending import WEB, box, held, read, send, written

pytestmark = pytest.mark.django_db
HOUR = 3_600


@pytest.fixture
def later(alice: User, bob: User) -> Draft:
    """A letter of Alice's to Bob that leaves in an hour."""
    return send(alice, written(alice), at=now() + HOUR)


def time_passes() -> None:
    """Everything that is held back is due; and leaves, if it may."""
    QueuedMessage.objects.filter(hold_until__gt=0).update(hold_until=1)
    Draft.objects.filter(hold_until__gt=0).update(hold_until=1)
    drain()
    scheduled.sweep()


def test_it_waits_in_scheduled_and_goes_to_sent(alice: User, bob: User, later: Draft) -> None:
    assert later.state == DraftState.SCHEDULED
    assert held(alice, "drafts") == held(alice, "sent") == []
    assert held(alice, "scheduled") == [("Offer", FLAG_SEEN)]
    assert scheduled.sweep() == 0
    time_passes()
    assert held(bob, "inbox") == [("Offer", 0)]
    assert held(alice, "scheduled") == []
    assert held(alice, "sent") == [("Offer", FLAG_SEEN)]
    draft = Draft.objects.get()
    assert (draft.state, draft.mailbox_id) == (DraftState.SENT, box(alice, "sent"))


def test_it_is_dated_when_it_leaves(alice: User, later: Draft) -> None:
    at = later.hold_until // 1_000_000
    assert parsedate_to_datetime(read(alice, "scheduled")["date"]).timestamp() == at
    assert Entry.objects.get(mailbox=box(alice, "scheduled")).internaldate == at


def test_another_time_is_another_date(alice: User, bob: User, later: Draft) -> None:
    at = now() + 2 * HOUR
    changed = sending.change(user=alice, draft_id=later.id, origin=WEB, at=at)
    assert changed.hold_until == at * 1_000_000
    assert parsedate_to_datetime(read(alice, "scheduled")["date"]) == datetime.fromtimestamp(
        at, UTC
    )
    assert len(held(alice, "scheduled")) == 1
    time_passes()
    assert len(held(bob, "inbox")) == 1, "once, and not twice"
    assert QueuedMessage.objects.filter(state=MessageState.CANCELLED).count() == 1


def test_it_can_leave_now(alice: User, bob: User, later: Draft) -> None:
    sent = sending.change(user=alice, draft_id=later.id, origin=WEB, at=0)
    assert sent.state == DraftState.SENT
    drain()
    assert held(alice, "sent") == [("Offer", FLAG_SEEN)]
    assert abs(parsedate_to_datetime(read(bob, "inbox")["date"]).timestamp() - now()) < 60
    with pytest.raises(TooLate):
        sending.change(user=alice, draft_id=later.id, origin=WEB, at=now() + HOUR)


def test_it_can_be_taken_back(alice: User, bob: User, later: Draft) -> None:
    sending.undo(user=alice, draft_id=later.id, origin=WEB)
    assert held(alice, "drafts") == [("Offer", FLAG_SEEN | FLAG_DRAFT)]
    assert held(alice, "scheduled") == []
    time_passes()
    assert held(bob, "inbox") == []


def test_who_deletes_it_by_imap_cancels_it(alice: User, bob: User, later: Draft) -> None:
    assert later.mailbox_id
    assert later.uid
    expunge.expunge(mailbox_id=later.mailbox_id, uids=[later.uid], marked=False, origin=WEB)
    assert scheduled.sweep() == 1
    time_passes()
    assert held(bob, "inbox") == []
    assert Draft.objects.get().state == DraftState.DISCARDED


def test_who_moves_it_away_cancels_it(alice: User, bob: User, later: Draft) -> None:
    assert later.mailbox_id
    assert later.uid
    copy.move(
        mailbox_id=later.mailbox_id, uids=[later.uid], target_id=box(alice, "drafts"), origin=WEB
    )
    scheduled.sweep()
    time_passes()
    assert held(bob, "inbox") == []
    assert len(held(alice, "drafts")) == 1


def test_who_moves_it_back_at_once_does_not(alice: User, bob: User, later: Draft) -> None:
    assert later.mailbox_id
    assert later.uid
    trash = box(alice, "trash")
    away = copy.move(mailbox_id=later.mailbox_id, uids=[later.uid], target_id=trash, origin=WEB)
    copy.move(mailbox_id=trash, uids=[away.uids[0][1]], target_id=later.mailbox_id, origin=WEB)
    assert scheduled.sweep() == 0
    time_passes()
    assert len(held(bob, "inbox")) == 1
    assert held(alice, "sent") == [("Offer", FLAG_SEEN)]


def test_who_deletes_the_mailbox_cancels_all_of_it(alice: User, bob: User, later: Draft) -> None:
    mailboxes.delete(user_id=alice.pk, name="Scheduled", origin=WEB)
    assert scheduled.sweep() == 1
    time_passes()
    assert held(bob, "inbox") == []


def test_what_left_before_it_was_deleted_has_left(alice: User, bob: User, later: Draft) -> None:
    assert later.mailbox_id
    assert later.uid
    QueuedMessage.objects.update(hold_until=1)
    drain()
    expunge.expunge(mailbox_id=later.mailbox_id, uids=[later.uid], marked=False, origin=WEB)
    scheduled.sweep()
    assert Draft.objects.get().state == DraftState.SENT
    assert len(held(bob, "inbox")) == 1


def test_it_stays_in_scheduled_while_the_queue_has_it(alice: User, later: Draft) -> None:
    Draft.objects.update(hold_until=1)
    assert scheduled.sweep() == 0
    assert len(held(alice, "scheduled")) == 1


def test_a_row_that_the_queue_has_forgotten_has_left(alice: User, later: Draft) -> None:
    QueuedMessage.objects.all().delete()
    Draft.objects.update(hold_until=1)
    assert scheduled.sweep() == 1
    assert held(alice, "sent") == [("Offer", FLAG_SEEN)]


def test_a_look_costs_two_statements_however_many_wait(alice: User, bob: User) -> None:
    for number in range(3):
        send(alice, written(alice, subject=str(number)), at=now() + HOUR)
    with CaptureQueriesContext(connection) as asked:
        assert scheduled.sweep() == 0
    assert len(asked) <= 2


def test_the_beat_looks() -> None:
    assert settle_scheduled.name in {one["task"] for one in app.conf.beat_schedule.values()}


def test_its_page_tells_when_it_leaves_and_offers_all_of_it(
    reader: Client, alice: User, later: Draft
) -> None:
    page = reader.get(f"/mail/scheduled/{later.uid}/").content.decode()
    assert "Leaves on" in page
    for act in ("now", "schedule", "undo"):
        assert f'action="/mail/compose/{later.id}/{act}/"' in page
    rows = reader.get("/mail/scheduled/").content.decode()
    when = datetime.fromtimestamp(later.hold_until / 1e6, UTC)
    assert f"{when:%H:%M}" in rows


def test_a_message_there_that_does_not_leave_says_so(
    reader: Client, alice: User, later: Draft
) -> None:
    Draft.objects.update(state=DraftState.DISCARDED)
    page = reader.get(f"/mail/scheduled/{later.uid}/").content.decode()
    assert "It is not scheduled" in page
    assert "/schedule/" not in page


def test_its_forms_work_without_script(reader: Client, alice: User, later: Draft) -> None:
    at = datetime.fromtimestamp(now() + 3 * HOUR, UTC)
    moved = reader.post(
        f"/mail/compose/{later.id}/schedule/", {"when": f"{at:%Y-%m-%dT%H:%M}"}, follow=True
    )
    assert f"{at:%H:%M}" in moved.content.decode()
    wrong: Any = reader.post(f"/mail/compose/{later.id}/schedule/", {"when": "2020"}, follow=True)
    assert "This is no date and time" in wrong.content.decode()
    reader.post(f"/mail/compose/{later.id}/now/")
    assert Draft.objects.get().state == DraftState.SENT
    assert Mailbox.objects.get(user=alice, special_use="scheduled")
