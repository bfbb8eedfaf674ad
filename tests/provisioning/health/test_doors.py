"""Doors, asked as a client asks: closed ones, foreign ones, ones that say nothing."""

import socket
import ssl
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from apps.ops import doors as ops
from apps.provisioning.health import doors
from apps.provisioning.health.checks import Check, State
from apps.runtime.sockets import setting_of
from tests.support.peer import Behaviour, closed_place, peer
from tests.support.test_ca import Authority


@pytest.fixture(autouse=True)
def _all_closed(settings: Settings) -> None:
    for door in (*doors.DOORS, "web"):
        setattr(settings, setting_of(door), None)


def greeting(says: bytes, context: ssl.SSLContext | None = None) -> Behaviour:
    """What a door does: it speaks first, and listens until its client has gone."""

    def greet(client: socket.socket) -> None:
        line = client if context is None else context.wrap_socket(client, server_side=True)
        with line:
            line.sendall(says)
            line.recv(1)

    return greet


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
    with peer(greeting(b"* OK ready\r\n")) as imap, peer(greeting(b"220 here\r\n")) as smtp:
        settings.IMAP_LISTEN, settings.SMTP_LISTEN = imap.place, smtp.place
        checks = found()

    assert checks["door.imap"].state is State.OK
    assert checks["door.smtp"].state is State.OK
    assert "Only this machine reaches it." in checks["door.smtp"].words


def test_a_closed_port_is_said(settings: Settings) -> None:
    gone = closed_place()
    settings.POP3_LISTEN = settings.WEB_LISTEN = gone

    checks = found()

    for key, setting in (("door.pop3", "POP3_LISTEN"), ("door.web", "WEB_LISTEN")):
        assert checks[key].state is State.BAD
        assert checks[key].words == f"Nobody listens at {gone}."
        assert setting in checks[key].advice


def test_another_program_is_told_from_ours(settings: Settings) -> None:
    with peer(greeting(b"SSH-2.0-OpenSSH_9.2\r\n")) as other:
        settings.SMTP_LISTEN = other.place
        check = found()["door.smtp"]

    assert (check.state, "Another program" in check.advice) == (State.BAD, True)


def test_silence_ends_in_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "SECONDS", 0.2)
    with peer() as silent:
        settings.SMTP_LISTEN = settings.LMTP_LISTEN = settings.IMAPS_LISTEN = silent.place
        checks = found()

    for key in ("door.smtp", "door.lmtp", "door.imaps"):
        assert checks[key].state is State.BAD
        assert "does not answer" in checks[key].words


def test_tls_is_spoken_where_it_comes_first(settings: Settings, tmp_path: Path) -> None:
    context = Authority(tmp_path).server("mail.example.test").context
    with peer(greeting(b"+OK\r\n", context)) as good, peer(greeting(b"* OK\r\n")) as plain:
        settings.POP3S_LISTEN, settings.IMAPS_LISTEN = good.place, plain.place
        settings.WEB_LISTEN, settings.WEB_TLS = good.place, True
        checks = found()

    assert checks["door.pop3s"].state is State.OK
    assert checks["door.web"].state is State.OK
    assert checks["door.imaps"].state is State.BAD
    assert "It fails at" in checks["door.imaps"].words
