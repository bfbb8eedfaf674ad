"""Send, undo, schedule by the forms of the composer: with script and without."""

from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from apps.directory.models import User
from apps.mailqueue.models import QueuedMessage
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.webmail.models import Draft, DraftFile, DraftState, Preferences
from tests.support.mail import drain
from tests.webmail.test_sending import held, received

pytestmark = pytest.mark.django_db
SCRIPT = {"accept": "application/json", "x-requested-with": "fetch"}


def form(**fields: str) -> dict[str, str]:
    usual = {
        "revision": "0",
        "kind": "new",
        "to": "bob@example.test",
        "subject": "Offer",
        "text": "Hello Bob.",
        "plain": "1",
    }
    return usual | fields


def post(reader: Client, draft: UUID, what: str, fields: dict[str, str] | None = None) -> Any:
    return reader.post(f"/mail/compose/{draft}/{what}/", fields or {}, headers=SCRIPT)


def test_it_is_sent_and_says_how_long_it_can_be_undone(reader: Client, bob: User) -> None:
    draft = new_ulid()
    with time_machine.travel(now(), tick=False):
        answer = post(reader, draft, "send", form())
        told = answer.json()
        assert answer.status_code == 200
        assert (told["text"], told["state"], told["draft"]) == ("Message sent.", "sent", str(draft))
        assert told["until"] == now() + 10
        back = reader.post(told["undo"], headers=SCRIPT)
    assert back.json()["url"] == f"/mail/compose/{draft}/"
    QueuedMessage.objects.update(hold_until=1)
    drain()
    assert held(bob, "inbox") == []


def test_two_clicks_get_the_same_answer(reader: Client, bob: User) -> None:
    draft = new_ulid()
    first = post(reader, draft, "send", form()).json()
    assert post(reader, draft, "send", form()).json() == first
    assert post(reader, draft, "send", form(text="Other words")).json() == first
    assert QueuedMessage.objects.count() == 1


def test_who_wants_no_undo_gets_none(reader: Client, alice: User, bob: User) -> None:
    Preferences.objects.create(user=alice, undo_seconds=0)
    told = post(reader, new_ulid(), "send", form()).json()
    assert told["until"] == 0
    drain()
    assert held(bob, "inbox") == [("Offer", 0)]
    late = reader.post(told["undo"], headers=SCRIPT)
    assert late.status_code == 409
    assert late.json()["error"] == "It is too late: the message has left"


@pytest.mark.parametrize(
    ("fields", "field", "asks"),
    [
        ({"to": "nobody@example.test"}, "to", None),
        ({"subject": " "}, "subject", True),
        ({"subject": "", "to": ""}, "to", None),
        ({"text": "The plan is attached."}, "text", True),
        ({"when": "2020-01-01T08:00"}, "when", None),
    ],
)
def test_what_is_wrong_is_said_and_the_letter_kept(
    reader: Client, alice: User, bob: User, fields: dict[str, str], field: str, asks: bool | None
) -> None:
    draft = new_ulid()
    answer = post(reader, draft, "send", form(**fields))
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert answer.json().get("ask") == asks
    assert Draft.objects.get(pk=draft).state == DraftState.OPEN
    assert len(held(alice, "drafts")) == 1


def test_who_is_sure_is_not_asked(reader: Client, alice: User, bob: User) -> None:
    fields = form(subject="", text="It is attached.", sure="1")
    assert post(reader, new_ulid(), "send", fields).status_code == 200


def test_a_file_that_is_still_coming_is_asked_about(reader: Client, alice: User, bob: User) -> None:
    draft = new_ulid()
    reader.post(f"/mail/compose/{draft}/", form(), headers=SCRIPT)
    DraftFile.objects.create(
        draft_id=draft, name="plan.pdf", media_type="application/pdf", size=10, created_at=1
    )
    answer = post(reader, draft, "send", form(revision="1"))
    assert (answer.status_code, answer.json()["field"]) == (422, "files")
    assert "plan.pdf" in answer.json()["error"]


def test_two_tabs_with_other_words_are_told(reader: Client, alice: User, bob: User) -> None:
    draft = new_ulid()
    reader.post(f"/mail/compose/{draft}/", form(), headers=SCRIPT)
    reader.post(f"/mail/compose/{draft}/", form(revision="1", text="Better"), headers=SCRIPT)
    answer = post(reader, draft, "send", form(revision="1", text="Worse"))
    assert answer.status_code == 409
    assert answer.json()["revision"] == 2
    assert not QueuedMessage.objects.exists()


def test_it_goes_without_script(reader: Client, alice: User, bob: User) -> None:
    draft = new_ulid()
    answer = reader.post(f"/mail/compose/{draft}/send/", form(), follow=True)
    page = answer.content.decode()
    assert "Message sent." in page
    assert f'action="/mail/compose/{draft}/undo/"' in page
    back = reader.post(f"/mail/compose/{draft}/undo/")
    assert back.headers["Location"] == f"/mail/compose/{draft}/"
    assert Draft.objects.get(pk=draft).state == DraftState.OPEN


def test_a_draft_that_was_taken_back_says_nothing_of_its_way(
    reader: Client, alice: User, bob: User
) -> None:
    draft = new_ulid()
    told = post(reader, draft, "send", form()).json()
    mine = Draft.objects.get(pk=draft)
    assert "It leaves in a moment." in reader.get(f"/mail/sent/{mine.uid}/").content.decode()
    reader.post(told["undo"], headers=SCRIPT)
    mine.refresh_from_db()
    page = reader.get(f"/mail/drafts/{mine.uid}/").content.decode()
    assert "Cancelled" not in page
    assert "It leaves" not in page


def test_without_script_a_mistake_shows_the_form_again(reader: Client, bob: User) -> None:
    draft = new_ulid()
    answer = reader.post(f"/mail/compose/{draft}/send/", form(to="nobody@example.test"))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "There is no mailbox nobody@example.test here" in page
    assert "Hello Bob." in page


def test_what_was_answered_goes_into_the_archive_and_comes_back(
    reader: Client, alice: User, bob: User
) -> None:
    ref = received(alice)
    fields = form(kind="reply", source=ref, archive="1")
    told = post(reader, draft := new_ulid(), "send", fields).json()
    assert held(alice, "inbox") == []
    assert len(held(alice, "archive")) == 1
    reader.post(told["undo"], {"token": told["archived"]}, headers=SCRIPT)
    assert len(held(alice, "inbox")) == 1
    assert held(alice, "archive") == []
    assert Draft.objects.get(pk=draft).state == DraftState.OPEN


def test_the_letters_of_others_answer_as_what_is_not_there(
    reader: Client, alice: User, bob: User
) -> None:
    draft = new_ulid()
    theirs = Client()
    theirs.force_login(bob)
    post(theirs, draft, "send", form(to="alice@example.test", when=""))
    for what, fields in (
        ("send", form()),
        ("undo", {}),
        ("now", {}),
        ("schedule", {"when": "2026-11-30T08:00"}),
    ):
        mine, nobodys = post(reader, draft, what, fields), None
        if what != "send":
            nobodys = post(reader, new_ulid(), what, fields)
            assert mine.content == nobodys.content
        assert mine.status_code in {404, 422}
    assert Draft.objects.get(pk=draft).state == DraftState.SENT


def test_a_stranger_signs_in_first(client: Client) -> None:
    answer = client.post(reverse("compose-send", args=[new_ulid()]), form(), headers=SCRIPT)
    assert answer.status_code == 401
