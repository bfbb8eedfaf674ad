"""Deleted mailboxes come back with all they had: the same row, the same UIDs."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.db import connection, transaction

from apps.directory.models import User
from apps.events.types import MailboxesChanged
from apps.mailstore import queries, recoverable, shares
from apps.mailstore.models import (
    FLAG_SEEN,
    Annotation,
    Change,
    Entry,
    Mailbox,
    MailboxState,
    SpecialUse,
    Usage,
)
from apps.mailstore.origin import Origin
from apps.mailstore.services import annotations, mailboxes, purge, revive, sharing, undelete
from apps.provisioning import services as provisioning
from apps.runtime.clock import now
from apps.wire.errors import LimitReached, NotFound, NotPermitted, QuotaExceeded
from tests.mailstore.making import ORIGIN, assert_counters_are_exact, box, filled
from tests.mailstore.test_undelete import emptied, pictures

pytestmark = pytest.mark.django_db
DAY = 86_400


@pytest.fixture
def work(alice: User) -> Mailbox:
    return mailboxes.create(user_id=alice.pk, name="Work")


def deleted(mailbox: Mailbox) -> Mailbox:
    mailboxes.delete(user_id=mailbox.user_id, name=mailbox.name, origin=ORIGIN)
    return mailbox


def back(mailbox: Mailbox) -> revive.Revived:
    return revive.mailbox(mailbox_id=mailbox.pk, origin=ORIGIN)


def test_it_brings_a_mailbox_back_with_its_uids(alice: User, work: Mailbox) -> None:
    filled(work, 3, keywords=("a",), flags=FLAG_SEEN)
    filled(work, 1)
    emptied(work, [2])
    before = list(Entry.objects.filter(mailbox=work).values()), queries.keyword_names(work.pk)
    size = MailboxState.objects.get(mailbox=work).size
    deleted(work)
    done = back(work)
    assert done == revive.Revived(work.pk, "Work", "Work", work.uidvalidity, 3, size)
    after = list(Entry.objects.filter(mailbox=work).values()), queries.keyword_names(work.pk)
    assert after == before
    assert queries.mailboxes(alice.pk)[-1].counters.unseen == 1
    assert recoverable.mailboxes(alice.pk) == []
    assert undelete.messages(mailbox_id=work.pk, origin=ORIGIN).uids == [(2, 5)]
    assert_counters_are_exact()


def test_it_lets_clients_that_know_the_mailbox_go_on(work: Mailbox) -> None:
    filled(work, 2)
    known = MailboxState.objects.get(mailbox=work).highestmodseq
    back(deleted(work))
    changes = queries.changes_since(work.pk, known)
    assert (changes.complete, changes.changed, changes.expunged) == (True, [], [])
    assert changes.highestmodseq > known


def test_it_gives_a_taken_name_a_mark(alice: User, work: Mailbox) -> None:
    filled(work, 1)
    deleted(work)
    other = mailboxes.create(user_id=alice.pk, name="Work")
    mailboxes.subscribe(user_id=alice.pk, name="Work")
    assert back(work)[1:3] == ("Work (restored)", "Work")
    assert box(alice, "Work") == other
    assert "Work (restored)" in queries.subscriptions(alice.pk)
    again = deleted(mailboxes.create(user_id=alice.pk, name="Work/x"))
    mailboxes.create(user_id=alice.pk, name="Work/x")
    mailboxes.create(user_id=alice.pk, name="Work/x (restored)")
    assert back(again).name == "Work/x (restored 2)"


@pytest.mark.parametrize(
    ("name", "taken", "wanted"),
    [
        ("a", [], "a"),
        ("a/b", ["a/b"], "a/b (restored)"),
        ("x" * 200, ["x" * 200], "x" * 189 + " (restored)"),
        ("x" * 188 + " yyyyyyyyyyy", ["x" * 188 + " yyyyyyyyyyy"], "x" * 188 + " (restored)"),
        (
            "/".join(["x" * 99] * 5),
            ["/".join(["x" * 99] * 5)],
            "/".join(["x" * 99] * 4 + ["x" * 89 + " (restored)"]),
        ),
    ],
)
def test_it_finds_names_that_can_be(name: str, taken: list[str], wanted: str) -> None:
    found = revive.free_name(name, set(taken))
    assert found == mailboxes.normal(found) == wanted


def test_it_gives_uidvalidity_only_if_it_fits_the_name(alice: User, work: Mailbox) -> None:
    """A client that knew the other mailbox of this name must see that it is another."""
    deleted(work)
    other = deleted(mailboxes.create(user_id=alice.pk, name="Work"))
    assert back(work).uidvalidity > other.uidvalidity
    assert back(other).name == "Work (restored)"
    assert box(alice, "Work (restored)").uidvalidity == other.uidvalidity


def test_it_gives_the_role_back_unless_it_is_taken(alice: User) -> None:
    archive, junk = deleted(box(alice, "Archive")), deleted(box(alice, "Junk"))
    new = mailboxes.create(user_id=alice.pk, name="Spam", special_use=SpecialUse.JUNK)
    back(archive)
    back(junk)
    assert queries.boxes([alice.pk], SpecialUse.ARCHIVE) == {alice.pk: archive.pk}
    assert queries.boxes([alice.pk], SpecialUse.JUNK) == {alice.pk: new.pk}
    assert box(alice, "Junk").special_use == SpecialUse.NONE


def test_it_gives_rights_and_notes_back(
    alice: User, bob: User, work: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharing.grant(mailbox_id=work.pk, to=bob.address, rights="lr", origin=ORIGIN)
    annotations.change(
        user_id=alice.pk,
        owner_id=alice.pk,
        mailbox_id=work.pk,
        values={"/shared/comment": b"x"},
    )
    deleted(work)
    assert shares.shared_with(bob.pk) == []
    told: list[object] = []
    monkeypatch.setattr(sharing, "publish_on_commit", told.append)
    monkeypatch.setattr(revive, "publish_on_commit", told.append)
    back(work)
    assert told == [MailboxesChanged(bob.pk), MailboxesChanged(alice.pk)]
    assert [one.rights for one in shares.shared_with(bob.pk)] == [frozenset("lr")]
    assert Annotation.objects.get().mailbox == work


def test_it_forgets_rights_and_notes_with_the_mailbox(
    alice: User, bob: User, work: Mailbox
) -> None:
    sharing.grant(mailbox_id=work.pk, to=bob.address, rights="lr", origin=ORIGIN)
    deleted(work)
    purge.purge(-1)
    assert not Mailbox.objects.filter(pk=work.pk).exists()
    assert not work.granted.exists()
    with pytest.raises(NotFound):
        back(work)


def test_it_refuses_more_than_fits_and_changes_nothing(alice: User, work: Mailbox) -> None:
    filled(work, 3)
    size = Usage.objects.get(user=alice).size
    deleted(work)
    provisioning.change_user(alice.address, quota=size - 1)
    before = list(Mailbox.objects.values()), list(Usage.objects.values())
    with pytest.raises(QuotaExceeded):
        back(work)
    assert (list(Mailbox.objects.values()), list(Usage.objects.values())) == before
    provisioning.change_user(alice.address, quota=size)
    assert back(work).messages == 3
    assert_counters_are_exact()


def test_it_keeps_the_limit_of_mailboxes(work: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    deleted(work)
    monkeypatch.setattr(mailboxes, "MAILBOXES_MAX", 6)
    with pytest.raises(LimitReached):
        back(work)


def test_it_is_the_owners_business(alice: User, bob: User, work: Mailbox) -> None:
    sharing.grant(mailbox_id=work.pk, to=bob.address, rights="lrswipkxtea", origin=ORIGIN)
    deleted(work)
    with pytest.raises(NotPermitted):
        revive.mailbox(mailbox_id=work.pk, origin=Origin("imap", bob.pk))
    revive.mailbox(mailbox_id=work.pk, origin=Origin("imap", alice.pk))
    with pytest.raises(NotFound):
        back(work)  # it is there


def test_it_brings_nothing_back_for_who_was_removed(alice: User, work: Mailbox) -> None:
    deleted(work)
    provisioning.remove_user(alice.address)
    with pytest.raises(NotFound):
        back(work)
    provisioning.restore_user(alice.address)
    assert back(work).name == "Work"


def test_it_brings_inbox_back_to_who_lost_all(alice: User, inbox: Mailbox) -> None:
    filled(inbox, 2)
    with transaction.atomic():
        mailboxes.delete_all(user_id=alice.pk, origin=ORIGIN)
    assert back(inbox).name == "INBOX"
    assert queries.inboxes([alice.pk]) == {alice.pk: inbox.pk}
    assert_counters_are_exact()


def test_it_brings_back_what_a_purge_has_left(
    alice: User, work: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of it went because it weighed more than the quota: clients are told, counters fit."""
    filled(work, 4)
    known = MailboxState.objects.get(mailbox=work).highestmodseq
    deleted(work)
    monkeypatch.setattr(purge, "ROWS", 2)
    assert purge._purge_mailbox(work.pk, alice.pk).rows == 2
    assert recoverable.mailboxes(alice.pk)[0].messages == 2
    assert back(work).messages == 2
    assert list(queries.snapshot(work.pk).uids) == [3, 4]
    assert not queries.changes_since(work.pk, known).complete
    assert_counters_are_exact()


def test_it_is_not_purged_once_it_is_back(
    alice: User, work: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever purges has seen it deleted, and looks again under its lock."""
    filled(work, 2)
    deleted(work)
    step = purge._purge_mailbox

    def late(mailbox_id: int, user_id: int, excess: int | None = None) -> purge._Purged:
        revive.mailbox(mailbox_id=mailbox_id, origin=ORIGIN)
        return step(mailbox_id, user_id, excess)

    monkeypatch.setattr(purge, "_purge_mailbox", late)
    assert purge.purge(-1) == 0
    assert pictures(work)[1:]
    assert_counters_are_exact()


def test_it_writes_the_journal(alice: User, work: Mailbox) -> None:
    deleted(work)
    mailboxes.create(user_id=alice.pk, name="Work")
    revive.mailbox(mailbox_id=work.pk, origin=Origin("web", alice.pk, address="192.0.2.1"))
    row = Change.objects.latest("pk")
    assert (row.what, row.before, row.after, row.door, row.address) == (
        "restore",
        '{"name":"Work"}',
        '{"name":"Work (restored)"}',
        "web",
        "192.0.2.1",
    )
    assert row.modseq == MailboxState.objects.get(mailbox=work).highestmodseq


def test_it_is_kept_for_the_days_that_are_set(
    work: Mailbox, settings: object, inbox: Mailbox
) -> None:
    filled(inbox, 1)
    emptied(inbox)
    deleted(work)
    settings.UNDELETE_DAYS = 40  # type: ignore[attr-defined]
    with time_machine.travel(now() + 39 * DAY):
        purge.purge()
        assert recoverable.uids(inbox.pk) == [1]
        assert back(work).name == "Work"
        deleted(work)
    with time_machine.travel(now() + 41 * DAY):
        assert purge.purge() == 1
        assert [one.id for one in recoverable.mailboxes(work.user_id)] == [work.pk]


@pytest.mark.django_db(transaction=True)
def test_it_comes_back_once_when_two_ask(alice: User, work: Mailbox) -> None:
    filled(work, 2)
    deleted(work)
    start = threading.Barrier(2)

    def ask() -> str:
        try:
            start.wait(20)
            return back(work).name
        except NotFound:
            return "too late"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        said = {one.result(30) for one in [threads.submit(ask) for _ in range(2)]}
    assert said == {"Work", "too late"}
    assert_counters_are_exact()
