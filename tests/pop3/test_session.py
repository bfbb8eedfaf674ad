"""POP3 on real sockets and tables, spoken by poplib and by hand."""

import base64
import poplib
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from apps.blobs.models import Blob
from apps.directory.models import User
from apps.mailstore import queries
from apps.pop3.doors import Service
from apps.runtime.conversation import Patience
from tests.conftest import PASSWORD
from tests.imap.conftest import MESSAGE, add_message, add_numbered
from tests.support.dialogue import Client
from tests.support.listening import Listening, listening

pytestmark = pytest.mark.django_db(transaction=True)
Running = Listening[Service]


@pytest.fixture
def server(transactional_db: None) -> Iterator[Running]:
    with listening(Service, "pop3", "pop3s") as one:
        yield one


@contextmanager
def session(server: Running, user: User) -> Iterator[poplib.POP3]:
    client = poplib.POP3("127.0.0.1", server.ports["pop3"], timeout=15)
    try:
        client.user(user.address)
        client.pass_(PASSWORD)
        yield client
    finally:
        client.close()


def said(client: Client, line: str) -> str:
    client.send(line)
    return client.line()


@pytest.fixture
def stranger(server: Running) -> Iterator[Client]:
    with closing(Client(server.ports["pop3"])) as client:
        yield client


def inbox_count(user: User) -> int:
    return next(row for row in queries.mailboxes(user.pk) if row.name == "INBOX").counters.messages


def test_it_serves_the_mailbox(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 3)
    raw = [MESSAGE.format(number).encode() for number in (1, 2, 3)]
    with session(server, alice) as client:
        assert client.stat() == (3, sum(map(len, raw)))
        assert client.list()[1] == [b"%d %d" % (n, len(one)) for n, one in enumerate(raw, 1)]
        listed: object = client.list(2)  # one line, whatever typeshed says
        assert isinstance(listed, bytes)
        assert listed.endswith(b"2 %d" % len(raw[1]))
        assert b"\r\n".join(client.retr(2)[1]) + b"\r\n" == raw[1]
        assert client.top(1, 0)[1] == raw[0].split(b"\r\n")[:6]
        assert client.top(1, 1)[1] == raw[0].removesuffix(b"\r\n").split(b"\r\n")
        assert client.noop().startswith(b"+OK")
        for command in ("RETR 4", "RETR 0", "DELE 9", "TOP 7 1", "LIST 4", "UIDL 4"):
            with pytest.raises(poplib.error_proto):
                client._shortcmd(command)  # type: ignore[attr-defined]
        client.quit()


def test_it_deletes_at_quit_and_only_then(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 3)
    with session(server, alice) as client:
        client.dele(1)
        client.dele(2)
        with pytest.raises(poplib.error_proto):
            client.retr(1)
        assert client.stat()[0] == 1
        client.rset()
        assert client.stat()[0] == 3
        client.dele(2)
    assert inbox_count(alice) == 3  # the connection ended without QUIT
    with session(server, alice) as client:
        client.dele(2)
        before = [line.split()[1] for line in client.uidl()[1]]
        client.quit()
    assert inbox_count(alice) == 2
    with session(server, alice) as client:
        after = [line.split()[1] for line in client.uidl()[1]]
        client.quit()
    assert len(before) == 2
    assert after == before  # what stays keeps its unique id


def test_it_marks_what_was_retrieved(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 2)
    with session(server, alice) as client:
        client.retr(1)
        client.top(2, 5)
        client.quit()
    inbox = next(row for row in queries.mailboxes(alice.pk) if row.name == "INBOX")
    assert list(queries.snapshot(inbox.id).flags) == [1, 0]


def test_it_lets_one_session_in_at_a_time(alice: User, bob: User, server: Running) -> None:
    with session(server, alice):
        with closing(Client(server.ports["pop3"])) as second:
            said(second, f"USER {alice.address}")
            assert said(second, f"PASS {PASSWORD}").startswith("-ERR [IN-USE]")
            assert second.line() == "(closed)"
        with session(server, bob) as other:
            assert other.stat() == (0, 0)
            other.quit()


def test_it_lets_the_next_session_in_after_any_end(alice: User, server: Running) -> None:
    for ending in ("quit", "close"):
        with session(server, alice) as client:
            getattr(client, ending)()
        with closing(Client(server.ports["pop3"])) as client_again:
            answer = "-ERR [IN-USE]"
            while answer.startswith("-ERR [IN-USE]"):  # until the end has been noticed
                with closing(Client(server.ports["pop3"])) as next_one:
                    said(next_one, f"USER {alice.address}")
                    answer = said(next_one, f"PASS {PASSWORD}")
            assert answer.startswith("+OK")
            client_again.send("QUIT")


def test_it_signs_in_by_sasl(alice: User, server: Running) -> None:
    token = base64.b64encode(f"\0{alice.address}\0{PASSWORD}".encode()).decode()
    with closing(Client(server.ports["pop3"])) as client:
        assert said(client, "AUTH") == "+OK Mechanisms"
        assert [client.line(), client.line()] == ["PLAIN", "."]
        assert said(client, "AUTH NTLM").startswith("-ERR")
        assert said(client, "AUTH PLAIN") == "+ "
        assert said(client, "*").startswith("-ERR")
        assert said(client, f"AUTH PLAIN {token}").startswith("+OK")
        assert said(client, "USER x").startswith("-ERR")
        assert said(client, "QUIT").startswith("+OK")


def test_it_says_the_same_of_wrong_and_unknown(alice: User, stranger: Client) -> None:
    answers = set()
    for user in (alice.address, "nobody@example.test"):
        said(stranger, f"USER {user}")
        answers.add(said(stranger, "PASS wrong"))
    assert answers == {"-ERR [AUTH] Authentication failed"}
    assert said(stranger, "STAT").startswith("-ERR")
    assert said(stranger, "PASS x").startswith("-ERR")


def test_it_needs_tls_for_passwords(alice: User) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with listening(Service, "pop3", "pop3s", CLEARTEXT_AUTH="never") as server:
        client = poplib.POP3("127.0.0.1", server.ports["pop3"], timeout=15)
        assert "USER" not in client.capa()
        assert "STLS" in client.capa()
        with pytest.raises(poplib.error_proto, match="TLS"):
            client.user(alice.address)
        client.stls(context)
        assert "STLS" not in client.capa()
        client.user(alice.address)
        client.pass_(PASSWORD)
        client.quit()
        secure = poplib.POP3_SSL("127.0.0.1", server.ports["pop3s"], context=context, timeout=15)
        secure.user(alice.address)
        secure.pass_(PASSWORD)
        assert secure.stat() == (0, 0)
        secure.quit()


def test_it_drops_what_came_in_the_clear_behind_stls(server: Running) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with closing(Client(server.ports["pop3"])) as client:
        client.socket.sendall(b"STLS\r\nUSER evil\r\n")
        assert client.line().startswith("+OK Begin")
        client.secure(context)
        assert said(client, "PASS x").startswith("-ERR USER comes first")


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n",
        b"Subject: bare\n\n.\nlines\n",
        b"Subject: no end\r\n\r\nlast",
        b"Subject: long\r\n\r\n" + b".0123456789abcde\r\n" * 40_000,
    ],
)
def test_it_sends_any_message_whole(alice: User, server: Running, raw: bytes) -> None:
    add_message(alice.pk, raw)
    with session(server, alice) as client:
        lines = client.retr(1)[1]
        assert lines == raw.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
        client.quit()


def test_it_reports_a_damaged_message_and_goes_on(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 2)
    first = Blob.objects.order_by("created_at", "id")[0]
    Blob.objects.filter(pk=first.pk).update(sha256=b"\0" * 32)
    with session(server, alice) as client:
        with pytest.raises(poplib.error_proto, match="SYS/"):
            client.retr(1)
        assert client.retr(2)[0].startswith(b"+OK")
        client.quit()


def test_it_answers_pipelined_commands(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 1)
    with closing(Client(server.ports["pop3"])) as client:
        client.socket.sendall(
            f"USER {alice.address}\r\nPASS {PASSWORD}\r\nSTAT\r\nNOOP\r\nQUIT\r\n".encode()
        )
        assert [client.line()[:3] for _ in range(5)] == ["+OK"] * 5
        assert client.line() == "(closed)"


def test_it_cuts_nonsense_and_lines_without_end(server: Running) -> None:
    with closing(Client(server.ports["pop3"])) as client:
        client.socket.sendall(b"GARBAGE\r\n" * 20)
        answers = [client.line() for _ in range(11)]
        assert answers[:10] == ["-ERR Syntax error: unknown command"] * 10
        assert answers[10] == "(closed)"
    with closing(Client(server.ports["pop3"])) as client:
        client.socket.sendall(b"A" * 20_000)
        assert client.line().startswith("-ERR Line is too long")
        assert client.line() == "(closed)"


@pytest.mark.parametrize("verb", ["GET", "POST", "CONNECT", "PRI"])
def test_it_cuts_off_a_browser(server: Running, verb: str) -> None:
    with closing(Client(server.ports["pop3"])) as client:
        client.send(f"{verb} / HTTP/1.1\r\nHost: x\r\n\r\nCAPA\r\nUSER alice@example.test")
        assert client.line() == "-ERR This is a POP3 server"
        assert client.line() == "(closed)"


def test_it_waits_for_no_handshake_when_it_stops(transactional_db: None) -> None:
    with listening(Service, "pop3", "pop3s") as server:
        client = Client(server.ports["pop3"])
        assert said(client, "STLS").startswith("+OK Begin")
        began = time.monotonic()
    assert time.monotonic() - began < 3
    assert client.line() == "(closed)"
    client.close()


def test_it_gives_a_stranger_limited_time(transactional_db: None) -> None:
    patience = Patience(login_time=0.5)
    with (
        listening(lambda: Service(patience), "pop3", "pop3s") as server,
        closing(Client(server.ports["pop3"])) as client,
    ):
        assert client.line().startswith("-ERR [SYS/TEMP]")
        assert client.line() == "(closed)"
