"""A mailbox of 100,000 messages: what is done to all of them at once keeps no delivery waiting.

COPY and MOVE are one transaction each. On SQLite that is the time a delivery to anybody may wait,
on Postgres one to the same user.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from apps.directory.models import User
from apps.mailstore.models import FLAG_DELETED, Entry, Mailbox
from apps.mailstore.services import filing as statements
from apps.mailstore.services.copy import copy, move
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.filing import Entering, Growth, Use
from apps.mailstore.services.flags import FlagChange, store
from apps.mailstore.services.mailboxes import rename
from tests.mailstore.making import (
    DATE,
    ORIGIN,
    assert_counters_are_exact,
    delivered,
    filing,
    prepared,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long, pytest.mark.timeout(600)]
COUNT = 100_000
SIZE = 200
LONGEST = 5.0
"""Seconds that a delivery may wait, on a machine that is busy with other tests. Alone: 0.4 s."""


def crowded(mailbox: Mailbox, count: int = COUNT) -> list[int]:
    """Put `count` entries of one message into a mailbox."""
    filed = delivered([filing(mailbox)])
    (message_id,) = Entry.objects.filter(mailbox=mailbox).values_list("message_id", flat=True)
    entry = Entering(message_id, None, 0, 0, DATE, 0, DATE, SIZE)
    more = count - 1
    with transaction.atomic():
        growth = Growth(more, more, more, SIZE * more)
        first, modseq = statements.grow({mailbox.pk: growth})[mailbox.pk]
        uids = range(first, first + more)
        statements.insert_entries([(mailbox.pk, uid, modseq, entry) for uid in uids])
        statements.use([Use(mailbox.user_id, SIZE * more, more)])
    return [filed[0].uid, *uids]


@contextmanager
def deliveries(mailbox: Mailbox) -> Iterator[list[float]]:
    """Meanwhile somebody delivers all the time; how long each delivery took."""
    took: list[float] = []
    over = threading.Event()

    def work() -> None:
        try:
            while not over.is_set():
                message = prepared()
                started = time.monotonic()
                delivered([filing(mailbox, message)])
                took.append(time.monotonic() - started)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield took
    finally:
        over.set()
        thread.join(60)


@pytest.mark.parametrize("kind", ["copy", "store", "move", "expunge", "rename"])
def test_it_keeps_no_delivery_waiting(
    alice: User, inbox: Mailbox, archive: Mailbox, kind: str
) -> None:
    uids = crowded(inbox)
    if kind == "expunge":
        change = FlagChange("add", FLAG_DELETED)
        store(mailbox_id=inbox.pk, uids=uids, change=change, origin=ORIGIN)
    jobs: dict[str, Callable[[], object]] = {
        "copy": lambda: copy(mailbox_id=inbox.pk, uids=uids, target_id=archive.pk, origin=ORIGIN),
        "move": lambda: move(mailbox_id=inbox.pk, uids=uids, target_id=archive.pk, origin=ORIGIN),
        "store": lambda: store(
            mailbox_id=inbox.pk, uids=uids, change=FlagChange("add", 1, ("x",)), origin=ORIGIN
        ),
        "expunge": lambda: expunge(mailbox_id=inbox.pk, origin=ORIGIN),
        "rename": lambda: rename(user_id=alice.pk, name="INBOX", to="Old", origin=ORIGIN),
    }
    with deliveries(inbox) as took:
        started = time.monotonic()
        jobs[kind]()
        total = time.monotonic() - started
    figures = f"{kind}: {total:.2f} s in all, {max(took):.3f} s for the slowest delivery"
    assert max(took) < LONGEST, figures
    assert_counters_are_exact()
