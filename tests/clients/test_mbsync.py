"""mbsync (isync) keeps two Maildirs and a mailbox equal, both ways."""

import random
import re
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.clients import maildir
from tests.clients.desk import Desk, Done, letter
from tests.clients.page import snippet

# mbsync 1.4 shows names of folders as they go over the wire (RFC 3501 s5.1.3).
NESTED = "Reisen/Zürich/Sommer & Herbst"
NESTED_ON_THE_WIRE = "Reisen/Z&APw-rich/Sommer &- Herbst"
LETTERS = [letter(number) for number in range(40)]
DEFAULTS = {"INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"}
CHANGES = re.compile(r">>> \d+ (APPEND|STORE|COPY|CREATE|DELETE|RENAME|UID (?!FETCH|SEARCH))")


def plain(messages: Iterable[bytes]) -> list[bytes]:
    """Sorted, without the field that mbsync puts into each copy to find it again after a crash."""
    return sorted(re.sub(rb"X-TUID: .{12}\r\n", b"", raw, count=1) for raw in messages)


class Place:
    """A Maildir that mbsync keeps equal to the mailbox."""

    def __init__(self, desk: Desk, name: str, tls: str = "IMAPS") -> None:
        self.desk = desk
        self.root = desk.home / name
        self.root.mkdir(exist_ok=True)
        (desk.home / f"{name}.state").mkdir()
        port = "Port %IMAPS%" if tls == "IMAPS" else "Port %IMAP%"
        text = snippet("mbsync", SSLType=f"SSLType {tls}", Port=port)
        text = text.replace("~/Mail/", f"~/{name}/").replace("~/.mbsync/", f"~/{name}.state/")
        self.config = desk.write(f"{name}.rc", text)

    def __truediv__(self, folder: str) -> Path:
        return self.root / folder

    def texts(self, folder: str) -> list[bytes]:
        return plain(kept.raw for kept in maildir.messages(self / folder))

    def find(self, folder: str, message: bytes) -> maildir.Kept:
        """The one copy of a message."""
        (kept,) = [one for one in maildir.messages(self / folder) if plain([one.raw]) == [message]]
        return kept

    def sync(self, *options: str) -> Done:
        maildir.age(self.root)  # mbsync waits a second where something has just changed
        return self.desk.run("mbsync", "-c", self.config, *options, "-a")


def uids(desk: Desk) -> dict[bytes, int]:
    """Of the messages in INBOX."""
    return {plain([raw])[0]: uid for uid, raw in desk.messages().items()}


@pytest.fixture
def first(desk: Desk) -> Place:
    place = Place(desk, "first")
    maildir.make(place / "INBOX", *LETTERS[:30])
    maildir.make(place / NESTED_ON_THE_WIRE, *LETTERS[30:], letters="FS")
    return place


@pytest.fixture
def second(desk: Desk) -> Place:
    return Place(desk, "second", "STARTTLS")


def test_it_pushes_forty_and_pulls_them_elsewhere(desk: Desk, first: Place, second: Place) -> None:
    done = first.sync("-V")
    assert "error" not in done.said.lower()
    assert plain(desk.messages().values()) == sorted(LETTERS[:30])
    assert plain(desk.messages(NESTED).values()) == sorted(LETTERS[30:])
    assert set(map(frozenset, desk.flags(NESTED).values())) == {
        frozenset({rb"\Flagged", rb"\Seen"})
    }
    with desk.imap() as client:
        assert {name for _, _, name in client.list_folders()} >= {*DEFAULTS, NESTED}

    second.sync("-V")
    for folder in ("INBOX", NESTED_ON_THE_WIRE):
        assert second.texts(folder) == first.texts(folder)
    assert {kept.letters for kept in maildir.messages(second / NESTED_ON_THE_WIRE)} == {"FS"}
    assert {path.name for path in second.root.iterdir()} >= {*DEFAULTS, "Reisen"}


@pytest.mark.parametrize("name", ["first", "second"])
def test_it_has_nothing_to_do_the_second_time(
    desk: Desk, first: Place, second: Place, name: str
) -> None:
    first.sync()
    second.sync()
    place = {"first": first, "second": second}[name]
    before = maildir.snapshot(place.root), desk.flags(), desk.flags(NESTED)
    done = place.sync("-V", "-D")
    assert not CHANGES.search(done.stdout)
    assert (maildir.snapshot(place.root), desk.flags(), desk.flags(NESTED)) == before


def test_it_carries_flags_both_ways(desk: Desk, first: Place) -> None:
    first.sync()
    first.find("INBOX", LETTERS[3]).mark("FS")
    numbers = uids(desk)
    with desk.imap() as client:
        client.select_folder("INBOX")
        client.add_flags(numbers[LETTERS[4]], [rb"\Answered", rb"\Seen", "$Forwarded"])
    first.sync()
    flags = desk.flags()
    assert flags[numbers[LETTERS[3]]] == {rb"\Flagged", rb"\Seen"}
    assert flags[numbers[LETTERS[4]]] == {rb"\Answered", rb"\Seen", b"$Forwarded"}
    assert first.find("INBOX", LETTERS[4]).letters == "PRS"

    first.find("INBOX", LETTERS[3]).mark("")
    first.sync()
    assert desk.flags()[numbers[LETTERS[3]]] == set()
    assert first.find("INBOX", LETTERS[3]).letters == ""


def test_it_carries_deletions_both_ways(desk: Desk, first: Place, second: Place) -> None:
    first.sync()
    second.sync()
    first.find("INBOX", LETTERS[0]).path.unlink()
    first.find("INBOX", LETTERS[1]).mark("ST")
    numbers = uids(desk)
    with desk.imap() as client:
        client.select_folder("INBOX")
        client.delete_messages([numbers[LETTERS[2]]])
        client.expunge()
    first.sync()
    left = sorted(LETTERS[3:30])
    assert plain(desk.messages().values()) == left
    assert first.texts("INBOX") == left
    second.sync()
    assert second.texts("INBOX") == left


def test_it_carries_folders_both_ways(desk: Desk, first: Place, second: Place) -> None:
    first.sync()
    second.sync()
    with desk.imap() as client:
        client.create_folder("Bücher")
        client.append("Bücher", LETTERS[0])
        client.select_folder(NESTED)
        client.delete_messages(client.search())
        client.expunge()
    first.sync()
    second.sync()
    assert first.texts("B&APw-cher") == [LETTERS[0]]
    assert first.texts(NESTED_ON_THE_WIRE) == []
    with desk.imap() as client:
        client.delete_folder(NESTED)
    first.sync()  # it removes empty folders only
    assert not (first / NESTED_ON_THE_WIRE).exists()

    first.find("B&APw-cher", LETTERS[0]).path.unlink()
    first.sync()
    assert desk.messages("Bücher") == {}
    shutil.rmtree(first / "B&APw-cher")
    first.sync()
    with desk.imap() as client:
        assert not client.folder_exists("Bücher")


def test_it_keeps_dates_and_odd_bytes(desk: Desk, first: Place, second: Place) -> None:
    """Long lines, eight-bit headers, an empty body, no end of line: nobody puts them right."""
    odd = [
        b"Subject: \xfcberall\r\n\r\nBody in Latin-1: \xe4\r\n",
        b"Subject: long\r\n\r\n" + b"x" * 5000 + b"\r\n",
        b"Subject: no body\r\n\r\n",
        b"Subject: no line end\r\n\r\nlast line",
        b"Subject: big\r\n\r\n" + b"0123456789 abcdefghijklmnopqrstuvwxyz\r\n" * 20_000,
    ]
    desk.put(*odd, folder="Archive")
    with desk.imap() as client:
        client.select_folder("Archive", readonly=True)
        dates = client.fetch(client.search(), ["INTERNALDATE"])
    first.sync()
    assert first.texts("Archive") == sorted(odd)
    kept = maildir.messages(first / "Archive")
    assert {int(one.path.stat().st_mtime) for one in kept} <= {
        int(date[b"INTERNALDATE"].timestamp()) for date in dates.values()
    }
    maildir.make(second / "Archive", letter(99))
    second.sync()
    first.sync()
    assert plain(desk.messages("Archive").values()) == sorted([*odd, letter(99)])
    assert first.texts("Archive") == sorted([*odd, letter(99)])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_three_maildirs_become_equal(desk: Desk, seed: int) -> None:
    """Three desks change things at random and sync at the same time; in the end all are equal."""
    chance = random.Random(seed)
    places = [Place(desk, name) for name in ("one", "two", "three")]
    fresh = (letter(number) for number in range(1000, 2000))
    for place in places:
        maildir.make(place / "INBOX")
    with ThreadPoolExecutor(len(places)) as pool:
        for _ in range(4):
            for place in places:
                _do_something(place / "INBOX", chance, fresh)
            for job in [pool.submit(place.sync) for place in places]:
                job.result()
    for place in [*places, *places]:
        place.sync()
    one, two, three = (
        sorted((plain([kept.raw])[0], kept.letters) for kept in maildir.messages(place / "INBOX"))
        for place in places
    )
    assert one == two == three
    assert [raw for raw, _ in one] == plain(desk.messages().values())


def _do_something(folder: Path, chance: random.Random, fresh: Iterator[bytes]) -> None:
    """Write, mark and delete a dozen messages."""
    for _ in range(12):
        there = maildir.messages(folder)
        action = chance.random()
        if action < 0.5 or not there:
            maildir.make(folder, next(fresh))
        elif action < 0.8:
            kept = chance.choice(there)
            kept.mark("".join(sorted({*kept.letters} ^ {chance.choice("FRS")})))
        else:
            chance.choice(there).path.unlink()
