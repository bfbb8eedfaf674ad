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
    indicator,
    is_taught,
    points,
    strongest,
)

NONE = Tally()
MANY = Tally(200, 200)


def told(name: str, spam: int, ham: int, own: Tally = NONE) -> Told:
    return Told(name, Tally(spam, ham), own)


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
    assert 0.9 < seldom < 0.93
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
    many = one(told("crypto", 90, 300, Tally(80, 0)), every, Tally(100, 100))
    assert few < 0.1
    assert many > 0.8


def test_it_is_not_misled_by_a_first_lesson() -> None:
    """Marking one message as spam must not make spam of every usual word in it."""
    found = clues([told("the", 101, 100, Tally(1, 0))], Tally(201, 200), Tally(1, 0))
    assert found == []


def test_it_takes_many_words_for_no_more_witnesses_than_they_are() -> None:
    """A hundred words of spam beside fifty of ham: probable, where Fisher's method is certain of
    both and says nothing."""
    mixed = [Clue(f"s{number}", 0.95) for number in range(100)]
    mixed += [Clue(f"h{number}", 0.05) for number in range(50)]
    assert 0.7 < indicator(mixed) < 0.99


def test_it_combines_evidence_of_one_side() -> None:
    spam = [Clue(f"s{number}", 0.95) for number in range(10)]
    ham = [Clue(f"h{number}", 0.05) for number in range(10)]
    assert indicator(spam) > 0.9999
    assert indicator(ham) < 0.0001
    assert indicator([*spam, *ham]) == pytest.approx(0.5, abs=0.001)
    assert indicator([]) == 0.5
    assert indicator([Clue("x", 0.5)] * 20) == pytest.approx(0.5)


def test_it_agrees_with_chi_squared() -> None:
    """The upper tail for 4 degrees of freedom is exp(-x/2) * (1 + x/2)."""
    pair = [Clue("a", 0.9), Clue("b", 0.8)]
    low = -math.log(0.1 * 0.2)
    high = -math.log(0.9 * 0.8)
    expected = (1 + math.exp(-high) * (1 + high) - math.exp(-low) * (1 + low)) / 2
    assert indicator(pair) == pytest.approx(expected)


def test_it_stays_finite_with_the_strongest_evidence() -> None:
    sure = [Clue(str(number), 1 - 1e-9) for number in range(MOST_CLUES)]
    assert indicator(sure) == pytest.approx(1)
    assert indicator([Clue(one.name, 1e-9) for one in sure]) == pytest.approx(0)
    assert points(indicator(sure), MANY, NONE) == SPAM_POINTS


def test_it_counts_a_pair_and_its_words_once() -> None:
    found = [
        Clue("cheap pills", 0.99),
        Clue("cheap", 0.95),
        Clue("pills", 0.94),
        Clue("buy", 0.93),
        Clue("buy now", 0.9),
        Clue("subject:cheap", 0.9),
    ]
    names = [clue.name for clue in strongest(found)]
    assert names == ["cheap pills", "buy", "subject:cheap"]
    assert len(strongest(Clue(str(number), 0.9) for number in range(500))) == MOST_CLUES


def test_it_gives_points_by_the_odds() -> None:
    assert points(0.5, MANY, NONE) == 0
    worths = [points(number / 100, MANY, NONE) for number in range(101)]
    assert worths == sorted(worths)
    assert worths[0] == HAM_POINTS
    assert worths[-1] == SPAM_POINTS
    assert worths[60] < 3 < 4 < worths[80] < 5 < worths[97]
    assert points(0.01, MANY, NONE) == pytest.approx(-1.65, abs=0.01)


def test_it_asks_for_more_where_it_knows_less() -> None:
    """Odds of a hundred to one are enough for Junk after many lessons, not after few."""
    odds = 100 / 101
    few, some, many = (points(odds, Tally(n, n), NONE) for n in (20, 150, 1_000))
    assert 4 < few < 5 < some < many
    assert points(odds, Tally(2_000, 20), NONE) == few
    assert points(odds, Tally(10, 10), Tally(150, 150)) == some
