"""Mail in files: each message whole, once, and as it was received."""

import mailbox
from email.message import EmailMessage
from pathlib import Path

import pytest

from apps.scan.corpus import parts, places


def message(number: int, body: str = "Hello\n\nFrom here on\n") -> EmailMessage:
    made = EmailMessage()
    made["From"] = f"s{number}@example.org"
    made["Subject"] = f"Letter {number}"
    made.set_content(body)
    return made


def subjects(path: Path) -> list[bytes]:
    return [place.read().split(b"Subject: ")[1].split(b"\r\n")[0] for place in places(path)]


def test_it_reads_an_mbox(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    for number in range(3):
        box.add(message(number))
    box.close()
    assert subjects(tmp_path / "box") == [b"Letter 0", b"Letter 1", b"Letter 2"]
    (first, *_) = places(tmp_path / "box")
    raw = first.read()
    assert raw.startswith(b"From: s0@example.org\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"From here on" in raw


def test_it_reads_a_maildir(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "box")
    for number in range(3):
        box.add(message(number))
    box.close()
    assert sorted(subjects(tmp_path / "box")) == [b"Letter 0", b"Letter 1", b"Letter 2"]


def test_it_reads_a_folder_with_a_message_in_each_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"From x Thu Aug 22 12:36:23 2002\n" + message(1).as_bytes())
    (tmp_path / "b").write_bytes(message(2).as_bytes())
    (tmp_path / ".hidden").write_bytes(b"no message")
    assert subjects(tmp_path) == [b"Letter 1", b"Letter 2"]


def test_it_reads_one_message_with_the_octets_it_was_received_with(tmp_path: Path) -> None:
    raw = b"Subject: Letter 7\r\n\r\nx\r\n\r\nFrome\xff\r\n"
    (tmp_path / "one.eml").write_bytes(raw)
    (place,) = places(tmp_path / "one.eml")
    assert place.read() == raw


def test_it_finds_nothing_in_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "box").touch()
    assert places(tmp_path / "box") == []


def test_it_says_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        places(tmp_path / "no such")


def test_it_deals_the_same_parts_every_time() -> None:
    dealt = parts(101, 4)
    assert dealt == parts(101, 4)
    assert {part: dealt.count(part) for part in range(4)} == {0: 26, 1: 25, 2: 25, 3: 25}
    assert dealt[:8] != [0, 1, 2, 3, 0, 1, 2, 3]
