"""Recently deleted: what there is, and what comes back, of one's own mail alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore.models import Entry, Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services import expunge, mailboxes
from apps.webmail import removed
from apps.webmail.services import restoring
from tests.support.mail import RAW
from tests.webmail.test_acts import numbered
from tests.webmail.test_mail import deliver
from tests.webmail.test_side import inbox

pytestmark = pytest.mark.django_db

ORIGIN = Origin("test", None)
RESTORE = "/mail/removed/restore/"


def text(response: Any) -> str:
    return str(response.content.decode())


def remove(user: User, count: int) -> list[str]:
    """Deliver so many and expunge them all."""
    deliver(user, *numbered(count))
    box = inbox(user)
    uids = list(Entry.objects.filter(mailbox=box).values_list("uid", flat=True))
    expunge.expunge(mailbox_id=box.pk, uids=uids, origin=ORIGIN, marked=False)
    return [f"{box.pk}.{uid}" for uid in uids]


def there(user: User) -> int:
    return Entry.objects.filter(mailbox=inbox(user)).count()


def hour_ago() -> str:
    return f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M}"


def test_there_is_nothing_at_first(reader: Client) -> None:
    assert "Nothing here" in text(reader.get("/mail/removed/"))


def test_it_brings_back_the_chosen_ones(alice: User, reader: Client) -> None:
    refs = remove(alice, 3)
    page = text(reader.get("/mail/removed/"))
    assert page.count('name="ref"') == 3
    assert "kept until" in page
    told = text(reader.post(RESTORE, {"ref": refs[:2]}, follow=True))
    assert "2 messages are back." in told
    assert told.count('name="ref"') == 1
    assert there(alice) == 2
    again = text(reader.post(RESTORE, {"ref": refs[:2]}, follow=True))
    assert "Nothing was left to bring back." in again
    assert there(alice) == 2


def test_it_brings_back_all_of_a_folder(alice: User, reader: Client) -> None:
    remove(alice, 3)
    box = inbox(alice)
    assert "Bring back all of Inbox" in text(reader.get("/mail/removed/", {"folder": box.pk}))
    reader.post(RESTORE, {"all": box.pk})
    assert there(alice) == 3


def test_it_brings_back_a_folder(alice: User, reader: Client) -> None:
    made = mailboxes.create(user_id=alice.pk, name="<b>Plans")
    mailboxes.delete(user_id=alice.pk, name="<b>Plans", origin=ORIGIN)
    page = text(reader.get("/mail/removed/"))
    assert "&lt;b&gt;Plans" in page
    told = text(reader.post(RESTORE, {"deleted": made.pk}, follow=True))
    assert "“&lt;b&gt;Plans” with 0 messages is back." in told
    assert Mailbox.objects.get(pk=made.pk).deleted_at is None
    assert reader.post(RESTORE, {"deleted": made.pk}).status_code == 404


def test_it_says_first_what_would_come_back_since_a_time(alice: User, reader: Client) -> None:
    remove(alice, 3)
    mailboxes.create(user_id=alice.pk, name="Plans")
    mailboxes.delete(user_id=alice.pk, name="Plans", origin=ORIGIN)
    page = text(reader.get("/mail/removed/since/", {"since": hour_ago()}))
    assert "3 messages" in page
    assert "in one folder" in page
    assert "and one deleted folder" in page
    assert there(alice) == 0
    reader.post("/mail/removed/since/", {"since": hour_ago()})
    assert there(alice) == 3
    assert "Nothing was deleted since then" in text(
        reader.get("/mail/removed/since/", {"since": hour_ago()})
    )


@pytest.mark.parametrize(
    "when", ["yesterday", "9999-12-31T23:59", "0001-01-01T00:00", "2026-13-01", "<b>", "x" * 5000]
)
def test_it_says_which_time_it_wants(reader: Client, when: str) -> None:
    answer = reader.get("/mail/removed/since/", {"since": when})
    assert answer.status_code == 422
    assert "Give a" in text(answer)


def test_it_says_how_much_room_is_wanting(alice: User, reader: Client) -> None:
    refs = remove(alice, 3)
    User.objects.filter(pk=alice.pk).update(quota=100)
    for fields in ({"ref": refs}, {"all": str(inbox(alice).pk)}):
        told = text(reader.post(RESTORE, fields, follow=True))
        assert "There is no room" in told
        assert "Delete something else" in told
    told = text(reader.post("/mail/removed/since/", {"since": hour_ago()}, follow=True))
    assert "There is no room" in told
    assert there(alice) == 0


def test_it_goes_on_where_the_time_was_up(
    alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(alice, 3)
    when = hour_ago()
    monkeypatch.setattr(restoring, "SECONDS", -1.0)
    told = text(reader.post("/mail/removed/since/", {"since": when}, follow=True))
    assert "There was no time for 3 more" in told
    assert "Bring it back" in told
    monkeypatch.undo()
    reader.post("/mail/removed/since/", {"since": when})
    assert there(alice) == 3


def test_folders_come_back_one_after_another_while_there_is_time(
    alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("One", "Two", "Three"):
        mailboxes.create(user_id=alice.pk, name=name)
        mailboxes.delete(user_id=alice.pk, name=name, origin=ORIGIN)
    fields = {"since": hour_ago()}
    monkeypatch.setattr(restoring, "SECONDS", -1.0)
    told = text(reader.post("/mail/removed/since/", fields, follow=True))
    assert "with 0 messages is back" in told
    assert "There was no time for 2 more" in told
    monkeypatch.undo()
    reader.post("/mail/removed/since/", fields)
    live = Mailbox.objects.filter(user=alice, deleted_at=None)
    assert live.filter(name__in=["One", "Two", "Three"]).count() == 3


def test_it_pages_by_key(alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    remove(alice, 25)
    monkeypatch.setattr(removed, "PAGE", 10)
    seen: list[str] = []
    address = "/mail/removed/"
    for _ in range(3):
        context = reader.get(address).context
        seen += [one.ref for one in context["rows"]]
        address = f"/mail/removed/?before={context['following']}"
    assert len(seen) == len(set(seen)) == 25
    assert context["following"] == ""


@pytest.mark.parametrize("key", ["x", "1-1", "-", "9" * 30 + "-1-1", "\u0661-\u0661-\u0661"])
def test_it_takes_an_odd_key_for_the_first_page(alice: User, reader: Client, key: str) -> None:
    remove(alice, 1)
    assert reader.get("/mail/removed/", {"before": key}).context["is_first_page"]


@pytest.mark.parametrize("ref", ["", "x", "1", "1.x", "1.99999999999", "9" * 40 + ".1"])
def test_it_refuses_what_is_no_message(reader: Client, ref: str) -> None:
    assert "load the page again" in text(reader.post(RESTORE, {"ref": ref}, follow=True))


def test_it_wants_something_chosen(reader: Client) -> None:
    assert "Choose messages first" in text(reader.post(RESTORE, follow=True))


def test_nothing_of_another_comes_back(alice: User, bob: User, reader: Client) -> None:
    refs = remove(bob, 1)
    made = mailboxes.create(user_id=bob.pk, name="Plans")
    mailboxes.delete(user_id=bob.pk, name="Plans", origin=ORIGIN)
    box = inbox(bob)
    assert "Nothing here" in text(reader.get("/mail/removed/"))
    for fields in ({"ref": refs}, {"all": box.pk}, {"deleted": made.pk}, {"deleted": "x"}):
        assert reader.post(RESTORE, fields).status_code == 404
    assert reader.get("/mail/removed/", {"folder": box.pk}).status_code == 404
    assert there(bob) == 0


def test_it_asks_as_often_for_many_as_for_one(alice: User, reader: Client) -> None:
    counts = []
    for many in (1, 30):
        remove(alice, many)
        with CaptureQueriesContext(connection) as captured:
            reader.get("/mail/removed/")
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_raw_is_what_was_there(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    box = inbox(alice)
    expunge.expunge(mailbox_id=box.pk, uids=[1], origin=ORIGIN, marked=False)
    page = text(reader.get("/mail/removed/"))
    assert "Quarterly figures" in page
    assert "Carol" in page
