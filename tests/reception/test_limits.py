"""What is too much, of whom, and who tries names."""

from collections.abc import Callable

import pytest

from apps.reception.limits import (
    CONNECTIONS,
    MESSAGES,
    NETWORK,
    RECIPIENTS,
    SHARE,
    Limits,
    Throttle,
)
from apps.reception.rates import Rates
from tests.reception.test_rates import Clock

ADDRESS = "198.51.100.7"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Callable[..., Throttle]:
    def make(limits: Limits) -> Throttle:
        return Throttle(Rates(clock=clock), limits)

    return make


def bring(throttle: Throttle, kind: str, address: str, times: int) -> int:
    """Try so many; return how many were taken."""
    taken = 0
    for _ in range(times):
        if not throttle.excess(kind, address):
            throttle.count(kind, address)
            taken += 1
    return taken


def test_it_takes_so_many_a_minute_and_so_many_an_hour(
    throttle: Callable[..., Throttle], clock: Clock
) -> None:
    one = throttle(Limits(per_minute=(3, 5, 7), per_hour=(4, 0, 0)))
    assert bring(one, CONNECTIONS, ADDRESS, 10) == 3
    assert one.excess(CONNECTIONS, ADDRESS) == (
        f"more than 3 connections within a minute from {ADDRESS}"
    )
    assert bring(one, MESSAGES, ADDRESS, 10) == 5
    assert bring(one, RECIPIENTS, ADDRESS, 10) == 7
    clock.now += 180
    assert bring(one, CONNECTIONS, ADDRESS, 10) == 1
    assert "4 connections within an hour" in one.excess(CONNECTIONS, ADDRESS)
    assert bring(one, MESSAGES, ADDRESS, 10) == 5


def test_it_lets_a_patient_client_keep_the_pace(
    throttle: Callable[..., Throttle], clock: Clock
) -> None:
    """What was refused is not counted: nobody shuts itself out by coming back too soon."""
    one = throttle(Limits(per_minute=(60, 60, 60), per_hour=(0, 0, 0)))
    taken = 0
    for _ in range(600):
        clock.now += 1
        taken += bring(one, MESSAGES, ADDRESS, 10)
    assert 500 <= taken <= 700


def test_it_gives_a_network_four_times_as_much(throttle: Callable[..., Throttle]) -> None:
    one = throttle(Limits(per_minute=(5, 5, 5), per_hour=(0, 0, 0)))
    taken = [bring(one, MESSAGES, f"198.51.100.{number}", 10) for number in range(10)]
    assert taken == [5] * NETWORK + [0] * (10 - NETWORK)
    assert "198.51.100.0/24" in one.excess(MESSAGES, "198.51.100.200")
    assert one.excess(MESSAGES, "198.51.101.1") == ""


def test_it_counts_an_ipv6_customer_once(throttle: Callable[..., Throttle]) -> None:
    one = throttle(Limits(per_minute=(5, 5, 5), per_hour=(0, 0, 0)))
    assert sum(bring(one, MESSAGES, f"2001:db8:0:1::{number:x}", 1) for number in range(50)) == 5
    assert sum(bring(one, MESSAGES, f"2001:db8:0:{number:x}::1", 9) for number in range(2, 99)) == (
        5 * NETWORK - 5
    )
    assert one.excess(MESSAGES, "2001:db8:1::1") == ""


def test_it_has_no_limit_where_it_is_zero(throttle: Callable[..., Throttle]) -> None:
    one = throttle(Limits(per_minute=(0, 0, 0), per_hour=(0, 0, 0), unknown=0, per_user=0))
    assert bring(one, MESSAGES, ADDRESS, 20_000) == 20_000
    for _ in range(1_000):
        one.unknown(ADDRESS)
        one.taken(ADDRESS, [1], 1)
    for _ in range(1_001):
        one.unknown(ADDRESS)
    assert not one.is_harvesting(ADDRESS)
    assert not one.is_flooded(1, ADDRESS)


def test_it_makes_who_tries_names_wait_longer_and_longer(
    throttle: Callable[..., Throttle], clock: Clock
) -> None:
    one = throttle(Limits(unknown=50))
    pauses = [one.unknown(ADDRESS) for _ in range(20)]
    assert pauses[:5] == [0.0] * 5
    assert pauses[5:10] == [0.5, 1.0, 1.5, 2.0, 2.5]
    assert max(pauses) == 5.0
    assert one.unknown("203.0.113.1") == 0.0
    clock.now += 2 * 3_600
    assert one.unknown(ADDRESS) == 0.0


def test_it_knows_a_harvester_across_connections(throttle: Callable[..., Throttle]) -> None:
    one = throttle(Limits(unknown=10))
    for number in range(11):
        assert not one.is_harvesting(ADDRESS), number
        one.unknown(ADDRESS)
    assert one.is_harvesting(ADDRESS)
    assert not one.is_harvesting("198.51.100.8")


def test_it_knows_a_harvester_that_spreads_over_its_network(
    throttle: Callable[..., Throttle],
) -> None:
    one = throttle(Limits(unknown=10))
    for number in range(NETWORK * 10 + 1):
        one.unknown(f"198.51.100.{number}")
    assert one.is_harvesting("198.51.100.200")
    assert not one.is_harvesting("198.51.101.200")


def test_it_takes_no_large_sender_for_a_harvester(throttle: Callable[..., Throttle]) -> None:
    """Of much mail some is always for people who have gone."""
    one = throttle(Limits(unknown=10))
    for _ in range(100):
        one.taken(ADDRESS, [1], 2)
        one.unknown(ADDRESS)
    assert not one.is_harvesting(ADDRESS)


def test_it_bounds_the_mail_for_one_mailbox(
    throttle: Callable[..., Throttle], clock: Clock
) -> None:
    one = throttle(Limits(per_user=100))
    for number in range(100):
        address = f"198.51.{number}.7"
        assert not one.is_flooded(7, address)
        one.taken(address, [7], 1)
    assert one.is_flooded(7, ADDRESS)
    assert not one.is_flooded(8, ADDRESS)
    clock.now += 2 * 3_600
    assert not one.is_flooded(7, ADDRESS)


def test_it_lets_no_network_fill_a_mailboxs_measure_alone(
    throttle: Callable[..., Throttle],
) -> None:
    """Otherwise one stranger could keep everybody else's mail away."""
    one = throttle(Limits(per_user=100))
    taken = 0
    for number in range(1_000):
        address = f"198.51.100.{number % 250}"
        if not one.is_flooded(7, address):
            taken += 1
            one.taken(address, [7], 1)
    assert taken == 100 // SHARE
    assert not one.is_flooded(7, "203.0.113.1")
