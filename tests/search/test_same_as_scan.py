"""Whatever happens to mail and when, the index finds what reading every message finds."""

# ruff: noqa: RUF001  (letters that look like others are what this is about)

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from apps.directory.models import User
from apps.mailstore.models import Entry, Expunged, Mailbox, Unindexed
from apps.mailstore.services import mailboxes, revive, undelete
from apps.mailstore.services.append import Appending
from apps.mailstore.services.copy import copy, move
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.purge import purge
from apps.mailstore.services.replace import replace
from apps.mime.searchtext import field_mark, folded
from apps.search import scanning
from apps.search.asking import ask
from apps.search.backends import index
from apps.search.backends.contract import Pair
from apps.search.base import Field, Term
from apps.search.indexing import Indexer, Step
from apps.search.scanning import Place
from tests.mailstore.making import DATE, ORIGIN, appended, box, delivered, filing, prepared
from tests.search.letters import PHRASES, Letter, letter

pytestmark = pytest.mark.django_db

TERMS = 25  # asked for at once
HEADS = (b"", b"Return-Path: <a@one.test>\r\n", b"Delivered-To: alice@example.test\r\n")
ODD = (
    *("%", "_", "%_%", '"', '""', "'", "\\", "\\%", "\x00", ".*", "[a-z]+", "(?i)", "$", "^", "|"),
    *(
        "🎉",
        "👩",
        "会",
        "会議",
        "議の資",
        "e",
        "é",
        "İ",
        "ß",
        "SS",
        "ς",
        "σ",
        "\u0301a",
        "  ",
        "\r\n ",
    ),
    *("NEAR(a b)", "a OR b", "NOT a", "subject:", "a*", "-", "--", "{a}", "\ufffd", "=?utf-8?q?"),
)


@dataclass(slots=True)
class Tally:
    """What the index could tell by itself."""

    told: int = 0
    scanned: int = 0
    hits: int = 0


@dataclass(slots=True)
class World:
    """Some mailboxes of two owners, and what is in them."""

    dice: random.Random
    boxes: list[Mailbox]
    letters: list[Letter] = field(default_factory=list)
    known: dict[int, Letter] = field(default_factory=dict)  # by message id
    tally: Tally = field(default_factory=Tally)
    made: int = 0

    def step(self) -> None:
        steps: list[Callable[[], None]] = [
            *(self.deliver, self.deliver, self.deliver, self.append, self.copy, self.move),
            *(self.expunge, self.replace, self.purge, self.restore, self.restore_lately),
            *(
                self.drop_mailbox,
                self.revive_mailbox,
                self.index_some,
                self.index_some,
                self.index_all,
            ),
        ]
        self.dice.choice(steps)()

    def box(self) -> Mailbox:
        self.boxes = list(Mailbox.objects.filter(deleted_at=None).order_by("pk"))
        filled = [one for one in self.boxes if one.name.startswith(("INBOX", "Archive", "Old"))]
        return self.dice.choice(filled)

    def uids(self, mailbox: Mailbox) -> list[int]:
        there = list(Entry.objects.filter(mailbox=mailbox).values_list("uid", flat=True))
        some = self.dice.sample(there, min(len(there), self.dice.randint(1, 4)))
        return [*some, 9_999]

    def letter(self) -> Letter:
        self.made += 1
        return letter(self.dice, self.made)

    def remember(self, mailbox_id: int, uid: int, one: Letter) -> None:
        self.known[Entry.objects.get(mailbox=mailbox_id, uid=uid).message_id] = one

    def deliver(self) -> None:
        one = self.letter()
        message = prepared(one.raw)
        filings = [
            filing(self.box(), message, head=self.dice.choice(HEADS))
            for _ in range(self.dice.choice([1, 1, 2, 3]))
        ]
        for filed in delivered(filings):
            self.remember(filed.mailbox_id, filed.uid, one)

    def append(self) -> None:
        mailbox, letters = self.box(), [self.letter() for _ in range(self.dice.randint(1, 3))]
        saved = appended(mailbox, [Appending(prepared(one.raw), DATE) for one in letters])
        for one, place in zip(letters, saved, strict=True):
            self.remember(mailbox.pk, place.uid, one)

    def replace(self) -> None:
        source, target, one = self.box(), self.box(), self.letter()
        replaced = replace(
            mailbox_id=source.pk,
            uid=self.uids(source)[0],
            target_id=target.pk,
            target_user_id=target.user_id,
            message=Appending(prepared(one.raw), DATE),
            origin=ORIGIN,
        )
        if replaced:
            self.remember(target.pk, replaced.saved.uid, one)

    def copy(self) -> None:
        source = self.box()
        gone = Expunged.objects.filter(mailbox=source).values_list("uid", flat=True)
        uids = [*self.uids(source)[:-1], *list(gone)[:2]]
        together = self.dice.random() < 0.5
        target = self.box().pk
        copy(
            mailbox_id=source.pk,
            uids=uids,
            target_id=target,
            origin=ORIGIN,
            all_or_nothing=together,
        )

    def move(self) -> None:
        source = self.box()
        uids = self.uids(source)
        move(mailbox_id=source.pk, uids=uids, target_id=self.box().pk, origin=ORIGIN)

    def expunge(self) -> None:
        mailbox = self.box()
        uids = self.uids(mailbox)
        expunge(mailbox_id=mailbox.pk, uids=uids, origin=ORIGIN, marked=False)

    def purge(self) -> None:
        purge(-1)  # whatever can be brought back, however young

    def restore(self) -> None:
        undelete.messages(mailbox_id=self.box().pk, origin=ORIGIN)

    def restore_lately(self) -> None:
        undelete.removed(user_id=self.box().user_id, since=0, origin=ORIGIN)

    def drop_mailbox(self) -> None:
        owner = self.box().user_id
        if Mailbox.objects.filter(user_id=owner, name="Old", deleted_at=None).exists():
            mailboxes.delete(user_id=owner, name="Old", origin=ORIGIN)
        else:
            mailboxes.create(user_id=owner, name="Old")

    def revive_mailbox(self) -> None:
        for mailbox in Mailbox.objects.filter(deleted_at__isnull=False)[:1]:
            revive.mailbox(mailbox_id=mailbox.pk, origin=ORIGIN)

    def index_some(self) -> None:
        Indexer().step()

    def index_all(self) -> None:
        assert Indexer().run(60) is Step.IDLE

    def check(self) -> None:
        """What is asked of the index and what is read are the same, for everyone."""
        for owner in {mailbox.user_id for mailbox in self.boxes}:
            self.check_owner(owner)

    def check_owner(self, owner: int) -> None:
        places = places_of(owner)
        terms = [self.term(places) for _ in range(TERMS)]
        scanned = scanning.scanned(places, terms)
        known = ask(owner, terms)
        for term, expected, hits in zip(terms, scanned, known.hits, strict=True):
            for place in places:
                if hits is None or place.message_id in known.unindexed:
                    self.tally.scanned += 1
                    continue
                self.tally.told += 1
                self.tally.hits += place in expected
                assert (place.message_id in hits) is (place in expected), (place, term)

    def check_settled(self) -> None:
        """All is indexed: what the index knows is what there is, and what was planted is found."""
        self.index_all()
        assert not Unindexed.objects.exists()
        assert set(index().pairs(None, 10_000)) == pairs()
        for owner in {mailbox.user_id for mailbox in self.boxes}:
            there = {place.message_id for place in places_of(owner)}
            for message_id in there & self.known.keys():
                for planted in self.known[message_id].plants:
                    known = ask(owner, [Term(folded(planted.text), (planted.field,))])
                    (hits,) = known.hits
                    assert hits is not None
                    assert message_id in hits | known.unindexed, planted
        self.check()

    def term(self, places: set[Place]) -> Term:
        fields = tuple(self.dice.sample(list(Field), self.dice.choice([1, 1, 2, 8])))
        texts = [self.dice.choice(self.dice.choice(list(PHRASES.values()))), self.dice.choice(ODD)]
        if self.dice.random() < 0.1:
            return Term(field_mark(self.dice.choice(["subject", "cc", "x-odd"])), (Field.HEADER,))
        if places and self.dice.random() < 0.6:
            texts = [self.part_of(self.dice.choice(sorted(places, key=str)), fields)]
        text = folded(self.dice.choice(texts))
        first = self.dice.randrange(len(text)) if text else 0
        return Term(text[first : first + self.dice.randint(1, 30)] or "x", fields)

    def part_of(self, place: Place, fields: tuple[Field, ...]) -> str:
        """Something that is there."""
        ((_, sight),) = scanning.sights([place])
        assert sight is not None
        values = "\x1e".join(sight.column(field) for field in fields).split("\x1e")
        return self.dice.choice(values)


def places_of(owner: int) -> set[Place]:
    """Whatever the owner's mailboxes show."""
    rows = Entry.objects.filter(mailbox__user_id=owner, mailbox__deleted_at=None)
    return {Place(*row) for row in rows.values_list("message_id", "head_id")}


def pairs() -> set[Pair]:
    """Owners and messages of whom there is any trace."""
    return {
        Pair(*row)
        for table in (Entry, Expunged)
        for row in table.objects.values_list("mailbox__user_id", "message_id")
    }


@pytest.fixture
def boxes(alice: User, bob: User) -> list[Mailbox]:
    return [box(user, name) for user in (alice, bob) for name in ("INBOX", "Archive")]


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_what_reading_every_message_finds(boxes: list[Mailbox], seed: int) -> None:
    world = World(random.Random(seed), boxes)
    for turn in range(60):
        world.step()
        if turn % 4 == 3:
            world.check()
    world.check_settled()
    assert world.tally.told > 2_000
    assert world.tally.hits > 200
    assert world.tally.scanned > 200


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 108))
def test_it_finds_it_in_long_histories(boxes: list[Mailbox], seed: int) -> None:
    world = World(random.Random(seed), boxes)
    for turn in range(200):
        world.step()
        if turn % 5 == 4:
            world.check()
    world.check_settled()
    assert world.tally.hits > 1_000
