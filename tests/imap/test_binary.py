"""BINARY[...] of a FETCH (RFC 3516): what is in parts, in bounded memory, and what is unknown."""

import base64
import imaplib
import quopri
import random
from collections.abc import Iterator

import pytest

from apps.directory.models import User
from apps.imap.messages.binary import PIECE, Read, decoded
from apps.mime import decode
from apps.mime.tree import Part
from apps.wire.errors import UnknownEncoding
from tests.imap.binary_answers import ANSWERS, UNKNOWN, encoded
from tests.imap.conftest import add_message
from tests.imap.test_fetch import answer, selected
from tests.support.imap_server import RunningServer


def asked(client: imaplib.IMAP4, number: int, items: str) -> tuple[str, bytes]:
    """Fetch by hand: imaplib knows no literal8. The tagged line's beginning, and all before it."""
    client.send(b"x FETCH %d (%b)\r\n" % (number, items.encode()))
    heard = b""
    while not (line := client.readline()).startswith(b"x "):
        heard += line
        if line.endswith(b"}\r\n"):
            heard += client.read(int(line[line.rindex(b"{") + 1 : -3]))
    return line.decode(), heard


@pytest.fixture
def client(alice: User, server: RunningServer) -> Iterator[imaplib.IMAP4]:
    for raw, _ in ANSWERS.values():
        add_message(alice.pk, raw)
    for raw in UNKNOWN.values():
        add_message(alice.pk, raw)
    with selected(server, alice) as one:
        yield one


@pytest.mark.django_db(transaction=True)
def test_it_says_what_is_in_parts_as_others_do(client: imaplib.IMAP4) -> None:
    for number, (name, (_, sections)) in enumerate(ANSWERS.items(), 1):
        for section, holds in sections.items():
            spec = section if "<" in section else section + "]"
            label = spec.split(".")[0] + ">" if "<" in section else spec
            said, heard = asked(client, number, f"BINARY.PEEK[{spec}")
            value = b"NIL" if holds is None else b"{%d}\r\n%b" % (len(holds), holds)
            if holds and b"\0" in holds:
                value = b"~" + value
            expected = b"* %d FETCH (BINARY[%b %b)\r\n" % (number, label.encode(), value)
            assert (name, section, heard) == (name, section, expected)
            assert said.startswith("x OK")
            if "<" not in section:
                _, heard = asked(client, number, f"BINARY.SIZE[{spec}")
                size = b"* %d FETCH (BINARY.SIZE[%b %d)\r\n"
                assert heard == size % (number, spec.encode(), len(holds or b""))


@pytest.mark.django_db(transaction=True)
def test_it_says_which_encodings_it_does_not_know(client: imaplib.IMAP4) -> None:
    last = len(ANSWERS) + len(UNKNOWN)
    for number in range(len(ANSWERS) + 1, last + 1):
        for item in ("BINARY.PEEK[1]", "BINARY.SIZE[1]"):
            said, heard = asked(client, number, item)
            assert said.startswith("x NO [UNKNOWN-CTE] ")
            assert heard == b""
        said, heard = asked(client, number, "BINARY.SIZE[] BODY.PEEK[1]")
        assert said.startswith("x OK")
    # The others of a FETCH are answered.
    client.send(b"x FETCH %d:* (BINARY.SIZE[1])\r\n" % (last - 2))
    assert client.readline().startswith(b"* %d FETCH (BINARY.SIZE[1] " % (last - 2))
    assert client.readline().startswith(b"x NO [UNKNOWN-CTE]")


@pytest.mark.django_db(transaction=True)
def test_it_sets_seen_like_other_bodies(client: imaplib.IMAP4) -> None:
    assert b"FLAGS" not in asked(client, 1, "BINARY.SIZE[1]")[1]
    assert b"FLAGS" not in asked(client, 1, "BINARY.PEEK[1]")[1]
    assert b"\\Seen" in asked(client, 1, "BINARY[1]")[1]
    assert b"FLAGS" not in asked(client, 1, "BINARY[1]")[1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("item", ["BINARY[X]", "BINARY[MIME]", "BINARY.SIZE[1]<0.1>", "BINARY"])
def test_it_refuses_what_is_no_section(client: imaplib.IMAP4, item: str) -> None:
    said, _ = asked(client, 1, item)
    assert said.startswith("x BAD ")


@pytest.mark.django_db(transaction=True)
def test_it_decodes_texts_of_messages_and_sends_their_headers(client: imaplib.IMAP4) -> None:
    names = list(ANSWERS)
    lines, parts = names.index("lines in base64") + 1, names.index("parts") + 1
    assert asked(client, lines, "BINARY.PEEK[TEXT]")[1].endswith(b"[TEXT] {8}\r\none\ntwo\n)\r\n")
    assert asked(client, parts, "BINARY.PEEK[2.TEXT]")[1].endswith(b"[2.TEXT] {2}\r\nhi)\r\n")
    assert b"Subject: in" in asked(client, parts, "BINARY.PEEK[2.HEADER]")[1]
    raw, _ = ANSWERS["parts"]
    text = raw.split(b"\r\n\r\n", 1)[1]
    assert asked(client, parts, "BINARY.SIZE[TEXT]")[1].endswith(b" %d)\r\n" % len(text))


@pytest.mark.django_db(transaction=True)
def test_it_sends_large_parts_by_pieces(alice: User, server: RunningServer) -> None:
    holds = random.Random(1).randbytes(3 * PIECE + 7)
    add_message(alice.pk, encoded("image/png", "base64", base64.encodebytes(holds)))
    with selected(server, alice) as client:
        _, heard = asked(client, 1, "BINARY.SIZE[1] BINARY.PEEK[1] UID")
        assert b"BINARY.SIZE[1] %d BINARY[1] ~{%d}\r\n" % (len(holds), len(holds)) in heard
        assert heard.endswith(holds + b")\r\n")
        start = 2 * PIECE - 5
        _, heard = asked(client, 1, f"BINARY.PEEK[1]<{start}.{PIECE + 20}>")
        assert heard.endswith(holds[start : start + PIECE + 20] + b")\r\n")
        assert answer(client, "UID")[0] == b"1 (UID 1)"


def reader_of(raw: bytes) -> Read:
    return lambda start, end: raw[start:end]


def look(raw: bytes, encoding: str, window: tuple[int, int] | None = None) -> bytes:
    """What `decoded` finds, and that it says the same of it twice."""
    reads: list[int] = []

    def read(start: int, end: int) -> bytes:
        reads.append(end - start)
        return raw[start:end]

    part = Part(0, 0, len(raw), b"application", b"x", encoding=encoding.encode())
    found = decoded(read, part, 0, len(raw), window)
    holds = b"".join(found.pieces())
    assert (found.size, found.has_nul) == (len(holds), b"\0" in holds)
    assert found.short in (None, holds)
    assert (found.short is None) == (len(holds) > PIECE)
    assert max(reads, default=0) <= PIECE
    return holds


@pytest.mark.parametrize("seed", range(20))
def test_it_decodes_by_pieces_as_at_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.imap.messages.binary.PIECE", 7 + seed)
    dice = random.Random(seed)
    octets = dice.randbytes(dice.randrange(300))
    for encoding, raw in (
        ("base64", base64.encodebytes(octets).replace(b"\n", b"\r\n")),
        ("base64", dice.randbytes(200) + b"=" + base64.b64encode(octets)),
        ("quoted-printable", quopri.encodestring(octets, quotetabs=True)),
        ("8bit", octets),
    ):
        whole = decode.body(raw, encoding.encode())
        reader = (raw[at : at + PIECE] for at in range(0, len(raw), PIECE))
        assert b"".join(decode.stepwise(reader, encoding.encode())) == whole
        part = Part(0, 0, len(raw), b"application", b"x", encoding=encoding.encode())
        for window in (None, (0, 5), (dice.randrange(300), dice.randrange(1, 300))):
            found = decoded(reader_of(raw), part, 0, len(raw), window)
            start, count = window or (0, len(whole) + 1)
            assert b"".join(found.pieces()) == whole[start : start + count]


def test_it_looks_no_further_than_is_asked() -> None:
    reads: list[int] = []

    def read(start: int, end: int) -> bytes:
        reads.append(start)
        return b"QUFB" * ((end - start) // 4)

    part = Part(0, 0, 40 * PIECE, b"application", b"x", encoding=b"base64")
    found = decoded(read, part, 0, 40 * PIECE, (10, 20))
    assert found.short == (b"A" * 20)
    assert len(reads) == 1


@pytest.mark.parametrize(
    "raw",
    [b"=" * 2_000_000, b" " * 2_000_000, b"a" * 2_000_000, b"\r\n" * 1_000_000, b"= " * 1_000_000],
    ids=["equals", "blanks", "one line", "line ends", "soft"],
)
def test_it_holds_little_of_lines_that_never_end(raw: bytes) -> None:
    for encoding in ("quoted-printable", "base64"):
        assert len(look(raw, encoding)) <= len(raw)


def test_it_knows_no_other_encodings() -> None:
    with pytest.raises(UnknownEncoding):
        look(b"", "x-uuencode")
