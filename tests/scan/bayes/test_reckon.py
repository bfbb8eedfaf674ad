"""The reckoning: towards the middle while little is known, never sure of the same thing twice."""

import math

import pytest

from apps.scan.bayes.reckon import (
    HAM_POINTS,
    MOST_CLUES,
    SPAM_POINTS,
    Clue,
    Tally,
    Told,
    clues,
    evidence,
    is_taught,
    needed,
    points,
    strongest,
)

NONE = Tally()
MANY = Tally(200, 200)


def told(name: str, spam: int, ham: int, own: Tally = NONE) -> Told:
    return name, Tally(spam, ham), own


def one(told: Told, every: Tally = MANY, own: Tally = NONE) -> float:
    (clue,) = clues([told], every, own)
    return clue.probability


def test_it_needs_lessons_of_both_kinds() -> None:
    assert not is_taught(Tally(19, 500), NONE)
    assert not is_taught(Tally(500, 19), NONE)
    assert is_taught(Tally(20, 20), NONE)
    assert is_taught(NONE, Tally(20, 20))


def test_it_is_the_surer_the_more_often_a_token_was_seen() -> None:
    seldom, often = one(told("pills", 1, 0)), one(told("pills", 50, 0))
    assert 0.96 < seldom < 0.98
    assert 0.99 < often < 1
    assert one(told("lunch", 0, 50)) == pytest.approx(1 - often)


def test_it_compares_shares_and_not_counts() -> None:
    """Ten of twenty spam messages are more than twenty of a thousand ham ones."""
    assert one(told("offer", 10, 20), Tally(20, 1_000)) > 0.9


def test_it_leaves_out_what_says_nothing() -> None:
    assert clues([told("the", 100, 100), told("new", 0, 0)], MANY, NONE) == []


def test_it_weighs_own_lessons_more_the_more_there_are() -> None:
    """Of a word that an organisation has as ham, and one user as spam."""
    every = Tally(5_000, 5_000)
    few = one(told("crypto", 10, 300, Tally(3, 0)), every, Tally(3, 3))
    many = one(told("crypto", 90, 150, Tally(80, 0)), every, Tally(100, 100))
    assert few < 0.1
    assert many > 0.8


def test_it_is_not_misled_by_a_first_lesson() -> None:
    """Marking one message as spam must not make spam of every usual word in it."""
    found = clues([told("the", 101, 100, Tally(1, 0))], Tally(201, 200), Tally(1, 0))
    assert found == []


def test_it_does_not_take_absence_from_few_lessons_for_evidence() -> None:
    """A word in one of a thousand spam messages would be in none of twenty others anyway."""
    skewed = Tally(1_000, 20)
    assert clues([told("parasol", 1, 0)], skewed, NONE) == []
    assert one(told("parasol", 100, 0), skewed) > 0.95
    assert one(told("minutes", 0, 1), skewed) == one(told("minutes", 0, 1))


def alike(kind: str, probability: float, count: int) -> list[Clue]:
    return [Clue(f"{kind}{number}", probability) for number in range(count)]


def test_it_takes_many_words_for_no_more_witnesses_than_they_are() -> None:
    """A hundred words say ten times as much as one."""
    one_word = evidence(alike("s", 0.95, 1), MANY, NONE)
    assert one_word == pytest.approx(math.log10(19))
    assert evidence(alike("s", 0.95, 100), MANY, NONE) == pytest.approx(10 * one_word)


def test_it_combines_evidence_of_one_side() -> None:
    spam, ham = alike("s", 0.95, 10), alike("h", 0.05, 10)
    assert evidence(spam, MANY, NONE) > 4
    assert evidence(ham, MANY, NONE) == pytest.approx(-evidence(spam, MANY, NONE))
    assert evidence([*spam, *ham], MANY, NONE) == pytest.approx(0)
    assert evidence([], MANY, NONE) == evidence([], Tally(1_000, 20), NONE) == 0
    assert evidence(alike("x", 0.5, 20), MANY, NONE) == 0


def test_it_believes_witnesses_of_different_kinds_more_than_many_of_one() -> None:
    words = evidence(alike("s", 0.95, 40), MANY, NONE)
    mixed = [one for kind in ("s", "net:", "field:", "link:") for one in alike(kind, 0.95, 10)]
    assert evidence(mixed, MANY, NONE) > 2 * words


def test_it_lets_no_salad_of_good_words_outweigh_where_it_came_from() -> None:
    pitch = [*alike("s", 0.97, 10), *alike("net:", 0.97, 4), *alike("link:", 0.97, 2)]
    assert evidence([*pitch, *alike("h", 0.03, 20)], MANY, NONE) > 0


def test_it_takes_off_what_is_due_to_the_numbers_of_lessons_alone() -> None:
    words = alike("s", 0.95, 10)
    even = evidence(words, MANY, NONE)
    assert evidence(words, Tally(200, 20), NONE) == pytest.approx(even - 6)
    assert evidence(words, Tally(20, 200), NONE) == pytest.approx(even + 4)


def test_it_stays_finite_with_the_strongest_evidence() -> None:
    sure = alike("s", 1 - 1e-9, MOST_CLUES)
    assert points(evidence(sure, MANY, NONE), MANY, NONE) == SPAM_POINTS
    none = alike("h", 1e-9, MOST_CLUES)
    assert points(evidence(none, MANY, NONE), MANY, NONE) == HAM_POINTS


def test_it_counts_a_pair_and_its_words_once() -> None:
    found = [
        Clue("cheap pills", 0.99),
        Clue("cheap", 0.95),
        Clue("pills", 0.94),
        Clue("buy", 0.93),
        Clue("buy now", 0.9),
        Clue("subject:cheap", 0.9),
        Clue("link:a.pills.example", 0.9),
        Clue("link-domain:pills.example", 0.9),
        Clue("link:b.pills.example", 0.9),
    ]
    names = [clue.name for clue in strongest(found)]
    assert names == ["cheap pills", "buy", "subject:cheap", "link:a.pills.example"]
    assert len(strongest(Clue(str(number), 0.9) for number in range(500))) == MOST_CLUES


def test_it_gives_points_by_the_evidence() -> None:
    enough = needed(MANY, NONE)
    assert points(0, MANY, NONE) == 0
    worths = [points(number / 100 * enough, MANY, NONE) for number in range(-300, 301)]
    assert worths == sorted(worths)
    assert worths[0] == HAM_POINTS
    assert worths[-1] == SPAM_POINTS
    assert points(enough, MANY, NONE) == 5
    assert points(-enough / 2, MANY, NONE) == HAM_POINTS / 2


def test_it_is_worth_little_where_it_is_half_sure() -> None:
    """A rule that names the same words (three points) must not make spam of a newsletter."""
    assert points(needed(MANY, NONE) / 2, MANY, NONE) < 1


def test_it_asks_for_more_where_it_knows_less() -> None:
    few, some, many = (points(8.3, Tally(n, n), NONE) for n in (20, 200, 2_000))
    assert 0.5 < few < some < 5 < many
    assert points(8.3, Tally(2_000, 20), NONE) == few
    assert points(8.3, Tally(10, 10), Tally(200, 200)) == some
