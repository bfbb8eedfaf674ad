"""Random histories of everything that can happen: after each, every counter equals a recount."""

import random
from collections.abc import Callable

import pytest
from django.db import transaction

from apps.mailstore import recoverable
from apps.mailstore.models import Entry, Expunged, Mailbox, Message
from apps.mailstore.services import mailboxes, revive, undelete
from apps.mailstore.services.copy import copy, move
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, store
from tests.mailstore.making import (
    ORIGIN,
    assert_counters_are_exact,
    delivered,
    filing,
    filled,
    prepared,
)

pytestmark = pytest.mark.django_db

KEYWORDS = ("a", "b", "$c", "D")


class History:
    """One random sequence of operations on a few mailboxes, repeatable by its seed."""

    def __init__(self, seed: int, boxes: list[Mailbox]) -> None:
        self.dice = random.Random(seed)
        self.boxes = boxes
        self.given: dict[int, int] = {}

    def step(self) -> None:
        steps: list[Callable[[], None]] = [
            self.deliver, self.append, self.store, self.store, self.copy, self.move, self.expunge,
            self.bring_back, self.bring_back_all, self.bury_and_revive,
        ]  # fmt: skip
        self.dice.choice(steps)()
        self.assert_uids_rise()

    def box(self) -> Mailbox:
        return self.dice.choice(self.boxes)

    def uids(self, box: Mailbox) -> list[int]:
        return [self.dice.randint(1, 12) for _ in range(self.dice.randint(1, 6))]

    def flags(self) -> int:
        return self.dice.randrange(32)

    def words(self) -> tuple[str, ...]:
        return tuple(self.dice.sample(KEYWORDS, self.dice.randint(0, 2)))

    def deliver(self) -> None:
        message = prepared()
        delivered(
            [
                filing(
                    self.box(), message, flags=self.flags(), keywords=self.words(), head=b"A: b\r\n"
                )
                for _ in range(self.dice.randint(1, 4))
            ]
        )

    def append(self) -> None:
        filled(self.box(), self.dice.randint(1, 3), flags=self.flags())

    def store(self) -> None:
        box = self.box()
        mode = self.dice.choice(["add", "remove", "replace"])
        change = FlagChange(mode, self.flags(), self.words())  # type: ignore[arg-type]
        since = self.dice.choice([None, None, self.dice.randint(1, 20)])
        store(
            mailbox_id=box.pk,
            uids=self.uids(box),
            change=change,
            origin=ORIGIN,
            unchanged_since=since,
        )

    def copy(self) -> None:
        box = self.box()
        copy(mailbox_id=box.pk, uids=self.uids(box), target_id=self.box().pk, origin=ORIGIN)

    def move(self) -> None:
        box = self.box()
        move(mailbox_id=box.pk, uids=self.uids(box), target_id=self.box().pk, origin=ORIGIN)

    def expunge(self) -> None:
        box = self.box()
        uids = self.dice.choice([None, self.uids(box)])
        expunge(mailbox_id=box.pk, uids=uids, origin=ORIGIN)

    def bring_back(self) -> None:
        box, target = self.box(), self.box()
        goal = target.pk if target.user_id == box.user_id else None
        uids = self.dice.choice([None, self.uids(box)])
        undelete.messages(mailbox_id=box.pk, uids=uids, target_id=goal, origin=ORIGIN)

    def bring_back_all(self) -> None:
        undelete.removed(user_id=self.box().user_id, since=0, origin=ORIGIN)

    def bury_and_revive(self) -> None:
        """All mailboxes of one user, INBOX too."""
        user_id = self.box().user_id
        with transaction.atomic():
            mailboxes.delete_all(user_id=user_id, origin=ORIGIN)
        for one in recoverable.mailboxes(user_id):
            revive.mailbox(mailbox_id=one.id, origin=ORIGIN)
        assert recoverable.mailboxes(user_id) == []

    def assert_uids_rise(self) -> None:
        """A UID that was given once is never given again: to neither the living nor the gone."""
        for box in self.boxes:
            live = set(Entry.objects.filter(mailbox=box).values_list("uid", flat=True))
            gone = set(Expunged.objects.filter(mailbox=box).values_list("uid", flat=True))
            assert not live & gone
            every = live | gone
            assert every == set(range(1, len(every) + 1))
            assert len(every) >= self.given.get(box.pk, 0)
            self.given[box.pk] = len(every)


@pytest.mark.parametrize("seed", range(6))
def test_it_counts_exactly(
    inbox: Mailbox, archive: Mailbox, bobs_inbox: Mailbox, seed: int
) -> None:
    history = History(seed, [inbox, archive, bobs_inbox])
    for _ in range(40):
        history.step()
        assert_counters_are_exact()
    named = set(Entry.objects.values_list("message_id", flat=True))
    named |= set(Expunged.objects.values_list("message_id", flat=True))
    assert named == set(Message.objects.values_list("id", flat=True))
