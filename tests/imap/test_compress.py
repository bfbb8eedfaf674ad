"""COMPRESS and UNAUTHENTICATE on real sockets (RFC 4978, RFC 8437), and streams meant to hurt."""

import io
import random
import re
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from django.test import override_settings

from apps.directory.models import User
from apps.events.bus import publish
from apps.events.types import UserChanged
from apps.provisioning import services as provisioning
from tests.conftest import PASSWORD
from tests.imap.conftest import add_message, add_numbered
from tests.imap.memory import resident
from tests.imap.test_server import answer, insecure, signed_in
from tests.support.cost import spent
from tests.support.dialogue import PATIENCE, Client
from tests.support.imap_server import RunningServer, running
from tests.support.services import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

LARGE = 1024 * 1024
FLUSH = b"\0\0\xff\xff"


class Packed:
    """A client that compresses, on the socket of one that did not."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._out = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._in = zlib.decompressobj(-zlib.MAX_WBITS)
        self._data = b""
        self._wire = b""  # what came behind the last flush
        self.received = 0  # octets on the wire

    def pack(self, data: bytes) -> bytes:
        return self._out.compress(data) + self._out.flush(zlib.Z_SYNC_FLUSH)

    def send(self, line: str) -> None:
        self.client.socket.sendall(self.pack(line.encode("latin-1") + b"\r\n"))

    def line(self) -> str:
        """As `Client.line`."""
        while b"\r\n" not in self._data:
            # Only up to a flush: behind it the server may have stopped compressing.
            block, flush, rest = self._wire.partition(FLUSH)
            if flush:
                self._data, self._wire = self._data + self._in.decompress(block + flush), rest
            elif (raw := self._read()) in {"(closed)", "(silence)"}:
                return str(raw)
        line, self._data = self._data.split(b"\r\n", 1)
        return line.decode("latin-1")

    def plain_line(self) -> str:
        """The next line, which comes uncompressed."""
        while b"\r\n" not in self._wire:
            if (raw := self._read()) in {"(closed)", "(silence)"}:
                return str(raw)
        line, self._wire = self._wire.split(b"\r\n", 1)
        return line.decode("latin-1")

    def _read(self) -> str:
        plain = self.client._file
        assert isinstance(plain, io.BufferedReader)
        try:
            # From the file: it may have read ahead when it took the last plain line.
            raw = plain.read1(65_536)
        except ConnectionResetError:
            raw = b""
        except TimeoutError:
            return "(silence)"
        self._wire += raw
        self.received += len(raw)
        return "" if raw else "(closed)"


def compressed(client: Client) -> Packed:
    client.send("z COMPRESS DEFLATE")
    assert client.line().startswith("z OK")
    return Packed(client)


def ask(packed: Packed, line: str) -> list[str]:
    packed.send(f"x {line}")
    lines = [packed.line()]
    while not lines[-1].startswith(("x ", "(")):
        lines.append(packed.line())
    return lines


@pytest.fixture
def packed(alice: User, server: RunningServer) -> Iterator[Packed]:
    with closing(signed_in(server)) as client:
        yield compressed(client)


def test_it_speaks_compressed(alice: User, packed: Packed) -> None:
    add_numbered(alice.pk, 200)
    assert "COMPRESS=DEFLATE" not in ask(packed, "CAPABILITY")[0]
    assert "* 200 EXISTS" in ask(packed, "SELECT INBOX")
    before = packed.received
    lines = ask(packed, "FETCH 1:* (UID FLAGS ENVELOPE)")
    assert len(lines) == 201
    assert packed.received - before < sum(map(len, lines)) / 5
    assert ask(packed, "NOOP")[-1].startswith("x OK")


def test_it_does_not_compress_twice(packed: Packed) -> None:
    assert ask(packed, "COMPRESS DEFLATE")[-1].startswith("x NO [COMPRESSIONACTIVE]")
    assert ask(packed, "COMPRESS ZSTD")[-1].startswith("x BAD")
    assert ask(packed, "NOOP")[-1].startswith("x OK")


def test_it_flushes_each_line_of_idle(alice: User, packed: Packed) -> None:
    ask(packed, "SELECT INBOX")
    packed.send("i IDLE")
    assert packed.line().startswith("+ ")
    add_numbered(alice.pk, 1)
    assert packed.line() == "* 1 EXISTS"
    packed.send("DONE")
    while not (line := packed.line()).startswith("i "):
        assert line.startswith("* ")


def test_it_compresses_within_tls(alice: User, server: RunningServer) -> None:
    with closing(Client(server.port)) as client:
        client.send("s STARTTLS")
        assert client.line().startswith("s OK")
        client.secure(insecure())
        client.send(f'l LOGIN {alice.address} "{PASSWORD}"')
        assert client.line().startswith("l OK")
        assert ask(compressed(client), "STATUS INBOX (MESSAGES)")[0].endswith("(MESSAGES 0)")


def test_it_takes_what_came_early_for_compressed(alice: User, server: RunningServer) -> None:
    with closing(signed_in(server)) as client:
        early = Packed(client)
        client.socket.sendall(b"z COMPRESS DEFLATE\r\n" + early.pack(b"a NOOP\r\nb NOOP\r\n"))
        assert client.line().startswith("z OK")
        assert early.line().startswith("a OK")
        assert early.line().startswith("b OK")


def test_it_appends_large_messages_compressed(alice: User, packed: Packed) -> None:
    raw = b"Subject: x\r\n\r\n" + random.Random(1).randbytes(LARGE).hex().encode()
    packed.client.socket.sendall(packed.pack(b"a APPEND INBOX {%d}\r\n" % len(raw)))
    assert packed.line().startswith("+ ")
    packed.client.socket.sendall(packed.pack(raw + b"\r\nb NOOP\r\n"))
    assert packed.line().startswith("a OK [APPENDUID ")
    assert packed.line().startswith("b OK")
    ask(packed, "SELECT INBOX")
    assert ask(packed, "FETCH 1 RFC822.SIZE")[0] == f"* 1 FETCH (RFC822.SIZE {len(raw)})"


def test_it_answers_one_who_says_no_more_in_the_middle(alice: User, server: RunningServer) -> None:
    with closing(signed_in(server)) as client:
        packed = compressed(client)
        packed.client.socket.sendall(packed.pack(b"a NOOP\r\nb NOOP\r\nc NO"))
        packed.client.socket.shutdown(1)
        assert packed.line().startswith("a OK")
        assert packed.line().startswith("b OK")
        assert packed.line() == "(closed)"


# -- hostile --------------------------------------------------------------------------------------


@pytest.mark.parametrize("junk", [b"a NOOP\r\n" * 10, b"\xff" * 1000, b"\x16\x03\x01\x02\0" * 9])
def test_it_cuts_who_does_not_compress(packed: Packed, junk: bytes) -> None:
    with suppress(OSError):
        packed.client.socket.sendall(junk)
    assert packed.line() == "(closed)"


@pytest.mark.parametrize("letter", [b"x", b"(", b"\0", b"a {5+}\r\n"])
def test_it_cuts_a_bomb_of_one_line(packed: Packed, letter: bytes) -> None:
    bomb = packed.pack(b"a SEARCH BODY " + letter * (256 * LARGE // len(letter) // 4))
    assert len(bomb) < LARGE
    before = resident()
    with spent() as took:
        with suppress(OSError):
            packed.client.socket.sendall(bomb)
        while not (line := packed.line()).startswith(("(", "* BYE")):
            assert " BAD " in line
    assert resident() - before < 16 * LARGE
    assert took.seconds < 5


def test_it_holds_nothing_of_a_bomb_that_is_a_literal(
    alice: User, packed: Packed, server: RunningServer
) -> None:
    """Passed over as the same octets uncompressed would be, and others have their turns."""
    size = 64 * LARGE
    plain = b"a APPEND INBOX {%d+}\r\n" % size + b"\0" * size + b"\r\nb NOOP\r\n"
    bomb = packed.pack(plain)
    assert len(bomb) < LARGE
    before = resident()
    rounds = []
    with closing(signed_in(server)) as other:
        for _ in range(3):
            packed.client.socket.sendall(bomb)
            slowest = 0.0
            for _ in range(20):
                began = time.monotonic()
                assert answer(other, "NOOP")[-1].startswith("x OK")
                slowest = max(slowest, time.monotonic() - began)
            rounds.append(slowest)
            assert packed.line().startswith("a NO [TOOBIG]")
            assert packed.line().startswith("b OK")
            if slowest < 1:
                break
            bomb = packed.pack(plain)  # asked again: the machine itself may have stood still
    assert min(rounds) < 1, rounds
    assert resident() - before < 16 * LARGE


def test_it_drops_a_reader_that_never_reads_compressed(
    alice: User, strict_server: RunningServer
) -> None:
    noise = random.Random(2).randbytes(39_000).hex().encode()  # two octets become one
    add_message(alice.pk, b"Subject: big\r\n\r\n" + noise)
    with closing(signed_in(strict_server)) as client:
        packed = compressed(client)
        ask(packed, "SELECT INBOX")
        before = resident()
        packed.client.socket.sendall(
            packed.pack(b"".join(b"f%d FETCH 1 BODY.PEEK[]\r\n" % n for n in range(1_000)))
        )
        wait_for(lambda: not len(strict_server.listener.book), what="the connection is cut")
        assert resident() - before < 30 * LARGE


# -- UNAUTHENTICATE -------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", ["flush", "finish"])
def test_it_ends_compression_with_the_sign_in(alice: User, packed: Packed, ends: str) -> None:
    """RFC 8437 section 4.1: the client from its CRLF on, the server from the one of the OK; the
    next sign-in may come in the same packet (section 3)."""
    client = packed.client
    last = packed._out.compress(b"a UNAUTHENTICATE\r\n")
    last += packed._out.flush(zlib.Z_SYNC_FLUSH if ends == "flush" else zlib.Z_FINISH)
    login = f'b LOGIN {alice.address} "{PASSWORD}"\r\n'.encode()
    client.socket.sendall(last + login)
    assert packed.line().startswith("a OK")
    line = packed.plain_line()
    assert line.startswith("b OK [CAPABILITY ")
    assert "COMPRESS=DEFLATE" in line
    again = compressed(client)
    assert ask(again, "NOOP")[-1].startswith("x OK")


def test_it_counts_a_connection_for_whoever_is_signed_in(alice: User, bob: User) -> None:
    with running(CONNECTIONS_PER_USER=1) as server, closing(signed_in(server)) as client:
        with closing(Client(server.port)) as other:
            other.send(f'a LOGIN {alice.address} "{PASSWORD}"')
            assert other.line().startswith("* BYE [LIMIT]")
        assert answer(client, "UNAUTHENTICATE")[-1].startswith("x OK")
        assert server.listener.book.users_connections(alice.pk) == 0
        signed_in(server).close()
        client.send(f'a LOGIN {bob.address} "{PASSWORD}"')
        assert client.line().startswith("a OK")
        assert server.listener.book.users_connections(bob.pk) == 1


def test_it_gives_a_stranger_again_limited_time(alice: User, strict_server: RunningServer) -> None:
    with closing(signed_in(strict_server)) as client:
        assert answer(client, "UNAUTHENTICATE")[-1].startswith("x OK")
        assert answer(client, "STATUS {9000}")[-1].startswith("x BAD")  # a stranger's limits
        began = time.monotonic()
        assert client.line().startswith("* BYE")
        assert time.monotonic() - began < PATIENCE / 4


def test_it_ends_no_session_of_a_user_who_has_signed_out(
    alice: User, bob: User, server: RunningServer
) -> None:

    with closing(signed_in(server)) as client, closing(signed_in(server)) as witness:
        assert answer(client, "UNAUTHENTICATE")[-1].startswith("x OK")
        client.send(f'a LOGIN {bob.address} "{PASSWORD}"')
        assert client.line().startswith("a OK")
        provisioning.set_password(alice, "another horse and battery")
        publish(UserChanged(alice.pk))
        assert witness.line().startswith("* BYE")
        assert answer(client, "NOOP")[-1].startswith("x OK")


def test_it_can_be_switched_off(alice: User) -> None:
    with (
        override_settings(IMAP_UNAUTHENTICATE=False),
        running() as server,
        closing(signed_in(server)) as client,
    ):
        assert not re.search("UNAUTHENTICATE", answer(client, "CAPABILITY")[0])
        assert answer(client, "UNAUTHENTICATE")[-1].startswith("x BAD")
        assert answer(client, "STATUS INBOX (MESSAGES)")[-1].startswith("x OK")
