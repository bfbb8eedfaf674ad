"""Who may connect: no stranger at an address can shut out the others there."""

import pytest

from apps.runtime import connections
from apps.runtime.connections import Connections, Lease, network_of

HERE, THERE = "192.0.2.1", "198.51.100.7"


def _admit(book: Connections, address: str, count: int, door: str = "imap") -> list[Lease]:
    leases = [book.admit(address, door) for _ in range(count)]
    return [lease for lease in leases if lease is not None]


def test_it_counts_addresses_apart() -> None:
    book = Connections(per_address=2, total=100)
    for lease in _admit(book, HERE, 2):
        lease.heard()
        lease.busy = True
    assert book.admit(HERE, "imap") is None
    assert book.admit(THERE, "imap") is not None
    assert book.admit(HERE, "smtp") is not None  # and doors


def test_it_closes_the_oldest_silent_one_for_a_newcomer() -> None:
    book = Connections(per_address=3, total=100)
    closed: list[int] = []
    for number, lease in enumerate(_admit(book, HERE, 3)):
        lease.closes_with(lambda number=number: closed.append(number))  # type: ignore[misc]
    assert book.admit(HERE, "imap") is not None
    assert book.admit(HERE, "imap") is not None
    assert closed == [0, 1]
    assert len(book) == 3


def test_it_lets_users_in_past_two_hundred_idle_strangers() -> None:
    book = Connections(per_address=50, total=1000)
    _admit(book, HERE, 200)
    signed_in = book.admit(HERE, "imap")
    assert signed_in is not None
    assert signed_in.signed_in(7)
    _admit(book, HERE, 200)
    for user in range(60):  # more than an address may have without signing in
        newcomer = book.admit(HERE, "imap")
        assert newcomer is not None
        assert newcomer.signed_in(user)
    assert signed_in.is_signed_in
    assert book.users_connections(7) == 2


def test_it_never_closes_who_has_spoken_and_is_not_idle() -> None:
    book = Connections(per_address=2, total=100)
    first, second = _admit(book, HERE, 2)
    first.heard()
    second.heard()
    assert book.admit(HERE, "imap") is None


def test_it_closes_the_longest_idle_when_all_have_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    time = 1000.0
    monkeypatch.setattr("apps.runtime.connections.time.monotonic", lambda: time)
    book = Connections(per_address=3, total=100)
    closed: list[str] = []
    first, second, third = _admit(book, HERE, 3)
    for name, lease in (("first", first), ("second", second), ("third", third)):
        lease.closes_with(lambda name=name: closed.append(name))  # type: ignore[misc]
        lease.heard()
    first.busy = True  # in the middle of a command: not idle, however long it takes
    time += connections.IDLE + 1
    third.heard()
    assert book.admit(HERE, "imap") is not None
    assert closed == ["second"]
    assert book.admit(HERE, "imap") is not None  # in place of the newcomer, who was silent
    assert closed == ["second"]


def test_it_keeps_the_whole_within_its_bound() -> None:
    book = Connections(per_address=10, total=4)
    closed: list[str] = []
    for number in range(4):
        lease = book.admit(f"192.0.2.{number}", "imap")
        assert lease is not None
        lease.closes_with(lambda number=number: closed.append(str(number)))  # type: ignore[misc]
        if number != 2:
            lease.signed_in(number)
    assert book.admit(THERE, "imap") is not None
    assert closed == ["2"]
    last = book.admit(THERE, "imap")
    assert last is not None
    last.signed_in(9)
    assert book.admit(THERE, "imap") is None  # only signed-in users are left
    assert len(book) == 4


def test_it_bounds_the_connections_of_a_user() -> None:
    book = Connections(per_address=10, total=100, per_user=2)
    first, second, third = _admit(book, HERE, 3)
    assert first.signed_in(1)
    assert second.signed_in(1)
    assert not third.signed_in(1)
    assert not third.is_signed_in
    first.release()
    assert third.signed_in(1)


def test_it_moves_a_connection_that_signs_in_again() -> None:
    book = Connections(per_address=10, total=100)
    (lease,) = _admit(book, HERE, 1)
    lease.signed_in(1)
    lease.signed_in(2)
    assert (book.users_connections(1), book.users_connections(2)) == (0, 1)


def test_it_tells_each_release_once() -> None:
    released: list[Lease] = []
    book = Connections(per_address=1, total=100, on_release=released.append)
    (lease,) = _admit(book, HERE, 1)
    lease.heard()
    lease.release()
    lease.release()
    assert released == [lease]
    lease.heard()  # harmless afterwards
    assert lease.signed_in(1)
    assert book.users_connections(1) == 0
    assert len(book) == 0


def test_it_holds_nothing_for_addresses_that_left() -> None:
    book = Connections(per_address=2, total=100)
    for number in range(50):
        lease = book.admit(f"10.0.0.{number}", "imap")
        assert lease is not None
        lease.heard()
        lease.release()
    assert book._places == {}
    assert not book._silent


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not an address", "not an address"),
    ],
)
def test_it_takes_a_64_for_one_client(address: str, network: str) -> None:
    assert network_of(address) == network
