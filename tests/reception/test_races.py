"""Several processes write the same rows at once: nothing is lost, and none waits in a circle."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from django.db import connection
from django.db.models import Sum

from apps.reception.models import Acquaintance, Correspondent, Greylisted, Refused, RefusedFor
from apps.reception.services import acquaintances, correspondents, greylisting, refusals
from apps.reception.services.greylisting import Note
from apps.reception.services.refusals import Refusal
from apps.runtime.ulid import new_ulid

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS, ROUNDS, ROWS = 4, 8, 25


def race(write: Callable[[Random], None]) -> None:
    """Let several threads, each with a connection of its own, write at once."""

    def run(number: int) -> None:
        try:
            for turn in range(ROUNDS):
                write(Random(number * 100 + turn))
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(run, range(WRITERS)))


def shuffled(random: Random) -> list[int]:
    return random.sample(range(ROWS), ROWS)


def test_it_notes_what_waits() -> None:
    def write(random: Random) -> None:
        greylisting.note(
            Note("192.0.2.0/24", f"a{n}@b.test", "c@d.test", 5, 9, passed_at=random.choice([0, 7]))
            for n in shuffled(random)
        )

    race(write)
    rows = Greylisted.objects.all()
    assert [(row.attempts, row.first_at, row.passed_at) for row in rows] == [
        (WRITERS * ROUNDS, 5, 7)
    ] * ROWS


def test_it_counts_senders() -> None:
    race(lambda random: acquaintances.count({(7, f"a{n}.test"): 1 for n in shuffled(random)}))
    rows = Acquaintance.objects.values_list("days", "messages")
    assert list(rows) == [(1, WRITERS * ROUNDS)] * ROWS


def test_it_notes_correspondents() -> None:
    race(lambda random: correspondents.note([(1, f"a{n}@b.test", 7) for n in shuffled(random)]))
    rows = Correspondent.objects.values_list("messages", flat=True)
    assert list(rows) == [WRITERS * ROUNDS] * ROWS


def test_it_keeps_what_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST", 40)  # so that they remove the same rows too

    def write(random: Random) -> None:
        batch = [
            Refusal(
                trace_id=new_ulid(),
                at=7,
                reason="dmarc",
                words="",
                reply="",
                client="",
                helo="",
                sender="",
                author="",
                subject="",
                header="",
                size=0,
                recipients=((n, "a@b.test"), (n + 1, "b@b.test")),
            )
            for n in random.sample(range(ROWS), 5)
        ]
        refusals.remember(batch, {one.recipients[0][0]: 1 for one in batch})

    race(write)
    assert Refused.objects.count() == 40
    kept = set(Refused.objects.values_list("id", flat=True))
    assert set(RefusedFor.objects.values_list("refused_id", flat=True)) == kept
    assert RefusedFor.objects.aggregate(all=Sum("others"))["all"] > 0
