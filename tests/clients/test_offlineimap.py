"""OfflineIMAP keeps a Maildir and a mailbox equal, both ways."""

import re
from pathlib import Path

import pytest

from tests.clients import maildir
from tests.clients.desk import Desk, Done, letter
from tests.clients.page import snippet
from tests.clients.terminal import terminal

NESTED = "Reisen/Zürich/Sommer & Herbst (1)"
LETTERS = [letter(number) for number in range(20)]
DEFAULTS = {"INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"}
CHANGES = re.compile(r"> b'[A-Z]+\d+ (APPEND|STORE|COPY|CREATE|DELETE|RENAME|UID (?!FETCH|SEARCH))")


class Mirror:
    """A Maildir that OfflineIMAP keeps equal to the mailbox."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.root = desk.home / "Mail"
        self.root.mkdir()
        self.use("IMAPS")

    def use(self, door: str) -> None:
        yes, no = ("yes", "no") if door == "IMAPS" else ("no", "yes")
        changes = {"remoteport": f"remoteport = %{door}%", "ssl": f"ssl = {yes}"}
        text = snippet("offlineimap", starttls=f"starttls = {no}", **changes)
        self.desk.write(".offlineimaprc", text)

    def __truediv__(self, folder: str) -> Path:
        return self.root / folder

    def texts(self, folder: str) -> list[bytes]:
        return sorted(kept.raw for kept in maildir.messages(self / folder))

    def find(self, folder: str, message: bytes) -> maildir.Kept:
        (kept,) = [kept for kept in maildir.messages(self / folder) if kept.raw == message]
        return kept

    def sync(self, *options: str) -> Done:
        done = self.desk.run("offlineimap", "-o", "-u", "basic", *options)
        assert "ERROR" not in done.said, done.said
        return done


@pytest.fixture
def mirror(desk: Desk) -> Mirror:
    with desk.imap() as client:
        client.create_folder(NESTED)
    desk.put(*LETTERS[:12])
    desk.put(*LETTERS[12:], folder=NESTED, flags=[rb"\Seen", rb"\Flagged"])
    return Mirror(desk)


@pytest.mark.parametrize("door", ["IMAPS", pytest.param("IMAP", marks=pytest.mark.long)])
def test_it_takes_everything_home(desk: Desk, mirror: Mirror, door: str) -> None:
    mirror.use(door)
    mirror.sync()
    assert mirror.texts("INBOX") == sorted(LETTERS[:12])
    assert mirror.texts(NESTED) == sorted(LETTERS[12:])
    assert {kept.letters for kept in maildir.messages(mirror / NESTED)} == {"FS"}
    assert {kept.letters for kept in maildir.messages(mirror / "INBOX")} == {""}
    assert {path.name for path in mirror.root.iterdir()} == {*DEFAULTS, "Reisen"}
    assert not any(desk.flags().values())  # nothing was read


def test_it_has_nothing_to_do_the_second_time(desk: Desk, mirror: Mirror) -> None:
    mirror.sync()
    before = maildir.snapshot(mirror.root), desk.flags(), desk.flags(NESTED)
    done = mirror.sync("-d", "imap")
    assert "> b'" in done.said  # it shows what it sends
    assert not CHANGES.search(done.said)
    assert "Copy message" not in done.said
    assert (maildir.snapshot(mirror.root), desk.flags(), desk.flags(NESTED)) == before


def test_it_brings_back_what_was_done_at_home(desk: Desk, mirror: Mirror) -> None:
    mirror.sync()
    numbers = {raw: uid for uid, raw in desk.messages().items()}
    mirror.find("INBOX", LETTERS[0]).path.unlink()
    mirror.find("INBOX", LETTERS[1]).mark("FRS")
    for kept in maildir.messages(mirror / NESTED):
        kept.mark("")
    written = [letter(number, "x" * 3000) for number in range(100, 110)]
    maildir.make(mirror / "INBOX", written[0])
    maildir.make(mirror / "Entwürfe & Ideen", *written[1:], letters="DS")
    mirror.sync()

    assert sorted(desk.messages().values()) == sorted([*LETTERS[1:12], written[0]])
    flags = desk.flags()
    assert flags[numbers[LETTERS[1]]] == {rb"\Flagged", rb"\Answered", rb"\Seen"}
    assert flags[numbers[LETTERS[2]]] == set()
    assert not any(desk.flags(NESTED).values())
    assert sorted(desk.messages("Entwürfe & Ideen").values()) == sorted(written[1:])
    flags = desk.flags("Entwürfe & Ideen")
    assert all(marks == {rb"\Draft", rb"\Seen"} for marks in flags.values())
    before = maildir.snapshot(mirror.root)
    assert not CHANGES.search(mirror.sync("-d", "imap").said)
    assert maildir.snapshot(mirror.root) == before


def test_it_follows_what_was_done_elsewhere(desk: Desk, mirror: Mirror) -> None:
    mirror.sync()
    numbers = {raw: uid for uid, raw in desk.messages().items()}
    with desk.imap() as client:
        client.select_folder("INBOX")
        client.add_flags(numbers[LETTERS[3]], [rb"\Answered", rb"\Seen"])
        client.move([numbers[LETTERS[4]]], "Archive")
        client.delete_messages([numbers[LETTERS[5]]])
        client.expunge()
        client.append("INBOX", LETTERS[19])
    mirror.sync("-q")  # the quick way: folders whose counts changed
    assert mirror.texts("INBOX") == sorted([LETTERS[19], *LETTERS[:4], *LETTERS[6:12]])
    assert mirror.texts("Archive") == [LETTERS[4]]
    mirror.sync()
    assert mirror.find("INBOX", LETTERS[3]).letters == "RS"


def test_it_keeps_odd_bytes(desk: Desk, mirror: Mirror) -> None:
    odd = [
        b"Subject: \xfcberall\r\n\r\nBody in Latin-1: \xe4\r\n",
        b"Subject: long\r\n\r\n" + b"x" * 5000 + b"\r\n",
        b"Subject: no body\r\n\r\n",
        b"Subject: no line end\r\n\r\nlast line",
        b"Subject: big\r\n\r\n" + b"0123456789 abcdefghijklmnopqrstuvwxyz\r\n" * 20_000,
    ]
    desk.put(*odd, folder="Archive")
    mirror.sync()
    assert mirror.texts("Archive") == sorted(odd)


def test_it_is_told_of_mail_while_it_waits(desk: Desk, mirror: Mirror) -> None:
    """With `idlefolders`: mail that arrives is fetched at once, not at the next round."""
    waiting = "[Account mail]\nautorefresh = 10\n"
    text = snippet("offlineimap").replace("[Account mail]\n", waiting)
    desk.write(".offlineimaprc", f"{text}idlefolders = ['INBOX']\nkeepalive = 60\n")
    words = ["offlineimap", "-u", "basic", "-d", "imap"]
    with terminal(words, desk.home, desk.environment()) as screen:
        screen.wait_for(lambda: b"IDLE\\r\\n" in screen.drawn, 30, "IDLE")
        desk.receive(letter(60))
        screen.wait_for(
            lambda: any(b"Subject: Letter 60\r" in raw for raw in mirror.texts("INBOX")),
            30,
            "message",
        )
    assert len(mirror.texts("INBOX")) == 13
