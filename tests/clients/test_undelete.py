"""A mailbox that mail programs emptied, and what an administrator does about it."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from tests.clients.desk import Desk, letter

LETTERS = [letter(number) for number in range(6)]
DAY = datetime(2024, 2, 29, 23, 59, 58, tzinfo=timezone(timedelta(hours=5, minutes=30)))
FLAGS: list[list[bytes | str]] = [
    [],
    [rb"\Seen"],
    [rb"\Flagged", rb"\Answered"],
    ["$Forwarded", "work"],
    [rb"\Draft", rb"\Seen", "$NotJunk"],
    ["work"],
]


def fill(client: IMAPClient, folder: str) -> None:
    for number, (raw, flags) in enumerate(zip(LETTERS, FLAGS, strict=True)):
        client.append(folder, raw, flags, DAY + timedelta(days=number))


def picture(client: IMAPClient, folder: str) -> dict[bytes, tuple[object, ...]]:
    """What is in a folder, by the bytes of the messages."""
    client.normalise_times = False
    client.select_folder(folder, readonly=True)
    found: dict[int, dict[bytes, Any]] = client.fetch(
        client.search(), ["BODY.PEEK[]", "FLAGS", "INTERNALDATE", "SAVEDATE"]
    )
    client.close_folder()
    return {
        one[b"BODY[]"]: (
            frozenset(one[b"FLAGS"]) - {rb"\Recent"},
            one[b"INTERNALDATE"],
            one[b"SAVEDATE"],
        )
        for one in found.values()
    }


def test_it_gives_an_emptied_mailbox_back(desk: Desk) -> None:
    with desk.imap() as client:
        client.id_({"name": "Careless", "version": "1"})
        fill(client, "INBOX")
        before = picture(client, "INBOX")
        assert len(before) == 6
        client.select_folder("INBOX")
        client.delete_messages(client.search())
        client.expunge()
        assert client.search() == []
        client.close_folder()
        told = json.loads(desk.service.manage("restore", "list", desk.address, "--json"))
        assert told["total"]["messages"] == 6
        desk.service.manage(
            "restore", "removed", desk.address, "--since", "1h", "--client", "careless"
        )
        assert picture(client, "INBOX") == before
        client.select_folder("INBOX")
        assert client.search() == list(range(7, 13))


def test_it_gives_a_deleted_folder_back(desk: Desk) -> None:
    with desk.imap() as client:
        client.create_folder("Bücher")
        fill(client, "Bücher")
        before = picture(client, "Bücher")
        opened = client.select_folder("Bücher")
        uids = client.search()
        client.close_folder()
        client.delete_folder("Bücher")
        with pytest.raises(IMAPClientError):
            client.select_folder("Bücher")
        told = desk.service.manage("restore", "mailbox", desk.address, "Bücher")
        assert told == f"Bücher of {desk.address} is back, with 6 messages.\n"
        again = client.select_folder("Bücher")
        assert again[b"UIDVALIDITY"] == opened[b"UIDVALIDITY"]
        assert client.search() == uids
        client.close_folder()
        assert picture(client, "Bücher") == before


def test_it_gives_back_what_pop3_took(desk: Desk) -> None:
    desk.put(*LETTERS)
    with desk.imap() as client:
        before = picture(client, "INBOX")
    with desk.pop3() as client:
        ids = client.uidl()[1]
        for number in range(1, 7):
            client.dele(number)
        client.quit()
    told = desk.service.manage(
        "restore", "removed", desk.address, "--since", "1h", "--door", "pop3"
    )
    assert told == f"0 mailboxes and 6 messages of {desk.address} came back.\n"
    with desk.imap() as client:
        assert picture(client, "INBOX") == before
    with desk.pop3() as client:
        # They are new to a program that leaves mail on the server: it has lost them, too.
        assert not {line.split()[1] for line in client.uidl()[1]} & {
            line.split()[1] for line in ids
        }
