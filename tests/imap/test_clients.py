"""The clients people write in Python: imaplib and IMAPClient do an ordinary day's work."""

import imaplib
import ssl
from datetime import UTC, datetime

import pytest
from imapclient import IMAPClient

from apps.directory.models import User
from tests.conftest import PASSWORD
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)
RAW = b"From: a@example.net\r\nSubject: hello\r\n\r\nbody\r\n"


def context() -> ssl.SSLContext:
    one = ssl.create_default_context()
    one.check_hostname = False
    one.verify_mode = ssl.CERT_NONE
    return one


def test_it_serves_imaplib(alice: User, server: RunningServer) -> None:
    client = imaplib.IMAP4("127.0.0.1", server.port, timeout=15)
    client.starttls(context())
    client.authenticate("PLAIN", lambda _: f"\0{alice.address}\0{PASSWORD}".encode())
    assert client.create("Work")[0] == "OK"
    assert client.append("Work", r"(\Flagged)", '"01-Jan-2024 10:00:00 +0000"', RAW)[0] == "OK"
    assert client.select("Work") == ("OK", [b"1"])
    assert client.search(None, "FLAGGED", "SUBJECT", "hello") == ("OK", [b"1"])
    fetched = client.fetch("1", "(RFC822)")[1][0]
    assert isinstance(fetched, tuple)
    assert fetched[1] == RAW
    assert client.store("1", "+FLAGS", r"\Deleted") == (
        "OK",
        [rb"1 (FLAGS (\Recent \Flagged \Deleted \Seen))"],
    )
    assert client.expunge() == ("OK", [b"1"])
    assert client.close()[0] == "OK"
    assert client.delete("Work")[0] == "OK"
    assert client.logout()[0] == "BYE"


def test_it_serves_imapclient(alice: User, server: RunningServer) -> None:
    with IMAPClient("127.0.0.1", port=server.tls_port, ssl_context=context()) as client:
        client.login(alice.address, PASSWORD)
        assert client.has_capability("IDLE")
        assert {name for _, _, name in client.list_folders()} >= {"INBOX", "Sent", "Trash"}
        assert client.find_special_folder(rb"\Sent") == "Sent"
        client.create_folder("Bücher/Märchen")
        assert client.folder_exists("Bücher/Märchen")
        client.append("INBOX", RAW, (rb"\Seen",), datetime(2024, 1, 1, tzinfo=UTC))
        client.append("INBOX", RAW)
        client.select_folder("INBOX")
        found = client.fetch([1, 2], ["ENVELOPE", "FLAGS", "BODYSTRUCTURE", "RFC822.SIZE"])
        assert found[1][b"ENVELOPE"].subject == b"hello"
        assert rb"\Seen" in found[1][b"FLAGS"]
        assert client.add_flags([2], [rb"\Flagged"]) == {2: (rb"\Recent", rb"\Flagged")}
        assert client.search(["UNSEEN", "FLAGGED"]) == [2]
        client.copy([1, 2], "Bücher/Märchen")
        client.move([2], "Trash")
        assert client.search() == [1]
        assert client.folder_status("Bücher/Märchen", ["MESSAGES"]) == {b"MESSAGES": 2}
        client.idle()
        with IMAPClient("127.0.0.1", port=server.tls_port, ssl_context=context()) as other:
            other.login(alice.address, PASSWORD)
            other.append("INBOX", RAW)
        assert (2, b"EXISTS") in client.idle_check(timeout=10)
        client.idle_done()
