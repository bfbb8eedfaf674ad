"""Conversations of a mailbox, of many mailboxes, and of places that are no mailbox."""

from collections.abc import Sequence

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore import conversations, marked
from apps.mailstore.conversations import Head
from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN, Entry, Mailbox
from apps.mailstore.services import mailboxes
from apps.mailstore.services.append import Appending
from apps.mailstore.services.flags import FlagChange, store
from apps.runtime.db import is_sqlite
from tests.mailstore.making import DATE, ORIGIN, appended, box, prepared

pytestmark = pytest.mark.django_db


def raw(name: str, answers: str = "", sender: str = "Bob <bob@example.test>") -> bytes:
    """A message whose Message-ID is its name."""
    link = f"In-Reply-To: <{answers}@x.test>\r\n" if answers else ""
    return (
        f"From: {sender}\r\nTo: alice@example.test\r\nSubject: {name}\r\n"
        f"Message-ID: <{name}@x.test>\r\n{link}\r\nHello\r\n"
    ).encode()


def put(
    mailbox: Mailbox, *messages: tuple[str, str, int], flags: int = FLAG_SEEN, **more: object
) -> list[int]:
    """File (name, what it answers, seconds after DATE); their UIDs."""
    wanted = [
        Appending(prepared(raw(name, answers)), DATE + after, flags=flags, **more)  # type: ignore[arg-type]
        for name, answers, after in messages
    ]
    return [one.uid for one in appended(mailbox, wanted)]


def subjects(heads: Sequence[Head]) -> list[str]:
    return [one.subject for one in heads]


@pytest.fixture
def inbox(alice: User) -> Mailbox:
    return box(alice)


def test_the_newest_message_stands_for_its_conversation(inbox: Mailbox) -> None:
    put(inbox, ("a1", "", 0), ("b1", "", 10), ("a2", "a1", 20), ("c1", "", 5))
    assert subjects(conversations.page(inbox.pk, limit=9)) == ["a2", "b1", "c1"]
    oldest = conversations.page(inbox.pk, limit=9, newest_first=False)
    assert subjects(oldest) == ["c1", "b1", "a2"]
    each = conversations.page(inbox.pk, limit=9, threaded=False)
    assert subjects(each) == ["a2", "b1", "c1", "a1"]


def test_the_higher_uid_is_newer_within_a_second(inbox: Mailbox) -> None:
    put(inbox, ("a1", "", 0), ("a2", "a1", 0), ("a3", "a2", 0))
    assert subjects(conversations.page(inbox.pk, limit=9)) == ["a3"]


def test_what_has_no_conversation_is_a_row_of_its_own(inbox: Mailbox) -> None:
    put(inbox, ("a1", "", 0), ("a2", "a1", 1), ("a3", "a1", 2))
    Entry.objects.filter(mailbox=inbox).update(thread_id=None)
    assert subjects(conversations.page(inbox.pk, limit=9)) == ["a3", "a2", "a1"]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("only_unread", [True, False])
def test_pages_have_every_conversation_once(
    inbox: Mailbox, newest_first: bool, only_unread: bool
) -> None:
    for number in range(7):
        put(inbox, (f"a{number}", "", number), (f"b{number}", f"a{number}", number), flags=0)
    seen: list[str] = []
    beyond = None
    while found := conversations.page(
        inbox.pk, limit=2, beyond=beyond, newest_first=newest_first, only_unread=only_unread
    ):
        seen += subjects(found)
        beyond = found[-1].place
    wanted = [f"b{number}" for number in range(7)]
    assert seen == (wanted[::-1] if newest_first else wanted)


def test_unread_conversations_stand_by_their_newest_unread_message(inbox: Mailbox) -> None:
    put(inbox, ("a1", "", 0), ("b1", "", 50), flags=0)
    put(inbox, ("a2", "a1", 90), ("c1", "", 95))
    found = conversations.page(inbox.pk, limit=9, only_unread=True)
    assert subjects(found) == ["b1", "a1"]


def test_a_mailbox_knows_nothing_of_the_conversation_in_another(alice: User) -> None:
    inbox, sent = box(alice), box(alice, "Sent")
    put(inbox, ("a1", "", 0))
    put(sent, ("a2", "a1", 9))
    assert subjects(conversations.page(inbox.pk, limit=9)) == ["a1"]
    thread = conversations.page(inbox.pk, limit=1)[0].thread_id
    assert thread is not None
    found = conversations.of_thread([inbox.pk, sent.pk], thread, 9)
    assert subjects(found) == ["a1", "a2"]
    assert [one.mailbox_id for one in found] == [inbox.pk, sent.pk]
    assert subjects(conversations.of_thread([sent.pk, inbox.pk], thread, 1)) == ["a2"]
    assert conversations.of_thread([], thread, 9) == []
    pairs = [(inbox.pk, thread), (sent.pk, thread), (sent.pk, thread)]
    assert [one.uid for one in conversations.members(pairs)] == [1, 1]
    assert conversations.members([]) == []


def test_nothing_of_another_user_is_in_a_conversation(alice: User, bob: User) -> None:
    put(box(alice), ("a1", "", 0))
    put(box(bob), ("a2", "a1", 1))
    thread = conversations.page(box(alice).pk, limit=1)[0].thread_id
    assert thread is not None
    assert subjects(conversations.of_thread([box(alice).pk], thread, 9)) == ["a1"]
    assert conversations.page(box(bob).pk, limit=1)[0].thread_id != thread


def test_of_a_long_conversation_only_the_newest_are_looked_at(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "EXAMINED", 3)
    put(inbox, ("a0", "", 0), *[(f"a{n}", "a0", 0) for n in range(1, 6)])
    thread = conversations.page(inbox.pk, limit=1)[0].thread_id
    assert thread is not None
    assert [one.uid for one in conversations.members([(inbox.pk, thread)])] == [4, 5, 6]


def test_it_tells_where_a_conversation_stands(inbox: Mailbox) -> None:
    put(inbox, ("a1", "", 0), ("b1", "", 1), ("c1", "", 2), ("a2", "a1", 3))
    first, second, third = conversations.page(inbox.pk, limit=9)
    assert [conversations.standing(inbox.pk, one.place) for one in (first, second, third)] == [
        (1, 3),
        (2, 3),
        (3, 3),
    ]
    assert first.thread_id is not None
    assert conversations.place_of(inbox.pk, first.thread_id) == first.place
    assert conversations.place_of(inbox.pk, 10**12) is None
    assert conversations.standing(inbox.pk, third.place, threaded=False) == (3, 4)


def test_one_message_is_found_by_its_name(inbox: Mailbox, bob: User) -> None:
    [uid] = put(inbox, ("a1", "", 0))
    found = conversations.head(inbox.pk, uid)
    assert found is not None
    assert (found.subject, found.message_key) == ("a1", "<a1@x.test>")
    assert conversations.head(inbox.pk, uid + 1) is None
    assert conversations.head(box(bob).pk, uid) is None


def test_stars_are_merged_from_all_mailboxes(alice: User) -> None:
    inbox, archive, sent = (box(alice, name) for name in ("INBOX", "Archive", "Sent"))
    put(inbox, ("a1", "", 0), ("a2", "a1", 8), ("b1", "", 4), flags=FLAG_FLAGGED)
    put(archive, ("c1", "", 2), ("d1", "", 6), flags=FLAG_FLAGGED | FLAG_SEEN)
    put(archive, ("e1", "", 9))
    boxes = [inbox.pk, archive.pk, sent.pk]
    seen: list[str] = []
    beyond = None
    while found := marked.starred(boxes, limit=2, beyond=beyond):
        seen += subjects(found)
        beyond = (found[-1].internaldate, found[-1].mailbox_id, found[-1].uid)
    assert seen == ["a2", "d1", "b1", "c1"]
    each = marked.starred(boxes, limit=9, threaded=False)
    assert subjects(each) == ["a2", "d1", "b1", "c1", "a1"]
    assert marked.starred([], limit=9) == []
    assert subjects(marked.starred([archive.pk], limit=9)) == ["d1", "c1"]


def test_stars_of_one_second_are_paged_by_mailbox_and_uid(alice: User) -> None:
    inbox, archive = box(alice), box(alice, "Archive")
    for mailbox, letter in ((inbox, "a"), (archive, "b")):
        put(mailbox, *[(f"{letter}{n}", "", 0) for n in range(3)], flags=FLAG_FLAGGED)
    seen: list[str] = []
    beyond = None
    while found := marked.starred([inbox.pk, archive.pk], limit=1, beyond=beyond):
        seen += subjects(found)
        beyond = (found[-1].internaldate, found[-1].mailbox_id, found[-1].uid)
    assert sorted(seen) == ["a0", "a1", "a2", "b0", "b1", "b2"]


def test_a_keyword_has_another_bit_in_each_mailbox(alice: User) -> None:
    inbox, archive = box(alice), box(alice, "Archive")
    put(inbox, ("a1", "", 0), keywords=("other", "urgent"))
    put(archive, ("b1", "", 5), keywords=("urgent",))
    put(archive, ("c1", "", 9), keywords=("other",))
    known = marked.keywords([inbox.pk, archive.pk])
    assert known[inbox.pk]["urgent"] != known[archive.pk]["urgent"]
    bits = [marked.Bit(key, masks["urgent"]) for key, masks in known.items()]
    assert subjects(marked.labelled(bits, limit=9)) == ["b1", "a1"]
    assert subjects(marked.labelled(bits[:1], limit=9)) in (["a1"], ["b1"])


def test_the_highest_bit_is_no_sign(inbox: Mailbox) -> None:
    [uid] = put(inbox, ("a1", "", 0))
    Entry.objects.filter(mailbox=inbox, uid=uid).update(keywords=1 << 62)
    assert subjects(marked.labelled([marked.Bit(inbox.pk, 1 << 62)], limit=9)) == ["a1"]


def test_marks_that_are_taken_off_leave_the_lists(inbox: Mailbox) -> None:
    uids = put(inbox, ("a1", "", 0), flags=FLAG_FLAGGED)
    assert conversations.page(inbox.pk, limit=1, only_unread=True)
    for change in (FlagChange("remove", FLAG_FLAGGED), FlagChange("add", FLAG_SEEN)):
        store(mailbox_id=inbox.pk, uids=uids, change=change, origin=ORIGIN)
    assert not conversations.page(inbox.pk, limit=1, only_unread=True)
    assert not marked.starred([inbox.pk], limit=1)


def test_each_read_is_one_query(alice: User) -> None:
    inbox = box(alice)
    mailboxes.create(user_id=alice.pk, name="Other")
    put(inbox, *[(f"a{n}", "", n) for n in range(9)], flags=FLAG_FLAGGED)
    threads = [(inbox.pk, one.thread_id or 0) for one in conversations.page(inbox.pk, limit=9)]
    for read in (
        lambda: conversations.page(inbox.pk, limit=9),
        lambda: conversations.members(threads),
        lambda: conversations.of_thread([inbox.pk], threads[0][1], 9),
        lambda: marked.starred([inbox.pk], limit=9),
    ):
        with CaptureQueriesContext(connection) as captured:
            read()
        assert len(captured) == 1


def test_sqlite_walks_the_indexes_that_were_made_for_it(inbox: Mailbox) -> None:
    """It takes a partial index only for the very words of its condition."""
    if not is_sqlite():
        return  # Postgres proves more, and has no such plan for empty tables
    wanted = {
        (conversations._PAGES[True, False, True, True], 4): {"entry_date", "entry_conversation"},
        (conversations._PAGES[True, True, True, False], 2): {"entry_unseen", "entry_conversation"},
    }
    for (sql, marks), indexes in wanted.items():
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + sql, [1] * marks)
            plan = " ".join(str(row[3]) for row in cursor.fetchall())
        assert all(index in plan for index in indexes), plan
        assert "TEMP B-TREE" not in plan
    for condition, index in ((marked._STARRED, "starred"), (marked._LABELLED, "labelled")):
        sql = marked._PAGES[condition, False, True].replace("{asked}", marked._ASKED.sql)
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + sql, ["[]", 9, 9])
            plan = " ".join(str(row[3]) for row in cursor.fetchall())
        assert f"SEARCH f USING INDEX entry_{index}" in plan, plan
