"""Learning: from a move to the next verdict, exactly once, whatever dies in between."""

import logging
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from uuid import UUID

import pytest
from django.db import connection, transaction

from apps.blobs import queries as blobs
from apps.blobs import services as blob_services
from apps.directory.models import User
from apps.events import bell
from apps.mailstore.models import Entry, Judged, JunkMark, Mailbox
from apps.mailstore.services import marks
from apps.mailstore.services.append import Appending
from apps.mailstore.services.copy import move
from apps.mailstore.services.flags import FlagChange, store
from apps.provisioning import services as provisioning
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.scan import tasks
from apps.scan.bayes.stored import Stored
from apps.scan.bayes.tokens import Tokens, key_of, tokens
from apps.scan.letter import Letter
from apps.scan.models import Lesson, Taught, Token
from apps.scan.services import learning, lessons
from apps.wire.errors import StorageUnavailable
from tests.mailstore.making import DATE, ORIGIN, appended, box, filled, numbered, prepared
from tests.scan.services.test_lessons import assert_sums_are_exact
from tests.support.database import breakable

pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox(alice: User) -> Mailbox:
    return box(alice)


@pytest.fixture
def junk(alice: User) -> Mailbox:
    return box(alice, "Junk")


def moved(uids: list[int], source: Mailbox, target: Mailbox) -> list[int]:
    pairs = move(mailbox_id=source.pk, uids=uids, target_id=target.pk, origin=ORIGIN).uids
    return [new for _, new in pairs]


def learn() -> None:
    while learning.learn_some():
        pass


def blob_of(raw: bytes) -> UUID:
    prepared = blob_services.prepare(raw)
    blob_services.insert([prepared])
    return prepared.id


def test_it_learns_moves_and_takes_them_back(alice: User, inbox: Mailbox, junk: Mailbox) -> None:
    uids = filled(inbox, 2)
    uids = moved(uids, inbox, junk)
    learn()
    assert lessons.tally(alice.pk) == (2, 0)
    home = Stored().organisations([alice.pk])[alice.pk]
    assert Stored().counts([-home], [key_of("at noon")])[-home] == {key_of("at noon"): (2, 0)}
    moved(uids[:1], junk, inbox)
    learn()
    assert lessons.tally(alice.pk) == (1, 1)
    assert not JunkMark.objects.exists()
    assert_sums_are_exact()


def test_it_learns_what_was_said_last(alice: User, inbox: Mailbox, junk: Mailbox) -> None:
    uids = moved(filled(inbox, 1), inbox, junk)
    for _ in range(3):
        uids = moved(uids, junk, inbox)
        uids = moved(uids, inbox, junk)
    change = FlagChange("add", 0, ("$NotJunk",))
    store(mailbox_id=junk.pk, uids=uids, change=change, origin=ORIGIN)
    learn()
    assert lessons.tally(alice.pk) == (0, 1)
    change = FlagChange("remove", 0, ("$NotJunk",))
    store(mailbox_id=junk.pk, uids=uids, change=change, origin=ORIGIN)
    learn()
    assert lessons.tally(alice.pk) == (0, 0)
    assert not Token.objects.exists()


def test_it_knows_a_message_by_its_octets(alice: User, inbox: Mailbox, junk: Mailbox) -> None:
    """A copy in quarantine, the released one under another id, the same in a file: one lesson."""
    raw = numbered(1)
    with transaction.atomic():
        marks.mark([(alice.pk, blob_of(raw), Judged.SPAM), (alice.pk, blob_of(raw), Judged.SPAM)])
    learn()
    (result,) = appended(inbox, [Appending(prepared(raw, prefix=b"Received: x\r\n"), DATE)])
    moved([result.uid], inbox, junk)
    learn()
    message = [learning.read_message(raw)]
    assert not learning.teach(owner=alice.pk, judged=Judged.SPAM, messages=message)
    assert lessons.tally(alice.pk) == (1, 0)
    moved([1], junk, inbox)
    learn()
    assert lessons.tally(alice.pk) == (0, 1)


def test_it_learns_nothing_of_what_cannot_be_read(
    alice: User, inbox: Mailbox, junk: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction.atomic():
        marks.mark([(alice.pk, new_ulid(), Judged.SPAM), (10**9, blob_of(b"x"), Judged.SPAM)])
    moved(filled(inbox, 1), inbox, junk)
    learn()
    assert lessons.tally(alice.pk) == (1, 0)
    assert not JunkMark.objects.exists()


def test_it_goes_on_when_a_message_ends_whoever_reads_it(
    alice: User,
    inbox: Mailbox,
    junk: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As a process that dies does: the notes are begun and nothing else happens."""
    moved(filled(inbox, 3), inbox, junk)
    poison = JunkMark.objects.order_by("pk")[0].blob_id
    raw = blobs.read(poison)
    usual = learning.read_message

    def reads(message: bytes) -> learning.Read:
        if message == raw:
            raise SystemExit
        return usual(message)

    monkeypatch.setattr(learning, "read_message", reads)
    for number in range(learning.TRIES):
        with pytest.raises(SystemExit):
            learning.learn_some()
        later = now() + (number + 1) * marks.LEASE_SECONDS
        monkeypatch.setattr(marks, "now", lambda later=later: later)
    with caplog.at_level(logging.ERROR):
        learn()
    assert "a message cannot be learned" in caplog.text
    assert lessons.tally(alice.pk) == (2, 0)


def test_it_goes_on_when_a_message_cannot_be_cut(
    alice: User,
    inbox: Mailbox,
    junk: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    moved(filled(inbox, 2), inbox, junk)
    usual, calls = tokens, count()

    def cut(letter: Letter) -> Tokens:
        if next(calls) == 0:
            raise ValueError("no such word")
        return usual(letter)

    monkeypatch.setattr(learning, "tokens", cut)
    with caplog.at_level(logging.ERROR):
        learn()
    assert "a message cannot be learned" in caplog.text
    assert lessons.tally(alice.pk) == (1, 0)


def test_it_reads_only_the_beginning_of_a_large_message() -> None:
    raw = numbered(1) + b"y" * learning.READ_MOST
    one, other = learning.read_message(raw + b"1"), learning.read_message(raw + b"2")
    assert one == other
    assert learning.number_of(raw) == one.number


def test_it_keeps_the_notes_while_the_database_is_away(inbox: Mailbox, junk: Mailbox) -> None:
    moved(filled(inbox, 1), inbox, junk)
    with breakable() as gone:
        gone(True)
        with pytest.raises(Exception, match="closed the connection"):
            learning.learn_some()
    assert JunkMark.objects.count() == 1


def test_it_keeps_the_notes_while_the_blob_store_is_away(
    alice: User, inbox: Mailbox, junk: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved(filled(inbox, 1), inbox, junk)

    def away(stored: blobs.Stored, start: int, end: int) -> bytes:
        raise StorageUnavailable("blob store: EndpointConnectionError")

    with monkeypatch.context() as patch:
        patch.setattr(blobs.Stored, "part", away)
        for _ in range(learning.TRIES + 1):  # and however long it is away
            with pytest.raises(StorageUnavailable):
                learning.learn_some()
    learn()
    assert lessons.tally(alice.pk) == (1, 0)


def test_it_learns_by_task_and_rings_for_the_rest(
    alice: User, inbox: Mailbox, junk: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(bell, "ring_learning", lambda: rung.append(True))
    moved(filled(inbox, 1), inbox, junk)
    monkeypatch.setattr(tasks, "LEARN_SECONDS", 0.0)
    tasks.learn()
    assert rung
    rung.clear()
    monkeypatch.setattr(tasks, "LEARN_SECONDS", 10.0)
    tasks.learn()
    assert not rung
    assert lessons.tally(alice.pk) == (1, 0)


def test_it_teaches_an_organisation_and_forgets_it(alice: User, inbox: Mailbox) -> None:
    home = Stored().organisations([alice.pk])[alice.pk]
    messages = [learning.read_message(numbered(number)) for number in range(20)]
    assert learning.teach(owner=-home, judged=Judged.SPAM, messages=messages) == 20
    assert learning.teach(owner=-home, judged=Judged.SPAM, messages=messages) == 0
    assert learning.teach(owner=alice.pk, judged=Judged.HAM, messages=messages[:3]) == 3
    assert lessons.tally(-home) == (20, 3)
    assert learning.forget(-home) == 23
    assert lessons.tally(-home) == (0, 0)
    assert lessons.tally(alice.pk) == (0, 3)
    assert_sums_are_exact()
    assert learning.forget(alice.pk) == 3
    assert not Token.objects.exists()


def test_it_forgets_what_is_old(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [learning.read_message(numbered(number)) for number in range(2)]
    learning.teach(owner=alice.pk, judged=Judged.SPAM, messages=messages[:1])
    later = now() + learning.KEEP_DAYS * 86_400 + 1
    monkeypatch.setattr(lessons, "now", lambda: later)
    learning.teach(owner=alice.pk, judged=Judged.SPAM, messages=messages[1:])
    monkeypatch.setattr(learning, "now", lambda: later)
    assert learning.prune() == 1
    assert lessons.tally(alice.pk) == (1, 0)
    assert_sums_are_exact()


def test_it_forgets_what_users_taught_who_are_gone(alice: User, bob: User) -> None:
    """Also what the organisation had of them."""
    messages = [learning.read_message(numbered(number)) for number in range(2)]
    learning.teach(owner=alice.pk, judged=Judged.SPAM, messages=messages)
    learning.teach(owner=bob.pk, judged=Judged.SPAM, messages=messages[:1])
    home = Stored().organisations([bob.pk])[bob.pk]
    assert learning.prune() == 0
    User.objects.filter(pk=alice.pk).delete()
    assert learning.prune() == 2
    assert lessons.tally(-home) == (1, 0)
    assert not Taught.objects.filter(owner=alice.pk).exists()
    assert not Lesson.objects.exclude(owner=bob.pk).exists()
    assert_sums_are_exact()


@pytest.mark.django_db(transaction=True)
def test_it_learns_each_note_once_however_many_work() -> None:
    provisioning.add_domain("example.test")
    user = provisioning.add_user("alice@example.test", "correct horse battery")[0]
    inbox, junk = box(user), box(user, "Junk")
    uids = moved(filled(inbox, 20), inbox, junk)
    moved(uids[:7], junk, inbox)
    assert Entry.objects.filter(mailbox=junk).count() == 13

    def work(_: int) -> None:
        try:
            learn()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(6)))
    assert lessons.tally(user.pk) == (13, 7)
    assert not JunkMark.objects.exists()
    assert_sums_are_exact()
