"""COPY and MOVE: the same bytes, flags, keywords and dates; all or nothing."""

import pytest

from apps.directory.models import User
from apps.mailstore.models import (
    FLAG_DELETED,
    FLAG_FLAGGED,
    FLAG_SEEN,
    Change,
    Entry,
    Expunged,
    Mailbox,
    Message,
    Usage,
)
from apps.mailstore.queries import keyword_names
from apps.mailstore.services import filing as filing_module
from apps.mailstore.services import mailboxes
from apps.mailstore.services.copy import LATELY, Kept, copy, move
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, store
from apps.runtime.clock import now
from apps.wire.errors import NotFound, QuotaExceeded
from tests.mailstore.making import (
    DATE,
    ORIGIN,
    assert_counters_are_exact,
    delivered,
    filing,
    filled,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[copy, move])
def carry(request: pytest.FixtureRequest) -> object:
    return request.param


def test_it_names_the_same_message_and_head(
    inbox: Mailbox, archive: Mailbox, carry: object
) -> None:
    delivered([filing(inbox, flags=FLAG_FLAGGED, head=b"A: b\r\n", internaldate_offset=60)])
    before = Entry.objects.get(mailbox=inbox)
    filled(archive, 1)
    got = carry(mailbox_id=inbox.pk, uids=[1, 9], target_id=archive.pk, origin=ORIGIN)  # type: ignore[operator]
    assert (got.uidvalidity, got.uids) == (archive.uidvalidity, [(1, 2)])
    entry = Entry.objects.get(mailbox=archive, uid=2)
    names = (
        "message_id",
        "head_id",
        "flags",
        "internaldate",
        "internaldate_offset",
        "size",
    )
    assert [getattr(entry, name) for name in names] == [getattr(before, name) for name in names]
    assert Message.objects.count() == 2
    assert_counters_are_exact()


def test_it_gives_another_date_and_takes_off_a_flag(inbox: Mailbox, archive: Mailbox) -> None:
    filled(inbox, 2)
    store(mailbox_id=inbox.pk, uids=[1], change=FlagChange("add", FLAG_SEEN), origin=ORIGIN)
    kept = Kept(0xFF & ~FLAG_SEEN, True, 1_795_000_000)
    move(mailbox_id=inbox.pk, uids=[1, 2], target_id=archive.pk, origin=ORIGIN, kept=kept)
    rows = Entry.objects.filter(mailbox=archive).values_list(
        "internaldate", "internaldate_offset", "flags"
    )
    assert [(at, offset, bits & FLAG_SEEN) for at, offset, bits in rows] == [
        (1_795_000_000, 0, 0)
    ] * 2
    assert_counters_are_exact()


def test_it_leaves_the_copied_ones_and_takes_the_moved_ones(
    inbox: Mailbox, archive: Mailbox
) -> None:
    filled(inbox, 3)
    copy(mailbox_id=inbox.pk, uids=[1], target_id=archive.pk, origin=ORIGIN)
    assert Entry.objects.filter(mailbox=inbox).count() == 3
    move(mailbox_id=inbox.pk, uids=[3, 2], target_id=archive.pk, origin=ORIGIN)
    left = Entry.objects.filter(mailbox=inbox).values_list("uid", flat=True)
    assert list(left) == [1]
    assert list(Expunged.objects.values_list("uid", flat=True).order_by("uid")) == [2, 3]
    whats = Change.objects.order_by("id").values_list("mailbox_id", "what", "uids")
    assert list(whats)[1:] == [
        (archive.pk, "copy", "1"),
        (inbox.pk, "move", "2:3"),
        (archive.pk, "move", "2:3"),
    ]
    assert Usage.objects.get(user=inbox.user_id).messages == 4
    assert_counters_are_exact()


def test_it_translates_keywords(inbox: Mailbox, archive: Mailbox, carry: object) -> None:
    filled(archive, 1, keywords=("x", "b"))
    filled(inbox, 1, keywords=("a", "b", "c"))
    store(mailbox_id=inbox.pk, uids=[1], change=FlagChange("remove", 0, ("c",)), origin=ORIGIN)
    carry(mailbox_id=inbox.pk, uids=[1], target_id=archive.pk, origin=ORIGIN)  # type: ignore[operator]
    names = keyword_names(archive.pk)
    mask = Entry.objects.get(mailbox=archive, uid=2).keywords
    assert {name for bit, name in enumerate(names) if mask >> bit & 1} == {"a", "b"}


def test_it_takes_only_what_was_asked_for(inbox: Mailbox, archive: Mailbox, carry: object) -> None:
    """Of UIDs that nearly follow each other the ones between stay where they are."""
    filled(inbox, 9)
    move(mailbox_id=inbox.pk, uids=[4], target_id=archive.pk, origin=ORIGIN)
    got = carry(mailbox_id=inbox.pk, uids=[8, 2, 3, 4, 6, 6], target_id=archive.pk, origin=ORIGIN)  # type: ignore[operator]
    assert got.uids == [(2, 2), (3, 3), (6, 4), (8, 5)]
    left = set(Entry.objects.filter(mailbox=inbox).values_list("uid", flat=True))
    assert {1, 5, 7, 9} <= left
    assert left & {2, 3, 6, 8} == (set() if carry is move else {2, 3, 6, 8})
    assert_counters_are_exact()


def test_it_leaves_out_keywords_for_which_there_is_no_bit(
    inbox: Mailbox, archive: Mailbox, carry: object
) -> None:
    filled(archive, 1, keywords=tuple(f"k{number}" for number in range(62)))
    filled(inbox, 1, keywords=("first", "second", "k61"))
    carry(mailbox_id=inbox.pk, uids=[1], target_id=archive.pk, origin=ORIGIN)  # type: ignore[operator]
    names = keyword_names(archive.pk)
    mask = Entry.objects.get(mailbox=archive, uid=2).keywords
    assert mask > 0
    assert {name for bit, name in enumerate(names) if mask >> bit & 1} == {"first", "k61"}


def test_it_works_within_one_mailbox(inbox: Mailbox, carry: object) -> None:
    filled(inbox, 2, keywords=("a",))
    got = carry(mailbox_id=inbox.pk, uids=[1, 2], target_id=inbox.pk, origin=ORIGIN)  # type: ignore[operator]
    assert got.uids == [(1, 3), (2, 4)]
    assert_counters_are_exact()


def test_it_copies_nothing_to_a_full_user(
    alice: User, inbox: Mailbox, archive: Mailbox, bobs_inbox: Mailbox
) -> None:
    filled(inbox, 3)
    size = Usage.objects.get(user=alice).size
    User.objects.filter(pk=alice.pk).update(quota=size + 1)
    copy(mailbox_id=inbox.pk, uids=[1], target_id=archive.pk, origin=ORIGIN)
    with pytest.raises(QuotaExceeded):
        copy(mailbox_id=inbox.pk, uids=[1], target_id=archive.pk, origin=ORIGIN)
    # A full user can still tidy up.
    move(mailbox_id=inbox.pk, uids=[2, 3], target_id=archive.pk, origin=ORIGIN)
    assert Entry.objects.filter(mailbox=archive).count() == 3
    User.objects.filter(pk=bobs_inbox.user_id).update(quota=1)
    move(mailbox_id=inbox.pk, uids=[1], target_id=bobs_inbox.pk, origin=ORIGIN)
    with pytest.raises(QuotaExceeded):
        move(mailbox_id=archive.pk, uids=[1], target_id=bobs_inbox.pk, origin=ORIGIN)
    assert Entry.objects.filter(mailbox=archive).count() == 3
    assert_counters_are_exact()


def test_it_moves_all_or_nothing(
    inbox: Mailbox, archive: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(inbox, 3)

    honest = filing_module.record

    def fail(changes: list[filing_module.Change]) -> None:
        if changes[0].mailbox_id == archive.pk:  # the last that is written
            raise OSError("the disk is away")
        honest(changes)

    monkeypatch.setattr(filing_module, "record", fail)
    with pytest.raises(OSError, match="away"):
        move(mailbox_id=inbox.pk, uids=[1, 2, 3], target_id=archive.pk, origin=ORIGIN)
    assert Entry.objects.filter(mailbox=inbox).count() == 3
    assert not Expunged.objects.exists()
    assert_counters_are_exact()


def test_it_needs_both_mailboxes(inbox: Mailbox, archive: Mailbox, carry: object) -> None:
    filled(inbox, 1)
    mailboxes.delete(user_id=inbox.user_id, name="Archive", origin=ORIGIN)
    for source, target in ((inbox, archive), (archive, inbox)):
        with pytest.raises(NotFound):
            carry(mailbox_id=source.pk, uids=[1], target_id=target.pk, origin=ORIGIN)  # type: ignore[operator]
    assert Entry.objects.count() == 1
    assert Entry.objects.get().internaldate == DATE


def test_it_copies_what_was_just_expunged_for_those_who_still_number_it(
    inbox: Mailbox, archive: Mailbox
) -> None:
    filled(inbox, 4)
    store(mailbox_id=inbox.pk, uids=[2], change=FlagChange("add", 0, ("work",)), origin=ORIGIN)
    store(mailbox_id=inbox.pk, uids=[2, 3], change=FlagChange("add", FLAG_DELETED), origin=ORIGIN)
    kept = Entry.objects.get(mailbox=inbox, uid=2)
    expunge(mailbox_id=inbox.pk, uids=[2, 3], origin=ORIGIN)
    got = copy(
        mailbox_id=inbox.pk,
        uids=[1, 2, 4],
        target_id=archive.pk,
        origin=ORIGIN,
        all_or_nothing=True,
    )
    assert got.uids == [(1, 1), (2, 2), (4, 3)]
    entry = Entry.objects.get(mailbox=archive, uid=2)
    assert (entry.message_id, entry.internaldate) == (kept.message_id, kept.internaldate)
    assert keyword_names(archive.pk)[0] == "work"
    assert entry.keywords == 1
    assert_counters_are_exact()


def test_it_copies_nothing_when_something_was_expunged_long_ago(
    inbox: Mailbox, archive: Mailbox
) -> None:
    filled(inbox, 2)
    store(mailbox_id=inbox.pk, uids=[2], change=FlagChange("add", FLAG_DELETED), origin=ORIGIN)
    expunge(mailbox_id=inbox.pk, uids=[2], origin=ORIGIN)
    Expunged.objects.update(at=now() - LATELY - 1)
    got = copy(
        mailbox_id=inbox.pk,
        uids=[1, 2],
        target_id=archive.pk,
        origin=ORIGIN,
        all_or_nothing=True,
    )
    assert got.uids == []
    assert not Entry.objects.filter(mailbox=archive).exists()


@pytest.mark.parametrize(
    ("kept", "flags", "keywords"),
    [
        (Kept(), FLAG_FLAGGED | FLAG_SEEN | FLAG_DELETED, ["$x"]),
        (Kept(0xFF & ~FLAG_SEEN, keywords=True), FLAG_FLAGGED | FLAG_DELETED, ["$x"]),
        (Kept(FLAG_SEEN, keywords=False), FLAG_SEEN, []),
        (Kept(0, keywords=False), 0, []),
    ],
)
def test_it_takes_along_the_flags_that_it_may(
    inbox: Mailbox,
    archive: Mailbox,
    carry: object,
    kept: Kept,
    flags: int,
    keywords: list[str],
) -> None:
    """RFC 4314 section 4: by the rights in the target."""
    filled(inbox, 2, flags=FLAG_FLAGGED | FLAG_SEEN | FLAG_DELETED, keywords=("$x",))
    carry(  # type: ignore[operator]
        mailbox_id=inbox.pk, uids=[1, 2], target_id=archive.pk, origin=ORIGIN, kept=kept
    )
    assert {one.flags for one in Entry.objects.filter(mailbox=archive)} == {flags}
    assert [name for name in keyword_names(archive.pk) if name] == keywords
    assert_counters_are_exact()
