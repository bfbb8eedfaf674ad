"""Lessons: learned once, taken back exactly, bounded, and summed up without a mistake."""

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from apps.mailstore.models import Judged
from apps.scan.bayes.reckon import Tally
from apps.scan.bayes.stored import Stored
from apps.scan.models import Lesson, Taught, Token
from apps.scan.services import lessons
from apps.scan.services.lessons import Said

pytestmark = pytest.mark.django_db

USER, COLLEAGUE, ORGANIZATION = 7, 8, 3
SPAM, HAM, KEPT = Judged.SPAM, Judged.HAM, Judged.KEPT


def said(
    judged: Judged, message: int = 1, tokens: Sequence[int] = (10, 20), owner: int = USER
) -> Said:
    return Said(owner, ORGANIZATION, message, judged, tuple(tokens))


def learn(*these: Said) -> int:
    with transaction.atomic():
        return lessons.learn(these)


def count(owner: int, token: int) -> Tally:
    return Stored().counts([owner], [token])[owner].get(token, Tally())


def assert_sums_are_exact() -> None:
    """Every count is what the lessons that stand come to, and there are no others."""
    tallies: dict[int, Counter[bool]] = {}
    counts: Counter[tuple[int, int, bool]] = Counter()
    for row in Lesson.objects.all():
        for owner in {row.owner, -row.organization} - {0}:
            tallies.setdefault(owner, Counter())[row.is_spam] += 1
            for token in lessons.unpack(bytes(row.tokens)):
                counts[owner, token, row.is_spam] += 1
    for taught in Taught.objects.all():
        kinds = tallies.pop(taught.owner, Counter())
        assert (taught.spam, taught.ham) == (kinds[True], kinds[False])
    assert not tallies
    rows = {(row.owner, row.token): (row.spam, row.ham) for row in Token.objects.all()}
    pairs = {(owner, token) for owner, token, _ in counts}
    assert rows == {pair: (counts[(*pair, True)], counts[(*pair, False)]) for pair in pairs}


def test_it_counts_for_the_user_and_the_organisation() -> None:
    assert learn(said(SPAM)) == 1
    learn(said(HAM, 2, (20, 30), COLLEAGUE))
    assert count(USER, 20) == (1, 0)
    assert count(COLLEAGUE, 20) == (0, 1)
    assert count(-ORGANIZATION, 20) == (1, 1)
    assert lessons.tally(-ORGANIZATION) == (1, 1)
    assert_sums_are_exact()


def test_it_learns_a_message_once() -> None:
    learn(said(SPAM))
    assert learn(said(SPAM), said(SPAM)) == 0
    assert count(USER, 10) == (1, 0)
    assert Lesson.objects.count() == 1


def test_it_takes_back_exactly_what_it_learned() -> None:
    """Also if the message would be cut into other tokens today."""
    learn(said(SPAM, 2, (10, 40)))
    learn(said(SPAM, 1, (10, 20)))
    assert learn(said(HAM, 1, (10, 30))) == 1
    assert count(USER, 10) == (1, 1)
    assert count(USER, 20) == (0, 0)
    assert count(-ORGANIZATION, 30) == (0, 1)
    assert_sums_are_exact()


def test_it_forgets_when_a_mark_is_taken_off() -> None:
    learn(said(SPAM))
    assert learn(said(Judged.UNHAM)) == 0  # it was not ham that was said
    assert learn(said(Judged.UNSPAM)) == 1
    assert not Token.objects.exists()
    assert lessons.tally(USER) == (0, 0)
    assert learn(said(Judged.UNSPAM)) == 0


def test_it_learns_what_is_said_in_one_batch_in_order() -> None:
    assert learn(said(SPAM), said(HAM), said(SPAM, 2), said(Judged.UNSPAM, 2)) == 4
    assert count(USER, 10) == (0, 1)
    assert list(Lesson.objects.values_list("message", "is_spam")) == [(1, False)]
    assert_sums_are_exact()


def test_it_learns_mail_that_was_only_kept_as_far_as_ham_is_scarce(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lessons, "KEPT_LEAST", 2)
    assert learn(*(said(KEPT, number) for number in range(5))) == 2
    assert learn(said(SPAM, 10), said(SPAM, 11), said(SPAM, 12), said(KEPT, 4)) == 4
    assert learn(said(KEPT, 10)) == 0  # what was called spam is not kept mail
    assert lessons.tally(USER) == (3, 3)
    assert_sums_are_exact()


def test_it_forgets_the_oldest_for_the_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "MOST", 3)
    for number in range(6):
        learn(said(SPAM, number, (10, 100 + number)))
    assert lessons.tally(USER) == (3, 0)
    kept = Lesson.objects.filter(owner=USER).values_list("message", flat=True)
    assert sorted(kept) == [3, 4, 5]
    assert count(-ORGANIZATION, 100) == (0, 0)
    assert_sums_are_exact()


def test_it_lets_nobody_decide_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "MOST_SHARED", 2)
    learn(*(said(SPAM, number) for number in range(5)))
    learn(said(SPAM, 1, owner=COLLEAGUE))
    assert lessons.tally(USER) == (5, 0)
    assert lessons.tally(-ORGANIZATION) == (3, 0)
    learn(*(said(HAM, number) for number in range(5)))
    assert lessons.tally(-ORGANIZATION) == (1, 2)
    assert_sums_are_exact()


def test_it_bounds_what_an_organisation_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "MOST_OF_ORGANIZATION", 3)
    learn(Said(-ORGANIZATION, ORGANIZATION, 50, SPAM, (50,)))
    for number in range(5):
        learn(said(SPAM, number, (10, number + 100)))
    assert lessons.tally(-ORGANIZATION) == (3, 0)
    assert lessons.tally(USER) == (5, 0)  # they are the user's own still
    assert count(-ORGANIZATION, 50) == (0, 0)
    assert_sums_are_exact()
    learn(said(HAM, 0, (10, 100)))  # of those, one that counts for the user alone
    assert_sums_are_exact()


def test_it_counts_for_the_organisation_that_a_user_belonged_to() -> None:
    learn(said(SPAM))
    learn(Said(USER, 99, 1, HAM, (10, 20)))
    assert lessons.tally(-ORGANIZATION) == (0, 0)
    assert lessons.tally(-99) == (0, 1)
    assert_sums_are_exact()


def test_it_keeps_tokens_as_numbers_of_32_bits() -> None:
    tokens = (-(2**31), -1, 0, 5, 2**31 - 1)
    packed = lessons.pack(reversed(tokens))
    assert packed[:4] == b"\x00\x00\x00\x80"
    assert tuple(lessons.unpack(packed)) == tokens


@pytest.mark.django_db(transaction=True)
def test_it_makes_no_mistake_among_many() -> None:
    """Ten workers, each in any order: no deadlock, and every sum exact."""

    def work(seed: int) -> None:
        dice = random.Random(seed)
        try:
            for _ in range(6):
                learn(
                    *(
                        said(
                            dice.choice(list(Judged)),
                            dice.randrange(12),
                            dice.sample(range(30), 8),
                            dice.choice([USER, COLLEAGUE, 9, -ORGANIZATION]),
                        )
                        for _ in range(4)
                    )
                )
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(work, range(10)))
    assert Lesson.objects.exists()
    assert_sums_are_exact()
