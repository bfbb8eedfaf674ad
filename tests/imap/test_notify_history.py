"""Random histories: what a client believes by NOTIFY alone is what is there (RFC 5465)."""

import random
import re
from contextlib import closing

import pytest
from django.db import connections

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import FLAG_SEEN
from apps.mailstore.origin import Origin
from apps.mailstore.services import expunge, mailboxes
from apps.mailstore.services.flags import FlagChange, store
from apps.wire.errors import AlreadyExists, InvalidName, NotFound
from tests.imap.conftest import add_numbered
from tests.imap.test_server import answer, signed_in
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ["a", "b", "a/b", "a/b/c", "b/c"]
OURS = {"INBOX", *NAMES}
EVENTS = "MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange"
LIST = re.compile(r'\* LIST \(([^)]*)\) "/" "([^"]+)"(?: \("OLDNAME" \("([^"]+)"\)\))?')
STATUS = re.compile(r'\* STATUS "([^"]+)" \((.*)\)')

Counts = tuple[int, int, int]
"""UIDNEXT, MESSAGES, UNSEEN."""


class Believer:
    """Mailboxes as lines of LIST and STATUS tell of them."""

    def __init__(self) -> None:
        self.boxes: dict[str, Counts] = {}
        self.subscribed: set[str] = set()

    def hear(self, line: str) -> None:
        if found := LIST.fullmatch(line):
            self._listed(found[1].split(), found[2], found[3])
        elif found := STATUS.fullmatch(line):
            words = found[2].split()
            told = dict(zip(words[::2], map(int, words[1::2]), strict=True))
            old = self.boxes.get(found[1], (1, 0, 0))
            items = ("UIDNEXT", "MESSAGES", "UNSEEN")
            new = [told.get(item, before) for item, before in zip(items, old, strict=True)]
            self.boxes[found[1]] = (new[0], new[1], new[2])
        else:
            raise AssertionError(line)

    def _listed(self, attributes: list[str], name: str, old: str | None) -> None:
        if old is not None:
            self._rename(old, name)
        self.subscribed.discard(name)
        if r"\Subscribed" in attributes:
            self.subscribed.add(name)
        if r"\NonExistent" in attributes:
            self.boxes.pop(name, None)
        else:
            self.boxes.setdefault(name, (1, 0, 0))

    def _rename(self, old: str, new: str) -> None:
        """A family is told as one."""

        def later(name: str) -> str:
            return new + name[len(old) :] if name == old or name.startswith(f"{old}/") else name

        taken = {later(name) for name in self.boxes if later(name) != name}
        self.boxes = {
            later(name): counts
            for name, counts in self.boxes.items()
            if later(name) != name or name not in taken
        }
        self.subscribed = {later(name) for name in self.subscribed}


def truth(user_id: int) -> tuple[dict[str, Counts], set[str]]:
    rows = queries.mailboxes(user_id)
    boxes = {
        row.name: (row.counters.uidnext, row.counters.messages, row.counters.unseen) for row in rows
    }
    return boxes, set(queries.subscriptions(user_id))


def do_something(chance: random.Random, user_id: int) -> None:
    """One change of mailboxes or of messages; what cannot be done is not."""
    origin = Origin("test", user_id)
    name, other = chance.choice(NAMES), chance.choice(NAMES)
    there = [row for row in queries.mailboxes(user_id) if row.name in OURS]
    box = chance.choice(there)
    uids = list(range(max(1, box.counters.uidnext - 3), box.counters.uidnext))
    seen = FlagChange(chance.choice(["add", "remove"]), FLAG_SEEN)
    match chance.choice(["make", "delete", "rename", "sub", "unsub", "add", "flag", "expunge"]):
        case "make":
            mailboxes.create(user_id=user_id, name=name)
        case "delete":
            mailboxes.delete(user_id=user_id, name=name, origin=origin)
        case "rename":
            mailboxes.rename(user_id=user_id, name=name, to=other, origin=origin)
        case "sub":
            mailboxes.subscribe(user_id=user_id, name=box.name)
        case "unsub":
            mailboxes.unsubscribe(user_id=user_id, name=name)
        case "add":
            add_numbered(user_id, chance.randint(1, 2), box.name)
        case "flag" if uids:
            store(mailbox_id=box.id, uids=uids, change=seen, origin=origin)
        case "expunge" if uids:
            expunge.expunge(mailbox_id=box.id, uids=uids[:1], marked=False, origin=origin)


@pytest.mark.parametrize("seed", [17, 110, *range(4)])
def test_it_keeps_a_client_informed(alice: User, server: RunningServer, seed: int) -> None:
    chance = random.Random(seed)
    believer = Believer()
    with closing(signed_in(server)) as client:
        for line in answer(client, f"NOTIFY SET STATUS (PERSONAL ({EVENTS}))")[:-1]:
            believer.hear(line)
        believer.subscribed = set(queries.subscriptions(alice.pk))
        for step in range(60):
            try:
                do_something(chance, alice.pk)
            except (AlreadyExists, InvalidName, NotFound):
                continue
            if step % 5 == 0:  # some changes are told together, some alone
                add_numbered(alice.pk, 1)
                while not (line := client.line()).startswith('* STATUS "INBOX"'):
                    believer.hear(line)
                believer.hear(line)
        mailboxes.create(user_id=alice.pk, name="last")
        add_numbered(alice.pk, 1, "last")
        while believer.boxes.get("last", (0, 0, 0))[1] != 1:
            believer.hear(client.line())
        for line in answer(client, "NOOP")[:-1]:  # what else was told in the same breath
            believer.hear(line)
    assert (believer.boxes, believer.subscribed) == truth(alice.pk)
    connections.close_all()
