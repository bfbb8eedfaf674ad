"""Guessing is slow for who guesses, and never locks the owner out."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.directory import authentication, throttle
from apps.directory.models import User
from apps.wire.errors import AuthenticationFailed, Throttled
from tests.support.services import free_port, redis

ALICE, BOB = "alice@example.test", "bob@example.test"
HOME, HOTEL, ATTACKER = "192.0.2.1", "198.51.100.7", "203.0.113.66"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


def guess(account: str, address: str, times: int = 1) -> int:
    """Try and fail; how many attempts were let through."""
    admitted = 0
    for _ in range(times):
        try:
            attempt = throttle.admit(account, address)
        except Throttled:
            continue
        throttle.failed(attempt)
        admitted += 1
    return admitted


def arrive(account: str, address: str) -> None:
    """Sign in with the right password."""
    throttle.succeeded(throttle.admit(account, address))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::"),
        ("", "local"),
        ("/run/socket", "local"),
    ],
)
def test_it_takes_a_client_by_its_network(address: str, network: str) -> None:
    assert throttle.network_of(address) == network


def test_it_slows_a_network_after_ten_failures(clock: time_machine.Traveller) -> None:
    assert guess(ALICE, ATTACKER, 50) == 11  # the first of the slow ones comes at once

    waits = []
    for _ in range(12):
        waited = 0
        while not guess(ALICE, ATTACKER):
            clock.shift(timedelta(seconds=1))
            waited += 1
        waits.append(waited)

    assert waits == sorted(waits)
    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == throttle.LONGEST_WAIT


def test_it_slows_a_network_that_tries_one_password_on_many_accounts() -> None:
    admitted = sum(guess(f"user{number}@example.test", ATTACKER) for number in range(50))

    assert admitted == 11


def test_it_counts_the_addresses_of_an_ipv6_network_together() -> None:
    assert sum(guess(ALICE, f"2001:db8::{number:x}") for number in range(1, 50)) == 11


def test_it_leaves_other_networks_alone() -> None:
    guess(ALICE, ATTACKER, 50)

    assert guess(BOB, HOTEL, 10) == 10


def test_it_forgets_after_ten_quiet_minutes(clock: time_machine.Traveller) -> None:
    guess(ALICE, ATTACKER, 50)
    clock.shift(timedelta(seconds=throttle.WINDOW + 1))

    assert guess(ALICE, ATTACKER, 10) == 10


def test_it_does_not_forget_while_guessing_goes_on(clock: time_machine.Traveller) -> None:
    guess(ALICE, ATTACKER, 10)
    for _ in range(20):
        clock.shift(timedelta(seconds=throttle.LONGEST_WAIT))
        assert guess(ALICE, ATTACKER, 20) == 1


def test_it_limits_a_botnet(clock: time_machine.Traveller) -> None:
    bots = [f"203.0.113.{number}" for number in range(50)]

    admitted = []
    for _ in range(40):
        admitted.append(sum(guess(ALICE, bot) for bot in bots))
        clock.shift(timedelta(seconds=1))

    assert admitted[0] <= 10 + throttle.FRESH_PACE + 1
    assert max(admitted[1:]) <= throttle.FRESH_PACE + 1
    # Each network is a fresh one three times: 150 attempts, ten a second.
    assert max(admitted[20:]) <= 1


def test_it_lets_the_owner_in_from_a_known_network_during_an_attack() -> None:
    arrive(ALICE, HOME)
    for number in range(100):
        guess(ALICE, f"203.0.113.{number}", 5)

    for _ in range(20):
        arrive(ALICE, HOME)


def test_it_lets_the_owner_in_from_a_fresh_network_during_an_attack(
    clock: time_machine.Traveller,
) -> None:
    bots = [f"203.0.113.{number}" for number in range(50)]
    seconds = 0
    while True:
        # The bots are quicker, every second; but after three failures they are no fresh networks.
        for bot in bots:
            guess(ALICE, bot, 3)
        try:
            arrive(ALICE, HOTEL)
        except Throttled:
            clock.shift(timedelta(seconds=1))
            seconds += 1
        else:
            break

    assert seconds <= throttle.FRESH * len(bots) / throttle.FRESH_PACE
    arrive(ALICE, HOTEL)


def test_it_lets_the_owner_in_at_once_when_the_bots_are_known(
    clock: time_machine.Traveller,
) -> None:
    bots = [f"203.0.113.{number}" for number in range(20)]
    for _ in range(10):
        for bot in bots:
            guess(ALICE, bot)
        clock.shift(timedelta(seconds=1))

    for number in range(3):
        for bot in bots:
            guess(ALICE, bot)
        hotel = f"198.51.100.{number}"
        assert guess(ALICE, hotel, 2) == 2  # two slips
        arrive(ALICE, hotel)


def test_it_never_locks_an_account(clock: time_machine.Traveller) -> None:
    for number in range(200):
        guess(ALICE, f"203.0.113.{number}", 10)
    clock.shift(timedelta(seconds=1))

    arrive(ALICE, HOTEL)


def test_it_gives_known_networks_a_budget_of_their_own() -> None:
    arrive(ALICE, HOME)

    assert guess(ALICE, HOME, 50) == 11  # a wrong device at home
    assert guess(BOB, HOME, 10) == 10  # somebody else at home
    assert guess(ALICE, HOTEL, 10) == 10


def test_it_gives_no_budget_back_for_a_success_at_another_account() -> None:
    admitted = 0
    for _ in range(30):
        arrive("mallory@example.test", ATTACKER)
        admitted += guess(ALICE, ATTACKER)

    assert admitted == 11


def test_it_knows_a_network_for_thirty_days(clock: time_machine.Traveller) -> None:
    arrive(ALICE, HOME)
    clock.shift(timedelta(days=29))
    assert throttle.admit(ALICE, HOME).known
    arrive(ALICE, HOME)
    clock.shift(timedelta(days=29))
    assert throttle.admit(ALICE, HOME).known
    clock.shift(timedelta(days=2))
    assert not throttle.admit(ALICE, HOME).known


def test_it_keeps_pairs_apart() -> None:
    arrive(ALICE, HOME)

    assert not throttle.admit(BOB, HOME).known
    assert not throttle.admit(ALICE, HOTEL).known


def test_it_hides_what_was_typed_from_the_cache() -> None:
    attempt = throttle.admit("hunter2 \r\n" * 100, HOME)

    assert "hunter2" not in attempt.account
    assert len(attempt.account) == 24


def test_it_answers_throttled_without_work(alice: User) -> None:
    guess(ALICE, ATTACKER, 50)

    with CaptureQueriesContext(connection) as queries, pytest.raises(Throttled):
        sign_in("correct horse battery", ATTACKER)
    assert len(queries) == 0


def test_it_counts_only_failures(alice: User) -> None:
    for _ in range(30):
        sign_in("correct horse battery", HOME)

    assert guess(ALICE, HOME, 10) == 10


def test_it_counts_in_redis_for_all_processes(settings: Settings) -> None:
    with redis() as server:
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": server.url,
            }
        }
        arrive(ALICE, HOME)
        assert guess(ALICE, ATTACKER, 50) == 11
        assert sum(guess(ALICE, f"198.51.100.{number}") for number in range(30)) >= 1
        assert throttle.admit(ALICE, HOME).known
        assert guess(ALICE, HOME, 50) == 11
        counted = [cache.get(f"auth:failed:{ATTACKER}"), cache.get(f"auth:today:{ATTACKER}")]
        cache.close()

    assert counted == [11, 11]


@pytest.mark.parametrize("kind", ["gone", "refused"])
def test_it_signs_in_without_limits_when_the_cache_is_down(
    alice: User,
    settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    where = f"unix://{tmp_path}/none" if kind == "gone" else f"redis://127.0.0.1:{free_port()}"
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": where}
    }
    for number in range(15):
        with pytest.raises(AuthenticationFailed):
            sign_in(f"wrong {number}", ATTACKER)

    assert sign_in("correct horse battery", ATTACKER) == alice.pk
    # One complaint, and no time-out per attempt: the cache is left alone for a while.
    assert [record.name for record in caplog.records].count("apps.directory.throttle") == 1


def sign_in(password: str, address: str) -> int:
    return authentication.authenticate(
        username=ALICE, password=password, address=address, door="imap"
    ).user_id
