"""Reads: lists, snapshots, what changed, pages, bytes; constant numbers of queries."""

import hashlib
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import (
    FLAG_DELETED,
    FLAG_SEEN,
    DeliveryHead,
    Entry,
    Mailbox,
    MailboxState,
    Message,
)
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, store
from apps.mailstore.services.mailboxes import delete
from apps.runtime.glance import ask_database
from apps.wire.errors import NotFound
from tests.mailstore.making import DATE, ORIGIN, RAW, box, delivered, filing, filled, prepared

pytestmark = pytest.mark.django_db


def flag(mailbox: Mailbox, uids: list[int], flags: int, *keywords: str) -> None:
    change = FlagChange("add", flags, keywords)
    store(mailbox_id=mailbox.pk, uids=uids, change=change, origin=ORIGIN)


def test_it_takes_a_snapshot(inbox: Mailbox) -> None:
    filled(inbox, 5)
    flag(inbox, [2], FLAG_SEEN, "a", "b")
    flag(inbox, [4], FLAG_DELETED)
    expunge(mailbox_id=inbox.pk, origin=ORIGIN)
    with CaptureQueriesContext(connection) as captured:
        shot = queries.snapshot(inbox.pk)
    assert len(captured) <= 5
    assert list(shot.uids) == [1, 2, 3, 5]
    assert list(shot.flags) == [0, FLAG_SEEN, 0, 0]
    assert list(shot.keywords) == [0, 0b11, 0, 0]
    assert list(shot.modseqs) == [2, 3, 2, 2]
    assert shot.keyword_names == ("a", "b")
    assert shot.counters == queries.status([inbox.pk])[inbox.pk]
    counters = shot.counters
    assert (counters.uidnext, counters.messages, counters.unseen) == (6, 4, 3)
    assert (counters.highestmodseq, counters.uidvalidity) == (5, inbox.uidvalidity)


def test_it_tells_what_changed_in_the_order_of_modseqs(inbox: Mailbox) -> None:
    filled(inbox, 4)
    flag(inbox, [3], FLAG_SEEN)
    flag(inbox, [1], FLAG_SEEN, "a")
    flag(inbox, [2, 4], FLAG_DELETED)
    expunge(mailbox_id=inbox.pk, uids=[4], origin=ORIGIN)
    changes = queries.changes_since(inbox.pk, 2)
    assert [(row.uid, row.modseq) for row in changes.changed] == [(3, 3), (1, 4), (2, 5)]
    assert (changes.expunged, changes.highestmodseq, changes.complete) == ([4], 6, True)
    assert changes.keyword_names == ("a",)
    assert queries.changes_since(inbox.pk, 6).changed == []


def test_it_says_when_expunges_are_forgotten(inbox: Mailbox) -> None:
    filled(inbox, 1)
    MailboxState.objects.filter(mailbox=inbox).update(expunged_floor=2)
    assert not queries.changes_since(inbox.pk, 1).complete
    assert queries.changes_since(inbox.pk, 2).complete


def test_it_knows_no_mailbox_that_is_deleted(inbox: Mailbox, archive: Mailbox) -> None:
    delete(user_id=archive.user_id, name="Archive", origin=ORIGIN)
    assert set(queries.status([inbox.pk, archive.pk, 0])) == {inbox.pk}
    for read in (queries.snapshot, lambda pk: queries.changes_since(pk, 1)):
        with pytest.raises(NotFound):
            read(archive.pk)


COLUMNS = sorted(queries._ENTRY_COLUMNS | queries._MESSAGE_COLUMNS | queries._RENAMED.keys())


def test_it_finds_a_mailbox_by_its_name_with_one_query(
    alice: User, bob: User, inbox: Mailbox, archive: Mailbox
) -> None:
    filled(archive, 2)
    for row in queries.mailboxes(alice.pk):
        with CaptureQueriesContext(connection) as captured:
            assert queries.mailbox_named(ask_database, alice.pk, row.name) == row
            assert queries.highest_modseq(ask_database, row.id) == row.counters.highestmodseq
        assert len(captured) == 2
    found = queries.mailbox_named(ask_database, bob.pk, archive.name)
    assert found is None or found.id != archive.pk
    assert queries.mailbox_named(ask_database, alice.pk, archive.name.upper()) is None
    delete(user_id=alice.pk, name=archive.name, origin=ORIGIN)
    assert queries.mailbox_named(ask_database, alice.pk, archive.name) is None
    assert queries.highest_modseq(ask_database, archive.pk) is None


def test_it_fetches_every_column_there_is(inbox: Mailbox) -> None:
    delivered([filing(inbox, head=b"A: b\r\n"), filing(inbox)])
    rows = queries.fetch_page(inbox.pk, [1, 2], COLUMNS)
    assert [row[0] for row in rows] == [1, 2]
    got = dict(zip(COLUMNS, rows[0][1:], strict=True))
    entry, message = Entry.objects.get(uid=1), Message.objects.earliest("id")
    assert bytes(got["head"]) == b"A: b\r\n"
    assert rows[1][1 + COLUMNS.index("head")] is None
    assert got["message_id"] == message.pk == entry.message_id
    assert (got["rfc822_message_id"], got["message_size"]) == ("<1@example.test>", len(RAW))
    assert bytes(got["envelope"]) == bytes(message.envelope)
    assert (got["size"], got["internaldate"]) == (entry.size, DATE)


def test_it_fetches_pages_with_gaps(inbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 5)
    filled(inbox, 40)
    flag(inbox, [3, 4, 17], FLAG_DELETED)
    expunge(mailbox_id=inbox.pk, origin=ORIGIN)
    there = set(range(1, 41)) - {3, 4, 17}
    for wanted in ([*range(1, 41)], [1, 9, 30, 31, 40, 99], [2, 3, 5], [6, 8], [4], []):
        rows = queries.fetch_page(inbox.pk, wanted, ["uid", "subject"])
        assert [row[0] for row in rows] == [uid for uid in wanted if uid in there]
        assert all(row[2] == f"Lunch {row[1] - 1}" for row in rows)


def test_it_fetches_no_column_that_is_not_there(inbox: Mailbox) -> None:
    with pytest.raises(ValueError, match="no such column"):
        queries.fetch_page(inbox.pk, [1], ["uid; DROP TABLE"])


def test_it_pages_through_a_list_by_date(inbox: Mailbox) -> None:
    dates = [5, 3, 9, 3, 3, 8, 1, 9]
    delivered([filing(inbox, internaldate=DATE + day) for day in dates])
    seen: list[tuple[int, int]] = []
    before = None
    while rows := queries.inbox_page(inbox.pk, before, 3):
        seen += [(row.internaldate - DATE, row.uid) for row in rows]
        before = (rows[-1].internaldate, rows[-1].uid)
    assert seen == sorted(((day, uid) for uid, day in enumerate(dates, 1)), reverse=True)
    row = queries.inbox_page(inbox.pk, None, 1)[0]
    assert (row.subject, row.sender_name, row.sender_address) == (
        "Lunch",
        "Bob Baker",
        "bob@example.test",
    )
    assert (row.preview, row.has_attachments) == ("At noon?", False)
    assert all(first > second for first, second in pairwise(seen))


def test_it_pages_by_an_index(inbox: Mailbox) -> None:
    sql = queries._INBOX + " AND (e.internaldate, e.uid) < (%s, %s)" + queries._NEWEST_FIRST
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {sql}", [inbox.pk, 1, 1, 50])
            plan = "\n".join(row[0] for row in cursor.fetchall())
    else:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", [inbox.pk, 1, 1, 50])
            plan = "\n".join(str(row[3]) for row in cursor.fetchall())
        assert "TEMP B-TREE" not in plan
    assert "entry_date" in plan


def test_it_knows_who_is_full(alice: User, bob: User, inbox: Mailbox) -> None:
    filled(inbox, 1)
    size = queries.usage(alice.pk).size
    assert queries.limits([alice.pk, bob.pk]) == {}
    for quota, is_full in ((size + 1, False), (size, True), (1, True)):
        User.objects.filter(pk=alice.pk).update(quota=quota)
        assert queries.limits([alice.pk, bob.pk]) == {alice.pk: is_full}
    assert queries.usage(alice.pk) == (size, 1, 0, 1)
    with pytest.raises(NotFound):
        queries.usage(0)


BLOBS = st.one_of(
    st.binary(max_size=400),
    st.builds(
        lambda n, seed: hashlib.shake_128(bytes([seed])).digest(n),
        st.integers(0, 600_000),
        st.integers(0, 255),
    ),
    st.builds(lambda n: b"Received: by us\r\n" * n, st.integers(0, 40_000)),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    raw=BLOBS,
    prefix=st.binary(max_size=50),
    head=st.binary(max_size=50),
    edges=st.lists(st.floats(0, 1), max_size=6),
    slices=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=4),
)
def test_it_gives_back_every_byte(
    inbox: Mailbox,
    raw: bytes,
    prefix: bytes,
    head: bytes,
    edges: list[float],
    slices: list[tuple[float, float]],
) -> None:
    places = sorted({int(edge * len(raw)) for edge in edges})
    cuts = list(zip(places[::2], places[1::2], strict=False))
    filed = delivered([filing(inbox, prepared(raw, prefix=prefix, cuts=cuts), head=head)])
    entry = Entry.objects.get(mailbox=inbox, uid=filed[0].uid)
    hidden = bytearray(raw)
    for start, end in reversed(cuts):
        del hidden[start:end]
    shown = head + prefix + bytes(hidden)
    assert queries.shown_bytes(entry.message_id, entry.head_id) == shown
    assert entry.size == len(shown)
    for first, last in slices:
        start, end = int(first * len(shown)), int(last * len(shown)) + 10
        got = queries.shown_slice(entry.message_id, entry.head_id, start, end)
        assert got == shown[start:end]
    header = queries.header_bytes(entry.message_id, entry.head_id)
    assert shown.startswith(header)
    assert len(header) == len(head) + Message.objects.get(pk=entry.message_id).header_size


def test_it_reads_a_message_with_one_query(inbox: Mailbox) -> None:
    delivered([filing(inbox, head=b"A: b\r\n")])
    entry = Entry.objects.get()
    for read in (queries.shown_bytes, queries.header_bytes):
        with CaptureQueriesContext(connection) as captured:
            read(entry.message_id, entry.head_id)
        assert len(captured) == 1
    assert queries.header_bytes(entry.message_id, None) == RAW[: RAW.index(b"At noon")]
    assert DeliveryHead.objects.count() == 1
    with pytest.raises(NotFound):
        queries.shown_bytes(0, None)


def test_it_reads_no_more_of_a_page_than_is_enough(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "FEW", 3)
    filled(inbox, 10)
    asked = [*range(2, 8), 40, 50]
    rows, used = queries.fetch_some(inbox.pk, asked, ("size",), enough=lambda _: True, blobs=True)
    assert ([uid for uid, *_ in rows], used) == ([2, 3, 4], 3)
    assert all(shown.size == size for _, size, shown in rows)
    rows, used = queries.fetch_some(inbox.pk, asked[3:], (), enough=lambda _: False)
    assert [uid for uid, *_ in rows] == [5, 6, 7]
    # Postgres is asked for no more than a few at a time, SQLite for a page.
    assert used == (5 if connection.vendor == "sqlite" else 3)


@pytest.mark.parametrize("page", [1, 2, 5, 6, 7])
def test_it_takes_a_mailbox_in_pages_of_any_size(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    filled(inbox, 8, keywords=("a",))
    flag(inbox, [2, 8], FLAG_DELETED)
    expunge(mailbox_id=inbox.pk, origin=ORIGIN)
    flag(inbox, [3], FLAG_SEEN)
    monkeypatch.setattr(queries, "_ARRAYS_PAGE", page)
    found = queries.snapshot(inbox.pk)
    columns = zip(found.uids, found.flags, found.keywords, found.modseqs, strict=True)
    entries = Entry.objects.filter(mailbox=inbox).order_by("uid")
    assert list(columns) == list(entries.values_list("uid", "flags", "keywords", "modseq"))
    assert list(found.uids) == [1, 3, 4, 5, 6, 7]


def test_it_reads_a_few_as_it_reads_many(inbox: Mailbox) -> None:
    filled(inbox, 6)
    delivered([filing(inbox, head=b"A: b\r\n")])
    flag(inbox, [3], FLAG_DELETED)
    expunge(mailbox_id=inbox.pk, origin=ORIGIN)
    columns = ("size", "envelope", "header", "head", "saved_at", "preview", "thread_id")
    for blobs in (False, True):
        for uids in ([1], [3], [7], [99], [2, 4], [1, 2, 3, 4, 5, 6, 7]):
            with CaptureQueriesContext(connection) as captured:
                few = queries.fetch_few(ask_database, inbox.pk, uids, columns, blobs=blobs)
            assert len(captured) == 1
            some = queries.fetch_some(inbox.pk, uids, columns, enough=lambda _: False, blobs=blobs)
            width = len(columns) + 1
            assert [row[:width] for row in few] == [row[:width] for row in some.rows]
            if blobs:
                assert [row[-1].whole() for row in few] == [row[-1].whole() for row in some.rows]
    assert [row[0] for row in few] == [1, 2, 4, 5, 6, 7]
    assert all(row[-1].is_at_hand for row in few)


def test_it_takes_for_few_what_is_few_and_lies_together() -> None:
    most = queries.AT_A_GLANCE
    assert queries.is_few([7], blobs=True)
    assert queries.is_few(range(5, 5 + most), blobs=False)
    assert queries.is_few([5, 7, 8], blobs=False)
    assert not queries.is_few([7, 8], blobs=True)
    assert not queries.is_few(range(5, 6 + most), blobs=False)
    assert not queries.is_few([5, 5 + most], blobs=False)


def test_it_reads_a_header_too_large_for_the_row(inbox: Mailbox) -> None:
    raw = b"Subject: x\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\nbody"
    delivered([filing(inbox, prepared(raw))])
    message = Message.objects.get()
    assert len(message.header) <= 256 * 1024
    header = queries.header_bytes(message.pk, None)
    assert header == raw[: message.header_size]
    assert queries.shown_bytes(message.pk, None) == raw
    assert box(inbox.user).pk == inbox.pk


def test_it_reads_the_messages_of_a_page_at_once(inbox: Mailbox) -> None:
    """The same as one by one; what is not there, or has lost its blob's row, is left out."""
    cut = prepared(RAW, prefix=b"Received: by us\r\n", cuts=[(0, RAW.index(b"\n") + 1)])
    delivered([filing(inbox, head=b"A: b\r\n"), filing(inbox, cut), filing(inbox), filing(inbox)])
    entries = list(Entry.objects.order_by("uid"))
    lost = Message.objects.get(pk=entries[3].message_id)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM blobs_blob WHERE id = %s", [lost.blob_id.hex])
    with CaptureQueriesContext(connection) as captured:
        page = queries.shown_page(inbox.pk, [1, 2, 3, 4, 99])
    assert len(captured) == 1
    assert sorted(page) == [1, 2, 3]
    for entry in entries[:3]:
        one = queries.shown(entry.message_id, entry.head_id)
        assert page[entry.uid].whole() == one.whole()
        assert page[entry.uid].header() == one.header()
        assert page[entry.uid].part(3, 40) == one.whole()[3:40]
        assert page[entry.uid].part(-5, 10**9) == one.whole()
