"""Whatever the octets: a letter is read, rules look at it, and nothing is raised."""

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.scan.letter import read
from apps.scan.rules import ContentRules
from tests.scan.rules.examples import EXAMPLES
from tests.scan.rules.mail import UNPROVEN, case

WHOLE = [example.raw for example in EXAMPLES.values()]
PIECES = st.sampled_from(
    [
        *(b"<", b">", b"\0", b"\xff", b"\r", b"\n", b"\r\n\r\n", b"--aa", b"@", b"%", b"=?", b"?="),
        *(b"begin 644 x\n", b"#0V%T\n", b"`\n", b"<a href=", b"style='font-size:", b"<!--", b"-->"),
        *(b"&#99999999999;", b"&#x110000;", b"color:rgb(999,0,0)", b"9" * 400, b"https://[::1"),
        *(b"Content-Type: multipart/mixed; boundary=b\r\n", b"charset=utf-16", b"charset=utf-7"),
        *(b"Content-Transfer-Encoding: base64\r\n", b"Date: 99 Foo 99999 99:99 +9999\r\n"),
        *(b"\xe2\x80\x8b", b"\xf0\x9d\x90\x80", b"\xd0\xb0", b"+AGE-", b"\xed\xa0\x80"),
    ]
)


@settings(max_examples=80)
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.integers(0, 1_000), PIECES | st.binary(max_size=20)), max_size=8),
)
def test_it_never_raises(whole: bytes, changes: list[tuple[int, bytes]]) -> None:
    raw = bytearray(whole)
    for place, piece in changes:
        raw[place : place + len(piece) // 2] = piece
    one = read(bytes(raw))
    assert all(isinstance(part.content(1_000), bytes) for part in one.parts)
    for finding in ContentRules().judge(case(bytes(raw), UNPROVEN), None):
        assert finding.words.encode()


@given(st.binary(max_size=2_000))
def test_it_reads_any_octets(raw: bytes) -> None:
    one = read(raw)
    assert one.parts
    assert (one.text + one.hidden + one.subject).encode() is not None
    assert one.damage is not None
    assert one.links is not None
