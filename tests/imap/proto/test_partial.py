"""Windows of results (RFC 9394 section 3.1)."""

import pytest

from apps.imap.proto.partial import parse_partial
from apps.imap.proto.scanner import GrammarError, Scanner
from apps.wire.lines import RawCommand

RESULTS = [3, 5, 7, 9, 11]


@pytest.mark.parametrize(
    ("text", "picked"),
    [
        (b"1:2", [3, 5]),
        (b"2:1", [3, 5]),
        (b"4:9", [9, 11]),
        (b"6:9", []),
        (b"5:5", [11]),
        (b"-1:-2", [9, 11]),
        (b"-2:-1", [9, 11]),
        (b"-4:-9", [3, 5]),
        (b"-5:-5", [3]),
        (b"-6:-9", []),
        (b"1:4294967295", RESULTS),
        (b"-1:-4294967295", RESULTS),
    ],
)
def test_it_picks_a_window(text: bytes, picked: list[int]) -> None:
    window = parse_partial(Scanner(RawCommand((text,))))
    first, _, last = text.partition(b":")
    assert window.text in {text, last + b":" + first}
    assert window.first <= window.last
    assert list(window.pick(RESULTS)) == picked
    assert list(window.pick([])) == []


@pytest.mark.parametrize(
    "text", [b"", b"1", b"0:1", b"1:0", b"-1:1", b"1:-1", b"1:*", b"*:1", b"1:4294967296", b"--1:2"]
)
def test_it_refuses(text: bytes) -> None:
    with pytest.raises(GrammarError):
        parse_partial(Scanner(RawCommand((text,))))
