"""When things break: database and disk away, clients that drop, the service being stopped."""

import threading
import time
from pathlib import Path

import pytest
import uvloop

from apps.blobs import services as blobs
from apps.directory.models import User
from apps.smtp import space
from apps.smtp.space import Space
from apps.wire.errors import StorageFull
from tests.smtp.queue import only, queued
from tests.support.database import without
from tests.support.services import wait_for
from tests.support.smtp_dialogue import Client, LoopFactory, Running, running

LOOPS = pytest.mark.parametrize("loop", [None, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
LETTER = b"Subject: Hello\r\n\r\nHi.\r\n"


def begin(client: Client) -> None:
    """Bring a client to the point where text is expected."""
    assert client.ask("MAIL FROM:<a@x.test>").code == 250
    assert client.ask("RCPT TO:<alice@example.test>").code == 250
    assert client.ask("DATA").code == 354


def test_it_answers_451_while_the_queue_is_broken(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        with without("mailqueue_queuedmessage"):
            begin(client)
            assert client.text(LETTER).starts("451 4.3.0")
        begin(client)
        assert client.text(LETTER).code == 250
    assert only().raw == LETTER


def test_it_answers_451_while_the_directory_is_broken(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        assert client.ask("MAIL FROM:<a@x.test>").code == 250
        with without("mailstore_usage"):
            answer = client.ask("RCPT TO:<alice@example.test>")
            assert answer.starts("451 4.3.0")
            assert "usage" not in str(answer)
        assert client.ask("RCPT TO:<alice@example.test>").code == 250


def test_it_answers_452_while_the_disk_is_full(
    smtp: Running, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def write(self, key: str, raw: bytes) -> None:
            raise StorageFull

    letter = LETTER + bytes(n % 251 for n in range(300_000)).replace(b"\r", b"").replace(b"\n", b"")
    with smtp.ready() as client:
        with monkeypatch.context() as patch:
            patch.setattr(blobs, "backend", Full)
            patch.setattr(blobs, "INLINE_MAX", 0)
            begin(client)
            assert client.text(letter).starts("452 4.3.1")
        begin(client)
        assert client.text(letter).code == 250
    assert only().raw == letter + b"\r\n"


def test_it_answers_452_at_mail_when_the_disk_is_almost_full(
    smtp: Running, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "_FRESH", 0.0)
    with smtp.ready() as client:
        with monkeypatch.context() as patch:
            patch.setattr(space, "_room", lambda _folder: 10_000)
            assert client.ask("MAIL FROM:<a@x.test> SIZE=20000").starts("452 4.3.1")
            assert client.ask("MAIL FROM:<a@x.test> SIZE=1000").code == 250
            assert client.ask("RSET").code == 250
            patch.setattr(space, "_room", lambda _folder: 0)
            assert client.ask("MAIL FROM:<a@x.test>").starts("452 4.3.1")
        assert client.ask("MAIL FROM:<a@x.test>").code == 250


def test_it_knows_how_much_room_there_is(tmp_path: Path) -> None:
    assert Space([tmp_path]).has_room(0)
    assert not Space([tmp_path]).has_room(1 << 61)
    # A folder that cannot be looked at is the commit's business.
    assert Space([tmp_path / "not there"]).has_room(1 << 40)


def test_it_never_shows_an_error_of_ours(
    smtp: Running, alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_raw: bytes) -> None:
        raise ValueError("secret detail")

    with smtp.ready() as client:
        monkeypatch.setattr(blobs, "prepare", fail)
        begin(client)
        answer = client.text(LETTER)
        assert answer.starts("451 4.3.0")
        assert "secret" not in str(answer)
        assert client.ask("NOOP").code == 250
    assert "a handler failed" in caplog.text


@pytest.mark.parametrize("cut", [0, 1, 20, len(LETTER), len(LETTER) + 1, len(LETTER) + 2])
def test_it_keeps_nothing_of_a_message_that_was_cut(smtp: Running, alice: User, cut: int) -> None:
    with smtp.ready() as client:
        begin(client)
        client.send((LETTER + b".\r\n")[:cut])
    with smtp.ready() as client:
        assert client.ask("NOOP").code == 250
    assert queued() == []


def test_it_commits_what_a_client_that_dropped_had_sent(smtp: Running, alice: User) -> None:
    for _ in range(10):
        with smtp.ready() as client:
            begin(client)
            client.send(LETTER + b".\r\n")
    wait_for(lambda: len(queued()) == 10, what="every message is there once")
    assert {message.raw for message in queued()} == {LETTER}


def test_it_answers_a_client_that_has_closed_its_side(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        client.send(
            b"MAIL FROM:<a@x.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n" + LETTER + b".\r\n"
        )
        client.sock.shutdown(1)
        client.run("S: 250\nS: 250\nS: 354\nS: 250\nS: (closed)")
    assert only().raw == LETTER


def test_it_stops_gracefully(transactional_db: None, alice: User) -> None:
    with running("smtp") as smtp:
        idle, between, sending = smtp.ready(), smtp.ready(), smtp.ready()
        assert between.ask("MAIL FROM:<a@x.test>").code == 250
        begin(sending)
        sending.send(b"Subject: the last\r\n")
        smtp.begin_stop()
        for client in (idle, between):
            assert client.reply().starts("421 4.3.2")
            assert client.is_closed()
        assert sending.text(b"\r\nHi.\r\n").code == 250
        assert sending.reply().starts("421 4.3.2")
        assert sending.is_closed()
        for client in (idle, between, sending):
            client.sock.close()
    assert only().raw == b"Subject: the last\r\n\r\nHi.\r\n"


@LOOPS
def test_it_waits_for_no_handshake_when_it_stops(transactional_db: None, loop: LoopFactory) -> None:
    with running("smtp", loop_factory=loop, grace=10) as smtp:
        client = smtp.ready()
        assert client.ask("STARTTLS").code == 220
        began = time.monotonic()
        smtp.begin_stop()
        assert client.is_closed()
    assert time.monotonic() - began < 5
    client.sock.close()


def test_it_acknowledges_nothing_of_a_message_that_never_ends(
    transactional_db: None, alice: User
) -> None:
    with running("smtp", grace=0.3) as smtp, smtp.ready() as client:
        begin(client)
        client.send(LETTER)
        smtp.begin_stop()
        assert client.is_closed()
    assert queued() == []


def test_it_loses_nothing_that_was_acknowledged_while_stopping(
    transactional_db: None, alice: User
) -> None:
    acknowledged = 0

    def send(client: Client) -> None:
        nonlocal acknowledged
        while True:
            begin(client)
            if client.text(LETTER).code != 250:
                return
            with counting:
                acknowledged += 1

    def until_closed(client: Client) -> None:
        try:
            send(client)
        except (AssertionError, EOFError, OSError):
            return

    counting = threading.Lock()
    with running("smtp") as smtp:
        clients = [smtp.ready() for _ in range(8)]
        threads = [threading.Thread(target=until_closed, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        wait_for(lambda: acknowledged > 50, what="mail flows")
        smtp.begin_stop()
        for thread in threads:
            thread.join(10)
        for client in clients:
            client.sock.close()
    assert len(queued()) == acknowledged
