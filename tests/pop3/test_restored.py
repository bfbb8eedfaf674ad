"""A backup restored on another machine: a POP3 client that left its mail there takes none twice."""

import poplib
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.installation import (
    DOORS,
    PASSWORD,
    POP3_DOORS,
    UNCHECKED,
    Installation,
    installation,
)

ALICE = "alice@example.test"
LETTER = "Subject: Letter {}\r\n\r\nHello.\r\n"


def unique_ids(service: Installation) -> list[bytes]:
    port = service.ports["POP3S"]
    with closing(poplib.POP3_SSL("127.0.0.1", port, context=UNCHECKED, timeout=20)) as client:
        client.user(ALICE)
        client.pass_(PASSWORD)
        return [line.split()[1] for line in client.uidl()[1]]


def put(service: Installation, *numbers: int) -> None:
    with service.imap(ALICE) as client:
        for number in numbers:
            client.append("INBOX", LETTER.format(number).encode())


@pytest.mark.long
def test_it_keeps_its_ids(tmp_path: Path) -> None:
    doors = (*DOORS, *POP3_DOORS)
    backup = tmp_path / "backup"
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    with installation(tmp_path / "old", {}, doors=doors) as old:
        old.add_people(ALICE)
        put(old, 1, 2, 3)
        before = unique_ids(old)
        old.manage("backup", str(backup))
        put(old, 4)  # seen by the client, and lost with the machine
        lost = unique_ids(old)[3]
    with installation(tmp_path / "new", {}, doors=doors, start=False) as new:
        new.manage("restore", "backup", str(backup))
        new.start()
        assert unique_ids(new) == before
        put(new, 5)
        assert unique_ids(new)[:3] == before
        assert unique_ids(new)[3] != lost
