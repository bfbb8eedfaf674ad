"""What stands below fails: told for now, nothing half done, and the session goes on."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from apps.directory.models import User
from tests.conftest import PASSWORD
from tests.imap.conftest import add_numbered
from tests.imap.test_server import answer, signed_in
from tests.support.database import Switch, breakable
from tests.support.dialogue import Client
from tests.support.imap_server import RunningServer
from tests.support.installation import installation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def is_gone() -> Iterator[Switch]:
    """Switches the database off and on."""
    with breakable() as switch:
        yield switch


def append(client: Client) -> str:
    client.send("x APPEND INBOX {16}")
    asked = client.line()
    if not asked.startswith("+ "):  # told before the literal, where that needs the database
        return asked
    client.send("Subject: new\r\n\r\n")
    return client.line()


def test_it_goes_on_when_the_database_is_back(
    alice: User, server: RunningServer, is_gone: Switch
) -> None:
    add_numbered(alice.pk, 3)
    with closing(signed_in(server)) as client, closing(Client(server.port)) as stranger:
        assert answer(client, "SELECT INBOX")[-1].startswith("x OK")
        is_gone(True)
        for command in (
            "FETCH 1:3 BODY.PEEK[]",
            "STORE 2 +FLAGS (\\Flagged)",
            "UID COPY 2 Archive",
            "CREATE New",
        ):
            assert answer(client, command)[-1].startswith("x NO [UNAVAILABLE]"), command
        assert append(client).startswith("x NO [UNAVAILABLE]")
        assert answer(client, "CAPABILITY")[-1].startswith("x OK")
        stranger.send(f'a LOGIN alice@example.test "{PASSWORD}"')
        assert stranger.line().startswith("a NO [UNAVAILABLE]")
        is_gone(False)
        assert answer(client, "FETCH 1:* (FLAGS)")[:3] == [
            f"* {number} FETCH (FLAGS (\\Recent))" for number in (1, 2, 3)
        ]
        assert answer(client, "STORE 2 +FLAGS (\\Flagged)")[-1].startswith("x OK")
        assert append(client) == "* 4 EXISTS"
        stranger.send(f'a LOGIN alice@example.test "{PASSWORD}"')
        assert stranger.line().startswith("a OK")
        assert answer(stranger, "STATUS INBOX (MESSAGES)")[0] == '* STATUS "INBOX" (MESSAGES 4)'
        assert answer(stranger, "STATUS Archive (MESSAGES)")[0] == '* STATUS "Archive" (MESSAGES 0)'


def test_it_idles_on_while_the_database_is_away(
    alice: User, server: RunningServer, is_gone: Switch
) -> None:
    with closing(signed_in(server)) as idle, closing(signed_in(server)) as other:
        answer(idle, "SELECT INBOX")
        idle.send("a IDLE")
        assert idle.line().startswith("+ ")
        is_gone(True)
        assert append(other).startswith("x NO [UNAVAILABLE]")
        is_gone(False)
        assert append(other).startswith("x OK")
        assert idle.line() == "* 1 EXISTS"


def test_it_keeps_a_message_whole_or_not_at_all_when_it_is_killed(tmp_path: Path) -> None:
    """Small ones are rows, large ones files: OK is a message, no OK is none or a whole one."""
    user = "alice@example.test"
    bodies = [f"Subject: {size}\r\n\r\n".encode().ljust(size, b"x") for size in (2_000, 300_000)]
    with installation(tmp_path) as service:
        service.add_people(user)
        kept: list[bytes] = []
        for turn in ("half", "whole", "told"):
            with suppress(OSError), service.imap(user) as one, service.imap(user) as two:
                for client, raw in zip((one, two), bodies, strict=True):
                    sock = client.socket()
                    whole = b"x APPEND INBOX {%d+}\r\n" % len(raw) + raw + b"\r\n"
                    sock.sendall(whole[: len(whole) // 2] if turn == "half" else whole)
                    if turn == "told":
                        assert b"x OK" in sock.recv(4096)
                        kept.append(raw)
                os.kill(service.children()["listeners"], signal.SIGKILL)
        found = service.inbox(user)
        assert len(kept) == 2
        for raw in kept:
            assert raw in found
        assert set(found) <= set(bodies)
