"""How connections are shared among destinations: the dead, the slow and the busy delay nobody."""

from collections import deque
from typing import Any, cast

from apps.delivery.outbound.lines import CLAIM, Line, Paces, Shares
from apps.delivery.outbound.pace import Pace, Trust


def line(
    name: str, waiting: int = 1, lanes: int = 0, *, trust: Trust = Trust.NEW, most: int = 20
) -> Line:
    pace = Pace(most, 0)
    if trust is Trust.PROVEN:
        for _ in range(1000):
            pace.went_well()
    elif trust is Trust.DOUBTFUL:
        pace.could_not_be_reached()
    return Line(name, pace, waiting=deque(cast(Any, range(waiting))), lanes=lanes)


def deal(shares: Shares, lines: list[Line]) -> dict[str, int]:
    """Give out all connections that may be given; how many each line got."""
    while (chosen := shares.next(lines, 0.0)) is not None:
        chosen.lanes += 1
    return {one.name: one.lanes for one in lines}


def test_it_gives_each_line_one_before_any_has_two() -> None:
    busy = line("busy", waiting=1000, trust=Trust.PROVEN)
    quiet = [line(f"quiet{number}", trust=Trust.PROVEN) for number in range(9)]
    got = deal(Shares(10), [busy, *quiet])
    assert set(got.values()) == {1}


def test_it_gives_a_busy_line_no_more_than_its_pace() -> None:
    assert deal(Shares(100), [line("new", 50)]) == {"new": 2}
    assert deal(Shares(100), [line("well", 50, trust=Trust.PROVEN)]) == {"well": 20}
    assert deal(Shares(100), [line("down", 50, trust=Trust.DOUBTFUL)]) == {"down": 1}


def test_it_keeps_half_of_the_connections_from_those_that_fail() -> None:
    dead = [line(f"dead{number}", trust=Trust.DOUBTFUL) for number in range(1000)]
    assert sum(deal(Shares(100), dead).values()) == 50


def test_it_keeps_a_quarter_for_those_that_are_known_to_be_well() -> None:
    dead = [line(f"dead{number}", trust=Trust.DOUBTFUL) for number in range(1000)]
    new = [line(f"new{number}") for number in range(1000)]
    assert sum(deal(Shares(100), dead + new).values()) == 75


def test_it_lets_those_that_are_well_have_the_rest() -> None:
    dead = [line(f"dead{number}", trust=Trust.DOUBTFUL) for number in range(1000)]
    well = [line(f"well{number}", trust=Trust.PROVEN) for number in range(10)]
    shares = Shares(100)
    deal(shares, dead)
    while (chosen := shares.next(dead + well, 0.0)) is not None:
        chosen.lanes += 1
    assert all(one.lanes >= 1 for one in well)
    assert sum(one.lanes for one in dead) == 50


def test_it_lets_one_connection_serve_whoever_there_is() -> None:
    assert deal(Shares(1), [line("dead", trust=Trust.DOUBTFUL)]) == {"dead": 1}
    assert deal(Shares(1), [line("new")]) == {"new": 1}


def test_it_gives_nothing_to_a_line_that_rests() -> None:
    resting = line("resting")
    resting.rests_until = 10.0
    assert Shares(10).next([resting], 5.0) is None
    assert Shares(10).next([resting], 10.0) is resting


def test_it_claims_little_where_little_is_known() -> None:
    assert line("dead", trust=Trust.DOUBTFUL).claim_limit == 1
    assert line("new").claim_limit == CLAIM[Trust.NEW]
    assert line("well", trust=Trust.PROVEN).claim_limit == CLAIM[Trust.PROVEN]


def test_it_claims_no_more_than_the_rate_lets_go() -> None:
    assert Line("slow", Pace(20, 6)).claim_limit == 1


def test_it_is_over_when_nothing_is_left() -> None:
    one = Line("a", Pace(20, 0))
    assert not one.is_over  # nobody has looked yet
    one.is_dry = True
    assert one.is_over
    one.lanes = 1
    assert not one.is_over


def test_it_remembers_the_pace_of_a_destination() -> None:
    paces = Paces(20, 0)
    pace = paces.of("mx/a.test", 0)
    for _ in range(100):
        pace.went_well()
    assert paces.of("mx/a.test", 0) is pace
    assert paces.of("mx/b.test", 0) is not pace


def test_it_begins_anew_when_others_found_that_it_came_back_or_went_away() -> None:
    paces = Paces(20, 0)
    pace = paces.of("mx/a.test", 0)
    for _ in range(100):
        pace.went_well()
    down = paces.of("mx/a.test", 2)
    assert (down.limit, down.trust) == (1, Trust.DOUBTFUL)
    assert paces.of("mx/a.test", 3) is down
    assert paces.of("mx/a.test", 0).trust is Trust.NEW


def test_it_remembers_a_bounded_number_of_destinations() -> None:
    paces = Paces(20, 0)
    first = paces.of("mx/first.test", 0)
    for number in range(10_000):
        paces.of(f"mx/d{number}.test", 0)
    assert paces.of("mx/first.test", 0) is not first
