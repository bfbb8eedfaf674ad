"""Rights in mailboxes: who can have them, how they change, and what happens to them."""

import json

import pytest

from apps.directory.models import Kind, User
from apps.events.types import EVERYBODY, MailboxesChanged
from apps.mailstore import shares
from apps.mailstore.models import Change, Mailbox, MailboxRight, MailboxState
from apps.mailstore.services import mailboxes, sharing
from apps.provisioning import services as provisioning
from apps.wire.errors import InvalidName, LimitReached, NotFound
from tests.conftest import PASSWORD
from tests.mailstore.making import ORIGIN, box

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The events that would be published on commit."""
    events: list[object] = []
    monkeypatch.setattr(sharing, "publish_on_commit", events.append)
    return events


def entries(mailbox: Mailbox) -> dict[str, str]:
    rows = MailboxRight.objects.filter(mailbox=mailbox).select_related("user")
    return {"anyone" if row.user is None else row.user.key: row.rights for row in rows}


def give(mailbox: Mailbox, to: str, rights: str) -> None:
    sharing.grant(mailbox_id=mailbox.pk, to=to, rights=rights, origin=ORIGIN)


def test_it_gives_adds_and_takes_rights(inbox: Mailbox, bob: User) -> None:
    where = {"mailbox_id": inbox.pk, "to": "Bob@EXAMPLE.test", "origin": ORIGIN}
    assert sharing.grant(rights="wlr", **where) == frozenset("lrw")  # type: ignore[arg-type]
    assert entries(inbox) == {"bob@example.test": "lrw"}
    assert sharing.extend(rights="sa", **where) == frozenset("lrswa")  # type: ignore[arg-type]
    assert entries(inbox) == {"bob@example.test": "lrswa"}
    assert sharing.reduce(rights="xwl", **where) == frozenset("rsa")  # type: ignore[arg-type]
    assert entries(inbox) == {"bob@example.test": "rsa"}
    assert sharing.reduce(rights="rsa", **where) == frozenset()  # type: ignore[arg-type]
    assert entries(inbox) == {}


def test_it_removes_an_entry_and_minds_no_missing_one(inbox: Mailbox, bob: User) -> None:
    give(inbox, "ANYONE", "lr")
    give(inbox, bob.address, "l")
    sharing.revoke(mailbox_id=inbox.pk, to="anyone", origin=ORIGIN)
    sharing.revoke(mailbox_id=inbox.pk, to="anyone", origin=ORIGIN)
    assert entries(inbox) == {"bob@example.test": "l"}
    give(inbox, bob.address, "")
    assert entries(inbox) == {}


def test_it_journals_a_change_and_has_sessions_look(
    inbox: Mailbox, bob: User, told: list[object]
) -> None:
    give(inbox, bob.address, "lr")
    assert told == [MailboxesChanged(inbox.user_id), MailboxesChanged(bob.pk)]
    row = Change.objects.get(what="rights")
    assert (row.mailbox_id, row.door, row.uids) == (inbox.pk, "test", "")
    assert json.loads(row.before) == {"user": bob.pk, "rights": ""}
    assert json.loads(row.after) == {"user": bob.pk, "rights": "lr"}
    assert MailboxState.objects.get(mailbox=inbox).highestmodseq == row.modseq == 2
    give(inbox, "anyone", "l")
    assert told[2:] == [MailboxesChanged(inbox.user_id), MailboxesChanged(EVERYBODY)]


def test_it_does_nothing_where_nothing_changes(
    inbox: Mailbox, bob: User, told: list[object]
) -> None:
    give(inbox, bob.address, "lr")
    told.clear()
    give(inbox, bob.address, "rl")
    assert not told
    assert Change.objects.filter(what="rights").count() == 1


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ("eve@other.test", NotFound),
        ("nobody@example.test", NotFound),
        ("fred", NotFound),
        ("$team", NotFound),
        ("", NotFound),
        ("-bob@example.test", InvalidName),
        ("-anyone", InvalidName),
        ("alice@example.test", InvalidName),
        ("team@example.test", InvalidName),
    ],
)
def test_it_gives_to_people_of_the_organisation_only(
    inbox: Mailbox, bob: User, to: str, error: type[Exception]
) -> None:
    provisioning.add_domain("other.test", organization="Others")
    provisioning.add_user("eve@other.test", PASSWORD)
    provisioning.add_user("team@example.test", kind=Kind.SHARED)
    with pytest.raises(error) as refused:
        give(inbox, to, "lr")
    assert entries(inbox) == {}
    if error is NotFound:  # another organisation's people are told from nobody by nothing
        assert refused.value.args == (f"user {to!r}",)


def test_it_has_no_rights_in_what_is_deleted(archive: Mailbox, bob: User) -> None:
    mailboxes.delete(user_id=archive.user_id, name="Archive", origin=ORIGIN)
    with pytest.raises(NotFound):
        give(archive, bob.address, "lr")


def test_it_gives_to_a_bounded_number(
    inbox: Mailbox, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "GRANTS_MAX", 1)
    give(inbox, bob.address, "lr")
    with pytest.raises(LimitReached):
        give(inbox, "anyone", "lr")
    give(inbox, bob.address, "lrs")


def test_it_hands_rights_down_to_new_mailboxes(archive: Mailbox, bob: User) -> None:
    """RFC 4314 section 4, CREATE: from the nearest one above, also to those made on the way."""
    give(archive, bob.address, "lrk")
    give(archive, "anyone", "l")
    made = mailboxes.create(user_id=archive.user_id, name="Archive/2026/May")
    expected = {"bob@example.test": "lrk", "anyone": "l"}
    assert entries(made) == expected
    assert entries(box(archive.user_id, "Archive/2026")) == expected
    assert entries(mailboxes.create(user_id=archive.user_id, name="Plans")) == {}


def test_it_hands_rights_in_inbox_down_to_what_another_makes_at_the_top(
    inbox: Mailbox, bob: User
) -> None:
    give(inbox, bob.address, "lrk")
    made = mailboxes.create(user_id=inbox.user_id, name="Plans", by_another=True)
    assert entries(made) == {"bob@example.test": "lrk"}
    assert entries(mailboxes.create(user_id=inbox.user_id, name="Mine")) == {}


def test_it_keeps_the_rights_of_what_is_renamed(
    archive: Mailbox, bob: User, told: list[object]
) -> None:
    """RFC 4314 section 4, RENAME."""
    below = mailboxes.create(user_id=archive.user_id, name="Archive/Old")
    trash = box(archive.user_id, "Trash")
    give(below, bob.address, "lr")
    give(trash, "anyone", "l")
    told.clear()
    mailboxes.rename(user_id=archive.user_id, name="Archive", to="Trash/Kept", origin=ORIGIN)
    assert entries(box(archive.user_id, "Trash/Kept")) == {}
    assert entries(box(archive.user_id, "Trash/Kept/Old")) == {"bob@example.test": "lr"}
    assert told == [MailboxesChanged(bob.pk)]


def test_it_forgets_the_rights_of_what_is_deleted(
    archive: Mailbox, bob: User, told: list[object]
) -> None:
    """RFC 4314 section 4, DELETE: one made anew under the name is nobody else's."""
    give(archive, bob.address, "lr")
    told.clear()
    mailboxes.delete(user_id=archive.user_id, name="Archive", origin=ORIGIN)
    assert told == [MailboxesChanged(bob.pk)]
    assert shares.shared_with(bob.pk) == []
    assert entries(mailboxes.create(user_id=archive.user_id, name="Archive")) == {}


def test_it_gives_inboxes_new_home_no_rights(inbox: Mailbox, bob: User) -> None:
    give(inbox, bob.address, "lr")
    new = mailboxes.rename(user_id=inbox.user_id, name="INBOX", to="Old", origin=ORIGIN)
    assert entries(new) == {}
    assert entries(inbox) == {"bob@example.test": "lr"}
