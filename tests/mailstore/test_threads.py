"""Conversations: what belongs together, that it stays so, and what it costs."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore.models import (
    FLAG_DELETED,
    Entry,
    Expunged,
    Mailbox,
    Message,
    ThreadReference,
)
from apps.mailstore.services import threads
from apps.mailstore.services.copy import copy, move
from apps.mailstore.services.deliver import Filing, deliver
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.threads import NEAREST, Arrival, assign, backfill, digests, fill
from apps.mailstore.tasks import thread
from tests.mailstore.making import ORIGIN, delivered, filing, filled, prepared

pytestmark = pytest.mark.django_db


def letter(own: str, *before: str, answers: str = "") -> bytes:
    """A message with this Message-ID, References and In-Reply-To; "" leaves a field out."""
    fields = [
        "Subject: Hello",
        own and f"Message-ID: <{own}>",
        before and "References: " + " ".join(f"<{one}>" for one in before),
        answers and f"In-Reply-To: <{answers}>",
    ]
    return "\r\n".join([one for one in fields if one]).encode() + b"\r\n\r\nHello\r\n"


def deliver_one(mailbox: Mailbox, raw: bytes) -> int | None:
    """File a message; its conversation."""
    filed = delivered([filing(mailbox, prepared(raw))])[0]
    return thread_of(mailbox, filed.uid)


def thread_of(mailbox: Mailbox, uid: int) -> int | None:
    return Entry.objects.get(mailbox=mailbox, uid=uid).thread_id


def test_it_puts_an_answer_to_what_it_answers(inbox: Mailbox, archive: Mailbox) -> None:
    first = deliver_one(inbox, letter("a@x"))
    assert first == Message.objects.get().pk
    assert deliver_one(archive, letter("b@x", "a@x")) == first
    assert deliver_one(inbox, letter("c@x", answers="b@x")) == first
    assert deliver_one(inbox, letter("d@x")) != first  # the same subject says nothing


def test_it_finds_the_question_that_comes_after_its_answer(inbox: Mailbox) -> None:
    answer = deliver_one(inbox, letter("c@x", "a@x", "b@x"))
    assert deliver_one(inbox, letter("b@x")) == answer
    assert deliver_one(inbox, letter("a@x")) == answer


def test_it_knows_one_conversation_for_what_came_twice(inbox: Mailbox) -> None:
    assert deliver_one(inbox, letter("a@x")) == deliver_one(inbox, letter("a@x", "b@x"))


def test_it_never_joins_conversations_that_were_told_apart(inbox: Mailbox) -> None:
    one, two = deliver_one(inbox, letter("a@x")), deliver_one(inbox, letter("b@x"))
    assert deliver_one(inbox, letter("c@x", "a@x", "b@x")) == two  # the nearest says where
    assert (thread_of(inbox, 1), thread_of(inbox, 2)) == (one, two)
    assert deliver_one(inbox, letter("d@x", "a@x")) == one


def test_it_takes_what_names_nothing_for_a_conversation_of_its_own(inbox: Mailbox) -> None:
    assert deliver_one(inbox, letter("")) != deliver_one(inbox, letter(""))
    assert not ThreadReference.objects.exists()


def test_it_tells_users_apart(inbox: Mailbox, bobs_inbox: Mailbox) -> None:
    question = deliver_one(inbox, letter("a@x"))
    answer = deliver_one(bobs_inbox, letter("b@x", "a@x"))
    assert answer != question
    assert deliver_one(inbox, letter("b@x", "a@x")) == question


def test_it_threads_a_batch_as_if_it_came_one_by_one(inbox: Mailbox) -> None:
    batch = [letter("a@x"), letter("b@x", "a@x"), letter("c@x"), letter("d@x", "b@x")]
    delivered([filing(inbox, prepared(raw)) for raw in batch])
    one, two, three, four = [thread_of(inbox, uid) for uid in (1, 2, 3, 4)]
    assert one == two == four != three


def test_it_gives_copies_the_conversation_of_their_message(
    inbox: Mailbox, archive: Mailbox, bobs_inbox: Mailbox
) -> None:
    given = deliver_one(inbox, letter("a@x"))
    for target in (archive, bobs_inbox):  # the same message has the same one, whoever looks
        copy(mailbox_id=inbox.pk, uids=[1], target_id=target.pk, origin=ORIGIN)
        assert thread_of(target, 1) == given
    move(mailbox_id=inbox.pk, uids=[1], target_id=archive.pk, origin=ORIGIN)
    assert thread_of(archive, 2) == given
    assert Expunged.objects.get().thread_id == given


def test_it_remembers_the_conversation_of_what_was_expunged(inbox: Mailbox) -> None:
    delivered([filing(inbox, prepared(letter("a@x")), flags=FLAG_DELETED)])
    given = thread_of(inbox, 1)
    expunge(mailbox_id=inbox.pk, origin=ORIGIN)
    assert Expunged.objects.get().thread_id == given
    assert deliver_one(inbox, letter("b@x", "a@x")) == given


def test_it_looks_at_a_bounded_number_of_references() -> None:
    many = " ".join(f"<{number}@x>" for number in range(1_000))
    found = digests("<own@x>", "<parent@x>", many)
    assert len(found) == NEAREST + 3
    assert found[0] == digests("<own@x>", "", "")[0]
    assert found[1] == digests("<999@x>", "", "")[0]  # the nearest before the others
    assert found[-2:] == digests("<0@x>", "", "") + digests("<parent@x>", "", "")
    assert digests("", "", "") == ()
    assert digests("<a@x>", "<a@x>", "<a@x> <a@x>") == digests("<a@x>", "", "")


def test_it_asks_and_remembers_by_two_statements(inbox: Mailbox, alice: User) -> None:
    def statements(count: int, name: str) -> int:
        arrivals = [
            Arrival(alice.pk, number, digests(f"<{name}{number}@x>", "", ""))
            for number in range(1, count + 1)
        ]
        with transaction.atomic(), CaptureQueriesContext(connection) as captured:
            assign(arrivals)
        return len(captured)

    assert statements(1, "a") == statements(200, "b") == 2
    assert statements(1, "a") == 1  # all is known


def forget_threads() -> None:
    """As a database is that was filled before there were conversations."""
    Entry.objects.update(thread_id=None)
    ThreadReference.objects.all().delete()


def test_it_threads_old_mail_when_it_is_asked_for(inbox: Mailbox) -> None:
    for raw in (letter("a@x"), letter("b@x", "a@x"), letter("c@x")):
        deliver_one(inbox, raw)
    before = [thread_of(inbox, uid) for uid in (1, 2, 3)]
    forget_threads()
    fill(inbox.pk, [1, 2])
    assert [thread_of(inbox, uid) for uid in (1, 2, 3)] == [*before[:2], None]
    modseq = Entry.objects.get(uid=3).modseq
    fill(inbox.pk, [1, 2, 3, 9])
    assert [thread_of(inbox, uid) for uid in (1, 2, 3)] == before
    assert Entry.objects.get(uid=3).modseq == modseq  # nothing that clients hear of has changed
    fill(0, [1])  # a mailbox that is gone meanwhile


def test_it_goes_on_with_a_conversation_that_old_mail_began(inbox: Mailbox) -> None:
    deliver_one(inbox, letter("a@x"))
    forget_threads()
    answer = deliver_one(inbox, letter("b@x", "a@x"))
    thread()
    assert thread_of(inbox, 1) == answer


def test_it_fills_in_old_mail_by_and_by(
    inbox: Mailbox, archive: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(inbox, 5)
    filled(archive, 4)
    forget_threads()
    monkeypatch.setattr(threads, "ROWS", 2)
    assert backfill(most=3) == 3
    assert Entry.objects.filter(thread_id=None).count() == 6
    assert backfill() == 6
    assert not Entry.objects.filter(thread_id=None).exists()
    assert len(set(Entry.objects.values_list("thread_id", flat=True))) == 1  # one Message-ID
    with CaptureQueriesContext(connection) as captured:
        assert backfill() == 0
    assert len(captured) == 1


def test_it_forgets_with_its_user(inbox: Mailbox, alice: User) -> None:
    deliver_one(inbox, letter("a@x"))
    assert ThreadReference.objects.filter(user=alice).count() == 1
    alice.delete()
    assert not ThreadReference.objects.exists()


def test_it_files_one_message_for_many_by_the_same_statements(
    inbox: Mailbox, bobs_inbox: Mailbox
) -> None:
    message = prepared(letter("a@x", "b@x"))
    batch: list[Filing] = [filing(box, message) for box in (inbox, bobs_inbox)]
    with transaction.atomic():
        deliver(batch)
    assert ThreadReference.objects.count() == 4
    assert len(set(Entry.objects.values_list("thread_id", flat=True))) == 1


def test_it_finds_what_is_left_by_an_index_that_is_empty_in_the_end(inbox: Mailbox) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # a table of no rows is read so
        how = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
        cursor.execute(how + threads._WITHOUT, [10])
        plan = str(cursor.fetchall())
    assert "entry_unthreaded" in plan
