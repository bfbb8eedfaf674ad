"""Acts on many things at once are taken back once, by who did them, for a while."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.console.models import BulkAct
from apps.console.services import bulkacts
from apps.directory.models import User
from apps.directory.permissions import Powers
from apps.provisioning import services as provisioning
from apps.wire.errors import NotFound
from tests.console.conftest import browser


@pytest.fixture
def undone(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked to be taken back."""
    taken: list[Any] = []

    def take_back(powers: Powers, before: Any) -> str:
        taken.append((powers.user_id, before))
        return "It is as it was."

    monkeypatch.setattr("apps.console.views.undo.UNDOERS", {"test": take_back})
    return taken


def test_it_is_taken_back_once(admin: User, undone: list[Any]) -> None:
    act = bulkacts.keep(user=admin, what="test", before=[1, 2])
    client = browser(admin)
    form = {"act": str(act.pk), "next": "/admin/users/?text=a"}

    answer = client.post("/admin/undo/", form)
    again = client.post("/admin/undo/", form, follow=True)

    assert answer.headers["Location"] == "/admin/users/?text=a"
    assert undone == [(admin.pk, [1, 2])]
    assert "too late" in again.content.decode()


def test_nobody_takes_back_what_somebody_else_did(
    admin: User, helpdesk: User, undone: list[Any]
) -> None:
    act = bulkacts.keep(user=admin, what="test", before=[1])

    browser(helpdesk).post("/admin/undo/", {"act": str(act.pk)})

    assert undone == []


def test_after_ten_minutes_it_is_too_late(admin: User, undone: list[Any]) -> None:
    act = bulkacts.keep(user=admin, what="test", before=[1])
    BulkAct.objects.update(done_at=timezone.now() - timedelta(minutes=11))

    with pytest.raises(NotFound, match="bulk act"):
        bulkacts.take(user=admin, act_id=act.pk)
    assert bulkacts.prune() == 1


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "//evil.test/", "/\\evil.test", "x"])
def test_it_leads_nowhere_else(admin: User, undone: list[Any], elsewhere: str) -> None:
    act = bulkacts.keep(user=admin, what="test", before=[])

    answer = browser(admin).post("/admin/undo/", {"act": str(act.pk), "next": elsewhere})

    assert answer.headers["Location"] == "/admin/"


@pytest.mark.parametrize("act", ["", "x", "1" * 5000])
def test_what_is_no_act_is_not_there(admin: User, act: str) -> None:
    assert browser(admin).post("/admin/undo/", {"act": act}).status_code == 404


def test_an_act_that_never_was_is_too_late(admin: User) -> None:
    answer = browser(admin).post("/admin/undo/", {"act": str(uuid4())}, follow=True)

    assert "too late" in answer.content.decode()


def test_the_undo_stands_before_the_menu_for_whoever_goes_by_tab(admin: User) -> None:
    alice, _ = provisioning.add_user("alice@example.test", "correct horse battery")
    sent = {"act": "lock", "id": str(alice.pk)}

    page = browser(admin).post("/admin/users/bulk/", sent, follow=True).content.decode()

    assert page.index(">Undo</button>") < page.index("<aside")


def test_portions_are_taken_back_from_the_last_one_on(admin: User, undone: list[Any]) -> None:
    run = uuid4()
    first = bulkacts.keep(user=admin, what="test", before=[1], run=run)
    second = bulkacts.keep(user=admin, what="test", before=[2], run=run)
    client = browser(admin)

    page = client.post("/admin/undo/", {"act": str(second.pk), "next": "/admin/queue/"})
    assert undone == [(admin.pk, [2])]
    assert str(first.pk) in page.content.decode()
    answer = client.post(
        "/admin/undo/", {"act": str(first.pk), "next": "/admin/queue/", "nth": "1"}
    )

    assert undone == [(admin.pk, [2]), (admin.pk, [1])]
    assert answer.headers["Location"] == "/admin/queue/"


def test_a_portion_of_somebody_elses_is_none_of_ours(
    admin: User, helpdesk: User, undone: list[Any]
) -> None:
    run = uuid4()
    theirs = bulkacts.keep(user=helpdesk, what="test", before=[1], run=run)
    mine = bulkacts.keep(user=admin, what="test", before=[2], run=run)
    client = browser(admin)

    page = client.post("/admin/undo/", {"act": str(mine.pk)}, follow=True).content.decode()
    assert str(theirs.pk) not in page
    answer = client.post("/admin/undo/", {"act": str(theirs.pk)}, follow=True)

    assert undone == [(admin.pk, [2])]
    assert "too late" in answer.content.decode()
