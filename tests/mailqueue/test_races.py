"""Sent or cancelled, never both: two processes race for each message, a server counts what left."""

import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import pytest

from apps.directory.models import User
from apps.mailqueue import services
from apps.mailqueue.models import MessageState, QueuedMessage
from apps.mailstore.models import Entry
from tests.mailqueue import racers
from tests.mailqueue.leaving import away, keep, route_each
from tests.support.mail import local, submission
from tests.support.smtp_sink import SmtpSink

pytestmark = pytest.mark.django_db(transaction=True)
FEW, MANY = 150, 10_000
PORTION = 500
FAIRER = 0.0005  # seconds


@contextmanager
def racing(*jobs: tuple[object, ...]) -> "Iterator[list[subprocess.Popen[str]]]":
    running = [racers.start(*job) for job in jobs]  # type: ignore[arg-type]
    try:
        for racer in running:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        yield running
    finally:
        for racer in running:
            racer.communicate(timeout=60)


def race(
    racer: "Sequence[subprocess.Popen[str]]", number: int, message_id: UUID, handicap: float = 0
) -> list[str]:
    """Give both the word; what each says. The second starts `handicap` seconds later, the first if
    it is less than nothing: whoever won starts a little later next time (FAIRER), so that it is a
    race of equals on any machine."""
    for one, late in zip(racer, (max(0, -handicap), max(0, handicap)), strict=False):
        assert one.stdin is not None
        one.stdin.write(f"{number} {message_id} {late:.6f}\n")
        one.stdin.flush()
    return [one.stdout.readline().strip() for one in racer if one.stdout is not None]


def send_or_cancel(count: int) -> Counter[tuple[str, ...]]:
    outcomes: Counter[tuple[str, ...]] = Counter()
    expected: list[str] = []
    handicap = 0.0
    with SmtpSink() as sink, racing(("send", sink.port), ("cancel",)) as racer:
        for first in range(0, count, PORTION):
            numbers = range(first, min(first + PORTION, count))
            items = [submission(away(f"race-{number}@elsewhere.test")) for number in numbers]
            keep(items)
            route_each(racers.destination, numbers)
            for number, item in zip(numbers, items, strict=True):
                said = tuple(race(racer, number, item.id, handicap))
                outcomes[said] += 1
                handicap += -FAIRER if said[0] == "sent" else FAIRER
                if said[0] == "sent":
                    expected.append(f"race-{number}@elsewhere.test")
        received = [recipient for one in sink.messages for recipient in one.recipients]
    assert received == expected
    return outcomes


def check(outcomes: Counter[tuple[str, ...]], count: int) -> None:
    sent, cancelled = outcomes["sent", "TOO_LATE"], outcomes["nothing", "CANCELLED"]
    assert sent + cancelled == count, outcomes
    assert min(sent, cancelled) > count / 100, "one of them never wins: that was no race"
    states = Counter(QueuedMessage.objects.values_list("state", flat=True))
    assert states == {MessageState.DONE: sent, MessageState.CANCELLED: cancelled}


def test_it_sends_or_cancels(db: None) -> None:
    check(send_or_cancel(FEW), FEW)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_it_sends_or_cancels_ten_thousand_times(db: None) -> None:
    check(send_or_cancel(MANY), MANY)


def test_it_files_or_cancels(alice: User) -> None:
    _file_or_cancel(alice, FEW)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_it_files_or_cancels_ten_thousand_times(alice: User) -> None:
    _file_or_cancel(alice, MANY)


def _file_or_cancel(alice: User, count: int) -> None:
    outcomes: Counter[str] = Counter()
    handicap = 0.0
    with racing(("process",), ("cancel",)) as racer:
        for number in range(count):
            item = submission(local(alice))
            keep([item])
            said = race(racer, number, item.id, handicap)[1]
            outcomes[said] += 1
            handicap += FAIRER if said == "CANCELLED" else -FAIRER
    filed = Entry.objects.filter(mailbox__user=alice).count()
    assert filed == outcomes["TOO_LATE"]
    assert filed + outcomes["CANCELLED"] == count, outcomes
    assert min(filed, outcomes["CANCELLED"]) > count / 100, "that was no race"
    assert services.claim(9) == []
