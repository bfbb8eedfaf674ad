"""Searches of a running service: what they read, and what they tell while they run."""

import re
import socket
import struct
import threading
from types import ModuleType

import pytest

from apps.directory.models import User
from apps.imap.limits import Limits
from apps.imap.search import finding, reading, texts
from apps.imap.server import Connection
from apps.mailstore import queries
from apps.mailstore.models import Entry
from tests.conftest import PASSWORD
from tests.imap.conftest import add_message, add_numbered
from tests.imap.test_fetch import selected
from tests.imap.test_server import signed_in
from tests.support.dialogue import Client, imap_login
from tests.support.imap_server import RunningServer, running


def said(client: Client, command: str) -> list[str]:
    """Send a command; return all lines of its answer."""
    client.send(f"x {command}")
    lines = [client.line()]
    while not lines[-1].startswith(("x ", "(")):
        lines.append(client.line())
    return lines


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "command",
    [
        "SEARCH SUBJECT Message",
        "SEARCH RETURN (COUNT) BODY Hello",
        "UID SORT (DATE) UTF-8 ALL",
        "THREAD REFERENCES UTF-8 ALL",
    ],
)
def test_it_tells_how_far_a_long_command_is(
    alice: User, transactional_db: None, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """RFC 9585: never that all is done, and always further on."""
    for module in ("finding", "reading"):
        monkeypatch.setattr(f"apps.imap.search.{module}.PAGE", 2)
    add_numbered(alice.pk, 7)
    with running(Limits(progress_every=0.0)) as server:
        client = Client(server.port)
        imap_login(client, alice.address, PASSWORD)
        said(client, "SELECT INBOX")
        answer = said(client, command)
        client.close()
    told = [line for line in answer if "INPROGRESS" in line]
    pattern = r'\* OK \[INPROGRESS \("x" ([0-9]+) 7\)\] .+'
    assert [re.fullmatch(pattern, line)[1] for line in told] == ["2", "4", "6"]  # type: ignore[index]
    assert answer[-1].startswith("x OK")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("command", "module", "reader"),
    [
        ("SEARCH SUBJECT Message", texts, "scan"),
        ("SORT (SUBJECT) UTF-8 ALL", reading, "read_columns"),
        ("THREAD REFS UTF-8 ALL", reading, "read_columns"),
    ],
)
def test_it_ends_the_command_of_a_client_that_is_gone(
    alice: User,
    server: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    module: ModuleType,
    reader: str,
) -> None:
    for name in ("finding", "reading"):
        monkeypatch.setattr(f"apps.imap.search.{name}.PAGE", 1)
    add_numbered(alice.pk, 6)
    began, lost, reads = threading.Event(), threading.Event(), []
    read, lose = getattr(module, reader), Connection.connection_lost

    def slowly(*arguments: object) -> object:
        reads.append(arguments)
        began.set()
        assert lost.wait(30)
        return read(*arguments)

    def losing(self: Connection, error: Exception | None) -> None:
        lose(self, error)
        lost.set()

    monkeypatch.setattr(module, reader, slowly)
    monkeypatch.setattr(Connection, "connection_lost", losing)
    gone, other = signed_in(server), signed_in(server)
    for client in (gone, other):
        said(client, "SELECT INBOX")
    gone.send(f"x {command}")
    assert began.wait(30)
    # A reset, not an end: who only says no more may still want to hear.
    gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.close()
    assert said(other, command)[-1].startswith("x OK")
    assert len(reads) == 1 + 6
    other.close()


@pytest.mark.django_db(transaction=True)
def test_it_finds_messages_by_their_identifiers(alice: User, server: RunningServer) -> None:
    """Those too whose conversation nobody has asked for yet (RFC 8474 section 6)."""
    add_message(alice.pk, b"Message-ID: <1@x>\r\n\r\none\r\n")
    add_message(alice.pk, b"Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n\r\ntwo\r\n")
    add_message(alice.pk, b"Message-ID: <3@x>\r\n\r\nthree\r\n")
    Entry.objects.update(thread_id=None)
    with selected(server, alice) as client:
        answer = str(client.fetch("2", "(EMAILID THREADID)"))
        email = re.search(r"EMAILID \((M[0-9-]+)\)", answer)
        thread = re.search(r"THREADID \((T[0-9]+)\)", answer)
        assert email is not None
        assert thread is not None
        assert client.search(None, f"EMAILID {email[1]}") == ("OK", [b"2"])
        assert client.search(None, f"THREADID {thread[1]}") == ("OK", [b"1 2"])
        assert client.search(None, f"NOT THREADID {thread[1]}") == ("OK", [b"3"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "keys", ["UNSEEN", "1:*", "UID 2:3", "KEYWORD x NEW", "MODSEQ 1 OLD", "SUBJECT x UNDRAFT DRAFT"]
)
def test_it_reads_nothing_for_what_it_knows(
    inbox: RunningServer, alice: User, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    def nothing(*_: object) -> None:
        raise AssertionError("nothing need be read")

    monkeypatch.setattr(finding, "in_db", nothing)
    with selected(inbox, alice) as client:
        assert client.search(None, keys)[0] == "OK"


@pytest.mark.django_db(transaction=True)
def test_it_reads_no_bodies_to_sort(
    inbox: RunningServer, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []
    fetch_page = queries.fetch_page

    def noted(mailbox_id: int, uids: list[int], columns: tuple[str, ...]) -> object:
        asked.append(columns)
        return fetch_page(mailbox_id, uids, columns)

    monkeypatch.setattr(queries, "fetch_page", noted)
    with selected(inbox, alice) as client:
        assert client.sort("REVERSE DATE", "UTF-8", "ALL") == ("OK", [b"3 2 1"])
        assert client.sort("TO SUBJECT DISPLAYFROM", "UTF-8", "ALL") == ("OK", [b"1 2 3"])
    assert asked == [("sent_seconds", "internaldate"), ("envelope", "subject")]


@pytest.mark.django_db(transaction=True)
def test_what_it_keeps_follows_the_mailbox(alice: User, server: RunningServer) -> None:
    """Orders, threads and days are worked out once, and brought up to date by what is new."""
    subjects = ["delta", "alpha", "Re: delta", "charlie"]
    for number, subject in enumerate(subjects, 1):
        raw = f"Subject: {subject}\r\nMessage-ID: <{number}@x>\r\n\r\n{'x' * number}\r\n"
        add_message(alice.pk, raw.encode(), internaldate=1_700_000_000 + number * 86_400)
    with selected(server, alice) as client:
        assert client.sort("SUBJECT", "UTF-8", "ALL") == ("OK", [b"2 4 1 3"])
        assert client.sort("REVERSE SUBJECT", "UTF-8", "ALL") == ("OK", [b"1 3 4 2"])
        assert client.thread("REFERENCES", "UTF-8", "ALL") == ("OK", [b"(1 3)(2)(4)"])
        assert client.search(None, "SINCE 17-Nov-2023") == ("OK", [b"3 4"])
        add_message(alice.pk, b"Subject: bravo\r\nReferences: <2@x>\r\n\r\nx\r\n")
        client.store("1", "+FLAGS", "\\Deleted")
        client.expunge()
        assert client.sort("SUBJECT", "UTF-8", "ALL") == ("OK", [b"1 4 3 2"])
        assert client.sort("REVERSE SUBJECT", "UTF-8", "ALL") == ("OK", [b"2 3 4 1"])
        assert client.thread("REFERENCES", "UTF-8", "ALL") == ("OK", [b"(1 4)(2)(3)"])
        assert client.uid("THREAD", "REFERENCES", "UTF-8", "ALL") == ("OK", [b"(2 5)(3)(4)"])
        assert client.search(None, "SINCE 17-Nov-2023") == ("OK", [b"2 3 4"])
        assert client.sort("SUBJECT", "UTF-8", "NOT SUBJECT bravo") == ("OK", [b"1 3 2"])
        assert client.thread("REFS", "UTF-8", "1:2") == ("OK", [b"(1)(2)"])
