"""fetchmail takes mail over IMAP and hands it to a program of its user's."""

import pytest

from tests.clients.collecting import Collection
from tests.clients.desk import Desk, Done, letter
from tests.clients.page import snippet
from tests.clients.terminal import terminal

# It wants names of folders as they go over the wire (RFC 3501 s5.1.3).
FOLDER = "Bücher/Märchen"
FOLDERS = 'INBOX, "B&APw-cher/M&AOQ-rchen"'
LETTERS = [letter(number) for number in range(12)]
NOTHING_NEW = 1
SECONDS = 20.0


class Collector(Collection):
    """fetchmail, and what it has taken."""

    def configure(self, options: str, door: str = "IMAPS", folders: str = FOLDERS) -> None:
        text = snippet(
            "fetchmail",
            poll=f"poll %HOST% protocol IMAP port %{door}%",
            folder=f"folder {folders}",
            keep=f"{options}, fetchlimit 100",
            mda='mda "%HOME%/deliver"',
        )
        if door == "IMAP":
            text = text.replace(" ssl sslcertck", " sslproto TLS1.2+ sslcertck")
        # Run by root, all of them on a machine would share one pid file.
        own = 'set invisible\nset no bouncemail\nset pidfile "%HOME%/fetchmail.pid"\n'
        self.desk.write(".fetchmailrc", own + text)

    def fetch(self, *statuses: int) -> Done:
        return self.desk.run("fetchmail", "-v", "--nosyslog", statuses=statuses or (0,))


@pytest.fixture
def collector(desk: Desk) -> Collector:
    with desk.imap() as client:
        client.create_folder(FOLDER)
    desk.put(*LETTERS[:8])
    desk.put(*LETTERS[8:], folder=FOLDER)
    return Collector(desk)


@pytest.mark.parametrize("door", ["IMAPS", pytest.param("IMAP", marks=pytest.mark.long)])
def test_it_keeps_what_it_takes(desk: Desk, collector: Collector, door: str) -> None:
    collector.configure("keep", door)
    collector.fetch()
    assert collector.texts() == sorted(LETTERS)
    assert sorted([*desk.messages().values(), *desk.messages(FOLDER).values()]) == sorted(LETTERS)
    assert all(rb"\Seen" in flags for flags in desk.flags().values())
    before = desk.flags(), desk.flags(FOLDER)

    collector.fetch(NOTHING_NEW)
    assert len(collector.texts()) == len(LETTERS)
    assert (desk.flags(), desk.flags(FOLDER)) == before

    desk.receive(letter(50))
    collector.fetch()
    assert len(collector.texts()) == len(LETTERS) + 1


@pytest.mark.parametrize("expunge", ["", "expunge 3"])
def test_it_deletes_what_it_takes(desk: Desk, collector: Collector, expunge: str) -> None:
    collector.configure(f"no keep, {expunge}" if expunge else "no keep")
    collector.fetch()
    assert collector.texts() == sorted(LETTERS)
    assert desk.messages() == desk.messages(FOLDER) == {}
    collector.fetch(NOTHING_NEW)
    assert len(collector.texts()) == len(LETTERS)


def test_it_leaves_what_was_read_unless_it_is_told(desk: Desk, collector: Collector) -> None:
    with desk.imap() as client:
        client.select_folder("INBOX")
        client.add_flags([1, 2, 3], [rb"\Seen"])
    collector.configure("no keep")
    collector.fetch()
    assert collector.texts() == sorted(LETTERS[3:])
    assert list(desk.messages().values()) == LETTERS[:3]
    collector.configure("no keep, fetchall")
    collector.fetch()
    assert collector.texts() == sorted(LETTERS)
    assert desk.messages() == {}


def test_it_takes_large_and_odd_messages(desk: Desk, collector: Collector) -> None:
    odd = [
        b"Subject: \xfcberall\r\n\r\nBody in Latin-1: \xe4\r\n",
        b"Subject: no body\r\n\r\n",
        b"Subject: big\r\n\r\n" + b"0123456789 abcdefghijklmnopqrstuvwxyz\r\n" * 20_000,
    ]
    desk.put(*odd)
    collector.configure("keep")
    collector.fetch()
    assert collector.texts() == sorted([*LETTERS, *odd])


def test_it_waits_for_mail(desk: Desk, collector: Collector) -> None:
    """With IDLE: what arrives is here at once, not at the next poll."""
    collector.configure("keep, idle", folders="INBOX")
    words = ["fetchmail", "-v", "--nodetach", "--nosyslog", "--daemon", "600"]
    with terminal(words, desk.home, desk.environment()) as screen:
        screen.wait_for(
            lambda: b"> A0" in screen.drawn and b" IDLE" in screen.drawn, SECONDS, "IDLE"
        )
        for number in (70, 71):
            desk.receive(letter(number))
            screen.wait_for(
                lambda number=number: any(  # type: ignore[misc]
                    b"Subject: Letter %d\r" % number in raw for raw in collector.texts()
                ),
                SECONDS,
                "message",
            )
    assert len(collector.texts()) == 10
