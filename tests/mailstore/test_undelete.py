"""Expunged messages come back as they were, under new UIDs, once."""

import threading
from collections.abc import Sequence

import pytest
import time_machine

from apps.directory.models import User
from apps.events.types import MailboxChanged
from apps.mailstore import queries, recoverable
from apps.mailstore.models import (
    FLAG_ANSWERED,
    FLAG_DELETED,
    FLAG_FLAGGED,
    FLAG_SEEN,
    Change,
    Entry,
    Expunged,
    Fate,
    Mailbox,
    MailboxState,
    Unindexed,
    Usage,
)
from apps.mailstore.origin import Origin
from apps.mailstore.services import filing, mailboxes, purge, quota, revive, sharing, undelete
from apps.mailstore.services.append import Appending
from apps.mailstore.services.copy import MOVED_COST, copy, move
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, store
from apps.mailstore.services.replace import replace
from apps.provisioning import services as provisioning
from apps.runtime.clock import now
from apps.wire.errors import NotFound, NotPermitted, QuotaExceeded
from tests.mailstore.making import (
    DATE,
    ORIGIN,
    appended,
    assert_counters_are_exact,
    box,
    delivered,
    filled,
    numbered,
    prepared,
)
from tests.mailstore.making import (
    filing as filing_of,
)
from tests.mailstore.test_writers import together

pytestmark = pytest.mark.django_db
DAY = 86_400


def emptied(mailbox: Mailbox, uids: Sequence[int] | None = None, origin: Origin = ORIGIN) -> None:
    """As a client does it: mark, then expunge."""
    chosen = list(uids or Entry.objects.filter(mailbox=mailbox).values_list("uid", flat=True))
    store(mailbox_id=mailbox.pk, uids=chosen, change=FlagChange("add", FLAG_DELETED), origin=origin)
    expunge(mailbox_id=mailbox.pk, uids=chosen, origin=origin)


def pictures(mailbox: Mailbox) -> list[tuple[object, ...]]:
    """All of a mailbox but UIDs and modseqs, in the order of UIDs; the words of keywords."""
    names = queries.keyword_names(mailbox.pk)
    return [
        (
            one.message_id,
            one.head_id,
            one.flags & ~FLAG_DELETED,
            {name for bit, name in enumerate(names) if one.keywords >> bit & 1},
            one.internaldate,
            one.internaldate_offset,
            one.saved_at,
            one.size,
            one.thread_id,
        )
        for one in Entry.objects.filter(mailbox=mailbox).order_by("uid")
    ]


def test_it_brings_all_back_as_it_was(inbox: Mailbox) -> None:
    with time_machine.travel(now() - 3 * DAY):
        delivered(
            [
                filing_of(inbox, head=b"A: b\r\n", flags=FLAG_SEEN, internaldate_offset=60),
                filing_of(inbox, flags=FLAG_FLAGGED | FLAG_ANSWERED, keywords=("a", "$c")),
                filing_of(inbox, keywords=("D",)),
            ]
        )
    before = pictures(inbox)
    emptied(inbox)
    assert pictures(inbox) == []
    back = undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN)
    assert back.uids == [(1, 4), (2, 5), (3, 6)]
    assert back.uidvalidity == inbox.uidvalidity
    assert pictures(inbox) == before
    assert not Entry.objects.filter(flags__gte=FLAG_DELETED).exists()
    assert_counters_are_exact()
    assert recoverable.totals(inbox.user_id) == (0, 0)


def test_it_brings_back_only_what_is_asked_for_and_only_once(inbox: Mailbox) -> None:
    filled(inbox, 4)
    emptied(inbox, [1, 2, 3])

    def bring(uids: Sequence[int]) -> list[tuple[int, int]]:
        return undelete.messages(mailbox_id=inbox.pk, uids=uids, origin=ORIGIN).uids

    assert bring([2, 2, 4, 77]) == [(2, 5)]
    assert bring([2]) == []
    assert bring([3, 1]) == [(1, 6), (3, 7)]
    assert bring([1, 2, 3]) == []
    assert list(queries.snapshot(inbox.pk).uids) == [4, 5, 6, 7]
    assert_counters_are_exact()
    emptied(inbox, [5])
    assert bring([5]) == [(5, 8)]


def test_it_tells_clients_that_the_old_uids_are_gone(inbox: Mailbox) -> None:
    filled(inbox, 2)
    known = MailboxState.objects.get(mailbox=inbox).highestmodseq
    emptied(inbox, [1])
    undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN)
    changes = queries.changes_since(inbox.pk, known)
    assert (changes.complete, changes.expunged) == (True, [1])
    assert [row.uid for row in changes.changed] == [3]


def test_it_brings_back_what_was_expunged_since(inbox: Mailbox) -> None:
    filled(inbox, 2)
    with time_machine.travel(now() - DAY):
        emptied(inbox, [1])
    emptied(inbox, [2])
    back = undelete.messages(mailbox_id=inbox.pk, since=now() - 60, origin=ORIGIN)
    assert [old for old, _ in back.uids] == [2]


def test_it_does_not_bring_back_what_was_moved(inbox: Mailbox, archive: Mailbox) -> None:
    filled(inbox, 2)
    move(mailbox_id=inbox.pk, uids=[1], target_id=archive.pk, origin=ORIGIN)
    assert recoverable.uids(inbox.pk) == []
    assert undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN).uids == []
    emptied(archive)
    assert recoverable.uids(archive.pk) == [1]


def test_it_brings_back_what_was_replaced(inbox: Mailbox) -> None:
    filled(inbox, 1)
    replace(
        mailbox_id=inbox.pk,
        uid=1,
        target_id=inbox.pk,
        target_user_id=inbox.user_id,
        message=Appending(prepared(numbered(7)), DATE),
        origin=ORIGIN,
    )
    assert undelete.messages(mailbox_id=inbox.pk, uids=[1], origin=ORIGIN).uids == [(1, 3)]


def test_it_brings_back_into_another_mailbox(inbox: Mailbox, archive: Mailbox) -> None:
    filled(archive, 1, keywords=("first", "other"))
    filled(inbox, 1, keywords=("other",))
    emptied(inbox)
    back = undelete.messages(mailbox_id=inbox.pk, target_id=archive.pk, origin=ORIGIN)
    assert (back.mailbox_id, back.uids) == (archive.pk, [(1, 2)])
    assert pictures(archive)[1][3] == {"other"}
    assert_counters_are_exact()


def test_it_brings_back_out_of_a_deleted_mailbox(alice: User, inbox: Mailbox) -> None:
    made = mailboxes.create(user_id=alice.pk, name="Work")
    filled(made, 1)
    emptied(made)
    mailboxes.delete(user_id=alice.pk, name="Work", origin=ORIGIN)
    with pytest.raises(NotFound):
        undelete.messages(mailbox_id=made.pk, origin=ORIGIN)
    back = undelete.messages(mailbox_id=made.pk, target_id=inbox.pk, origin=ORIGIN)
    assert len(back.uids) == 1
    assert_counters_are_exact()


def test_it_never_brings_mail_to_another_owner(inbox: Mailbox, bobs_inbox: Mailbox) -> None:
    filled(inbox, 1)
    emptied(inbox)
    with pytest.raises(NotFound):
        undelete.messages(mailbox_id=inbox.pk, target_id=bobs_inbox.pk, origin=ORIGIN)
    assert recoverable.uids(inbox.pk) == [1]


def test_it_counts_apart_and_keeps_little_for_what_is_back(inbox: Mailbox) -> None:
    appended(inbox, [Appending(prepared(numbered(1, 5_000)), DATE)])
    whole = Usage.objects.get(user=inbox.user_id).size
    emptied(inbox)
    usage = Usage.objects.get(user=inbox.user_id)
    assert (usage.size, usage.expunged) == (0, whole)
    undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN)
    usage = Usage.objects.get(user=inbox.user_id)
    assert (usage.size, usage.expunged) == (whole, MOVED_COST)
    assert Expunged.objects.get().fate == Fate.RESTORED


def test_it_refuses_more_than_fits_and_changes_nothing(alice: User, inbox: Mailbox) -> None:
    filled(inbox, 3)
    size = Usage.objects.get(user=alice).size
    emptied(inbox)
    filled(inbox, 1)
    used = Usage.objects.get(user=alice).size
    provisioning.change_user(alice.address, quota=size + used - 1)
    before = list(Entry.objects.values()), list(Expunged.objects.values("uid", "fate", "cost"))
    changes = Change.objects.count()
    with pytest.raises(QuotaExceeded) as refused:
        undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN)
    assert f"{size} bytes to bring back, 1 more than" in refused.value.reply.text
    after = list(Entry.objects.values()), list(Expunged.objects.values("uid", "fate", "cost"))
    assert (after, Change.objects.count()) == (before, changes)
    provisioning.change_user(alice.address, quota=size + used)
    assert len(undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN).uids) == 3
    assert_counters_are_exact()


def test_it_has_room_for_what_was_expunged_above_the_quota(alice: User, inbox: Mailbox) -> None:
    """APPEND waits when more than the quota was expunged within the hour; bringing back helps."""
    filled(inbox, 4)
    size = Usage.objects.get(user=alice).size
    emptied(inbox)
    provisioning.change_user(alice.address, quota=size - 1)
    with pytest.raises(QuotaExceeded):
        quota.require(alice.pk, [1])
    assert len(undelete.messages(mailbox_id=inbox.pk, uids=[1, 2], origin=ORIGIN).uids) == 2


def test_it_finishes_what_was_cut_off(inbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undelete, "CHUNK", 2)
    filled(inbox, 5)
    before = pictures(inbox)
    emptied(inbox)
    record, calls = filing.record, 0

    def second_fails(changes: Sequence[filing.Change]) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError("cut off")
        record(changes)

    monkeypatch.setattr(filing, "record", second_fails)
    with pytest.raises(OSError, match="cut off"):
        undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN)
    assert len(pictures(inbox)) == 2
    assert_counters_are_exact()
    again = undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN)
    assert [old for old, _ in again.uids] == [3, 4, 5]
    assert pictures(inbox) == before
    assert_counters_are_exact()


def test_it_writes_the_journal_and_tells_listeners(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(filing, "publish_on_commit", told.append)
    filled(inbox, 3)
    emptied(inbox, [1, 3])
    told.clear()
    origin = Origin("web", inbox.user_id, client="Browser", address="192.0.2.1")
    undelete.messages(mailbox_id=inbox.pk, origin=origin)
    row = Change.objects.latest("pk")
    assert (row.what, row.uids, row.before) == (
        "restore",
        "4:5",
        f'{{"mailbox":{inbox.pk},"uids":"1,3"}}',
    )
    assert (row.user_id, row.door, row.client, row.address) == (
        inbox.user_id,
        "web",
        "Browser",
        "192.0.2.1",
    )
    assert told == [MailboxChanged(inbox.pk, row.modseq)]


def test_it_has_the_index_look_again(inbox: Mailbox) -> None:
    filled(inbox, 1)
    emptied(inbox)
    Unindexed.objects.all().delete()
    undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN)
    message = Entry.objects.get().message_id
    assert list(Unindexed.objects.values_list("user_id", "message_id")) == [
        (inbox.user_id, message)
    ]


def test_it_keeps_what_is_back_when_the_expunge_is_purged(inbox: Mailbox) -> None:
    filled(inbox, 2)
    emptied(inbox)
    undelete.messages(mailbox_id=inbox.pk, uids=[1], origin=ORIGIN)
    assert purge.purge(-1) == 2
    entry = Entry.objects.get()
    assert b"Lunch 0" in queries.shown_bytes(entry.message_id, entry.head_id)
    assert undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN).uids == []
    assert_counters_are_exact()


def test_it_keeps_a_copy_and_what_is_back_apart(inbox: Mailbox, archive: Mailbox) -> None:
    filled(inbox, 1)
    copy(mailbox_id=inbox.pk, uids=[1], target_id=archive.pk, origin=ORIGIN)
    emptied(inbox)
    assert undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN).uids == [(1, 2)]
    assert Entry.objects.count() == 2
    assert_counters_are_exact()


@pytest.mark.parametrize(
    ("rights", "error"),
    [("", NotFound), ("i", NotFound), ("lri", NotPermitted), ("lrsw", NotPermitted)],
)
def test_it_asks_for_rights_in_what_is_shared(
    archive: Mailbox, bob: User, rights: str, error: type[Exception]
) -> None:
    filled(archive, 1)
    emptied(archive)
    if rights:
        sharing.grant(mailbox_id=archive.pk, to=bob.address, rights=rights, origin=ORIGIN)
    with pytest.raises(error):
        undelete.messages(mailbox_id=archive.pk, origin=Origin("web", bob.pk))
    assert recoverable.uids(archive.pk) == [1]


def test_it_lets_others_bring_back_what_they_could_remove(archive: Mailbox, bob: User) -> None:
    """Space is the owner's, as with all that others put into a mailbox."""
    filled(archive, 1)
    sharing.grant(mailbox_id=archive.pk, to=bob.address, rights="lrite", origin=ORIGIN)
    origin = Origin("imap", bob.pk)
    emptied(archive, origin=origin)
    assert Expunged.objects.get().user_id == bob.pk
    assert undelete.messages(mailbox_id=archive.pk, origin=origin).uids == [(1, 2)]
    assert Usage.objects.get(user=bob).size == 0
    assert_counters_are_exact()


def test_it_needs_rights_where_it_puts_things_too(
    archive: Mailbox, inbox: Mailbox, bob: User
) -> None:
    filled(archive, 1)
    emptied(archive)
    sharing.grant(mailbox_id=archive.pk, to=bob.address, rights="lrie", origin=ORIGIN)
    with pytest.raises(NotFound):
        undelete.messages(mailbox_id=archive.pk, target_id=inbox.pk, origin=Origin("web", bob.pk))
    assert box(archive.user_id) == inbox


@pytest.mark.django_db(transaction=True)
def test_it_brings_each_back_once_when_many_ask_and_one_purges(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undelete, "CHUNK", 3)
    filled(inbox, 40)
    emptied(inbox)
    back: list[tuple[int, int]] = []

    def job(number: int) -> None:
        if number == 5:
            purge.purge(-1)
            return
        uids = range(1 + number, 41)
        back.extend(undelete.messages(mailbox_id=inbox.pk, uids=uids, origin=ORIGIN).uids)

    together(job, 6)
    assert len({old for old, _ in back}) == len(back)
    assert list(queries.snapshot(inbox.pk).uids) == sorted(new for _, new in back)
    for entry in Entry.objects.all():
        assert queries.shown_bytes(entry.message_id, entry.head_id)
    assert_counters_are_exact()


@pytest.mark.django_db(transaction=True)
def test_it_stays_within_the_quota_when_many_ask_at_once(
    alice: User, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All have been told that there is room, for one of them each, before the first writes."""
    work = mailboxes.create(user_id=alice.pk, name="Work")
    filled(inbox, 4)
    filled(work, 1)
    emptied(inbox)
    mailboxes.delete(user_id=alice.pk, name="Work", origin=ORIGIN)
    (size,) = set(Expunged.objects.values_list("size", flat=True))
    provisioning.change_user(alice.address, quota=2 * size)
    start, bring_back = threading.Barrier(5), undelete._bring_back

    def waiting(*arguments: object) -> object:
        start.wait(20)
        return bring_back(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(undelete, "_bring_back", waiting)
    said: list[str] = []

    def job(number: int) -> None:
        try:
            if number == 0:
                start.wait(20)
                revive.mailbox(mailbox_id=work.pk, origin=ORIGIN)
            else:
                undelete.messages(mailbox_id=inbox.pk, uids=[number], origin=ORIGIN)
            said.append("back")
        except QuotaExceeded as error:
            said.append(error.reply.text)

    together(job, 5)
    missing = f"Mailbox is full: {size} bytes to bring back, {size} more than there is room for"
    assert sorted(said) == [*[missing] * 3, "back", "back"]
    assert Usage.objects.get(user=alice).size == 2 * size
    assert_counters_are_exact()


def test_it_says_what_is_back_when_others_fill_the_account_meanwhile(
    alice: User, inbox: Mailbox, archive: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undelete, "CHUNK", 2)
    filled(inbox, 4)
    emptied(inbox)
    provisioning.change_user(alice.address, quota=Usage.objects.get(user=alice).expunged + 1)
    some = undelete._bring_back_some

    def then_mail_comes(*arguments: object) -> list[tuple[int, int]]:
        pairs = some(*arguments)  # type: ignore[arg-type]
        delivered([filing_of(archive, prepared(b"x" * 99))])
        return pairs

    monkeypatch.setattr(undelete, "_bring_back_some", then_mail_comes)
    with pytest.raises(QuotaExceeded) as refused:
        undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN)
    assert refused.value.reply.text.endswith("already back: 0 of the mailboxes, 2 of the messages")
    assert len(pictures(inbox)) == 2
    assert_counters_are_exact()
