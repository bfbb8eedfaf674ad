"""SEARCH against what is in the messages, and the program against a plain evaluation."""

from itertools import compress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.directory.models import User
from apps.imap.proto.scanner import Scanner
from apps.imap.proto.search import HasFlag, parse_program
from apps.imap.search.searching import Bounds, run, to_mask
from apps.wire.lines import RawCommand
from tests.imap.conftest import add_message
from tests.imap.test_fetch import selected
from tests.support.imap_server import RunningServer

MESSAGES = [
    b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.net>\r\nTo: alice@example.test\r\n"
    b"Subject: =?iso-8859-1?q?Gr=FC=DFe?= from\r\n Berlin\r\nDate: Mon, 5 Feb 2024 23:30 -0800\r\n"
    b"\r\nHallo Alice\r\n",
    b"From: carol@example.net\r\nCc: dave@example.net, erin@example.net\r\nSubject: 100% _sure_\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    b"\r\nThe caf=C3=A9 is open=\r\ned.\r\n",
    b"From: mallory@example.net\r\nBcc: hidden@example.net\r\nX-Tag: one\r\nX-Tag: two words\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"U2VjcmV0IFBsYW4=\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: enclosed letter\r\n\r\ninner words\r\n--b\r\n"
    b"Content-Type: application/octet-stream\r\n\r\nraw attachment\r\n--b--\r\n",
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ('FROM "jürgen"', "1"),
        ('FROM "JÜRGEN"', "1"),
        ('SUBJECT "grüsse"', "1"),
        ('SUBJECT "from berlin"', "1"),
        ('SUBJECT "100%"', "2"),
        ('SUBJECT "_SURE_"', "2"),
        ('SUBJECT "100_"', ""),
        ('CC "erin"', "2"),
        ('BCC "hidden"', "3"),
        ('TO "alice"', "1"),
        ('HEADER X-Tag "TWO W"', "3"),
        ('HEADER X-Tag ""', "3"),
        ('HEADER X-None ""', ""),
        ('BODY "café is opened"', "2"),
        ('BODY "secret plan"', "3"),
        ('BODY "enclosed letter"', "3"),
        ('BODY "INNER words"', "3"),
        ('BODY "raw attachment"', ""),
        ('BODY "mallory"', ""),
        ('TEXT "mallory"', "3"),
        ('TEXT "x-tag: two"', "3"),
        ('TEXT "alice"', "1"),
        ("SENTON 5-Feb-2024", "1"),
        ("SENTSINCE 6-Feb-2024", "2 3"),
        ("SENTBEFORE 6-Feb-2024", "1"),
        ("LARGER 300", "3"),
        ("SMALLER 200", "1"),
        ('OR FROM "carol" NOT BODY "hallo"', "2 3"),
        ('NOT (FROM "carol")', "1 3"),
        ('UNSEEN 2:3 TEXT "example"', "2 3"),
    ],
)
def test_it_finds(alice: User, server: RunningServer, keys: str, found: str) -> None:
    for raw in MESSAGES:
        add_message(alice.pk, raw)
    with selected(server, alice) as client:
        client._encoding = "utf-8"  # type: ignore[attr-defined]
        assert client.search(None, keys) == ("OK", [found.encode()])


FLAGS = {1: "SEEN", 2: "ANSWERED", 4: "FLAGGED"}


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    kind = draw(st.integers(0, 3)) if depth else 0
    below = expressions(depth - 1) if depth else st.nothing()
    if kind == 0:
        return draw(st.sampled_from(sorted(FLAGS.values())))
    if kind == 1:
        return f"NOT {draw(below)}"
    if kind == 2:
        return f"OR {draw(below)} {draw(below)}"
    return f"({draw(below)} {draw(below)})"


def plain(words: list[str], flags: int) -> bool:
    """Evaluate by recursion, from the front; takes its words off the list."""
    word = words.pop(0)
    if word == "NOT":
        return not plain(words, flags)
    if word == "OR":
        left, right = plain(words, flags), plain(words, flags)
        return left or right
    if word == "(":
        left, right = plain(words, flags), plain(words, flags)
        words.pop(0)
        return left and right
    return next(bool(flags & bit) for bit, name in FLAGS.items() if name == word)


@given(expressions(), st.sets(st.sampled_from(sorted(FLAGS))))
def test_it_evaluates_as_a_plain_reading_does(text: str, unknown: set[int]) -> None:
    """With bounds too: what is sure is right, whatever the unknown leaves turn out to be."""
    program = parse_program(Scanner(RawCommand((text.encode(),))))
    subjects = list(range(8))
    everything = to_mask(b"\1" * 8)
    exact, bounded = [], []
    for leaf in program.leaves:
        assert isinstance(leaf, HasFlag)
        mask = to_mask(bytes(bool(flags & leaf.bit) for flags in subjects))
        exact.append(Bounds(mask, mask))
        bounded.append(Bounds(0, everything) if leaf.bit in unknown else exact[-1])
    words = text.replace("(", "( ").replace(")", " )").split()
    wanted = [flags for flags in subjects if plain(words.copy(), flags)]

    def listed(mask: int) -> list[int]:
        return list(compress(subjects, mask.to_bytes(8, "little")))

    result = run(program, exact, everything)
    assert result.surely == result.possibly
    assert listed(result.surely) == wanted
    rough = run(program, bounded, everything)
    assert set(listed(rough.surely)) <= set(wanted) <= set(listed(rough.possibly))
