"""APPENDs that a client sends in a row: one transaction, and every answer as if each came alone."""

from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import Entry
from tests.imap.test_server import answer, signed_in
from tests.support.database import breakable
from tests.support.dialogue import Client
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)

RAW = b"Subject: in a row\r\n\r\nHello\r\n"


@pytest.fixture
def client(alice: User, server: RunningServer) -> Iterator[Client]:
    with closing(signed_in(server)) as made:
        yield made


def append(tag: str, raw: bytes = RAW, name: str = "INBOX", flags: str = "()") -> bytes:
    return f"{tag} APPEND {name} {flags} {{{len(raw)}+}}\r\n".encode() + raw + b"\r\n"


def at_once(client: Client, *commands: bytes) -> list[str]:
    """Send commands in one piece; return all lines up to the answer of the last."""
    client.socket.sendall(b"".join(commands))
    last = commands[-1].split(b" ", 1)[0].decode() + " "
    lines = [client.line()]
    while not lines[-1].startswith(last):
        lines.append(client.line())
    return lines


def tagged(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if not line.startswith("* ")]


def uids(lines: Sequence[str]) -> list[int]:
    """The UIDs that the answers tell, each of one message."""
    return [int(line.split("]")[0].split()[-1]) for line in lines if "APPENDUID" in line]


def kept(user: User) -> list[tuple[int, int, int]]:
    inbox = queries.inboxes([user.pk])[user.pk]
    rows = Entry.objects.filter(mailbox_id=inbox).order_by("uid")
    return list(rows.values_list("uid", "flags", "modseq"))


def test_it_answers_each_and_saves_all_in_one_transaction(alice: User, client: Client) -> None:
    flags = ["()", "(\\Seen)", "(\\Flagged kept)", "()"]
    lines = at_once(client, *[append(f"t{number}", flags=one) for number, one in enumerate(flags)])
    assert [line.split()[:3] for line in lines] == [
        [f"t{number}", "OK", "[APPENDUID"] for number in range(4)
    ]
    assert uids(lines) == [1, 2, 3, 4]
    rows = kept(alice)
    assert [row[:2] for row in rows] == [(1, 0), (2, 1), (3, 4), (4, 0)]
    assert len({modseq for *_, modseq in rows}) == 1


def test_it_tells_of_them_where_they_are_selected(client: Client) -> None:
    answer(client, "SELECT INBOX")
    lines = at_once(client, *[append(f"t{number}") for number in range(3)])
    assert [line for line in lines if "EXISTS" in line] == ["* 3 EXISTS"]
    assert lines.index("* 3 EXISTS") < lines.index(next(x for x in lines if x[:3] == "t0 "))
    assert uids(tagged(lines)) == [1, 2, 3]
    assert answer(client, "FETCH 1:3 (UID)")[:3] == [f"* {n} FETCH (UID {n})" for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (append("t2", b""), "t2 NO [CANNOT]"),
        (append("t2", flags="(\\Wrong"), "t2 BAD"),
        (append("t2", name="Nowhere"), "t2 NO [TRYCREATE]"),
        (b"t2 NOOP\r\n", "t2 OK"),
        (b"t2 WHAT\r\n", "t2 BAD"),
    ],
    ids=["empty", "grammar", "no mailbox", "another command", "no command"],
)
def test_it_answers_in_order_whatever_is_between(client: Client, wrong: bytes, said: str) -> None:
    around = [append(f"t{number}") for number in range(5)]
    around[2] = wrong
    lines = tagged(at_once(client, *around))
    assert [line[:3] for line in lines] == [f"t{number} " for number in range(5)]
    assert lines[2].startswith(said)
    assert uids(lines) == [1, 2, 3, 4]


def test_it_keeps_to_the_quota_message_by_message(alice: User, client: Client) -> None:
    User.objects.filter(pk=alice.pk).update(quota=2 * len(RAW))
    lines = at_once(client, *[append(f"t{number}") for number in range(4)])
    assert [line.split()[1] for line in lines] == ["OK", "OK", "NO", "NO"]
    assert all("[OVERQUOTA]" in line for line in lines[2:])
    assert [uid for uid, *_ in kept(alice)] == uids(lines) == [1, 2]


def test_it_finds_by_url_what_the_command_before_has_saved(client: Client) -> None:
    url = b't1 APPEND INBOX CATENATE (URL "/INBOX/;UID=1" TEXT {5+}\r\nmore\n)\r\n'
    lines = at_once(client, append("t0"), url, append("t2"))
    assert [line.split()[:2] for line in lines] == [["t0", "OK"], ["t1", "OK"], ["t2", "OK"]]
    answer(client, "EXAMINE INBOX")
    sizes = answer(client, "FETCH 1:3 (RFC822.SIZE)")[:3]
    assert [int(line.split()[-1][:-1]) for line in sizes] == [len(RAW), len(RAW) + 6, len(RAW)]


def test_it_ends_where_the_client_leaves(alice: User, client: Client) -> None:
    client.socket.sendall(append("t0") + append("t1") + b"t2 LOGOUT\r\n" + append("t3"))
    lines = [client.line() for _ in range(4)]
    assert [line[:4] for line in lines] == ["t0 O", "t1 O", "* BY", "t2 O"]
    assert client.socket.recv(100) == b""
    assert [uid for uid, *_ in kept(alice)] == [1, 2]


def test_it_says_of_all_that_they_could_not_be_saved(alice: User, client: Client) -> None:
    with breakable() as is_gone:
        answer(client, "SELECT INBOX")
        is_gone(True)
        lines = tagged(at_once(client, *[append(f"t{number}") for number in range(3)]))
        assert [line.split()[:3] for line in lines] == [
            [f"t{number}", "NO", "[UNAVAILABLE]"] for number in range(3)
        ]
        is_gone(False)
    assert kept(alice) == []
