"""What takes the space of a mailbox, and how it is made free."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore.largest import largest
from apps.mailstore.models import Entry, Mailbox, Usage
from apps.mailstore.origin import Origin
from apps.mailstore.services.append import Appending, append
from apps.mailstore.services.prepare import prepare
from apps.runtime.ulid import new_ulid
from apps.webmail.services import places

pytestmark = pytest.mark.django_db

PAGE = "/settings/storage/"


def letter(user: User, folder: str, subject: str, size: int) -> None:
    head = f"From: Ann <ann@elsewhere.test>\r\nSubject: {subject}\r\n\r\n"
    one = Appending(
        prepare(head.encode() + b"x" * size, trace_id=new_ulid()), internaldate=1_700_000_000
    )
    box = Mailbox.objects.get(user=user, name=folder)
    append(mailbox_id=box.pk, user_id=user.pk, messages=[one], origin=Origin("test", None))


def read(reader: Client) -> str:
    return str(reader.get(PAGE, secure=True).content.decode())


def test_an_empty_mailbox_says_so(reader: Client, alice: User) -> None:
    page = read(reader)
    assert "Your mailbox has no limit." in page or " used" in page
    assert "There is no mail yet." in page
    assert "Largest messages" not in page


def test_folders_and_messages_stand_by_size(reader: Client, alice: User, bob: User) -> None:
    places.create(user_id=alice.pk, name="Plans", inside=None, hue=0)
    letter(alice, "INBOX", "small", 100)
    letter(alice, "Plans", "<b>huge</b>", 900_000)
    letter(bob, "INBOX", "not hers", 2_000_000)

    page = read(reader)

    assert "&lt;b&gt;huge&lt;/b&gt;" in page
    assert page.index("&lt;b&gt;huge") < page.index(">small<")
    assert page.index("Plans</bdi>") < page.index("Inbox</bdi>")
    assert "not hers" not in page
    assert [one.subject for one in largest(alice.pk, limit=1)] == ["<b>huge</b>"]


def test_how_full_it_is(reader: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(quota=1_000_000)
    Usage.objects.filter(user=alice).update(size=850_000, reserved=10_240)

    page = read(reader)

    assert "of 976.6\xa0KB used" in page
    assert "10.0\xa0KB of it for mail on its way." in page
    assert "Your mailbox holds" in page  # the banner


def test_a_large_one_goes_to_trash_then_for_good(reader: Client, alice: User) -> None:
    letter(alice, "INBOX", "huge", 50_000)
    one = Entry.objects.get()
    form = {"verb": "trash", "ref": f"{one.mailbox_id}.{one.uid}", "next": PAGE}

    answer = reader.post("/mail/acts/", form, secure=True)

    assert answer["Location"] == PAGE
    page = read(reader)
    assert "Empty Trash" in page
    assert 'name="verb" value="delete"' in page
    form = {"verb": "empty", "all": "trash", "next": PAGE, "confirmed": "1"}
    assert reader.post("/mail/acts/", form, secure=True)["Location"] == PAGE
    assert "Empty Trash" not in read(reader)


def test_it_costs_the_same_for_many(reader: Client, alice: User) -> None:
    letter(alice, "INBOX", "one", 10)
    read(reader)
    with CaptureQueriesContext(connection) as few:
        read(reader)
    for number in range(30):
        places.create(user_id=alice.pk, name=f"Folder {number}", inside=None, hue=0)
        letter(alice, f"Folder {number}", f"n{number}", 10 + number)
    with CaptureQueriesContext(connection) as many:
        page = read(reader)

    assert len(many) == len(few)
    assert page.count('name="ref"') == 20
    assert "1 smaller folder with" in page
