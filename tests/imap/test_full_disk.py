"""A full disk, as a client of IMAP meets it."""

import random
from contextlib import closing

import pytest

from apps.blobs import services as blobs
from apps.directory.models import User
from apps.wire.errors import StorageFull
from tests.imap.conftest import add_numbered
from tests.imap.test_server import answer, signed_in
from tests.support.dialogue import Client
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)

# Too large for a row of the database.
RAW = b"Subject: large\r\n\r\n" + random.Random(2).randbytes(200_000).hex().encode() + b"\r\n"


class Full:
    """An object store without room."""

    def write(self, key: str, raw: bytes) -> None:
        raise StorageFull


def append(client: Client) -> str:
    client.send(f"x APPEND INBOX {{{len(RAW)}}}")
    assert client.line().startswith("+")
    client.socket.sendall(RAW + b"\r\n")
    return client.line()


def test_it_refuses_for_now_and_goes_on_reading(
    alice: User, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_numbered(alice.pk, 1)
    with closing(signed_in(server)) as client:
        with monkeypatch.context() as patch:
            patch.setattr(blobs, "backend", Full)
            assert append(client).startswith("x NO [UNAVAILABLE]")
            assert answer(client, "SELECT INBOX")[-1].startswith("x OK")
            assert answer(client, "FETCH 1 BODY.PEEK[HEADER]")[-1].startswith("x OK")
            assert answer(client, "STATUS INBOX (MESSAGES)")[0].endswith("(MESSAGES 1)")
        client.send("a CLOSE")
        client.line()
        assert append(client).startswith("x OK")
        assert answer(client, "STATUS INBOX (MESSAGES)")[0].endswith("(MESSAGES 2)")
