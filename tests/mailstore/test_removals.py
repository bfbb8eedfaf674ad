"""All that somebody removed since a time comes back to where it was then."""

import pytest
import time_machine

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import (
    FLAG_DELETED,
    FLAG_DRAFT,
    FLAG_SEEN,
    Entry,
    Expunged,
    Mailbox,
    Usage,
)
from apps.mailstore.origin import Origin
from apps.mailstore.removals import ANYBODY, By, removed
from apps.mailstore.services import mailboxes, undelete
from apps.mailstore.services.append import Appending
from apps.mailstore.services.copy import copy, move
from apps.mailstore.services.replace import replace
from apps.provisioning import services as provisioning
from apps.runtime.clock import now
from apps.wire.errors import NotPermitted, QuotaExceeded
from tests.mailstore.making import (
    DATE,
    ORIGIN,
    appended,
    assert_counters_are_exact,
    box,
    filled,
    numbered,
    prepared,
)
from tests.mailstore.test_undelete import emptied, pictures

pytestmark = pytest.mark.django_db
DAY = 86_400
DRAFT = FLAG_DRAFT | FLAG_SEEN
PHONE = Origin("imap", None, client="Phone Mail/2", address="192.0.2.7")
LAPTOP = Origin("imap", None, client="Laptop", address="2001:db8::1")


@pytest.fixture
def trash(alice: User) -> Mailbox:
    return box(alice, "Trash")


@pytest.fixture
def since(inbox: Mailbox, archive: Mailbox) -> int:
    """A moment at which INBOX has held four messages for a day, and Archive one."""
    with time_machine.travel(now() - DAY):
        filled(inbox, 4, keywords=("a",))
        filled(archive, 1)
    return now() - 60


def restored(user: User, since: int, by: By = ANYBODY) -> undelete.Outcome:
    done = undelete.removed(user_id=user.pk, since=since, by=by, origin=ORIGIN)
    assert_counters_are_exact()
    return done


def count(mailbox: Mailbox) -> int:
    return Entry.objects.filter(mailbox=mailbox).count()


def test_it_brings_all_back(alice: User, inbox: Mailbox, archive: Mailbox, since: int) -> None:
    work = mailboxes.create(user_id=alice.pk, name="Work")
    filled(work, 2)
    before = [pictures(one) for one in (inbox, archive, work)]
    emptied(inbox)
    emptied(archive)
    emptied(work, [1])
    mailboxes.delete(user_id=alice.pk, name="Work", origin=ORIGIN)
    done = restored(alice, since)
    assert ([one.name for one in done.mailboxes], done.messages, done.lost) == (["Work"], 6, 0)
    assert [pictures(inbox), pictures(archive)] == before[:2]
    assert sorted(map(repr, pictures(work))) == sorted(map(repr, before[2]))
    assert restored(alice, since) == ([], 0, 0, 0)


def test_it_leaves_what_was_removed_before(alice: User, inbox: Mailbox, since: int) -> None:
    mailboxes.create(user_id=alice.pk, name="Old")
    with time_machine.travel(since - 60):
        emptied(inbox, [1])
        mailboxes.delete(user_id=alice.pk, name="Old", origin=ORIGIN)
    emptied(inbox, [2])
    assert restored(alice, since) == ([], 1, 0, 0)


@pytest.mark.parametrize(
    ("by", "uids"),
    [
        (By(client="phone"), [1, 2]),
        (By(address="2001:db8::1"), [3]),
        (By(door="pop3"), [4]),
        (By(door="imap"), [1, 2, 3]),
        (By(door="imap", client="PHONE MAIL", address="192.0.2.7"), [1, 2]),
        (By(door="pop3", client="phone"), []),
    ],
)
def test_it_brings_back_what_one_client_removed(
    alice: User, inbox: Mailbox, since: int, by: By, uids: list[int]
) -> None:
    emptied(inbox, [1, 2], PHONE)
    emptied(inbox, [3], LAPTOP)
    emptied(inbox, [4], Origin("pop3", None))
    assert restored(alice, since, by).messages == len(uids)
    found = Entry.objects.filter(mailbox=inbox).order_by("uid").values_list("internaldate")
    assert [at - DATE + 1 for (at,) in found] == uids


def test_it_brings_back_the_mailboxes_one_client_deleted(alice: User, since: int) -> None:
    for name, origin in (("A", PHONE), ("B", LAPTOP)):
        mailboxes.create(user_id=alice.pk, name=name)
        mailboxes.delete(user_id=alice.pk, name=name, origin=origin)
    done = restored(alice, since, By(client="laptop"))
    assert [one.name for one in done.mailboxes] == ["B"]


def test_it_brings_back_what_one_user_removed(
    alice: User, bob: User, inbox: Mailbox, since: int
) -> None:
    emptied(inbox, [1], Origin("imap", alice.pk))
    emptied(inbox, [2], Origin("imap", bob.pk))
    assert restored(alice, since, By(user_id=bob.pk)).messages == 1
    assert Expunged.objects.get(fate=0).uid == 1


def test_it_tells_what_belongs_to_a_mailbox_that_others_deleted(alice: User, since: int) -> None:
    work = mailboxes.create(user_id=alice.pk, name="Work")
    filled(work, 2)
    emptied(work, [1], PHONE)
    mailboxes.delete(user_id=alice.pk, name="Work", origin=LAPTOP)
    assert restored(alice, since, By(client="phone")) == ([], 0, 1, 0)


def test_it_brings_emptied_trash_back_to_where_it_was(
    alice: User, inbox: Mailbox, archive: Mailbox, trash: Mailbox, since: int
) -> None:
    with time_machine.travel(since - 60):
        filled(trash, 1)
    before = pictures(inbox), pictures(archive), pictures(trash)
    move(mailbox_id=inbox.pk, uids=[1, 2, 3, 4], target_id=trash.pk, origin=PHONE)
    move(mailbox_id=archive.pk, uids=[1], target_id=trash.pk, origin=PHONE)
    emptied(trash, origin=PHONE)
    assert restored(alice, since, By(client="phone")) == ([], 6, 0, 0)
    saved = slice(0, 6)  # the date of saving is that of now: it is not its own mailbox
    assert [one[saved] for one in pictures(inbox)] == [one[saved] for one in before[0]]
    assert [one[saved] for one in pictures(archive)] == [one[saved] for one in before[1]]
    assert pictures(trash) == before[2]


def test_it_leaves_in_trash_what_is_there(
    alice: User, inbox: Mailbox, trash: Mailbox, since: int
) -> None:
    move(mailbox_id=inbox.pk, uids=[1], target_id=trash.pk, origin=PHONE)
    assert restored(alice, since) == ([], 0, 0, 0)
    assert count(trash) == 1


@pytest.mark.parametrize("is_emptied", [True, False])
def test_it_knows_clients_that_copy_to_trash(
    alice: User, inbox: Mailbox, trash: Mailbox, since: int, is_emptied: bool
) -> None:
    before = pictures(inbox)
    copy(mailbox_id=inbox.pk, uids=[1, 2, 3, 4], target_id=trash.pk, origin=PHONE)
    emptied(inbox)
    if is_emptied:
        emptied(trash)
    assert restored(alice, since) == ([], 4, 0, 0)
    assert pictures(inbox) == before
    assert count(trash) == (0 if is_emptied else 4)


def test_it_knows_clients_that_move_by_copying(
    alice: User, inbox: Mailbox, archive: Mailbox, since: int
) -> None:
    copy(mailbox_id=inbox.pk, uids=[1, 2], target_id=archive.pk, origin=PHONE)
    emptied(inbox)
    assert restored(alice, since) == ([], 2, 0, 0)
    assert (count(inbox), count(archive)) == (2, 3)


def test_it_does_not_count_older_copies(
    alice: User, inbox: Mailbox, archive: Mailbox, since: int
) -> None:
    with time_machine.travel(since - 60):
        copy(mailbox_id=inbox.pk, uids=[1, 2, 3, 4], target_id=archive.pk, origin=PHONE)
    emptied(inbox)
    assert restored(alice, since) == ([], 4, 0, 0)


def test_it_leaves_what_was_replaced(alice: User, inbox: Mailbox, since: int) -> None:
    replace(
        mailbox_id=inbox.pk,
        uid=1,
        target_id=inbox.pk,
        target_user_id=alice.pk,
        message=Appending(prepared(numbered(9)), DATE),
        origin=PHONE,
    )
    assert restored(alice, since) == ([], 0, 0, 0)


def test_it_refuses_more_than_fits_and_changes_nothing(
    alice: User, inbox: Mailbox, since: int
) -> None:
    work = mailboxes.create(user_id=alice.pk, name="Work")
    filled(work, 2)
    size = Usage.objects.get(user=alice).size
    mailboxes.delete(user_id=alice.pk, name="Work", origin=ORIGIN)
    emptied(inbox)
    provisioning.change_user(alice.address, quota=size - 1)
    names = [one.name for one in queries.mailboxes(alice.pk)]
    with pytest.raises(QuotaExceeded):
        undelete.removed(user_id=alice.pk, since=since, origin=ORIGIN)
    assert [one.name for one in queries.mailboxes(alice.pk)] == names
    assert count(inbox) == 0
    provisioning.change_user(alice.address, quota=size)
    assert restored(alice, since).messages == 4


def test_it_says_what_is_back_when_others_fill_the_account_meanwhile(
    alice: User, inbox: Mailbox, archive: Mailbox, since: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = mailboxes.create(user_id=alice.pk, name="Work")
    emptied(archive)
    emptied(inbox)
    mailboxes.delete(user_id=alice.pk, name="Work", origin=ORIGIN)
    provisioning.change_user(alice.address, quota=Usage.objects.get(user=alice).expunged + 1)
    some = undelete._bring_back_some

    def then_mail_comes(*arguments: object) -> list[tuple[int, int]]:
        pairs = some(*arguments)  # type: ignore[arg-type]
        filled(box(alice, "Sent"), 2)
        return pairs

    monkeypatch.setattr(undelete, "_bring_back_some", then_mail_comes)
    with pytest.raises(QuotaExceeded) as refused:
        undelete.removed(user_id=alice.pk, since=since, origin=ORIGIN)
    assert "already back: 1 of the mailboxes, " in refused.value.reply.text
    assert Mailbox.objects.get(pk=work.pk).deleted_at is None
    assert_counters_are_exact()


def test_it_finishes_what_was_cut_off(
    alice: User, inbox: Mailbox, archive: Mailbox, since: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied(inbox)
    emptied(archive)
    some = undelete._bring_back_some

    def fails(source: int, *more: object) -> list[tuple[int, int]]:
        if source == archive.pk:
            raise OSError("cut off")
        return some(source, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(undelete, "_bring_back_some", fails)
    with pytest.raises(OSError, match="cut off"):
        undelete.removed(user_id=alice.pk, since=since, origin=ORIGIN)
    monkeypatch.undo()
    assert restored(alice, since).messages == 1
    assert (count(inbox), count(archive)) == (4, 1)


def test_it_is_the_owners_business(alice: User, bob: User, since: int) -> None:
    with pytest.raises(NotPermitted):
        undelete.removed(user_id=alice.pk, since=since, origin=Origin("web", bob.pk))


def test_it_takes_few_queries_for_many_mailboxes(
    alice: User, inbox: Mailbox, since: int, django_assert_max_num_queries: object
) -> None:
    for number in range(8):
        made = mailboxes.create(user_id=alice.pk, name=f"Box {number}")
        filled(made, 1, flags=FLAG_DELETED)
        emptied(made)
        if number % 2:
            mailboxes.delete(user_id=alice.pk, name=made.name, origin=PHONE)
    with django_assert_max_num_queries(6):  # type: ignore[operator]
        found = removed(alice.pk, since)
    assert (len(found.mailboxes), found.count) == (4, 8)


# -- versions of drafts ---------------------------------------------------------------------------


@pytest.fixture
def drafts(alice: User, since: int) -> Mailbox:
    return box(alice, "Drafts")


def saved(mailbox: Mailbox, *texts: str, identity: str = "<draft@x>", flags: int = DRAFT) -> None:
    """As most clients save a draft: the new version is appended, then the former is expunged."""
    for text in texts:
        former = list(Entry.objects.filter(mailbox=mailbox).values_list("uid", flat=True))
        header = f"Message-ID: {identity}\r\n" if identity else ""
        raw = f"{header}Subject: {text}\r\n\r\nDear Bob".encode()
        appended(mailbox, [Appending(prepared(raw), DATE, flags)])
        if former:
            emptied(mailbox, former, PHONE)


def texts(mailbox: Mailbox) -> list[str]:
    found = Entry.objects.filter(mailbox=mailbox).order_by("uid")
    return list(found.values_list("message__subject", flat=True))


def test_it_brings_back_the_newest_version_of_a_draft(
    alice: User, drafts: Mailbox, since: int
) -> None:
    saved(drafts, "1", "2", "3")
    emptied(drafts, origin=LAPTOP)
    assert removed(alice.pk, since).older == 2
    assert restored(alice, since) == ([], 1, 0, 2)
    assert texts(drafts) == ["3"]
    assert restored(alice, since) == ([], 0, 0, 2)


@pytest.mark.parametrize("flags", [DRAFT, FLAG_SEEN])
def test_it_leaves_versions_of_a_draft_that_is_there(
    alice: User, drafts: Mailbox, since: int, flags: int
) -> None:
    """Some clients set no flag: the mailbox tells what it is."""
    saved(drafts, "1", "2", "3", flags=flags)
    assert restored(alice, since) == ([], 0, 0, 2)
    assert restored(alice, since, By(client="phone")) == ([], 0, 0, 2)
    assert texts(drafts) == ["3"]
    undelete.messages(mailbox_id=drafts.pk, uids=[1], origin=ORIGIN)
    assert texts(drafts) == ["3", "1"]


@pytest.mark.parametrize("is_there", [True, False])
def test_it_leaves_versions_of_a_draft_that_was_sent(
    alice: User, drafts: Mailbox, since: int, is_there: bool
) -> None:
    saved(drafts, "1", "2")
    sent = box(alice, "Sent")
    saved(sent, "sent", flags=FLAG_SEEN)
    emptied(drafts)
    if not is_there:
        emptied(sent)
    assert restored(alice, since) == ([], 0 if is_there else 1, 0, 2)
    assert (texts(drafts), texts(sent)) == ([], ["sent"])


def test_it_brings_a_draft_back_that_went_through_trash(
    alice: User, drafts: Mailbox, trash: Mailbox, since: int
) -> None:
    """Its former versions were moved there after it was saved."""
    for text in ("1", "2", "3"):
        former = list(Entry.objects.filter(mailbox=drafts).values_list("uid", flat=True))
        raw = f"Message-ID: <draft@x>\r\nSubject: {text}\r\n\r\nDear Bob".encode()
        appended(drafts, [Appending(prepared(raw), DATE, DRAFT)])
        if former:
            move(mailbox_id=drafts.pk, uids=former, target_id=trash.pk, origin=PHONE)
    emptied(trash)
    assert restored(alice, since) == ([], 0, 0, 2)
    move(mailbox_id=drafts.pk, uids=[3], target_id=trash.pk, origin=PHONE)
    emptied(trash)
    assert restored(alice, since) == ([], 1, 0, 2)
    assert texts(drafts) == ["3"]


def test_it_leaves_versions_of_a_draft_that_another_client_went_on_with(
    alice: User, drafts: Mailbox, since: int
) -> None:
    saved(drafts, "1", "2")
    emptied(drafts, origin=LAPTOP)
    assert restored(alice, since, By(client="phone")) == ([], 0, 0, 1)


def test_it_tells_drafts_apart(alice: User, drafts: Mailbox, inbox: Mailbox, since: int) -> None:
    """By Message-ID: of those without one, and of mail that is no draft, all comes back."""
    saved(drafts, "1", "2", identity="<one@x>")
    saved(drafts, "3", "4", identity="<two@x>")
    saved(drafts, "5", "6", identity="")
    emptied(drafts)
    emptied(inbox)
    saved(inbox, "7", "8", identity="<mail@x>", flags=0)
    emptied(inbox)
    assert restored(alice, since) == ([], 4 + 2 + 4, 0, 2)
    assert texts(drafts) == ["2", "4", "5", "6"]


def test_it_asks_little_more_for_drafts(
    alice: User, drafts: Mailbox, since: int, django_assert_max_num_queries: object
) -> None:
    for number in range(9):
        saved(drafts, "1", "2", identity=f"<{number}@x>")
    emptied(drafts)
    with django_assert_max_num_queries(7):  # type: ignore[operator]
        assert removed(alice.pk, since).count == 9
