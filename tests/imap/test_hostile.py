"""Input meant to hurt: memory, time and sense stay bounded."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace

import pytest

from apps.directory.models import User
from apps.imap.limits import Limits
from tests.imap.conftest import add_message, add_numbered
from tests.imap.memory import resident
from tests.imap.test_server import answer, signed_in
from tests.support.cost import spent
from tests.support.dialogue import Client
from tests.support.imap_server import RunningServer, running
from tests.support.services import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stranger(server: RunningServer) -> Iterator[Client]:
    with closing(Client(server.port)) as client:
        yield client


@pytest.fixture
def member(alice: User, server: RunningServer) -> Iterator[Client]:
    with closing(signed_in(server)) as client:
        yield client


@pytest.mark.parametrize(
    "size",
    [
        "{2000000000}",
        "{10000000}",
        "{18446744073709551617}",
        "{99999999999999999999999999}",
        "{-1}",
        "{}",
        "{+}",
        "{1x}",
        "{ 5}",
        "{9000}",
    ],
)
def test_it_asks_a_stranger_for_no_large_or_senseless_literal(stranger: Client, size: str) -> None:
    stranger.send(f"a LOGIN {size}")
    assert stranger.line().startswith("a BAD")


def test_it_cuts_a_flood_of_unasked_literals(stranger: Client) -> None:
    before = resident()
    stranger.send("a LOGIN {16777216+}")
    try:
        for _ in range(16):
            stranger.socket.sendall(b"x" * 1024 * 1024)
    except OSError:  # cut while we are sending
        pass
    try:
        lines = [stranger.line(), stranger.line()]
    except OSError:
        lines = ["a BAD", "* BYE"]
    assert lines[0].startswith(("a BAD", "(closed)"))
    assert resident() - before < 8 * 1024 * 1024


@pytest.mark.parametrize(
    "flood", [b"a" * 200_000, b'a LOGIN "' + b"x" * 200_000, b"a LOGIN " + b"(" * 200_000]
)
def test_it_cuts_a_line_without_end(stranger: Client, flood: bytes) -> None:
    try:
        stranger.socket.sendall(flood)
        lines = [stranger.line(), stranger.line()]
    except OSError:
        return  # cut while we were sending: just as well
    assert lines[0].startswith(("* BAD", "a BAD", "(closed)"))


@pytest.mark.parametrize("line", [b"a NO\0OP", b"a NOOP\rb NOOP", b"\0\0\0", b"\xff\xfe"])
def test_it_refuses_controls_in_a_line_and_goes_on(stranger: Client, line: bytes) -> None:
    stranger.socket.sendall(line + b"\r\n")
    assert " BAD " in stranger.line()
    stranger.send("b NOOP")
    assert stranger.line().startswith("b OK")


def test_it_cuts_a_stranger_who_talks_nonsense(stranger: Client) -> None:
    stranger.socket.sendall(b"\r\n" * 30)
    lines = [stranger.line() for _ in range(12)]
    assert all(line.startswith("* BAD") for line in lines[:10])
    assert lines[10].startswith("* BYE")
    assert lines[11] == "(closed)"


def test_it_cuts_a_guesser(alice: User, stranger: Client) -> None:
    lines: list[str] = []
    while not lines or not lines[-1].startswith("* BYE"):
        stranger.send("a LOGIN alice@example.test wrong")
        lines.append(stranger.line())
        assert lines[-1].startswith(("a NO", "* BYE"))
        assert len(lines) < 20
    assert stranger.line().startswith("a NO")
    assert stranger.line() == "(closed)"


def test_it_holds_many_parentheses_in_little_memory(transactional_db: None) -> None:
    with running(CONNECTIONS_PER_ADDRESS=60) as server:
        before = resident()
        clients = [Client(server.port) for _ in range(50)]
        for client in clients:
            client.socket.sendall(b"a LOGIN " + b"(" * 4000)
        with closing(Client(server.port)) as other:
            assert answer(other, "NOOP")[-1].startswith("x OK")
        assert resident() - before < 80 * 1024 * 1024
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    "keys",
    [
        "(" * 4000 + "ALL" + ")" * 4000,
        "(" * 4000,
        "NOT " * 2000 + "SEEN",
        "OR SEEN " * 1500 + "ALL",
        "OR BODY a NOT (" * 1500 + "ALL" + ")" * 1500,
    ],
)
def test_it_searches_to_any_depth(alice: User, member: Client, keys: str) -> None:
    add_numbered(alice.pk, 3)
    answer(member, "SELECT INBOX")
    with spent() as took:
        last = answer(member, f"SEARCH {keys}")[-1]
        assert last.startswith(("x OK", "x BAD"))
    assert took.seconds < 2
    assert answer(member, "NOOP")[-1].startswith("x OK")


def test_it_never_counts_through_a_set(alice: User, member: Client) -> None:
    add_numbered(alice.pk, 3)
    answer(member, "SELECT INBOX")
    ranges = ",".join(f"{number * 1000}:4294967295" for number in range(1, 500))
    with spent() as took:
        assert answer(member, "UID FETCH 1:4294967295 (FLAGS)")[-1].startswith("x OK")
        assert answer(member, f"UID FETCH {ranges} (FLAGS)")[-1].startswith("x OK")
        assert answer(member, f"SEARCH UID {ranges}")[-1].startswith("x OK")
        assert answer(member, "UID STORE 1:4294967295 +FLAGS (\\Seen)")[-1].startswith("x OK")
        assert answer(member, "UID COPY 4:4294967295 Archive")[-1].startswith("x OK")
        assert answer(member, "UID EXPUNGE 1:4294967295")[-1].startswith("x OK")
        assert answer(member, "FETCH 1:4294967295 (FLAGS)")[-1].startswith("x BAD")
    assert took.seconds < 5


@pytest.mark.parametrize(
    "name",
    [
        '"../../etc/passwd"',
        '"/etc/passwd"',
        "x" * 5000,
        '"' + "a/" * 400 + 'b"',
        '"&AAA-"',
        '"&"',
        '"a&AGE-b"',
        '"\xff\xfe"',
        '"bob@example.test/INBOX"',
        '"#shared/x"',
        '""',
        '"//"',
        '"a//b"',
    ],
)
def test_it_finds_no_odd_mailbox(alice: User, member: Client, name: str) -> None:
    for command in ("SELECT {}", "STATUS {} (MESSAGES)", "DELETE {}", "RENAME {} y"):
        line = answer(member, command.format(name))[-1]
        assert line.startswith("x NO [NONEXISTENT]"), (command, line)
    assert answer(member, "NOOP")[-1].startswith("x OK")


@pytest.mark.parametrize("name", ["x" * 5000, '"' + "a/" * 400 + 'b"', '"&"', '""', '"a//b"'])
def test_it_makes_no_odd_mailbox(alice: User, member: Client, name: str) -> None:
    assert answer(member, f"CREATE {name}")[-1].startswith("x NO [CANNOT]")
    assert answer(member, f"RENAME Trash {name}")[-1].startswith("x NO [CANNOT]")


def test_it_takes_patterns_and_strings_literally(alice: User, member: Client) -> None:
    add_numbered(alice.pk, 2)
    answer(member, "SELECT INBOX")
    for text in ("%", "_", "'", '\\"', "\\\\", ";", "%' OR '1'='1"):
        assert answer(member, f'SEARCH SUBJECT "{text}"')[0] == "* SEARCH"
        assert answer(member, f'LIST "" "{text}q"') == ["x OK Listed"]


def test_it_refuses_an_append_over_the_limit_before_the_data(
    alice: User, strict_server: RunningServer
) -> None:
    with closing(signed_in(strict_server)) as client:
        assert answer(client, "APPEND INBOX {100001}")[-1].startswith("x NO [TOOBIG]")
        assert answer(client, "APPEND INBOX (\\Seen) {99999999999}")[-1].startswith("x NO [TOOBIG]")
        assert answer(client, "STATUS INBOX (MESSAGES)")[0] == '* STATUS "INBOX" (MESSAGES 0)'


@pytest.mark.parametrize("command", ["APPEND INBOX", "STATUS", "REPLACE 1 INBOX"])
def test_it_passes_over_what_it_refused_and_comes_all_the_same(
    alice: User, strict_server: RunningServer, command: str
) -> None:
    before = resident()
    with closing(signed_in(strict_server)) as client:
        client.send(f"a {command} {{67108864+}}")
        for _ in range(64):
            client.socket.sendall(b"b NOOP\r\n" * 131_072)
        client.socket.sendall(b" {4+}\r\nlast\r\n")
        assert client.line().startswith("a NO [TOOBIG]")
        assert answer(client, "STATUS INBOX (MESSAGES)")[0] == '* STATUS "INBOX" (MESSAGES 0)'
        assert resident() - before < 16 * 1024 * 1024
        client.send("c APPEND INBOX {4294967296+}")  # nobody waits for that much
        assert client.line().startswith("c NO [TOOBIG]")
        assert client.line().startswith("* BYE [TOOBIG]")


def test_it_shows_nothing_of_an_append_that_was_cut(alice: User, server: RunningServer) -> None:
    whole = b"a APPEND INBOX {30+}\r\nSubject: half\r\n\r\nnot all of it\r\n"
    for length in range(1, len(whole), 7):
        with closing(signed_in(server)) as client:
            client.socket.sendall(whole[:length])
    with closing(signed_in(server)) as client:
        assert answer(client, "STATUS INBOX (MESSAGES)")[0] == '* STATUS "INBOX" (MESSAGES 0)'


def test_it_survives_any_octets(alice: User, server: RunningServer) -> None:
    """A fixed handful of garbage, in every state; fuzzing proper is `proto`'s."""
    garbage = [bytes(range(256)), b"\r\n" * 5, b"{" * 100, b'"' * 99, b"a b c d " * 50, b"* * *"]
    for junk in garbage:
        with closing(signed_in(server)) as client:
            answer(client, "SELECT INBOX")
            client.socket.sendall(junk + b"\r\n")
            client.send("z NOOP")
            lines = [client.line()]
            while not lines[-1].startswith(("z OK", "(")):
                lines.append(client.line())
            assert lines[-1].startswith("z OK")


# -- memory for large literals --------------------------------------------------------------------

LARGE = 1024 * 1024


@pytest.fixture
def narrow_server(transactional_db: None) -> Iterator[RunningServer]:
    """With room for two large messages on their way, one of each user."""
    with running(Limits(message_size=LARGE, literal_memory=2 * LARGE, literal_wait=0.4)) as one:
        yield one


def patient(server: RunningServer) -> Client:
    """Who is let in late rather than not at all, however slow the machine is."""
    hasty = server.service.limits
    server.service.limits = replace(hasty, literal_wait=30)
    try:
        return signed_in(server)
    finally:
        server.service.limits = hasty


def begin(client: Client, tag: str) -> None:
    client.send(f"{tag} APPEND INBOX {{{LARGE}}}")


def finish(client: Client, tag: str) -> None:
    client.socket.sendall(b"Subject: x\r\n\r\n".ljust(LARGE, b"x") + b"\r\n")
    assert client.line().startswith(f"{tag} OK")


def test_it_takes_no_more_large_messages_than_it_has_memory_for(
    alice: User, bob: User, narrow_server: RunningServer
) -> None:
    with (
        closing(signed_in(narrow_server)) as one,
        closing(signed_in(narrow_server)) as two,
        closing(signed_in(narrow_server, "bob@example.test")) as other,
        closing(patient(narrow_server)) as waiting,
    ):
        begin(one, "a")
        assert one.line().startswith("+ ")
        begin(two, "b")  # of the same user: waits, is refused before the data, and goes on
        assert two.line().startswith("b NO [UNAVAILABLE]")
        assert answer(two, "NOOP")[-1].startswith("x OK")
        begin(other, "c")  # of another: nobody shuts it out
        assert other.line().startswith("+ ")
        begin(waiting, "d")  # until there is room
        finish(one, "a")
        assert waiting.line().startswith("+ ")
        finish(waiting, "d")
        finish(other, "c")
    assert narrow_server.service.allowance.taken == 0


def test_it_reads_no_unasked_message_that_it_has_no_memory_for(
    alice: User, narrow_server: RunningServer
) -> None:
    raw = b"Subject: x\r\n\r\n".ljust(LARGE, b"x")
    whole = b"b APPEND INBOX {%d+}\r\n" % LARGE + raw + b"\r\n"
    with (
        closing(signed_in(narrow_server)) as one,
        closing(signed_in(narrow_server)) as two,
        closing(patient(narrow_server)) as waiting,
    ):
        begin(one, "a")
        assert one.line().startswith("+ ")
        sender = threading.Thread(target=waiting.socket.sendall, args=(whole,))
        sender.start()
        finish(one, "a")
        assert waiting.line().startswith("b OK")
        sender.join()
        begin(one, "a")
        assert one.line().startswith("+ ")
        sender = threading.Thread(target=two.socket.sendall, args=(whole,))
        sender.start()  # passed over, when there is no room in time
        assert two.line().startswith("b NO [UNAVAILABLE]")
        sender.join()
        assert answer(two, "STATUS INBOX (MESSAGES)")[0] == '* STATUS "INBOX" (MESSAGES 2)'
        finish(one, "a")


def test_it_counts_the_messages_of_one_command_together(
    alice: User, narrow_server: RunningServer
) -> None:
    """Each is small enough to be held without asking; many of them are not."""
    message = b" {60000+}\r\n".ljust(60_011, b"x")
    with closing(signed_in(narrow_server)) as one, closing(signed_in(narrow_server)) as two:
        one.socket.sendall(b"a APPEND INBOX" + message * 15)
        wait_for(lambda: narrow_server.service.allowance.taken == 900_000, what="all is counted")
        begin(two, "b")
        assert two.line().startswith("b NO [UNAVAILABLE]")
        one.socket.sendall(message * 2 + b" {40000}\r\n")  # more than one user may hold
        assert one.line().startswith("a NO [TOOBIG]")
        assert narrow_server.service.allowance.taken == 0
        one.socket.sendall(b"c APPEND INBOX" + message * 15 + b"\r\n")
        assert one.line().startswith("c OK [APPENDUID ")
    assert narrow_server.service.allowance.taken == 0


@pytest.mark.parametrize("octets", [0, 30_000])
def test_it_gives_the_room_of_a_literal_that_does_not_come_to_others(
    alice: User, transactional_db: None, octets: int
) -> None:
    limits = Limits(message_size=LARGE, literal_memory=LARGE, literal_wait=15, literal_stall=0.3)
    with (
        running(limits) as server,
        closing(signed_in(server)) as one,
        closing(signed_in(server)) as two,
    ):
        begin(one, "a")
        assert one.line().startswith("+ ")
        one.socket.sendall(b"x" * octets)
        begin(two, "b")
        assert one.line().startswith("* BYE")
        assert one.line() == "(closed)"
        assert two.line().startswith("+ ")
        finish(two, "b")
        assert answer(two, "NOOP")[-1].startswith("x OK")


def test_it_has_the_memory_again_when_a_sender_is_gone(
    alice: User, narrow_server: RunningServer
) -> None:
    with closing(signed_in(narrow_server)) as one, closing(patient(narrow_server)) as two:
        begin(one, "a")
        assert one.line().startswith("+ ")
        one.socket.sendall(b"x" * 1000)
        begin(two, "b")
        one.socket.close()
        one.close()
        assert two.line().startswith("+ ")
        finish(two, "b")


def test_it_holds_many_unfinished_messages_in_bounded_memory(
    alice: User, bob: User, transactional_db: None
) -> None:
    size = 8 * LARGE
    with running(Limits(message_size=size, literal_memory=2 * size, literal_wait=30)) as server:
        before = resident()
        clients = [signed_in(server, f"{name}@example.test") for name in ("alice", "bob") * 10]
        for client in clients:
            client.socket.setblocking(False)
            client.socket.send(b"a APPEND INBOX {%d+}\r\n" % size)
        sent, still = dict.fromkeys(clients, 0), 0

        def send_what_is_taken() -> int:
            before = sum(sent.values())
            for client in [one for one in clients if sent[one] < size - LARGE]:
                with suppress(BlockingIOError):
                    sent[client] += client.socket.send(b"x" * 65_536)
            return sum(sent.values()) - before

        def two_are_in() -> bool:
            send_what_is_taken()
            return sorted(sent.values())[-2] >= size - LARGE

        def all_wait() -> bool:
            nonlocal still
            still = 0 if send_what_is_taken() else still + 1
            return still == 20

        wait_for(two_are_in, what="two are let in")
        wait_for(all_wait, what="nothing more is taken")
        assert sorted(sent.values())[-3] < size - LARGE
        assert resident() - before < 4 * size
        for client in clients:
            client.close()


# -- readers --------------------------------------------------------------------------------------


def test_it_holds_no_lock_for_a_reader_that_does_not_read(
    alice: User, strict_server: RunningServer
) -> None:
    """Nothing of the database is held while something is written to a socket."""
    for _ in range(3):
        add_message(alice.pk, b"Subject: big\r\n\r\n" + b"x" * 4 * LARGE)
    with closing(signed_in(strict_server)) as stuck, closing(signed_in(strict_server)) as other:
        answer(stuck, "SELECT INBOX")
        answer(other, "SELECT INBOX")
        for number in range(40):
            stuck.send(f"f{number} FETCH 1:* (FLAGS BODY.PEEK[])")
        began = time.monotonic()
        for command in (
            "STORE 1 +FLAGS.SILENT (\\Deleted)",
            "COPY 2 Archive",
            "MOVE 2 Archive",
            "EXPUNGE",
            "APPEND INBOX {3+}\r\nnew",
            "UID REPLACE 3 INBOX {3+}\r\nnew",
        ):
            assert answer(other, command)[-1].startswith("x OK"), command
        assert time.monotonic() - began < 5
        wait_for(lambda: len(strict_server.listener.book) == 1, what="the stuck one is cut")
        assert answer(other, "NOOP")[-1].startswith("x OK")


def test_it_serves_a_slow_reader_in_flat_memory(alice: User, strict_server: RunningServer) -> None:
    """It is waited for, as long as it reads something."""
    add_message(alice.pk, b"Subject: big\r\n\r\n" + b"x" * 8 * LARGE)
    with closing(signed_in(strict_server)) as client:
        answer(client, "SELECT INBOX")
        before = resident()
        for number in range(8):
            client.send(f"f{number} FETCH 1 BODY.PEEK[]")
        read, most = 0, 0
        while read < 8 * 8 * LARGE:
            read += len(client.octets(256 * 1024))
            most = max(most, resident() - before)
        assert most < 24 * LARGE
