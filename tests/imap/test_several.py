"""Several sessions at once: who is told what, when, and at what cost."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from django.db import connections

from apps.directory.models import User
from apps.imap.selected import mirrors
from apps.imap.server import Connection
from apps.mailstore import queries
from apps.mailstore.origin import Origin
from apps.mailstore.services.flags import FlagChange, store
from apps.provisioning import services as provisioning
from tests.conftest import PASSWORD
from tests.imap.conftest import add_message, add_numbered
from tests.imap.listening_process import listener_process
from tests.imap.test_server import answer, signed_in
from tests.support.dialogue import Client
from tests.support.imap_client import ModelClient, Wire, World
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = Origin("test", None)


def idling(server: RunningServer) -> Client:
    client = signed_in(server)
    answer(client, "SELECT INBOX")
    client.send("i IDLE")
    assert client.line() == "+ idling"
    return client


@contextmanager
def meanwhile(job: Callable[[], None]) -> Iterator[None]:
    """Do it on a thread, with a connection to the database of its own."""

    def work() -> None:
        try:
            job()
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join(60)
    assert not thread.is_alive()


Connect = Callable[[int, str], ModelClient]


@pytest.fixture
def connect(alice: User) -> Iterator[Connect]:
    """Makes strict clients of Alice's that know of each other: (port, name)."""
    world = World()
    made: list[ModelClient] = []

    def one(port: int, name: str) -> ModelClient:
        made.append(ModelClient(Wire(port), world, name))
        made[-1].login(alice.address, PASSWORD)
        made[-1].open("INBOX")
        return made[-1]

    yield one
    for client in made:
        client.wire.close()


# -- IDLE -----------------------------------------------------------------------------------------


def test_it_tells_who_idles_at_once(
    alice: User, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirrors, "PAUSE", 0.0)
    took = []
    with closing(idling(server)) as client:
        for number in range(1, 11):
            add_numbered(alice.pk, 1)
            committed = time.monotonic()
            assert client.line() == f"* {number} EXISTS"
            took.append(time.monotonic() - committed)
            assert client.line() == f"* {number} RECENT"
    assert min(took) < 0.05


def test_it_tells_a_flood_in_lumps(alice: User, server: RunningServer) -> None:
    count = 300

    def flood() -> None:
        for _ in range(count):
            add_numbered(alice.pk, 1)

    with closing(idling(server)) as client:
        started = time.monotonic()
        lines: list[str] = []
        with meanwhile(flood):
            while not lines or lines[-1] != f"* {count} EXISTS":
                lines.append(client.line())
                assert lines[-1] != "(silence)"
        took = time.monotonic() - started
    assert len(lines) <= 2 * (took / mirrors.PAUSE + 2)


def test_it_holds_little_for_one_who_idles_and_does_not_read(
    alice: User, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes are remembered as such: what was not told yet is told as it is at last."""
    monkeypatch.setattr(mirrors, "PAUSE", 0.0)
    held: list[int] = []
    honest, made = Connection.write, Connection.connection_made

    def narrow(self: Connection, transport: asyncio.BaseTransport) -> None:
        """Little room in the kernel: it is ours that matters."""
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 100_000)
        made(self, transport)

    def watched(self: Connection, data: bytes) -> None:
        honest(self, data)
        assert self._transport is not None
        held.append(self._transport.get_write_buffer_size())

    monkeypatch.setattr(Connection, "connection_made", narrow)
    monkeypatch.setattr(Connection, "write", watched)
    count, rounds = 500, 120
    for _ in range(count // 20):
        add_numbered(alice.pk, 20)
    inbox = queries.inboxes([alice.pk])[alice.pk]
    uids = list(range(1, count + 1))
    with closing(idling(server)) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 200_000)
        for number in range(rounds):
            change = FlagChange(
                "replace", number % 2 or 2, (f"a-rather-long-keyword-{number % 9}",)
            )
            store(mailbox_id=inbox, uids=uids, change=change, origin=ORIGIN)
        change = FlagChange("replace", 4, ("last",))
        store(mailbox_id=inbox, uids=uids, change=change, origin=ORIGIN)
        told = lasts = 0
        while lasts < count:
            line = client.line()
            assert line != "(silence)"
            told += " FETCH " in line
            lasts += line.endswith("FLAGS (\\Recent \\Flagged last))")
    assert told < count * rounds
    lump = 90 * count  # octets of telling all of them once
    assert max(held) < server.service.limits.patience.write_high + 2 * lump


def test_it_tells_who_idles_of_another_process(server: RunningServer, connect: Connect) -> None:
    with listener_process() as port:
        here, there = connect(server.port, "here"), connect(port, "there")
        here.idle()
        assert there.command("APPEND INBOX {4+}\r\na:\r\n").startswith("OK")
        assert here.hear() == "* 1 EXISTS"
        here.hear()
        there.command(r"STORE 1 +FLAGS (\Flagged $Late)")
        while "FETCH" not in (said := here.hear()):
            pass
        assert r"\Flagged $Late" in said
        there.command(r"STORE 1 +FLAGS.SILENT (\Deleted)")
        there.command("EXPUNGE")
        while "EXPUNGE" not in here.hear():
            pass
        here.done()


# -- at the right moments only --------------------------------------------------------------------


def test_it_moves_no_number_that_was_sent_already(
    alice: User, server: RunningServer, connect: Connect
) -> None:
    """NOOP, and behind it a STORE by the old numbers: it must hit what the client meant."""
    add_numbered(alice.pk, 3)
    one, other = connect(server.port, "one"), connect(server.port, "other")
    other.command(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    other.command("EXPUNGE")
    assert [said[:2] for said in one.commands("NOOP", r"STORE 3 +FLAGS (\Flagged)")] == ["OK", "OK"]
    assert len(one.messages) == 3  # the EXPUNGE waits: the model would have failed before
    one.command("NOOP")
    assert [message.uid for message in one.messages] == [2, 3]
    assert one.messages[1].flags == frozenset({r"\Flagged"})
    # A command whose very answer is EXPUNGE does not wait.
    one.command(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    one.commands("EXPUNGE", "NOOP")
    assert [message.uid for message in one.messages] == [3]


def test_it_tells_a_silent_store_what_somebody_else_did(
    alice: User, server: RunningServer, connect: Connect
) -> None:
    add_numbered(alice.pk, 1)
    one, other = connect(server.port, "one"), connect(server.port, "other")
    other.command(r"STORE 1 +FLAGS.SILENT (\Flagged)")
    one.command(r"STORE 1 +FLAGS.SILENT (\Seen)")
    assert one.messages[0].flags == frozenset({r"\Flagged", r"\Seen"})


def test_it_shows_what_was_moved_away_as_it_was(alice: User, server: RunningServer) -> None:
    """RFC 2180 section 4.1.2: until it may be told that it is gone."""
    raw = b"Subject: long\r\n\r\n" + b"x" * 70 * 100 + b"\r\n"
    add_message(alice.pk, raw)
    with closing(signed_in(server)) as one, closing(signed_in(server)) as other:
        answer(one, "SELECT INBOX")
        answer(other, "SELECT INBOX")
        assert answer(other, "MOVE 1 Archive")[-1].startswith("x OK")
        said = answer(one, "FETCH 1 (RFC822.SIZE BODY.PEEK[])")
        assert said[0] == f"* 1 FETCH (RFC822.SIZE {len(raw)} BODY[] {{{len(raw)}}}"
        assert said[-1].startswith("x OK [EXPUNGEISSUED]")


# -- the end of a session that did nothing wrong --------------------------------------------------


def _suspend(user: User) -> None:
    provisioning.suspend_user(user.address)


def _remove(user: User) -> None:
    provisioning.remove_user(user.address)


def _suspend_domain(_: User) -> None:
    provisioning.suspend_domain("example.test")


def _change_password(user: User) -> None:
    provisioning.set_password(user, "another horse and battery")


@pytest.mark.parametrize("change", [_suspend, _remove, _suspend_domain, _change_password])
def test_it_ends_the_sessions_of_one_who_may_not_stay(
    alice: User, server: RunningServer, change: Callable[[User], None]
) -> None:
    idle, silent, lost = idling(server), signed_in(server), signed_in(server)
    answer(silent, "SELECT INBOX")
    change(alice)
    for client in (idle, silent, lost):
        assert client.line().startswith("* BYE ")
        with closing(client):
            assert client.line() == "(closed)"


def test_it_never_gives_a_name_an_old_uidvalidity(alice: User, server: RunningServer) -> None:
    with closing(signed_in(server)) as client:

        def validity(name: str) -> int:
            said = answer(client, f"STATUS {name} (UIDVALIDITY)")[0]
            return int(said.rpartition(" ")[2].removesuffix(")"))

        seen = []
        for _ in range(4):
            answer(client, "CREATE Work")
            seen.append(validity("Work"))
            answer(client, "DELETE Work")
        answer(client, "CREATE Other")
        answer(client, "RENAME Other Work")
        seen.append(validity("Work"))
        answer(client, "RENAME INBOX Later")
        seen.append(validity("Later"))
    assert seen == sorted(set(seen))


def test_it_counts_a_message_that_came_and_went(alice: User, server: RunningServer) -> None:
    """UIDNEXT changes whenever messages were added (RFC 3501 section 2.3.1.1)."""
    with closing(signed_in(server)) as one, closing(signed_in(server)) as other:
        answer(one, "SELECT INBOX")
        add_message(alice.pk, b"a: b\r\n")
        answer(other, "SELECT INBOX")
        answer(other, r"STORE 1 +FLAGS (\Deleted)")
        answer(other, "CLOSE")
        answer(one, "UNSELECT")
        for command in ("SELECT INBOX", "EXAMINE INBOX"):
            assert any("[UIDNEXT 2]" in line for line in answer(one, command))
