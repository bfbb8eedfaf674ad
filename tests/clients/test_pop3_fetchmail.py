"""fetchmail takes mail over POP3 and hands it to a program of its user's."""

import pytest

from tests.clients.collecting import Collection
from tests.clients.desk import Desk, Done, letter
from tests.clients.page import snippet

LARGE = b"Subject: large\r\n\r\n" + b".0123456789 abcdefghijklmnopqrstuvwxyz\r\n" * 20_000
LETTERS = [*(letter(number) for number in range(9)), LARGE]
NOTHING_NEW = 1
IN_USE = 9  # "lock busy"
FETCH_LIMIT = 13


class Collector(Collection):
    """fetchmail, and what it has taken."""

    def configure(self, options: str, door: str = "POP3S", uidl: str = "") -> None:
        text = snippet(
            "fetchmail",
            poll=f"poll %HOST% protocol POP3 port %{door}% {uidl}",
            folder="",
            keep=options,
            mda='mda "%HOME%/deliver"',
        )
        if door == "POP3":
            text = text.replace(" ssl sslcertck", " sslproto TLS1.2+ sslcertck")
        # Run by root, all of them on a machine would share one pid file.
        own = 'set invisible\nset no bouncemail\nset pidfile "%HOME%/fetchmail.pid"\n'
        self.desk.write(".fetchmailrc", own + text)

    def fetch(self, *statuses: int) -> Done:
        return self.desk.run("fetchmail", "-v", "--nosyslog", statuses=statuses or (0,))


@pytest.fixture
def collector(desk: Desk) -> Collector:
    desk.put(*LETTERS)
    return Collector(desk)


@pytest.mark.parametrize("door", ["POP3S", pytest.param("POP3", marks=pytest.mark.long)])
def test_it_keeps_what_it_takes(desk: Desk, collector: Collector, door: str) -> None:
    collector.configure("keep", door, "uidl")
    collector.fetch()
    assert collector.texts() == sorted(LETTERS)
    assert list(desk.messages().values()) == LETTERS
    # It asks by TOP what it will keep, so that nothing is marked as read.
    assert not any(desk.flags().values())

    collector.fetch(NOTHING_NEW)
    assert len(collector.texts()) == len(LETTERS)

    desk.receive(letter(50))
    collector.fetch()
    assert len(collector.texts()) == len(LETTERS) + 1


def test_it_deletes_what_it_takes(desk: Desk, collector: Collector) -> None:
    collector.configure("no keep")
    collector.fetch()
    assert collector.texts() == sorted(LETTERS)
    assert desk.messages() == {}
    collector.fetch(NOTHING_NEW)
    assert len(collector.texts()) == len(LETTERS)


def test_it_knows_again_what_it_left(desk: Desk, collector: Collector) -> None:
    collector.configure("keep, fetchlimit 4", uidl="uidl")
    for taken, status in ((4, FETCH_LIMIT), (8, FETCH_LIMIT), (len(LETTERS), 0)):
        collector.fetch(status)
        assert len(collector.texts()) == taken
    collector.fetch(NOTHING_NEW)
    assert collector.texts() == sorted(LETTERS)
    assert list(desk.messages().values()) == LETTERS


def test_it_leaves_what_is_too_large(desk: Desk, collector: Collector) -> None:
    collector.configure("no keep, limit 100000")
    collector.fetch()
    assert collector.texts() == sorted(LETTERS[:-1])
    assert list(desk.messages().values()) == [LARGE]


def test_it_tells_its_user_who_holds_the_mailbox(desk: Desk, collector: Collector) -> None:
    collector.configure("keep")
    with desk.pop3() as other:
        assert other.stat()[0] == len(LETTERS)
        assert "another session" in collector.fetch(IN_USE).said.lower()
    collector.fetch()
    assert collector.texts() == sorted(LETTERS)
