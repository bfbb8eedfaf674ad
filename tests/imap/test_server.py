"""The door on real sockets: TLS, deadlines, order, and the end."""

import logging
import random
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connections

from apps.blobs.models import Blob
from apps.directory.models import User
from apps.events.bus import publish
from apps.events.types import UserChanged
from apps.imap.limits import Limits
from apps.mailstore import queries
from apps.provisioning import services as provisioning
from tests.conftest import PASSWORD
from tests.imap.conftest import add_message, add_numbered
from tests.imap.memory import resident
from tests.support.dialogue import Client
from tests.support.imap_server import RunningServer, running
from tests.support.services import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(server: RunningServer, user: str = "alice@example.test") -> Client:
    client = Client(server.port)
    client.send(f'l LOGIN {user} "{PASSWORD}"')
    assert client.line().startswith("l OK")
    return client


def answer(client: Client, line: str) -> list[str]:
    """Send a command tagged `x`; return all lines up to its answer."""
    client.send(f"x {line}")
    lines = [client.line()]
    while not lines[-1].startswith(("x ", "(")):
        lines.append(client.line())
    return lines


@pytest.fixture
def alice_in(alice: User, server: RunningServer) -> Iterator[Client]:
    with closing(signed_in(server)) as client:
        yield client


def insecure() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# -- TLS ------------------------------------------------------------------------------------------


def test_it_does_starttls_and_takes_passwords_only_then(alice: User) -> None:
    with running(CLEARTEXT_AUTH="never") as server, closing(Client(server.port)) as client:
        assert "LOGINDISABLED" in client.greeting
        assert "STARTTLS" in client.greeting
        assert "AUTH=PLAIN" not in client.greeting
        assert answer(client, f'LOGIN {alice.address} "{PASSWORD}"')[0].startswith(
            "x NO [PRIVACYREQUIRED]"
        )
        assert answer(client, "AUTHENTICATE PLAIN AGEAYg==")[0].startswith("x NO")
        assert answer(client, "STARTTLS")[0].startswith("x OK")
        client.secure(insecure())
        offered = answer(client, "CAPABILITY")[0]
        assert "LOGINDISABLED" not in offered
        assert "STARTTLS" not in offered
        assert "AUTH=PLAIN" in offered
        assert answer(client, "STARTTLS")[0].startswith("x BAD")
        assert answer(client, f'LOGIN {alice.address} "{PASSWORD}"')[0].startswith("x OK")


def test_it_drops_what_was_sent_in_the_clear_behind_starttls(server: RunningServer) -> None:
    with closing(Client(server.port)) as client:
        client.socket.sendall(b"a STARTTLS\r\nb CAPABILITY\r\n")
        assert client.line().startswith("a OK")
        client.secure(insecure())
        assert answer(client, "NOOP") == ["x OK Nothing done"]


def test_it_speaks_implicit_tls(alice: User, server: RunningServer) -> None:
    plain = socket.create_connection(("127.0.0.1", server.tls_port), timeout=10)
    with insecure().wrap_socket(plain) as secure:
        assert secure.recv(4096).startswith(b"* OK [CAPABILITY IMAP4rev1")
        secure.sendall(b"a STARTTLS\r\n")
        assert secure.recv(4096).startswith(b"a BAD")


def test_it_closes_on_a_tls_hello_at_the_plain_port(server: RunningServer) -> None:
    with closing(Client(server.port)) as client:
        client.socket.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert client.line() == "(closed)"


@pytest.mark.parametrize("verb", ["GET", "POST", "HEAD", "OPTIONS"])
def test_it_cuts_off_a_browser(server: RunningServer, verb: str) -> None:
    with closing(Client(server.port)) as client:
        client.send(f"{verb} / HTTP/1.1\r\nHost: x\r\n\r\na LOGIN b c")
        assert client.line().startswith("* BYE")
        assert client.line() == "(closed)"


# -- order and time -------------------------------------------------------------------------------


def test_it_answers_pipelined_commands_in_order(alice_in: Client) -> None:
    lines = "".join(f"p{number} NOOP\r\n" for number in range(500))
    alice_in.socket.sendall(lines.encode())
    assert [alice_in.line().split()[0] for _ in range(500)] == [f"p{n}" for n in range(500)]


def test_it_answers_one_who_says_no_more(alice: User, server: RunningServer) -> None:
    with closing(Client(server.port)) as client:
        client.socket.sendall(b"a CAPABILITY\r\nb NOOP\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.line().startswith("* CAPABILITY")
        assert client.line().startswith("a OK")
        assert client.line().startswith("b OK")
        assert client.line() == "(closed)"


def test_it_gives_a_stranger_limited_time(strict_server: RunningServer) -> None:
    with closing(Client(strict_server.port)) as client:
        client.send("a NOOP")
        assert client.line().startswith("a OK")
        assert client.line().startswith("* BYE")
        assert client.line() == "(closed)"


def test_it_keeps_an_idle_connection_alive(alice: User, strict_server: RunningServer) -> None:
    with closing(signed_in(strict_server)) as client:
        client.send("a IDLE")
        assert client.line() == "+ idling"
        assert client.line() == "* OK Still here"
        client.send("DONE")
        assert client.line().startswith(("a OK", "* OK Still here"))


def test_it_drops_a_reader_that_never_reads(alice: User, strict_server: RunningServer) -> None:
    add_message(alice.pk, b"Subject: big\r\n\r\n" + b"x" * 78 * 1000)
    with closing(signed_in(strict_server)) as client:
        answer(client, "SELECT INBOX")
        before = resident()
        for number in range(1_000):  # 78 MB of answers
            client.send(f"f{number} FETCH 1 BODY.PEEK[]")
        wait_for(lambda: not len(strict_server.listener.book), what="the connection is cut")
        assert resident() - before < 30 * 1024 * 1024


def test_it_says_bye_when_the_service_ends(alice: User) -> None:
    with running() as server:
        idle, busy = signed_in(server), signed_in(server)
        idle.send("a IDLE")
        assert idle.line() == "+ idling"
    for client in (idle, busy):
        assert client.line().startswith("* BYE [UNAVAILABLE]")
        assert client.line() == "(closed)"
        client.close()


def test_it_ends_the_sessions_of_a_user_whose_password_changed(
    alice: User, bob: User, server: RunningServer
) -> None:
    idle, other = signed_in(server), signed_in(server, bob.address)
    idle.send("a IDLE")
    assert idle.line() == "+ idling"
    provisioning.set_password(alice, "another horse and battery")
    publish(UserChanged(alice.pk))
    assert idle.line().startswith("* BYE [EXPIRED] Your password")
    assert idle.line() == "(closed)"
    assert answer(other, "NOOP")[-1].startswith("x OK")
    idle.close()
    other.close()


def test_it_allows_a_user_so_many_connections(alice: User, bob: User) -> None:
    with running(CONNECTIONS_PER_USER=2) as server:
        first, second = signed_in(server), signed_in(server)
        with closing(Client(server.port)) as third:
            third.send(f'a LOGIN {alice.address} "{PASSWORD}"')
            assert third.line().startswith("* BYE [LIMIT]")
            assert third.line().startswith("a NO [LIMIT]")
            assert third.line() == "(closed)"
        signed_in(server, bob.address).close()
        first.close()
        second.close()


# -- failures -------------------------------------------------------------------------------------


def test_it_reports_one_damaged_message_and_sends_the_others(
    alice: User, server: RunningServer
) -> None:
    add_numbered(alice.pk, 3)
    with closing(signed_in(server)) as client:
        answer(client, "SELECT INBOX")
        damaged = Blob.objects.order_by("created_at", "id")[1]
        Blob.objects.filter(pk=damaged.pk).update(sha256=b"\0" * 32)
        lines = answer(client, "FETCH 1:3 (UID BODY.PEEK[])")
        assert sum(line.startswith("* ") for line in lines) == 2
        assert lines[-1].startswith("x NO [SERVERBUG]")
        # What does not need the body is still there.
        lines = answer(client, "FETCH 2 (FLAGS ENVELOPE BODY.PEEK[HEADER])")
        assert lines[-1].startswith("x OK")


def test_it_reports_a_large_message_whose_object_is_gone(
    alice: User, server: RunningServer
) -> None:
    add_numbered(alice.pk, 1)
    add_message(
        alice.pk, b"Subject: large\r\n\r\n" + random.Random(1).randbytes(900_000).hex().encode()
    )
    add_numbered(alice.pk, 1)
    key = Blob.objects.exclude(key="").latest("created_at").key
    (file,) = (settings.MAILHOST_DATA / "blobs").rglob(Path(key).name)
    file.unlink()
    with closing(signed_in(server)) as client:
        answer(client, "SELECT INBOX")
        lines = answer(client, "FETCH 1:3 (UID BODY.PEEK[])")
        assert [line.split()[1] for line in lines if line.startswith("* ")] == ["1", "3"]
        assert lines[-1].startswith("x NO [SERVERBUG]")
        assert answer(client, "NOOP")[-1].startswith("x OK")


def test_it_answers_unavailable_while_the_database_is_gone(
    alice_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patched:
        patched.setattr(queries, "mailboxes", gone)
        patched.setattr(queries, "mailbox_named", gone)
        assert answer(alice_in, "SELECT INBOX")[-1].startswith("x NO [UNAVAILABLE]")
        assert answer(alice_in, 'LIST "" *')[-1].startswith("x NO [UNAVAILABLE]")
    assert answer(alice_in, "SELECT INBOX")[-1].startswith("x OK")


def test_it_hides_what_went_wrong_inside(
    alice_in: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret inner words")

    with monkeypatch.context() as patched, caplog.at_level(logging.CRITICAL):
        patched.setattr(queries, "mailbox_named", broken)
        lines = answer(alice_in, "SELECT INBOX")
    assert lines == ["x NO [SERVERBUG] Something went wrong here"]
    assert answer(alice_in, "NOOP")[-1].startswith("x OK")


def test_it_logs_no_password(
    alice: User, server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), closing(Client(server.port)) as client:
        answer(client, f'LOGIN {alice.address} "wrong-secret-1"')
        answer(client, "AUTHENTICATE PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB3cm9uZy1zZWNyZXQtMg==")
        answer(client, f'LOGIN {alice.address} "wrong-secret-3')
        answer(client, f'LOGIN {alice.address} "{PASSWORD}"')
    logged = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "wrong-secret" not in logged
    assert "AGFsaWNl" not in logged
    assert PASSWORD not in logged


# -- who sees what --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        "SELECT {}",
        "EXAMINE {}",
        "STATUS {} (MESSAGES)",
        "DELETE {}",
        "RENAME {} New",
        "SUBSCRIBE {}",
    ],
)
def test_it_tells_nothing_of_other_users_mailboxes(
    alice: User, bob: User, server: RunningServer, command: str
) -> None:
    with closing(signed_in(server, bob.address)) as client:
        answer(client, "CREATE Hidden")
    with closing(signed_in(server)) as client:
        existing = answer(client, command.format("Hidden"))
        missing = answer(client, command.format("Missing"))
        other = answer(client, command.format("bob@example.test/INBOX"))
    assert existing == missing == other
    assert existing[-1].startswith("x NO [NONEXISTENT]")


def test_it_tells_a_delivery_within_a_moment(alice: User, server: RunningServer) -> None:
    with closing(signed_in(server)) as client:
        answer(client, "SELECT INBOX")
        client.send("i IDLE")
        assert client.line() == "+ idling"

        def deliver() -> None:
            add_numbered(alice.pk, 1)
            connections.close_all()  # the thread's own

        worker = threading.Thread(target=deliver)
        worker.start()
        assert client.line() == "* 1 EXISTS"
        worker.join()


def test_it_reads_long_bodies_piece_by_piece(alice: User) -> None:
    body = b"".join(b"%07d line of text\r\n" % number for number in range(100_000))
    raw = b"Subject: long\r\n\r\n" + body
    with running(Limits(page_octets=10_000)) as server:
        add_message(alice.pk, raw)
        with closing(signed_in(server)) as client:
            answer(client, "SELECT INBOX")
            lines = answer(client, "FETCH 1 (UID BODY.PEEK[] RFC822.SIZE)")
            assert lines[0] == f"* 1 FETCH (UID 1 RFC822.SIZE {len(raw)} BODY[] {{{len(raw)}}}"
            assert "\r\n".join(lines[1:-2]).encode() + b"\r\n" == raw
            lines = answer(client, "FETCH 1 BODY.PEEK[TEXT]<1000000.300000>")
            part = "\r\n".join(lines[1:-1]).removesuffix(")").encode()
            assert part == body[1_000_000:1_300_000]
