"""What is forgotten of letters, and when; never one that somebody writes."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from apps.directory.models import User
from apps.mailstore.models import FLAG_DRAFT, Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services import append
from apps.mailstore.services.append import Appending
from apps.mailstore.services.prepare import prepare
from apps.provisioning import services as provisioning
from apps.runtime import clock
from apps.runtime.ulid import new_ulid
from apps.webmail.models import Draft, DraftChunk, DraftFile, DraftState
from apps.webmail.services import abandoned, draftfiles, draftrows, tails
from apps.webmail.tasks import prune_drafts
from mailhost.celery import app
from tests.webmail.test_tails import attach, keep

pytestmark = pytest.mark.django_db

DAY = 24 * 3600


@pytest.fixture
def draft(alice: User) -> Draft:
    return draftrows.ensure(user_id=alice.pk, draft_id=new_ulid())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`later(days)`: it is so much later, and the hour of the pruning."""
    started = clock.now()

    def go(days: float) -> int:
        monkeypatch.setattr(abandoned, "now", lambda: started + int(days * DAY))
        return abandoned.prune()

    return go


def saved(draft: Draft, user: User) -> None:
    """It has a message in Drafts."""
    box = Mailbox.objects.get(user=user, special_use="drafts")
    ready = prepare(b"Subject: a\r\n\r\nb\r\n", trace_id=new_ulid())
    (made,) = append.append(
        mailbox_id=box.pk,
        user_id=user.pk,
        messages=[Appending(ready, clock.now(), FLAG_DRAFT)],
        origin=Origin("web", user.pk),
    )
    Draft.objects.filter(pk=draft.pk).update(revision=1, mailbox=box, uid=made.uid)


def there(draft: Draft) -> bool:
    return Draft.objects.filter(pk=draft.pk).exists()


def test_a_letter_stays_as_long_as_its_message(draft: Draft, alice: User, later: Any) -> None:
    attach(draft, "a.txt", b"a")
    saved(draft, alice)
    assert later(1000) == 0
    assert there(draft)
    assert DraftFile.objects.count() == 1


def test_one_whose_message_was_deleted_stays_for_a_month(
    draft: Draft, alice: User, later: Any
) -> None:
    saved(draft, alice)
    Draft.objects.update(uid=999)
    assert later(29) == 0
    assert later(31) == 1


def test_one_that_was_never_saved_goes_with_its_files(draft: Draft, later: Any) -> None:
    attach(draft, "a.txt", b"a")
    assert later(1.9) == 0
    assert later(2.1) == 1
    assert not there(draft)
    assert not DraftChunk.objects.exists()


def test_one_to_which_files_still_come_stays(draft: Draft, later: Any) -> None:
    Draft.objects.update(saved_at=clock.now() - 5 * DAY)
    attach(draft, "a.txt", b"a")
    assert later(0) == 0
    assert there(draft)


def test_one_that_was_discarded_can_be_had_back_for_a_week(draft: Draft, later: Any) -> None:
    Draft.objects.update(state=DraftState.DISCARDED, revision=3)
    assert later(6.9) == 0
    assert later(7.1) == 1


def test_one_that_was_sent_is_remembered_without_its_files(draft: Draft, later: Any) -> None:
    attach(draft, "a.txt", b"a")
    keep(draft, tails.tail(draft, cids=()))
    Draft.objects.update(state=DraftState.SENT, revision=3, hold_until=clock.now_us())
    later(0.9)
    assert DraftFile.objects.exists()
    later(1.1)
    assert not DraftFile.objects.exists()
    assert Draft.objects.get(pk=draft.pk).tail_id is None
    assert later(29) == 0
    assert later(31) == 1


@pytest.mark.parametrize("state", [DraftState.SCHEDULED, DraftState.SENT])
def test_one_that_leaves_in_a_year_keeps_all(draft: Draft, later: Any, state: str) -> None:
    attach(draft, "a.txt", b"a")
    Draft.objects.update(state=state, hold_until=clock.now_us() + 365 * DAY * 1_000_000)
    assert later(360) == 0
    assert DraftFile.objects.count() == 1


def test_an_upload_that_was_given_up_goes(draft: Draft, alice: User, later: Any) -> None:
    saved(draft, alice)
    whole = attach(draft, "a.txt", b"a")
    draftfiles.begin(user_id=alice.pk, draft_id=draft.id, name="b", size=9, media_type="")
    assert later(6) == 0
    assert later(8) == 1
    assert DraftFile.objects.get() == whole


def test_more_than_a_page_goes(alice: User, later: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abandoned, "PAGE", 2)
    for _ in range(5):
        draftrows.ensure(user_id=alice.pk, draft_id=new_ulid())
    assert later(3) == 5
    assert not Draft.objects.exists()


def test_letters_go_with_their_person(draft: Draft, alice: User) -> None:
    attach(draft, "a.txt", b"a")
    keep(draft, tails.tail(draft, cids=()))
    saved(draft, alice)
    provisioning.remove_user(alice.key)
    with time_machine.travel(timedelta(days=provisioning.KEEP_DAYS + 1), tick=True):
        provisioning.purge_removed()
        alice.mailboxes.all().delete()  # as mailstore does in pieces
        assert Draft.objects.get().mailbox_id is None
        assert provisioning.purge_removed() == 1
    assert not Draft.objects.exists()
    assert not DraftChunk.objects.exists()


def test_it_is_on_the_beat() -> None:
    assert prune_drafts.name in {entry["task"] for entry in app.conf.beat_schedule.values()}
    prune_drafts()
