"""Doors, asked as a client asks: closed ones, foreign ones, ones that say nothing."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from apps.ops import doors as ops
from apps.provisioning.health import doors
from apps.provisioning.health.checks import Check, State
from apps.runtime.sockets import setting_of
from mailhost.env import Endpoint
from tests.support.test_ca import Authority


@pytest.fixture(autouse=True)
def _all_closed(settings: Settings) -> None:
    for door in (*doors.DOORS, "web"):
        setattr(settings, setting_of(door), None)


@contextmanager
def server(says: bytes | None, context: ssl.SSLContext | None = None) -> Iterator[Endpoint]:
    """Greets whoever comes; None: takes the connection and says nothing."""
    listening = socket.create_server(("127.0.0.1", 0))
    kept = []

    def run() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            try:
                if context is not None:
                    line = context.wrap_socket(line, server_side=True)
                if says is not None:
                    line.sendall(says)
                kept.append(line)
            except OSError:
                line.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield Endpoint("127.0.0.1", listening.getsockname()[1])
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(30)  # before closing: a client may leave before its line is kept
        for line in kept:
            line.close()


def found() -> dict[str, Check]:
    return {check.key: check for check in doors.listeners()}


def test_it_knows_all_doors_that_there_are() -> None:
    assert list(doors.DOORS) == list(ops.MAIL_DOORS)
    assert {name: row[2] for name, row in doors.DOORS.items()} == {
        name: security == "TLS" for name, security in ops.SECURITY.items()
    }


def test_what_is_switched_off_is_no_trouble() -> None:
    assert {check.state for check in found().values()} == {State.OFF}


def test_a_door_that_greets_works(settings: Settings) -> None:
    with server(b"* OK ready\r\n") as imap, server(b"220 here\r\n") as smtp:
        settings.IMAP_LISTEN, settings.SMTP_LISTEN = imap, smtp
        checks = found()

    assert checks["door.imap"].state is State.OK
    assert checks["door.smtp"].state is State.OK
    assert "Only this machine reaches it." in checks["door.smtp"].words


def test_a_closed_port_is_said(settings: Settings) -> None:
    with server(b"") as gone:
        pass
    settings.POP3_LISTEN = settings.WEB_LISTEN = gone

    checks = found()

    for key, setting in (("door.pop3", "POP3_LISTEN"), ("door.web", "WEB_LISTEN")):
        assert checks[key].state is State.BAD
        assert checks[key].words == f"Nobody listens at {gone}."
        assert setting in checks[key].advice


def test_another_program_is_told_from_ours(settings: Settings) -> None:
    with server(b"SSH-2.0-OpenSSH_9.2\r\n") as other:
        settings.SMTP_LISTEN = other
        check = found()["door.smtp"]

    assert (check.state, "Another program" in check.advice) == (State.BAD, True)


def test_silence_ends_in_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "SECONDS", 0.2)
    with server(None) as silent:
        settings.SMTP_LISTEN = settings.LMTP_LISTEN = settings.IMAPS_LISTEN = silent
        checks = found()

    for key in ("door.smtp", "door.lmtp", "door.imaps"):
        assert checks[key].state is State.BAD
        assert "does not answer" in checks[key].words


def test_tls_is_spoken_where_it_comes_first(settings: Settings, tmp_path: Path) -> None:
    context = Authority(tmp_path).server("mail.example.test").context
    with server(b"+OK\r\n", context) as good, server(b"* OK\r\n") as plain:
        settings.POP3S_LISTEN, settings.IMAPS_LISTEN = good, plain
        settings.WEB_LISTEN, settings.WEB_TLS = good, True
        checks = found()

    assert checks["door.pop3s"].state is State.OK
    assert checks["door.web"].state is State.OK
    assert checks["door.imaps"].state is State.BAD
    assert "It fails at" in checks["door.imaps"].words
