"""The door on real sockets: TLS, order, time, the end, and what a whole session does."""

import base64
import poplib
import time
from contextlib import closing

import pytest

from apps.blobs.models import Blob
from apps.directory.models import User
from apps.events.bus import publish
from apps.events.types import UserChanged
from apps.mailstore import queries
from apps.mailstore.models import FLAG_SEEN, Entry
from apps.pop3.doors import Service
from apps.pop3.server import PATIENCE
from apps.provisioning import services as provisioning
from apps.runtime.conversation import Patience
from tests.conftest import PASSWORD
from tests.imap.conftest import MESSAGE, add_message, add_numbered
from tests.pop3.conftest import Running, pop3_login, said, session
from tests.support.dialogue import Client, trusting
from tests.support.listening import listening

pytestmark = pytest.mark.django_db(transaction=True)


def flags(user: User) -> list[int]:
    inbox = next(row for row in queries.mailboxes(user.pk) if row.name == "INBOX")
    return list(queries.snapshot(inbox.id).flags)


def test_it_serves_the_mailbox(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 3)
    raw = [MESSAGE.format(number).encode() for number in (1, 2, 3)]
    with session(server, alice) as client:
        assert client.stat() == (3, sum(map(len, raw)))
        assert client.list()[1] == [b"%d %d" % (n, len(one)) for n, one in enumerate(raw, 1)]
        assert b"\r\n".join(client.retr(2)[1]) + b"\r\n" == raw[1]
        assert client.top(1, 0)[1] == raw[0].split(b"\r\n")[:6]
        assert client.top(1, 1)[1] == raw[0].removesuffix(b"\r\n").split(b"\r\n")
        client.quit()


def test_it_deletes_at_quit_and_only_then(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 3)
    with session(server, alice) as client:
        client.retr(1)
        client.dele(1)
        client.dele(2)
    assert flags(alice) == [0, 0, 0]  # the connection ended without QUIT
    with session(server, alice) as client:
        client.dele(2)
        client.quit()
    assert flags(alice) == [0, 0]


def test_it_marks_what_was_retrieved(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 3)
    with session(server, alice) as client:
        client.retr(1)
        client.top(2, 5)
        client.retr(3)
        client.dele(3)
        client.rset()
        client.quit()
    assert flags(alice) == [FLAG_SEEN, 0, FLAG_SEEN]


def test_it_needs_tls_for_passwords(alice: User) -> None:
    with listening(Service, "pop3", "pop3s", CLEARTEXT_AUTH="never") as server:
        client = poplib.POP3("127.0.0.1", server.ports["pop3"], timeout=15)
        offered = client.capa()
        assert offered.keys() & {"USER", "SASL", "STLS"} == {"STLS"}
        assert offered["UTF8"] == ["USER"]
        for command in (f"USER {alice.address}", "PASS x", "AUTH PLAIN AGEAYg=="):
            with pytest.raises(poplib.error_proto, match="TLS"):
                client._shortcmd(command)  # type: ignore[attr-defined]
        client.stls(trusting())
        assert client.capa().keys() & {"USER", "SASL", "STLS"} == {"USER", "SASL"}
        client.user(alice.address)
        client.pass_(PASSWORD)
        client.quit()
        secure = poplib.POP3_SSL("127.0.0.1", server.ports["pop3s"], context=trusting(), timeout=15)
        secure.user(alice.address)
        secure.pass_(PASSWORD)
        assert secure.stat() == (0, 0)
        secure.quit()


def test_it_drops_what_came_in_the_clear_behind_stls(server: Running) -> None:
    with closing(Client(server.ports["pop3"])) as client:
        client.socket.sendall(b"STLS\r\nUSER evil\r\n")
        assert client.line().startswith("+OK Begin")
        client.secure(trusting())
        assert said(client, "PASS x").startswith("-ERR USER comes first")


def test_it_answers_a_session_in_one_packet(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 2)
    token = base64.b64encode(f"\0{alice.address}\0{PASSWORD}".encode()).decode()
    words = (
        f"CAPA\r\nUTF8\r\nAUTH PLAIN\r\n{token}\r\nSTAT\r\nUIDL 2\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n"
    )
    with closing(Client(server.ports["pop3"])) as client:
        client.socket.sendall(words.encode())
        lines = []
        while (line := client.line()) != "(closed)":
            lines.append(line)
    assert [line[:3] for line in lines if line.startswith(("+OK", "-ERR"))] == ["+OK"] * 8
    assert lines[-1] == "+OK Goodbye"
    assert flags(alice) == [0]


def test_it_answers_pipelined_commands_right_behind_the_handshake(
    alice: User, server: Running
) -> None:
    with closing(Client(server.ports["pop3"])) as client:
        assert said(client, "STLS").startswith("+OK")
        client.secure(trusting())
        client.socket.sendall(
            f"USER {alice.address}\r\nPASS {PASSWORD}\r\nSTAT\r\nQUIT\r\n".encode()
        )
        assert [client.line()[:3] for _ in range(4)] == ["+OK"] * 4
        assert client.line() == "(closed)"


def test_it_answers_thousands_of_pipelined_commands_in_order(member: Client) -> None:
    lines = b"".join(b"RETR %d\r\n" % number for number in range(1, 3_000))
    member.socket.sendall(lines + b"NOOP\r\n")
    assert {member.line() for _ in range(49)} == {"-ERR No such message"}
    assert member.line() == "-ERR No such message"
    assert member.line() == "(closed)"  # fifty in a row


def test_it_reports_a_damaged_message_and_goes_on(alice: User, server: Running) -> None:
    add_numbered(alice.pk, 3)
    second = Entry.objects.get(uid=2).message
    Blob.objects.filter(pk=second.blob_id).update(sha256=b"\0" * 32)
    with session(server, alice) as client:
        assert client.retr(1)[0].startswith(b"+OK")
        with pytest.raises(poplib.error_proto, match="SYS/PERM"):
            client.retr(2)
        with pytest.raises(poplib.error_proto, match="SYS/PERM"):
            client.top(2, 1)
        assert client.retr(3)[0].startswith(b"+OK")
        client.quit()
    assert flags(alice) == [FLAG_SEEN, 0, FLAG_SEEN]


def test_it_tells_a_slowed_guesser_that_it_is_not_the_password(
    alice: User, server: Running
) -> None:
    answers = []
    for number in range(12):
        with closing(Client(server.ports["pop3"])) as client:
            said(client, f"USER nobody{number}@example.test")
            answers.append(said(client, "PASS wrong").partition("]")[0])
    assert answers[:9] == ["-ERR [AUTH"] * 9
    assert answers[-1] == "-ERR [SYS/TEMP"


def test_it_tells_a_suspended_user_so(alice: User, server: Running) -> None:
    provisioning.suspend_user(alice.address)
    with closing(Client(server.ports["pop3"])) as client:
        said(client, f"USER {alice.address}")
        assert said(client, f"PASS {PASSWORD}").startswith("-ERR [SYS/PERM] ")
        said(client, f"USER {alice.address}")
        assert said(client, "PASS wrong").startswith("-ERR [AUTH] ")


def test_it_takes_names_and_passwords_in_utf_8(alice: User, server: Running) -> None:
    user, _ = provisioning.add_user("jürgen@example.test", "pässwörter zählen")
    with closing(Client(server.ports["pop3"])) as client:
        client.socket.sendall("USER jürgen@example.test\r\n".encode())
        assert client.line().startswith("+OK")
        client.socket.sendall("PASS pässwörter zählen\r\n".encode())
        assert client.line() == "+OK 0 messages"
    with closing(Client(server.ports["pop3"])) as client:
        said(client, f"USER {user.address.encode().decode('latin-1')}")
        client.socket.sendall("PASS pässwörter zählen\r\n".encode("latin-1"))
        assert client.line().startswith("-ERR [AUTH]")


def test_it_limits_the_connections_of_a_user(alice: User, bob: User) -> None:
    with (
        listening(Service, "pop3", "pop3s", CONNECTIONS_PER_USER=1) as server,
        session(server, alice),
        session(server, bob),
        closing(Client(server.ports["pop3"])) as client,
    ):
        said(client, f"USER {alice.address}")
        assert said(client, f"PASS {PASSWORD}").startswith("-ERR [SYS/TEMP] Too many")
        assert client.line() == "(closed)"


def test_it_ends_a_session_whose_password_was_changed(alice: User, server: Running) -> None:
    with closing(Client(server.ports["pop3"])) as client:
        pop3_login(client, alice.address, PASSWORD)
        provisioning.suspend_user(alice.address)
        publish(UserChanged(alice.pk))
        assert client.line().startswith("-ERR [SYS/TEMP] Your password")
        assert client.line() == "(closed)"


def test_it_waits_for_no_handshake_when_it_stops(transactional_db: None) -> None:
    with listening(Service, "pop3", "pop3s") as server:
        client = Client(server.ports["pop3"])
        assert said(client, "STLS").startswith("+OK Begin")
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert client.line() == "(closed)"
    client.close()


def test_it_waits_ten_minutes_for_a_word() -> None:
    assert PATIENCE.idle_time >= 10 * 60  # RFC 1939 section 3


def test_it_logs_out_who_is_silent(alice: User) -> None:
    # The clock that was set for signing in is looked at when it has run out, and not before.
    patience = Patience(login_time=5, idle_time=2.5)
    add_message(alice.pk, b"Subject: x\r\n\r\n")
    with (
        listening(lambda: Service(patience), "pop3", "pop3s") as server,
        closing(Client(server.ports["pop3"])) as client,
    ):
        pop3_login(client, alice.address, PASSWORD)
        assert said(client, "DELE 1").startswith("+OK")
        # RFC 1939 section 3: no UPDATE state, nothing is removed.
        assert client.line() == "-ERR [SYS/TEMP] Too long without a command"
        assert client.line() == "(closed)"
    assert flags(alice) == [0]
