"""What users say of mail by what they do with it is noted for the spam filter, and nothing else."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from django.db import transaction

from apps.directory.models import User
from apps.events import bell
from apps.mailstore.models import (
    FLAG_ANSWERED,
    FLAG_SEEN,
    Entry,
    Judged,
    JunkMark,
    Mailbox,
    SpecialUse,
)
from apps.mailstore.services import marks
from apps.mailstore.services.append import Appending
from apps.mailstore.services.copy import copy, move
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, store
from apps.mailstore.services.mailboxes import create
from apps.runtime.clock import now
from tests.mailstore.making import (
    DATE,
    ORIGIN,
    appended,
    box,
    delivered,
    filing,
    filled,
    prepared,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def junk(alice: User) -> Mailbox:
    return box(alice, "Junk")


@pytest.fixture
def trash(alice: User) -> Mailbox:
    return box(alice, "Trash")


def moved(uids: Sequence[int], source: Mailbox, target: Mailbox) -> list[int]:
    pairs = move(mailbox_id=source.pk, uids=uids, target_id=target.pk, origin=ORIGIN).uids
    return [new for _, new in pairs]


def noted() -> list[str]:
    """What was noted since the last time."""
    found = list(JunkMark.objects.order_by("pk").values_list("judged", flat=True))
    JunkMark.objects.all().delete()
    return found


def change(box: Mailbox, uids: Sequence[int], mode: str, *words: str, flags: int = 0) -> list[str]:
    wanted = FlagChange(mode, flags, words)  # type: ignore[arg-type]
    store(mailbox_id=box.pk, uids=uids, change=wanted, origin=ORIGIN)
    return noted()


def test_it_notes_moves_into_junk_and_out_of_it(inbox: Mailbox, junk: Mailbox) -> None:
    uids = moved(filled(inbox, 2), inbox, junk)
    rows = list(JunkMark.objects.order_by("pk"))
    assert {row.user_id for row in rows} == {inbox.user_id}
    blobs = {entry.message.blob_id for entry in Entry.objects.filter(mailbox=junk)}
    assert {row.blob_id for row in rows} == blobs
    assert noted() == ["spam", "spam"]
    moved(uids[:1], junk, inbox)
    assert noted() == ["ham"]


def test_it_notes_copies_of_old_clients(inbox: Mailbox, junk: Mailbox) -> None:
    uids = filled(inbox, 1)
    copy(mailbox_id=inbox.pk, uids=uids, target_id=junk.pk, origin=ORIGIN)
    change(inbox, uids, "add", flags=FLAG_SEEN)
    store(mailbox_id=inbox.pk, uids=uids, change=FlagChange("add", 8), origin=ORIGIN)
    expunge(mailbox_id=inbox.pk, origin=ORIGIN)
    assert noted() == []
    copy(mailbox_id=junk.pk, uids=[1], target_id=inbox.pk, origin=ORIGIN)
    assert noted() == ["ham"]


def test_it_notes_keywords_that_are_written_over(inbox: Mailbox) -> None:
    """As `STORE FLAGS (\\Seen)` does, without naming them."""
    uids = filled(inbox, 3)
    change(inbox, uids[:1], "add", "$Junk")
    change(inbox, uids[1:2], "add", "NonJunk")
    assert change(inbox, uids, "replace", "$Label1", flags=FLAG_SEEN) == ["unspam", "unham"]
    assert change(inbox, uids, "replace") == []
    assert change(inbox, uids[:1], "replace", "$Junk") == ["spam"]
    assert change(inbox, uids[:1], "replace", "$Junk", flags=FLAG_SEEN) == []
    assert change(inbox, uids[:1], "replace", "$NotJunk") == ["ham"]


def test_it_learns_nothing_from_tidying_up(
    alice: User, inbox: Mailbox, junk: Mailbox, trash: Mailbox
) -> None:
    old = create(user_id=alice.pk, name="Junk/2025")
    delivered([filing(junk), filing(junk), filing(inbox)])  # the filter's own work
    assert noted() == []
    (one,) = moved([1], junk, old)
    moved([one], old, junk)
    moved([2], junk, trash)
    moved([1], inbox, trash)
    store(mailbox_id=trash.pk, uids=[1, 2], change=FlagChange("add", 8), origin=ORIGIN)
    expunge(mailbox_id=trash.pk, origin=ORIGIN)
    assert noted() == []


def test_it_knows_what_lies_in_junk_below_it(alice: User, inbox: Mailbox) -> None:
    old = create(user_id=alice.pk, name="Junk/100%_old")
    other = create(user_id=alice.pk, name="Junky")
    uids = moved(filled(inbox, 1), inbox, old)
    assert noted() == ["spam"]
    moved(uids, old, other)
    assert noted() == ["ham"]


def test_it_notes_what_is_filed_from_the_inbox_as_kept(
    alice: User, inbox: Mailbox, archive: Mailbox
) -> None:
    bills = create(user_id=alice.pk, name="Bills")
    uids = filled(inbox, 3)
    moved(uids[:1], inbox, archive)
    moved(uids[1:2], inbox, bills)
    assert noted() == ["kept", "kept"]
    copy(mailbox_id=inbox.pk, uids=uids[2:], target_id=bills.pk, origin=ORIGIN)
    moved([1], bills, archive)
    assert noted() == []


@pytest.mark.parametrize(
    ("word", "said", "unsaid"),
    [
        ("$Junk", "spam", "unspam"),
        ("Junk", "spam", "unspam"),
        ("$NotJunk", "ham", "unham"),
        ("NonJunk", "ham", "unham"),
        ("$NOTJUNK", "ham", "unham"),
    ],
)
def test_it_notes_keywords(inbox: Mailbox, word: str, said: str, unsaid: str) -> None:
    uids = filled(inbox, 2)
    assert change(inbox, uids, "add", word) == [said, said]
    assert change(inbox, uids, "add", word) == []
    assert change(inbox, uids[:1], "remove", word, flags=FLAG_SEEN) == [unsaid]
    # One that has lost it already says nothing new, though its other flags change.
    store(mailbox_id=inbox.pk, uids=uids, change=FlagChange("add", FLAG_SEEN), origin=ORIGIN)
    assert change(inbox, uids, "remove", word, flags=FLAG_SEEN) == [unsaid]


def test_it_notes_how_clients_turn_a_mark_round(inbox: Mailbox) -> None:
    uids = filled(inbox, 1)
    assert change(inbox, uids, "add", "Junk") == ["spam"]
    assert change(inbox, uids, "add", "NonJunk") == ["ham"]
    assert change(inbox, uids, "remove", "Junk") == ["unspam"]
    assert change(inbox, uids, "replace", "$Junk", flags=FLAG_SEEN) == ["spam"]
    assert change(inbox, uids, "add", "$Junk", "$NotJunk") == []
    assert change(inbox, uids, "add", "Important") == []


def test_it_notes_what_was_answered(inbox: Mailbox, junk: Mailbox) -> None:
    uids = filled(inbox, 1)
    assert change(inbox, uids, "add", flags=FLAG_ANSWERED) == ["kept"]
    assert change(inbox, uids, "remove", flags=FLAG_ANSWERED) == []
    delivered([filing(junk)])
    assert change(junk, [1], "add", flags=FLAG_ANSWERED) == []


def test_it_notes_what_is_appended(inbox: Mailbox, junk: Mailbox) -> None:
    appended(inbox, [Appending(prepared(), DATE), Appending(prepared(), DATE, 0, ("$NotJunk",))])
    assert noted() == ["ham"]
    appended(junk, [Appending(prepared(), DATE), Appending(prepared(), DATE, 0, ("NonJunk",))])
    assert noted() == ["spam", "ham"]


def test_it_belongs_to_whose_mailbox_it_is(
    alice: User, bob: User, bobs_inbox: Mailbox, junk: Mailbox
) -> None:
    moved(filled(bobs_inbox, 1), bobs_inbox, junk)
    assert JunkMark.objects.get().user_id == alice.pk


def test_it_bounds_what_one_operation_and_one_user_leave(
    monkeypatch: pytest.MonkeyPatch, inbox: Mailbox, junk: Mailbox, archive: Mailbox
) -> None:
    monkeypatch.setattr(marks, "MOST_AT_ONCE", 3)
    monkeypatch.setattr(marks, "MOST_KEPT_AT_ONCE", 2)
    monkeypatch.setattr(marks, "MOST_WAITING", 4)
    uids = moved(filled(inbox, 5), inbox, junk)
    newest = Entry.objects.filter(mailbox=junk).order_by("-uid")[:3]
    assert {row.blob_id for row in JunkMark.objects.all()} == {
        entry.message.blob_id for entry in newest
    }
    moved(uids[:1], junk, inbox)
    assert JunkMark.objects.count() == 4
    moved(uids[1:], junk, inbox)
    assert noted() == ["spam", "spam", "spam", "ham"]
    store(mailbox_id=inbox.pk, uids=[1, 2, 3], change=FlagChange("add", 4), origin=ORIGIN)
    moved([6, 7, 8, 9, 10], inbox, archive)
    assert noted() == ["kept", "kept"]


def test_it_bounds_what_is_left_by_who_brings_an_old_junk(
    monkeypatch: pytest.MonkeyPatch, junk: Mailbox
) -> None:
    monkeypatch.setattr(marks, "MOST_WAITING", 3)
    for _ in range(5):
        appended(junk, [Appending(prepared(), DATE)])
    assert JunkMark.objects.count() == 3


def test_it_says_nothing_if_the_change_is_undone(inbox: Mailbox, junk: Mailbox) -> None:
    uids = filled(inbox, 1)
    with transaction.atomic():
        moved(uids, inbox, junk)
        transaction.set_rollback(True)
    assert noted() == []


def test_it_rings_once_the_change_is_kept(
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: object,
    inbox: Mailbox,
    junk: Mailbox,
) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(bell, "ring_learning", lambda: rung.append(True))
    uids = filled(inbox, 1)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        moved(uids, inbox, junk)
        assert not rung
    assert rung


def test_it_hands_notes_to_one_at_a_time(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [UUID(int=number) for number in range(3)]
    with transaction.atomic():
        marks.mark([(alice.pk, one, Judged.SPAM) for one in ids])
    begun = marks.begin(2)
    assert [(mark.user_id, mark.blob_id, mark.judged) for mark in begun] == [
        (alice.pk, one, Judged.SPAM) for one in ids[:2]
    ]
    assert marks.begin(2) == []  # the third might be about a message of the first two
    later = now() + marks.LEASE_SECONDS
    monkeypatch.setattr(marks, "now", lambda: later)
    assert [(mark.blob_id, mark.tries) for mark in marks.begin(3)] == [(ids[0], 2)]
    with transaction.atomic():
        assert marks.take([mark.id for mark in begun]) == {mark.id for mark in begun}
        assert marks.take([mark.id for mark in begun]) == set()
    assert [mark.blob_id for mark in marks.begin(9)] == ids[2:]


def test_it_goes_on_after_a_clock_was_wrong(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction.atomic():
        marks.mark([(alice.pk, UUID(int=1), Judged.SPAM)])
    with monkeypatch.context() as wrong:
        later = now() + 10**8
        wrong.setattr(marks, "now", lambda: later)
        assert len(marks.begin(1)) == 1
    assert [mark.tries for mark in marks.begin(1)] == [2]
    assert marks.begin(1) == []


def test_it_says_what_changes_of_flags_mean() -> None:
    assert marks.said_by("add", 0, ()) is None
    assert marks.said_by("add", FLAG_SEEN, ("Work",)) is None
    assert marks.said_by("remove", FLAG_ANSWERED, ()) is None
    assert marks.said_by("replace", FLAG_ANSWERED, ("Work",)) is Judged.KEPT
    assert marks.said_by("add", FLAG_ANSWERED, ("$junk",)) is Judged.SPAM


def test_it_gives_the_role_of_a_mailbox(alice: User, inbox: Mailbox, junk: Mailbox) -> None:
    below = create(user_id=alice.pk, name="Trash/Junk")
    found = marks.roles([inbox.pk, junk.pk, below.pk, 10**9])
    assert found[inbox.pk] == SpecialUse.INBOX
    assert found[junk.pk] == SpecialUse.JUNK
    assert found[below.pk] == SpecialUse.TRASH
    assert found[10**9] == ""
