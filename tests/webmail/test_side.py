"""What stands beside the list: places, in order, in sight; nothing of others; a constant cost."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore.models import FLAG_SEEN, Entry, Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services import flags, mailboxes, sharing
from apps.mailstore.services.flags import FlagChange
from apps.webmail import folders as boxes
from apps.webmail.services import labels, looks, places
from tests.support.mail import RAW
from tests.webmail.test_mail import deliver

pytestmark = pytest.mark.django_db

ORIGIN = Origin("test", None)


def text(response: Any) -> str:
    return str(response.content.decode())


def inbox(user: User) -> Mailbox:
    return Mailbox.objects.get(user=user, special_use="inbox", deleted_at=None)


def share(mailbox: Mailbox, to: User, rights: str) -> None:
    sharing.grant(mailbox_id=mailbox.pk, to=to.key, rights=rights, origin=ORIGIN)


def mark(user: User, *words: str) -> None:
    box = inbox(user)
    uids = list(Entry.objects.filter(mailbox=box).values_list("uid", flat=True))
    flags.store(mailbox_id=box.pk, uids=uids, change=FlagChange("add", 0, words), origin=ORIGIN)


def test_it_shows_what_is_subscribed_and_keeps_the_rest_below(alice: User, reader: Client) -> None:
    mailboxes.create(user_id=alice.pk, name="Attic")  # as a program makes it
    assert [one.name for one in boxes.side(alice).own] == ["Attic"]
    places.create(user_id=alice.pk, name="Plans")
    assert [one.name for one in boxes.side(alice).own] == ["Attic", "Plans"]
    mailboxes.unsubscribe(user_id=alice.pk, name="Attic")
    side = boxes.side(alice, "inbox")
    assert [one.name for one in side.own] == ["Plans"]
    assert [one.name for one in side.more] == ["Attic"]
    page = text(reader.get("/mail/side/?here=inbox"))
    assert page.index("Plans") < page.index("More folders") < page.index("Attic")
    assert 'aria-current="page"' in page


def test_it_names_no_page_that_is_not_there(alice: User, reader: Client) -> None:
    page = text(reader.get("/mail/inbox/"))
    assert not [word for word in ("Snoozed", "Scheduled") if word in page]


def test_it_calls_the_inbox_of_another_as_its_owner_is(
    alice: User, bob: User, reader: Client
) -> None:
    share(inbox(bob), alice, "lr")
    (one,) = boxes.side(alice).shared
    assert (one.name, one.owner, one.slug) == ("bob@example.test", "bob@example.test", str(one.id))
    assert one.may("r")
    assert not one.may("t")
    assert not one.takes_mail
    page = text(reader.get("/mail/inbox/"))
    assert "Shared with you" in page
    assert f'data-drop="{one.id}"' not in page


def test_it_opens_a_shared_mailbox_with_r_and_no_other(
    alice: User, bob: User, reader: Client
) -> None:
    deliver(bob, RAW)
    box = inbox(bob)
    assert reader.get(f"/mail/{box.pk}/").status_code == 404
    share(box, alice, "l")
    assert reader.get(f"/mail/{box.pk}/").status_code == 404
    assert not boxes.side(alice).shared
    share(box, alice, "lr")
    assert "Quarterly figures" in text(reader.get(f"/mail/{box.pk}/"))
    assert reader.get(f"/mail/{box.pk}/1/").status_code == 200
    share(box, alice, "")
    assert reader.get(f"/mail/{box.pk}/1/").status_code == 404


def test_it_keeps_a_shared_mailbox_out_of_sight_when_told(alice: User, bob: User) -> None:
    share(inbox(bob), alice, "lr")
    (one,) = boxes.side(alice).shared
    places.hide(user_id=alice.pk, folder=one)
    side = boxes.side(alice)
    assert not side.shared
    assert [box.id for box in side.hidden] == [one.id]
    places.show(user_id=alice.pk, folder=side.hidden[0])
    assert [box.id for box in boxes.side(alice).shared] == [one.id]


def test_it_shows_labels_that_were_made_and_labels_that_messages_have(alice: User) -> None:
    deliver(alice, RAW)
    labels.create(user_id=alice.pk, name="Täxes", hue=3)
    mark(alice, "$Forwarded", "NonJunk", "$label1", "Travel")
    found = [(one.name, one.id is not None) for one in boxes.side(alice).labels]
    assert found == [("Important", False), ("Travel", False), ("Täxes", True)]


def test_it_says_how_much_unread_mail_a_label_has(alice: User, bob: User, reader: Client) -> None:
    for _ in range(3):
        deliver(alice, RAW)
    deliver(bob, RAW)
    mark(alice, "Travel")
    mark(bob, "Travel")
    box = inbox(alice)
    read = FlagChange("add", FLAG_SEEN, ())
    flags.store(mailbox_id=box.pk, uids=[3], change=read, origin=ORIGIN)
    [one] = boxes.side(alice).labels
    assert (one.name, one.unseen) == ("Travel", 2)
    assert reader.get("/mail/poll/").json()["labels"] == {"travel": 2}
    page = text(reader.get("/mail/inbox/"))
    assert '<span class="count" aria-label="2 unread">2</span>' in page.partition('data-label="')[2]
    Mailbox.objects.filter(user=alice, special_use="junk").update(special_use="")
    Mailbox.objects.filter(pk=box.pk).update(special_use="junk")
    assert boxes.side(alice).labels[0].unseen == 0


def test_it_shows_no_label_that_only_others_have(alice: User, bob: User) -> None:
    deliver(bob, RAW)
    mark(bob, "Secret")
    share(inbox(bob), alice, "lr")
    assert boxes.side(alice).labels == []


def test_it_gives_a_folder_its_colour(alice: User, bob: User, reader: Client) -> None:
    looks.colour(user_id=alice.pk, mailbox_id=inbox(alice).pk, hue=5)
    assert boxes.side(alice).specials[0].hue == 5
    assert "nav__icon hue-5" in text(reader.get("/mail/inbox/"))
    assert boxes.side(bob).specials[0].hue == 0


def test_it_asks_the_database_as_often_for_much_as_for_little(alice: User, bob: User) -> None:
    counts = []
    for many in (1, 20):
        for number in range(many):
            places.create(user_id=alice.pk, name=f"Folder {many} {number}", hue=1)
            labels.create(user_id=alice.pk, name=f"Label {many} {number}")
            made = mailboxes.create(user_id=bob.pk, name=f"Shared {many} {number}")
            share(made, alice, "lr")
        with CaptureQueriesContext(connection) as captured:
            side = boxes.side(alice, "inbox")
            assert all((side.folders, side.shared, side.labels))
        counts.append(len(captured))
    assert counts == [8, 8]
