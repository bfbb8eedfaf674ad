"""Refused or delivered, never both and never neither: a worker races with a door, on each message.

The worker's verdict is to refuse. The door has waited long enough and takes the message, or its
client hung up and it withdraws it; what it then tells is compared with what there is.
"""

import subprocess
from collections import Counter

import pytest

from apps.directory.models import User
from apps.mailqueue import services
from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient, RecipientState
from apps.mailstore.models import Entry
from tests.mailqueue.leaving import keep
from tests.mailqueue.offering import offered
from tests.mailqueue.test_races import FAIRER, race, racing
from tests.support.verdicts import letter

pytestmark = pytest.mark.django_db(transaction=True)
FEW, MANY = 80, 10_000
DOOR_FIRST = {"take": "OURS", "withdraw": "WITHDRAWN"}


def outcomes_of(alice: User, door: str, subject: str, count: int) -> Counter[str]:
    """What the door said of each message; it is compared with what became of it."""
    outcomes: Counter[str] = Counter()
    handicap = 0.0
    with racing(("judge",), (door,)) as racer:
        for number in range(count):
            item = offered(alice, raw=letter(subject, number))
            keep([item])
            said = race(racer, number, item.id, handicap)[1]
            settle_the_rest(racer, item)
            outcomes[said] += 1
            handicap += FAIRER if said == DOOR_FIRST[door] else -FAIRER
            assert is_delivered(item) is (said not in {"REFUSED", "WITHDRAWN"}), said
    assert Entry.objects.filter(mailbox__user=alice).count() == outcomes["OURS"]
    assert sum(outcomes.values()) == count
    return outcomes


def settle_the_rest(racer: "list[subprocess.Popen[str]]", item: services.Submission) -> None:
    """The worker was too early for it, now and then: it looks again."""
    if QueuedMessage.objects.get(id=item.id).settled_at is None:
        race(racer[:1], 0, item.id)


def is_delivered(item: services.Submission) -> bool:
    row = QueuedMessage.objects.get(id=item.id)
    (recipient,) = QueuedRecipient.objects.filter(message=item.id)
    assert (row.state, recipient.state) in {
        (MessageState.DONE, RecipientState.DELIVERED),
        (MessageState.REFUSED, RecipientState.REFUSED),
    }
    return row.state == MessageState.DONE


def check_taking(alice: User, count: int) -> None:
    outcomes = outcomes_of(alice, "take", "SPAM", count)
    assert min(outcomes["REFUSED"], outcomes["OURS"]) > count / 100, "that was no race"


def check_withdrawing(alice: User, count: int) -> None:
    outcomes = outcomes_of(alice, "withdraw", "Hello", count)
    assert min(outcomes["WITHDRAWN"], outcomes["OURS"]) > count / 100, "that was no race"


def test_it_is_refused_or_taken(alice: User) -> None:
    check_taking(alice, FEW)


def test_it_is_delivered_or_withdrawn(alice: User) -> None:
    check_withdrawing(alice, FEW)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_it_is_refused_or_taken_ten_thousand_times(alice: User) -> None:
    check_taking(alice, MANY)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_it_is_delivered_or_withdrawn_ten_thousand_times(alice: User) -> None:
    check_withdrawing(alice, MANY)
