"""STORE: the three modes, no needless modseq, UNCHANGEDSINCE, keywords, chunks, journal."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.mailstore import queries
from apps.mailstore.models import (
    FLAG_DELETED,
    FLAG_FLAGGED,
    FLAG_SEEN,
    Change,
    Entry,
    Mailbox,
    MailboxState,
)
from apps.mailstore.origin import Origin
from apps.mailstore.services import filing, mailboxes
from apps.mailstore.services.flags import FlagChange, store
from apps.wire.errors import NotFound
from tests.mailstore.making import ORIGIN, assert_counters_are_exact, box, filled

pytestmark = pytest.mark.django_db


def flags_of(mailbox: Mailbox) -> dict[int, int]:
    return dict(Entry.objects.filter(mailbox=mailbox).values_list("uid", "flags"))


@pytest.mark.parametrize(
    ("mode", "bits", "after"),
    [
        ("add", FLAG_SEEN, FLAG_SEEN | FLAG_FLAGGED),
        ("remove", FLAG_FLAGGED | FLAG_SEEN, 0),
        ("replace", FLAG_DELETED, FLAG_DELETED),
        ("replace", 0, 0),
    ],
)
def test_it_changes_flags(inbox: Mailbox, mode: str, bits: int, after: int) -> None:
    uids = filled(inbox, 3, flags=FLAG_FLAGGED)
    change = FlagChange(mode, bits)  # type: ignore[arg-type]
    result = store(mailbox_id=inbox.pk, uids=uids[:2], change=change, origin=ORIGIN)
    assert [(row.uid, row.flags) for row in result.rows] == [(1, after), (2, after)]
    assert flags_of(inbox) == {1: after, 2: after, 3: FLAG_FLAGGED}
    assert_counters_are_exact()


def test_it_leaves_the_modseq_of_what_already_is_so(inbox: Mailbox) -> None:
    uids = filled(inbox, 2)
    seen = FlagChange("add", FLAG_SEEN)
    first = store(mailbox_id=inbox.pk, uids=uids[:1], change=seen, origin=ORIGIN)
    second = store(mailbox_id=inbox.pk, uids=uids, change=seen, origin=ORIGIN)
    assert [row.modseq for row in first.rows] == [3]
    assert [(row.uid, row.modseq) for row in second.rows] == [(1, 3), (2, 4)]
    third = store(mailbox_id=inbox.pk, uids=uids, change=seen, origin=ORIGIN)
    assert third.rows == second.rows
    assert MailboxState.objects.get(mailbox=inbox).highestmodseq == 4
    assert Change.objects.filter(what="flags").count() == 2


@pytest.mark.parametrize(
    ("mode", "after", "words"),
    [
        ("add", FLAG_FLAGGED | FLAG_SEEN, 1),
        ("remove", FLAG_FLAGGED, 1),
        ("replace", FLAG_FLAGGED | FLAG_SEEN, 1),
    ],
)
def test_it_leaves_alone_what_is_out_of_reach(
    inbox: Mailbox, mode: str, after: int, words: int
) -> None:
    """RFC 4314 section 4: with the right `s` alone."""
    uids = filled(inbox, 1, flags=FLAG_FLAGGED)
    named = FlagChange("add", keywords=("$Work",))
    store(mailbox_id=inbox.pk, uids=uids, change=named, origin=ORIGIN)
    both = FLAG_SEEN | FLAG_DELETED
    change = FlagChange(mode, both, ("$Home",), reach=FLAG_SEEN, reach_keywords=False)  # type: ignore[arg-type]
    row = store(mailbox_id=inbox.pk, uids=uids, change=change, origin=ORIGIN).rows[0]
    assert (row.flags, row.keywords) == (after, words)
    entry = Entry.objects.get(mailbox=inbox)
    assert (entry.flags, entry.keywords) == (after, words)
    assert queries.keyword_names(inbox.pk) == ("$Work",)
    assert_counters_are_exact()


def test_it_lets_who_reaches_only_keywords_replace_those(inbox: Mailbox) -> None:
    uids = filled(inbox, 1, flags=FLAG_FLAGGED | FLAG_SEEN)
    change = FlagChange("replace", FLAG_DELETED, ("$Home",), reach=FLAG_FLAGGED)
    row = store(mailbox_id=inbox.pk, uids=uids, change=change, origin=ORIGIN).rows[0]
    assert (row.flags, row.keywords) == (FLAG_SEEN, 1)


def test_it_ignores_uids_that_are_not_there(inbox: Mailbox) -> None:
    filled(inbox, 1)
    change = FlagChange("add", FLAG_SEEN)
    result = store(mailbox_id=inbox.pk, uids=[5, 1, 1, 99], change=change, origin=ORIGIN)
    assert [row.uid for row in result.rows] == [1]


@pytest.mark.parametrize("mode", ["add", "remove", "replace"])
def test_it_leaves_alone_what_has_changed_since(inbox: Mailbox, mode: str) -> None:
    uids = filled(inbox, 3)
    base = MailboxState.objects.get(mailbox=inbox).highestmodseq
    seen = FlagChange("add", FLAG_SEEN)
    store(mailbox_id=inbox.pk, uids=[2], change=seen, origin=ORIGIN)
    change = FlagChange(mode, FLAG_SEEN | FLAG_FLAGGED)  # type: ignore[arg-type]
    result = store(
        mailbox_id=inbox.pk, uids=uids, change=change, origin=ORIGIN, unchanged_since=base
    )
    assert result.failed == [2]
    assert [row.uid for row in result.rows] == [1, 3]
    assert flags_of(inbox)[2] == FLAG_SEEN


def conditional(inbox: Mailbox, change: FlagChange, since: int) -> list[int]:
    """The UIDs that a conditional STORE leaves alone."""
    uids = list(Entry.objects.filter(mailbox=inbox).values_list("uid", flat=True))
    return store(
        mailbox_id=inbox.pk, uids=uids, change=change, origin=ORIGIN, unchanged_since=since
    ).failed


def test_it_stores_where_only_other_flags_have_changed_since(inbox: Mailbox) -> None:
    """RFC 7162 section 3.1.12: whoever adds or removes flags need not mind about others."""
    filled(inbox, 3)
    base = MailboxState.objects.get(mailbox=inbox).highestmodseq
    store(mailbox_id=inbox.pk, uids=[2], change=FlagChange("add", FLAG_SEEN), origin=ORIGIN)
    work = FlagChange("add", keywords=("$Work",))
    store(mailbox_id=inbox.pk, uids=[3], change=work, origin=ORIGIN)
    assert conditional(inbox, FlagChange("add", FLAG_FLAGGED), base) == []
    assert flags_of(inbox) == {1: FLAG_FLAGGED, 2: FLAG_FLAGGED | FLAG_SEEN, 3: FLAG_FLAGGED}
    # Now the flag itself has changed; the keyword only of the third.
    assert conditional(inbox, FlagChange("remove", FLAG_FLAGGED), base) == [1, 2, 3]
    assert conditional(inbox, FlagChange("remove", keywords=("$work",)), base) == [3]
    assert conditional(inbox, FlagChange("replace"), base) == [1, 2, 3]


def test_it_counts_what_was_changed_and_changed_back_as_unchanged(inbox: Mailbox) -> None:
    filled(inbox, 1)
    base = MailboxState.objects.get(mailbox=inbox).highestmodseq
    for mode in ("add", "remove"):
        change = FlagChange(mode, FLAG_SEEN)
        store(mailbox_id=inbox.pk, uids=[1], change=change, origin=ORIGIN)
    assert conditional(inbox, FlagChange("add", FLAG_SEEN), base) == []


def test_it_stores_nowhere_if_nobody_knows_what_has_changed_since(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor in messages that the client cannot have seen; 0 is before all of them (Example 8)."""
    filled(inbox, 1)
    base = MailboxState.objects.get(mailbox=inbox).highestmodseq
    flagged = FlagChange("add", FLAG_FLAGGED)
    store(mailbox_id=inbox.pk, uids=[1], change=FlagChange("add", FLAG_SEEN), origin=ORIGIN)
    assert conditional(inbox, flagged, 0) == [1]
    assert conditional(inbox, flagged, base - 1) == [1]
    with monkeypatch.context() as patched:
        patched.setattr("apps.mailstore.services.conditional.ROWS_MAX", 0)
        assert conditional(inbox, flagged, base) == [1]
    Change.objects.filter(modseq__lte=base).delete()
    assert conditional(inbox, flagged, base) == [1]


def test_it_commits_a_thousand_at_a_time(inbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.mailstore.services.flags.CHUNK", 4)
    uids = filled(inbox, 10)
    result = store(
        mailbox_id=inbox.pk, uids=uids, change=FlagChange("add", FLAG_SEEN), origin=ORIGIN
    )
    assert [row.modseq for row in result.rows] == [3] * 4 + [4] * 4 + [5] * 2
    journal = Change.objects.filter(what="flags").order_by("modseq")
    assert [row.uids for row in journal] == ["1:4", "5:8", "9:10"]
    assert filing.CHUNK == 1_000
    assert_counters_are_exact()


def test_it_names_keywords_by_bits_of_the_mailbox(inbox: Mailbox, archive: Mailbox) -> None:
    filled(archive, 1)
    store(mailbox_id=archive.pk, uids=[1], change=FlagChange("add", 0, ("a",)), origin=ORIGIN)
    uids = filled(inbox, 1)
    change = FlagChange("add", 0, ("$Forwarded", "a", "$FORWARDED"))
    result = store(mailbox_id=inbox.pk, uids=uids, change=change, origin=ORIGIN)
    assert result.keyword_names == ("$Forwarded", "a")
    assert result.rows[0].keywords == 0b11
    removed = FlagChange("remove", 0, ("$forwarded", "unheard"))
    result = store(mailbox_id=inbox.pk, uids=uids, change=removed, origin=ORIGIN)
    assert result.rows[0].keywords == 0b10
    assert queries.keyword_names(inbox.pk) == ("$Forwarded", "a")


def test_it_leaves_out_the_64th_keyword(inbox: Mailbox) -> None:
    uids = filled(inbox, 1)
    names = tuple(f"k{number}" for number in range(64))
    result = store(
        mailbox_id=inbox.pk, uids=uids, change=FlagChange("add", 0, names), origin=ORIGIN
    )
    assert result.keyword_names == names[:63]
    assert result.rows[0].keywords == 2**63 - 1
    assert queries.snapshot(inbox.pk).keywords[0] == 2**63 - 1
    again = FlagChange("replace", FLAG_SEEN, ("k63", "K62"))
    result = store(mailbox_id=inbox.pk, uids=uids, change=again, origin=ORIGIN)
    assert (result.rows[0].flags, result.rows[0].keywords) == (FLAG_SEEN, 1 << 62)


@pytest.mark.parametrize("name", ["", "a b", "é", "(", "\\Seen", "a]", "x" * 101, "a\x00"])
def test_it_keeps_no_keyword_that_is_no_atom(inbox: Mailbox, name: str) -> None:
    uids = filled(inbox, 1)
    result = store(
        mailbox_id=inbox.pk, uids=uids, change=FlagChange("add", 0, (name,)), origin=ORIGIN
    )
    assert result.rows[0].keywords == 0
    assert result.keyword_names == ()


def test_it_journals_who_did_what_and_how_it_was(inbox: Mailbox) -> None:
    filled(inbox, 3, flags=FLAG_FLAGGED)
    store(mailbox_id=inbox.pk, uids=[2], change=FlagChange("add", FLAG_SEEN), origin=ORIGIN)
    origin = Origin("imap", 7, "Thunder\x00bird" + "x" * 300, "2001:db8::1")
    change = FlagChange("replace", FLAG_DELETED, ("$Junk",))
    store(mailbox_id=inbox.pk, uids=[1, 2, 3], change=change, origin=origin)
    row = Change.objects.latest("modseq")
    assert (row.what, row.uids, row.door, row.user_id) == ("flags", "1:3", "imap", 7)
    assert (row.address, row.client[:12], len(row.client)) == (
        "2001:db8::1",
        "Thunder\ufffdbird"[:12],
        200,
    )
    assert json.loads(row.before) == {
        f"{FLAG_FLAGGED}.0": "1,3",
        f"{FLAG_FLAGGED | FLAG_SEEN}.0": "2",
    }
    assert json.loads(row.after) == {
        "mode": "replace",
        "flags": FLAG_DELETED,
        "keywords": ["$Junk"],
    }


def test_it_has_nothing_to_change_in_a_deleted_mailbox(archive: Mailbox) -> None:
    uids = filled(archive, 1)
    mailboxes.delete(user_id=archive.user_id, name="Archive", origin=ORIGIN)
    with pytest.raises(NotFound):
        store(mailbox_id=archive.pk, uids=uids, change=FlagChange("add", 1), origin=ORIGIN)


def test_it_takes_the_same_number_of_queries_for_any_chunk(inbox: Mailbox) -> None:
    uids = filled(inbox, 200)
    counts = []
    for some in (uids[:1], uids[1:]):
        with CaptureQueriesContext(connection) as captured:
            store(
                mailbox_id=inbox.pk, uids=some, change=FlagChange("add", FLAG_SEEN), origin=ORIGIN
            )
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 10


def test_it_shares_flags_between_all_who_see_the_mailbox(inbox: Mailbox) -> None:
    filled(inbox, 1)
    for user_id in (1, 2):
        result = store(
            mailbox_id=inbox.pk,
            uids=[1],
            change=FlagChange("add", 1 << user_id),
            origin=Origin("imap", user_id),
        )
    assert result.rows[0].flags == 0b110
    assert box(inbox.user).pk == inbox.pk
