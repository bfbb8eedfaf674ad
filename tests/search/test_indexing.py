"""The index is filled from the outbox, whatever happens to either of them."""

from collections.abc import Callable, Sequence

import pytest
from django.db import connection, connections
from pytest_django import Settings

from apps.directory.models import User
from apps.mailstore.models import Entry, Expunged, Mailbox, Message, Unindexed
from apps.mailstore.queries import Shown
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.purge import purge
from apps.mime.searchtext import folded
from apps.runtime.db import is_sqlite
from apps.search import indexing, scanning, services, tasks
from apps.search.asking import ask
from apps.search.backends import index
from apps.search.backends.contract import Pair, Row, Stamp
from apps.search.base import Field, Known, Term
from apps.search.indexing import Indexer, Step
from apps.search.models import IndexState
from apps.wire.errors import Damaged, StorageFull, StorageUnavailable
from tests.mailstore.making import ORIGIN, box, delivered, filing, filled, numbered, prepared

pytestmark = pytest.mark.django_db
EVERYWHERE = tuple(Field)


@pytest.fixture
def inbox(alice: User) -> Mailbox:
    return box(alice)


@pytest.fixture
def bobs_inbox(bob: User) -> Mailbox:
    return box(bob)


def asked(owner: Mailbox, words: str, *fields: Field) -> Known:
    return ask(owner.user_id, [Term(folded(words), fields or EVERYWHERE)])


def message(mailbox: Mailbox, uid: int) -> int:
    return int(Entry.objects.get(mailbox=mailbox, uid=uid).message_id)


def run() -> Step:
    return Indexer().run(60)


def fill(mailbox: Mailbox, count: int) -> list[int]:
    """An index that has seen `count` messages; their ids."""
    uids = filled(mailbox, count)
    assert run() is Step.IDLE
    return [message(mailbox, uid) for uid in uids]


def test_it_indexes_what_waits(inbox: Mailbox, bobs_inbox: Mailbox) -> None:
    first, second = fill(inbox, 2)
    assert asked(inbox, "lunch 1") == Known(frozenset(), ({second},))
    assert asked(inbox, "At Noon", Field.BODY) == Known(frozenset(), ({first, second},))
    assert asked(bobs_inbox, "at noon") == Known(frozenset(), (set(),))
    assert not Unindexed.objects.exists()


def test_it_names_what_waits(inbox: Mailbox) -> None:
    first, second = fill(inbox, 2)
    delivered([filing(inbox)])
    assert asked(inbox, "lunch") == Known({message(inbox, 3)}, ({first, second},))


def test_it_forgets_what_left_no_trace(inbox: Mailbox) -> None:
    first, second = fill(inbox, 2)
    expunge(mailbox_id=inbox.pk, uids=[1], origin=ORIGIN, marked=False)
    run()
    assert asked(inbox, "lunch") == Known(frozenset(), ({first, second},))
    Expunged.objects.update(at=0)
    purge()
    run()
    assert asked(inbox, "lunch") == Known(frozenset(), ({second},))
    assert index().pairs(None, 9) == [(inbox.user_id, second)]


def test_it_enters_all_mail_when_it_begins(
    inbox: Mailbox, bobs_inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "ENTERED", 2)
    filled(inbox, 5)
    filled(bobs_inbox, 2)
    expunge(mailbox_id=inbox.pk, uids=[1, 2], origin=ORIGIN, marked=False)
    Unindexed.objects.all().delete()
    indexer = Indexer()
    assert indexer.step() is Step.DONE
    assert asked(inbox, "lunch").hits == (None,)
    assert indexer.run(60) is Step.IDLE
    assert indexer.indexed == index().count() == 7
    (hits,) = asked(inbox, "lunch").hits
    assert hits is not None
    assert len(hits) == 5


def test_it_begins_with_the_newest(inbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(inbox, 5)
    monkeypatch.setattr(indexing, "BATCH", 1)
    indexer = Indexer()
    while not indexer.indexed:
        indexer.step()
    assert index().pairs(None, 9) == [(inbox.user_id, message(inbox, 5))]


def test_it_asks_nothing_of_an_index_that_is_being_entered(inbox: Mailbox) -> None:
    fill(inbox, 1)
    IndexState.objects.update(below=5)
    assert asked(inbox, "lunch") == Known(frozenset(), (None,))


def test_it_keeps_what_owners_see_under_their_own_heads(
    inbox: Mailbox, bobs_inbox: Mailbox
) -> None:
    shared = prepared()
    delivered(
        [
            filing(inbox, shared, head=b"Delivered-To: alice@example.test\r\n"),
            filing(bobs_inbox, shared, head=b"Delivered-To: bob@example.test\r\n"),
        ]
    )
    run()
    one = message(inbox, 1)
    assert asked(inbox, "delivered-to: alice", Field.HEADER).hits == ({one},)
    assert asked(inbox, "delivered-to: bob", Field.HEADER).hits == (set(),)
    assert asked(bobs_inbox, "delivered-to: bob", Field.HEADER).hits == ({one},)


def test_it_keeps_apart_what_one_owner_has_under_several_heads(inbox: Mailbox, alice: User) -> None:
    shared, archive = prepared(), box(alice, "Archive")
    delivered([filing(inbox, shared, head=b"A: 1\r\n"), filing(archive, shared, head=b"A: 2\r\n")])
    run()
    assert asked(inbox, "lunch") == Known({message(inbox, 1)}, (set(),))
    assert not Unindexed.objects.exists()


def test_it_keeps_apart_what_cannot_be_read(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_shown: Shown) -> bytes:
        raise Damaged("broken")

    monkeypatch.setattr(Shown, "whole", damaged)
    filled(inbox, 1)
    run()
    assert asked(inbox, "lunch") == Known({message(inbox, 1)}, (set(),))


def test_it_comes_back_for_what_cannot_be_read_now(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Shown.whole

    def away(shown: Shown) -> bytes:
        if b"Lunch 0" in (raw := whole(shown)):
            raise StorageUnavailable("no answer")
        return raw

    filled(inbox, 3)
    with monkeypatch.context() as patch:
        patch.setattr(indexing, "BATCH", 1)
        patch.setattr(Shown, "whole", away)
        assert run() is Step.IDLE
    known = asked(inbox, "lunch")
    assert known.unindexed == {message(inbox, 1)}
    run()
    assert asked(inbox, "lunch 0") == Known(frozenset(), ({message(inbox, 1)},))


def test_it_ends_a_batch_early_that_is_large(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "OCTETS", 10)
    filled(inbox, 3)
    batch = indexing.read([Pair(inbox.user_id, message(inbox, uid)) for uid in (1, 2, 3)])
    assert (len(batch.rows), batch.is_cut) == (1, True)
    run()
    assert index().count() == 3


def test_it_takes_one_pair_that_waits_twice_once(inbox: Mailbox) -> None:
    (one,) = fill(inbox, 1)
    for _ in range(2):
        Unindexed.objects.create(user_id=inbox.user_id, message_id=one)
    indexer = Indexer()
    assert indexer.run(60) is Step.IDLE
    assert indexer.indexed == 1
    assert not Unindexed.objects.exists()


Breaking = Callable[[], object]


def _lost() -> None:
    index().begin(1)


def _of_a_later_database() -> None:
    """As after a backup of the database was brought back, but not one of the index."""
    for _ in range(2):
        with index().turn():
            index().write([Row(Pair(1, 1), None)], [])


# What can only happen to an index that lies beside its database.
_FILE = [
    pytest.param(_lost, id="lost"),
    pytest.param(_of_a_later_database, id="later"),
    pytest.param(lambda: IndexState.objects.update(number=99), id="earlier"),
]
_OF_A_FILE = _FILE if is_sqlite() else []


@pytest.mark.parametrize(
    "breaks",
    [
        pytest.param(lambda: IndexState.objects.update(epoch=5), id="another"),
        pytest.param(lambda: IndexState.objects.update(version=0), id="folding"),
        pytest.param(lambda: IndexState.objects.all().delete(), id="none"),
        *_OF_A_FILE,
    ],
)
def test_it_makes_an_index_anew_that_does_not_fit(inbox: Mailbox, breaks: Breaking) -> None:
    first, second = fill(inbox, 2)
    breaks()
    if connection.vendor == "sqlite":
        assert asked(inbox, "lunch") == Known(frozenset(), (None,))
    run()
    assert asked(inbox, "lunch") == Known(frozenset(), ({first, second},))
    assert index().count() == 2


def test_it_settles_what_was_written_before_the_process_died(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = fill(inbox, 2)
    delivered([filing(inbox)])

    def dies(_stamp: Stamp, ids: Sequence[int]) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(services, "settle", dies)
        with pytest.raises(SystemExit):
            run()
    third = message(inbox, 3)
    assert asked(inbox, "lunch").unindexed == {third}
    state = services.state()
    run()
    assert asked(inbox, "lunch") == Known(frozenset(), ({first, second, third},))
    assert state is not None
    assert IndexState.objects.get().epoch == state.epoch


def test_it_leaves_the_index_to_whoever_is_at_it(inbox: Mailbox) -> None:
    if connection.vendor != "sqlite":
        return  # one session has one advisory lock as often as it likes
    filled(inbox, 1)
    with index().turn():
        assert run() is Step.BUSY
    assert run() is Step.IDLE


def test_it_puts_the_index_away_when_it_is_switched_off(inbox: Mailbox, settings: Settings) -> None:
    fill(inbox, 2)
    settings.SEARCH_INDEX = False
    assert asked(inbox, "lunch") == Known(frozenset(), (None,))
    filled(inbox, 1)
    assert run() is Step.IDLE
    assert not Unindexed.objects.exists()
    assert index().count() == 0
    settings.SEARCH_INDEX = True
    assert asked(inbox, "lunch") == Known(frozenset(), (None,))
    run()
    assert index().count() == 3


def test_it_ends_when_its_time_is_over(inbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(inbox, 1)
    filled(inbox, 3)
    monkeypatch.setattr(indexing, "BATCH", 1)
    ticks = iter(range(100))
    indexer = Indexer()
    assert indexer.run(2, lambda: next(ticks)) is Step.DONE
    assert indexer.indexed == 2


def test_it_scans_when_the_index_fails(inbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(inbox, 1)

    def fails(*_: object) -> None:
        raise StorageUnavailable("disk")

    monkeypatch.setattr(type(index()), "find", fails)
    assert asked(inbox, "lunch") == Known(frozenset(), (None,))


@pytest.mark.django_db(transaction=True)
def test_its_task_fills_the_index(inbox: Mailbox) -> None:
    filled(inbox, 3)
    tasks.fill()
    assert asked(inbox, "lunch 2").hits == ({message(inbox, 3)},)
    tasks._thread().submit(connections.close_all).result()
    tasks._thread().shutdown()
    tasks._thread.cache_clear()


def test_its_task_waits_for_a_disk_with_room(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(inbox, 3)
    said: list[str] = []

    def fails(*_: object) -> None:
        raise StorageFull("disk")

    monkeypatch.setattr(Indexer, "run", fails)
    monkeypatch.setattr(tasks.logger, "warning", lambda event, **_: said.append(event))
    tasks.fill()
    assert said == ["the search index is not filled"]
    assert Unindexed.objects.count() == 3


def test_it_goes_on_behind_a_message_whose_row_is_damaged(inbox: Mailbox) -> None:
    filled(inbox, 3)
    Message.objects.filter(pk=message(inbox, 2)).update(parts=b"no parts")
    assert run() is Step.IDLE
    assert asked(inbox, "lunch") == Known(
        {message(inbox, 2)}, ({message(inbox, 1), message(inbox, 3)},)
    )


def test_it_reads_texts_as_it_keeps_them(inbox: Mailbox) -> None:
    ids = fill(inbox, 3)
    assert scanning.texts_of(inbox.user_id, ids) == index().texts(inbox.user_id, ids)


def test_it_looks_at_the_texts_of_places(inbox: Mailbox) -> None:
    delivered([filing(inbox, prepared(numbered(n)), head=b"X: %d\r\n" % n) for n in range(3)])
    places = [
        scanning.Place(one.message_id, one.head_id)
        for one in Entry.objects.filter(mailbox=inbox).order_by("uid")
    ]
    terms = [
        Term("LUNCH 1", (Field.SUBJECT,)),
        Term("LUNCH 1", (Field.TO, Field.BODY)),
        Term("X: 2", (Field.HEADER,)),
        Term("NOON", EVERYWHERE),
    ]
    one, two = {places[1]}, {places[2]}
    assert scanning.scanned(places, terms) == (one, set(), two, set(places))
