"""Input meant to hurt: memory, time and sense stay bounded."""

from contextlib import closing

import pytest

from apps.directory.models import User
from apps.pop3.doors import Service
from apps.runtime.conversation import Patience
from tests.conftest import PASSWORD
from tests.imap.conftest import add_message
from tests.imap.memory import resident
from tests.pop3.conftest import Running, opens, pop3_login, said, session
from tests.support.dialogue import Client
from tests.support.listening import listening
from tests.support.services import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
MIB = 1024 * 1024


@pytest.mark.parametrize("line", [b"GARBAGE", b"", b" ", b"\0", b"\xff\xfe", b"STAT", b"APOP a b"])
def test_it_cuts_a_stranger_who_talks_nonsense(stranger: Client, line: bytes) -> None:
    stranger.socket.sendall((line + b"\r\n") * 20)
    answers = [stranger.line() for _ in range(11)]
    assert all(answer.startswith("-ERR ") for answer in answers[:10])
    assert answers[10] == "(closed)"


@pytest.mark.parametrize(
    "line",
    [b"USER a\0b", b"PASS \0", b"RETR \0", b"\0", b"RETR \xd9\xa1", b"LANG \0", b"AUTH \xff"],
)
def test_it_refuses_octets_that_are_no_text_and_goes_on(stranger: Client, line: bytes) -> None:
    stranger.socket.sendall(line + b"\r\n")
    assert stranger.line().startswith("-ERR ")
    assert said(stranger, "QUIT").startswith("+OK")


@pytest.mark.parametrize("start", [b"", b"USER ", b"AUTH PLAIN ", b"AUTH PLAIN\r\n"])
def test_it_cuts_a_line_without_end(stranger: Client, start: bytes) -> None:
    before = resident()
    try:
        stranger.socket.sendall(start)
        for _ in range(16):
            stranger.socket.sendall(b"A" * MIB)
    except OSError:  # cut while we are sending
        pass
    try:
        lines = [stranger.line() for _ in range(3)]
    except OSError:
        lines = ["(closed)"]
    assert "(closed)" in lines
    assert resident() - before < 8 * MIB


def test_it_takes_a_command_of_255_octets(stranger: Client) -> None:
    name = "x" * 236 + "@example.test"  # RFC 2449 section 4
    assert said(stranger, f"USER {name}").startswith("+OK")
    assert said(stranger, "PASS " + "y" * 248).startswith("-ERR [AUTH]")


@pytest.mark.parametrize("verb", ["GET", "POST", "CONNECT", "PRI"])
def test_it_cuts_off_a_browser(stranger: Client, verb: str) -> None:
    stranger.send(f"{verb} / HTTP/1.1\r\nHost: x\r\n\r\nCAPA\r\nUSER alice@example.test")
    assert stranger.line() == "-ERR This is a POP3 server"
    assert stranger.line() == "(closed)"


def test_it_closes_on_a_tls_hello_at_the_plain_port(stranger: Client) -> None:
    stranger.socket.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert stranger.line() == "(closed)"


def test_it_takes_three_hundred_cancelled_exchanges(server: Running) -> None:
    closings = 0
    for _ in range(30):
        with closing(Client(server.ports["pop3"])) as client:
            client.socket.sendall(b"AUTH PLAIN\r\n*\r\n" * 10)
            answers = [client.line() for _ in range(21)]
            assert answers[1:20:2] == ["-ERR Authentication ended: cancelled"] * 10
            closings += answers[20] == "(closed)"
    assert closings == 30


def test_it_gives_a_stranger_limited_time(transactional_db: None) -> None:
    patience = Patience(login_time=0.5)
    with (
        listening(lambda: Service(patience), "pop3", "pop3s") as server,
        closing(Client(server.ports["pop3"])) as client,
    ):
        assert client.line().startswith("-ERR [SYS/TEMP]")
        assert client.line() == "(closed)"


def test_it_drops_a_client_that_does_not_read(alice: User) -> None:
    add_message(alice.pk, b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 100_000)  # 7.8 MB
    patience = Patience(login_time=20, drain_time=1.0)
    with (
        listening(lambda: Service(patience), "pop3", "pop3s") as server,
        closing(Client(server.ports["pop3"])) as client,
    ):
        pop3_login(client, alice.address, PASSWORD)
        before = resident()
        client.socket.sendall(b"RETR 1\r\n" * 80)  # much more than sockets hold on the way
        wait_for(opens(server, alice), 15, "the client was not dropped")
        assert resident() - before < 24 * MIB


def test_it_survives_any_octets(alice: User, server: Running) -> None:
    """A fixed handful of garbage; fuzzing proper is `proto`'s."""
    garbage = [bytes(range(256)), b"\r\n" * 5, b"RETR " + b"9" * 999, b"TOP 1", b"\n.\r\n.\n"]
    add_message(alice.pk, b"Subject: x\r\n\r\n")
    with session(server, alice) as client:
        sock = client.sock
        for junk in garbage:
            sock.sendall(junk + b"\r\n")
            sock.sendall(b"LANG en\r\n")
            line = b""
            while line != b"+OK en English it is":
                line, _ = client._getline()  # type: ignore[attr-defined]
                assert line.startswith((b"+OK", b"-ERR"))
        assert client.stat() == (1, 14)
