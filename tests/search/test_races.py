"""Mail that comes and goes between the steps of the indexer, and an indexer that is killed."""

import random
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from apps.directory.models import User
from apps.mailstore.models import Entry, Mailbox
from apps.mailstore.services import undelete
from apps.mailstore.services.append import Appending
from apps.mailstore.services.copy import copy
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.purge import purge
from apps.mime.searchtext import folded
from apps.search import indexing, services
from apps.search.asking import ask
from apps.search.backends import index
from apps.search.base import Field, Term
from apps.search.indexing import Indexer, Step
from tests.mailstore.making import DATE, ORIGIN, appended, box, delivered, filing, prepared
from tests.search.letters import letter
from tests.search.test_same_as_scan import World
from tests.search.workers import POINTS, start

pytestmark = pytest.mark.django_db(transaction=True)

Job = Callable[[World], None]


@pytest.fixture
def world(alice: User, bob: User) -> World:
    """Mail that is indexed, mail that waits, and mail that could be brought back."""
    boxes = [box(user, name) for user in (alice, bob) for name in ("INBOX", "Archive")]
    made = World(random.Random(5), boxes)
    for mailbox in boxes:
        fill(made, mailbox, 4)
    made.index_all()
    for mailbox in boxes:
        fill(made, mailbox, 3)
        expunge(mailbox_id=mailbox.pk, uids=[2, 6], origin=ORIGIN, marked=False)
    return made


def fill(world: World, mailbox: Mailbox, count: int) -> None:
    letters = [world.letter() for _ in range(count)]
    places = appended(mailbox, [Appending(prepared(one.raw), DATE) for one in letters])
    for one, place in zip(letters, places, strict=True):
        world.remember(mailbox.pk, place.uid, one)


def deliver(world: World) -> None:
    delivered([filing(world.boxes[0], prepared(letter(random.Random(8), 10_000).raw))])


def take_away(world: World) -> None:
    """Indexed and waiting ones, so that nothing is left of them."""
    expunge(mailbox_id=world.boxes[0].pk, uids=[1, 5], origin=ORIGIN, marked=False)
    purge(-1)


def give_to_another(world: World) -> None:
    copy(mailbox_id=world.boxes[0].pk, uids=[3, 7], target_id=world.boxes[2].pk, origin=ORIGIN)


def bring_back(world: World) -> None:
    undelete.messages(mailbox_id=world.boxes[0].pk, origin=ORIGIN)


def take_and_give(world: World) -> None:
    """Nothing is left of a message with its owner, and then there is again."""
    give_to_another(world)
    take_away(world)
    expunge(mailbox_id=world.boxes[0].pk, uids=[3, 7], origin=ORIGIN, marked=False)
    purge(-1)
    copy(mailbox_id=world.boxes[2].pk, uids=[8, 9], target_id=world.boxes[0].pk, origin=ORIGIN)


JOBS: tuple[Job, ...] = (deliver, take_away, give_to_another, bring_back, take_and_give)
PLACES: dict[str, tuple[Any, str, bool]] = {
    "before it reads": (indexing, "read", False),
    "before it writes": (indexing, "read", True),
    "before it settles": (services, "settle", False),
    "after it settled": (services, "settle", True),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("job", JOBS)
def test_it_misses_nothing_that_happens_between_its_steps(
    world: World, monkeypatch: pytest.MonkeyPatch, job: Job, place: str
) -> None:
    owner, name, is_after = PLACES[place]
    usual = getattr(owner, name)
    happened: list[str] = []

    def once(*arguments: Any) -> Any:
        result = usual(*arguments) if is_after else None
        if not happened:
            happened.append(place)
            elsewhere(lambda: job(world))
        return result if is_after else usual(*arguments)

    monkeypatch.setattr(owner, name, once)
    assert Indexer().step() is Step.DONE
    assert happened
    world.check()
    world.check_settled()


@pytest.mark.parametrize("is_after", [False, True], ids=["before it looks", "after it looked"])
@pytest.mark.parametrize("job", JOBS)
def test_it_is_right_whatever_happens_while_it_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch, job: Job, is_after: bool
) -> None:
    """Mail comes, goes and is indexed around the look into the index."""
    backend = type(index())
    usual = backend.find
    happened: list[bool] = []

    def find(*arguments: Any) -> Any:
        found = usual(*arguments) if is_after else None
        if not happened:
            happened.append(True)
            elsewhere(lambda: job(world))
            elsewhere(world.index_all)
        return found or usual(*arguments)

    monkeypatch.setattr(backend, "find", find)
    before = {entry.message_id: (entry.mailbox_id, entry.uid) for entry in Entry.objects.all()}
    subjects = {
        message_id: plant.text
        for message_id, one in world.known.items()
        for plant in one.plants
        if plant.field == Field.SUBJECT
    }
    owner = world.boxes[0].user_id
    mine = {box.pk for box in world.boxes if box.user_id == owner}
    known = ask(owner, [Term(folded(text), (Field.SUBJECT,)) for text in subjects.values()])
    assert happened
    told = 0
    for (message_id, text), hits in zip(subjects.items(), known.hits, strict=True):
        place = before.get(message_id)
        if place is None or place[0] not in mine or hits is None:
            continue
        if Entry.objects.filter(mailbox=place[0], uid=place[1]).exists():
            told += 1
            assert message_id in hits | known.unindexed, text
    assert told > 3


def elsewhere(job: Callable[[], object]) -> None:
    """Do it on a connection of its own, to the end."""

    def work() -> None:
        try:
            job()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        threads.submit(work).result()


def test_it_goes_on_where_another_was_killed(world: World) -> None:
    """With kill -9, at each of its steps."""
    for point, number in POINTS.items():
        if point == "begun":
            services.end()
        for mailbox in world.boxes:
            fill(world, mailbox, 2)
        worker = start(point, number)
        said, _ = worker.communicate(timeout=60)
        assert (worker.returncode, said) == (-signal.SIGKILL, ""), point
        world.check()
    world.check_settled()


def test_one_of_two_indexers_steps_back(world: World) -> None:
    backend = index()
    with backend.turn() as mine:
        assert mine
        steps: list[Step] = []
        elsewhere(lambda: steps.append(Indexer().step()))
        assert steps == [Step.BUSY]
    world.check_settled()
