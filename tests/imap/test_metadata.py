"""Annotations over the wire: their limits, their octets, and news of them (RFC 5464)."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pytest

from apps.directory.models import User
from apps.events import bus
from apps.imap.names import annotating
from apps.mailstore import queries
from apps.mailstore.services.annotations import NOTES_MAX, VALUE_MAX, change
from tests.conftest import PASSWORD
from tests.support.dialogue import Client, imap_login
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def signed_in(server: RunningServer, user: User) -> Iterator[Client]:
    client = Client(server.port)
    imap_login(client, user.address, PASSWORD)
    yield client
    client.close()


def put(client: Client, raw: bytes) -> None:
    client.socket.sendall(raw)


def test_it_takes_a_value_as_long_as_a_literal_may_be(alice: User, server: RunningServer) -> None:
    with signed_in(server, alice) as client:
        put(client, b"a SETMETADATA INBOX (/private/comment {%d}\r\n" % VALUE_MAX)
        assert client.line().startswith("+ ")
        put(client, b"x" * VALUE_MAX + b")\r\n")
        assert client.line().startswith("a OK ")
        client.send("b GETMETADATA INBOX (MAXSIZE 100) /private/comment")
        assert client.line().startswith(f"b OK [METADATA LONGENTRIES {VALUE_MAX}] ")
        client.send("c GETMETADATA INBOX /private/comment")
        assert client.line() == f'* METADATA "INBOX" (/private/comment {{{VALUE_MAX}}}'
        assert client.octets(VALUE_MAX) == b"x" * VALUE_MAX
        assert [client.line(), client.line()[:5]] == [")", "c OK "]


@pytest.mark.parametrize("sign", [b"", b"+"])
def test_it_says_how_long_a_value_may_be(alice: User, server: RunningServer, sign: bytes) -> None:
    """Section 4.3; before its octets if the client waits for a word."""
    with signed_in(server, alice) as client:
        size = VALUE_MAX + 1
        put(client, b"a SETMETADATA INBOX (/private/comment {%d%b}\r\n" % (size, sign))
        if sign:
            put(client, b"x" * size + b")\r\n")
        assert client.line().startswith(f"a NO [METADATA MAXSIZE {VALUE_MAX}] ")
        client.send("b GETMETADATA INBOX /private/comment")
        assert client.line() == '* METADATA "INBOX" (/private/comment NIL)'
        assert client.line().startswith("b OK ")


def test_it_keeps_every_octet(alice: User, server: RunningServer) -> None:
    """NUL comes and goes in a literal8 only (section 5)."""
    octets = bytes(range(256))
    with signed_in(server, alice) as client:
        put(client, b"a SETMETADATA INBOX (/private/comment ~{256+}\r\n" + octets + b")\r\n")
        assert client.line().startswith("a OK ")
        client.send("b GETMETADATA INBOX /private/comment")
        assert client.line() == '* METADATA "INBOX" (/private/comment ~{256}'
        assert client.octets(256) == octets
        assert [client.line(), client.line()[:5]] == [")", "b OK "]
        put(client, b"c SETMETADATA INBOX (/private/comment {3+}\r\na\0b)\r\n")
        assert client.line().startswith("c BAD ")


def test_it_says_that_there_are_too_many(alice: User, server: RunningServer) -> None:
    """Section 4.3: and none is written then."""
    notes = " ".join(f'/private/x/{number} ""' for number in range(NOTES_MAX))
    with signed_in(server, alice) as client:
        client.send(f"a SETMETADATA INBOX ({notes})")
        assert client.line().startswith("a OK ")
        client.send('b SETMETADATA INBOX (/private/x/0 "new" /private/comment "x")')
        assert client.line().startswith("b NO [METADATA TOOMANY] ")
        client.send("c GETMETADATA INBOX (/private/x/0 /private/comment)")
        assert client.line() == '* METADATA "INBOX" (/private/x/0 "" /private/comment NIL)'
        assert client.line().startswith("c OK ")
        more = " ".join(f"/private/y/{number}" for number in range(NOTES_MAX + 1))
        client.send(f"d GETMETADATA INBOX ({more})")
        assert client.line().startswith("d NO [LIMIT] ")


def dropped(_events: Sequence[object]) -> None:
    """Takes events to nobody."""


@pytest.mark.parametrize("lost", [False, True])
def test_it_tells_each_change_once(
    alice: User, server: RunningServer, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    """Section 4.4.2; a lost event costs a delay only."""
    inbox = queries.mailboxes(alice.pk)[0]
    note = partial(change, user_id=alice.pk, owner_id=alice.pk, mailbox_id=inbox.id)
    if lost:
        monkeypatch.setattr(annotating, "LOOK_AGAIN", 0.0)
        monkeypatch.setattr(bus._bus(), "send", dropped)
    with signed_in(server, alice) as client:
        client.send("a ENABLE METADATA")
        assert [client.line(), client.line()[:5]] == ["* ENABLED METADATA", "a OK "]
        for value in (b"one", b"two", None):
            note(values={"/private/comment": value})
            assert told(client) == ['* METADATA "INBOX" /private/comment']
        note(values={"/private/comment": None})
        client.send("y NOOP")
        assert client.line().startswith("y OK ")


def told(client: Client) -> list[str]:
    """What comes with NOOP, once anything does."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        client.send("x NOOP")
        lines: list[str] = []
        while not (line := client.line()).startswith("x "):
            lines.append(line)
        assert line.startswith("x OK ")
        if lines:
            return lines
    raise AssertionError("nothing came")
