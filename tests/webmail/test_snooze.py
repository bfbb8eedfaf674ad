"""Snoozed mail is out of sight until its time, and comes back unread and on top, whatever happens
meanwhile."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore.models import FLAG_SEEN, Entry, Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services import copy, expunge, flags, mailboxes
from apps.mailstore.services.flags import FlagChange
from apps.runtime.clock import now
from apps.webmail.models import Snooze
from apps.webmail.services import preferences, snooze
from apps.webmail.tasks import wake_snoozed
from tests.webmail.test_acts import JSON, box, deliver, do, numbered, ref, uids

pytestmark = pytest.mark.django_db

LATER = "2036-05-01T08:00"
HERE = Origin(door="imap", user_id=None)


def put_off(client: Client, *named: str, until: str = LATER, **fields: Any) -> Any:
    return do(client, "snooze", *named, until=until, **fields)


def due() -> int:
    """The time has come."""
    Snooze.objects.update(until=now() - 1)
    return snooze.wake()


def undo(client: Client, told: Any) -> Any:
    return client.post("/mail/undo/", {"token": told["undo"]}, headers=JSON)


def test_it_goes_out_of_sight_and_comes_back_unread_and_on_top(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(3))
    inbox = box(alice, "inbox")
    flags.store(mailbox_id=inbox, uids=[1], change=FlagChange("add", FLAG_SEEN), origin=HERE)
    Entry.objects.filter(mailbox=inbox).update(internaldate=1_700_000_000)
    told = put_off(reader, ref(alice, 1)).json()
    assert told["text"] == "Message snoozed"
    assert told["gone"] == [ref(alice, 1)]
    assert uids(inbox) == [2, 3]
    assert uids(box(alice, "snoozed")) == [1]
    assert snooze.wake() == 0
    assert due() == 1
    assert uids(box(alice, "snoozed")) == []
    back = Entry.objects.get(mailbox=inbox, uid=4)
    assert not back.flags & FLAG_SEEN
    assert now() - back.internaldate < 60
    assert not Snooze.objects.exists()
    page = reader.get("/mail/inbox/").content.decode()
    assert page.index(f'data-ref="{inbox}.4"') < page.index(f'data-ref="{inbox}.3"')


def test_the_time_is_of_the_persons_clock(alice: User, reader: Client) -> None:
    preferences.change(user_id=alice.pk, time_zone="Europe/Kyiv")
    deliver(alice, *numbered(1))
    put_off(reader, ref(alice, 1))
    assert Snooze.objects.get().until == 2_093_230_800  # 05:00 UTC


def test_a_menu_says_the_time_with_the_verb(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(1))
    do(reader, f"snooze:{LATER}", ref(alice, 1))
    assert uids(box(alice, "snoozed")) == [1]


@pytest.mark.parametrize(
    "until",
    ["", "soon", "2020-01-01T08:00", "2099-01-01T08:00", "2036-02-31T08:00", "0001-01-01T00:00"],
)
def test_a_time_that_is_none_changes_nothing(alice: User, reader: Client, until: str) -> None:
    deliver(alice, *numbered(1))
    response = put_off(reader, ref(alice, 1), until=until)
    assert response.status_code == 400
    assert response.json()["error"]
    assert uids(box(alice, "inbox")) == [1]
    assert not Mailbox.objects.filter(special_use="snoozed").exists()


def test_undo_brings_it_back_as_it_was(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(2))
    told = put_off(reader, ref(alice, 1), ref(alice, 2)).json()
    assert undo(reader, told).json()["undone"] == 2
    assert len(uids(box(alice, "inbox"))) == 2
    assert due() == 0
    assert not Snooze.objects.exists()


def test_it_comes_back_to_where_it_was(alice: User, reader: Client) -> None:
    plans = mailboxes.create(user_id=alice.pk, name="Plans").pk
    deliver(alice, *numbered(2))
    copy.move(mailbox_id=box(alice, "inbox"), uids=[1], target_id=plans, origin=HERE)
    put_off(reader, f"{plans}.1")
    put_off(reader, ref(alice, 2))
    assert due() == 2
    assert (len(uids(plans)), len(uids(box(alice, "inbox")))) == (1, 1)


def test_where_that_is_gone_the_inbox_has_it(alice: User, reader: Client) -> None:
    plans = mailboxes.create(user_id=alice.pk, name="Plans")
    deliver(alice, *numbered(1))
    copy.move(mailbox_id=box(alice, "inbox"), uids=[1], target_id=plans.pk, origin=HERE)
    put_off(reader, f"{plans.pk}.1")
    mailboxes.delete(user_id=alice.pk, name="Plans", origin=HERE)
    assert due() == 1
    assert len(uids(box(alice, "inbox"))) == 1


def test_a_program_that_moves_or_deletes_it_wins(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(3))
    put_off(reader, *(ref(alice, uid) for uid in (1, 2, 3)))
    snoozed = box(alice, "snoozed")
    copy.move(mailbox_id=snoozed, uids=[1], target_id=box(alice, "archive"), origin=HERE)
    expunge.expunge(mailbox_id=snoozed, uids=[2], origin=HERE, marked=False)
    assert due() == 1
    assert len(uids(box(alice, "archive"))) == 1
    assert len(uids(box(alice, "inbox"))) == 1
    assert not Snooze.objects.exists()


def test_two_sweeps_bring_it_back_once(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(1))
    put_off(reader, ref(alice, 1))
    stale = list(Snooze.objects.values_list("pk", flat=True))
    assert due() == 1
    assert snooze._bring_back(alice.pk, box(alice, "snoozed"), None, ids=stale) == 0
    assert len(uids(box(alice, "inbox"))) == 1


def test_what_cannot_come_back_now_comes_back_later(
    alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.wire.errors import StorageUnavailable

    deliver(alice, *numbered(1))
    put_off(reader, ref(alice, 1))

    def fail(**_: object) -> None:
        raise StorageUnavailable("away")

    monkeypatch.setattr("apps.webmail.services.snooze.copy.move", fail)
    assert due() == 0
    monkeypatch.undo()
    assert Snooze.objects.get().until > now()
    assert due() == 1


def test_it_is_brought_back_by_hand_and_put_off_again(alice: User, reader: Client) -> None:
    plans = mailboxes.create(user_id=alice.pk, name="Plans").pk
    deliver(alice, *numbered(2))
    copy.move(mailbox_id=box(alice, "inbox"), uids=[1], target_id=plans, origin=HERE)
    put_off(reader, f"{plans}.1")
    put_off(reader, ref(alice, 2))
    snoozed = box(alice, "snoozed")
    told = do(reader, "wake", f"{snoozed}.1", f"{snoozed}.2").json()
    assert told["text"] == "2 messages brought back"
    assert (len(uids(plans)), len(uids(box(alice, "inbox")))) == (1, 1)
    assert undo(reader, told).json()["undone"] == 2
    assert len(uids(snoozed)) == 2
    assert due() == 2  # their times came back with them
    assert (len(uids(plans)), len(uids(box(alice, "inbox")))) == (1, 1)


def test_another_time_can_be_chosen_and_taken_back(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(1))
    put_off(reader, ref(alice, 1))
    first = Snooze.objects.get().until
    told = put_off(reader, ref(alice, 1, "snoozed"), until="2035-01-01T08:00").json()
    assert Snooze.objects.get().until < first
    undo(reader, told)
    assert Snooze.objects.get().until == first
    assert due() == 1


def test_a_time_for_what_is_not_there_is_no_row(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(1))
    put_off(reader, ref(alice, 1))
    put_off(reader, f"{box(alice, 'snoozed')}.77")
    assert Snooze.objects.count() == 1


@pytest.mark.parametrize("use", ["drafts", "junk", "trash"])
def test_some_mail_does_not_come_back(alice: User, reader: Client, use: str) -> None:
    deliver(alice, *numbered(1))
    copy.move(mailbox_id=box(alice, "inbox"), uids=[1], target_id=box(alice, use), origin=HERE)
    response = put_off(reader, ref(alice, 1, use))
    assert response.status_code >= 400
    assert uids(box(alice, use)) == [1]


def test_nobody_snoozes_the_mail_of_others(alice: User, bob: User, reader: Client) -> None:
    deliver(bob, *numbered(1))
    response = put_off(reader, ref(bob, 1))
    assert response.status_code == 404
    assert uids(box(bob, "inbox")) == [1]


def test_the_list_says_until_when(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(2))
    put_off(reader, ref(alice, 1))
    page = reader.get("/mail/snoozed/").content.decode()
    assert "1 May 2036, 08:00" in page
    inbox = reader.get("/mail/inbox/").content.decode()
    assert "1 May 2036" not in inbox
    assert 'value="snooze:' in inbox


def test_the_list_asks_no_more_for_more(alice: User, reader: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            reader.get("/mail/snoozed/")
        return len(queries)

    deliver(alice, *numbered(12))
    put_off(reader, ref(alice, 1))
    reader.get("/mail/snoozed/")
    few = asked()
    put_off(reader, *(ref(alice, uid) for uid in range(2, 12)))
    assert asked() == few


def test_the_sweep_asks_no_more_for_more(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(12))

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            due()
        return len(queries)

    put_off(reader, ref(alice, 1))
    few = asked()
    put_off(reader, *(ref(alice, uid) for uid in range(2, 12)))
    assert asked() <= few


def test_the_task_wakes(alice: User, reader: Client) -> None:
    deliver(alice, *numbered(1))
    put_off(reader, ref(alice, 1))
    Snooze.objects.update(until=now() - 1)
    wake_snoozed()
    assert len(uids(box(alice, "inbox"))) == 1
