"""First addresses, as ENVELOPE has them."""

from hypothesis import given
from hypothesis import strategies as st

from apps.imap.proto.addresses import CC, FROM, NO_ADDRESS, TO, Address, first_addresses
from apps.mime.envelope import NO_ENVELOPE, envelope
from apps.mime.headers import scan

ALL = frozenset({FROM, TO, CC})


def first(raw: bytes) -> dict[int, Address]:
    return first_addresses(envelope(scan(raw)), ALL)


def test_it_reads_the_first_address_of_each_field() -> None:
    raw = (
        b'Date: "x" (y)\r\nSubject: (a "b\\c)\r\n'
        b'From: "A \\"B\\" C" <ab@x.example>, b@y.example\r\n'
        b"To: =?utf-8?q?=C3=A4?= <Zed@y.example>\r\nReply-To: a@b.example\r\n\r\n"
    )
    assert first(raw) == {
        FROM: Address(b'A "B" C', b"ab", b"x.example"),
        TO: Address(b"=?utf-8?q?=C3=A4?=", b"Zed", b"y.example"),
        CC: NO_ADDRESS,
    }


def test_it_reads_a_group_as_the_envelope_tells_it() -> None:
    """RFC 3501 section 7.4.2: its name is the mailbox, without a host."""
    found = first(b"To: undisclosed: a@b.example, c@d.example;\r\nCc: none:;\r\n\r\n")
    assert found[TO] == Address(b"", b"undisclosed", b"")
    assert found[CC] == Address(b"", b"none", b"")


def test_it_reads_literals() -> None:
    raw = b"Subject: caf\xe9 (\r\nFrom: \xe9t\xe9 <a@b.example>\r\n\r\n"
    assert b"{" in envelope(scan(raw))
    assert first(raw)[FROM].mailbox == b"a"


def test_it_finds_nothing_in_no_envelope() -> None:
    assert set(first_addresses(NO_ENVELOPE, ALL).values()) == {NO_ADDRESS}


@given(st.binary(max_size=80))
def test_it_ends_on_whatever_octets(raw: bytes) -> None:
    assert set(first_addresses(raw, ALL)) == ALL


LOCAL = st.text("abcXYZ.", min_size=1, max_size=5).filter(
    lambda text: ".." not in text and text[0] != "." and text[-1] != "."
)


@given(st.lists(LOCAL, min_size=1, max_size=4), st.text('ab "()\\é', max_size=8))
def test_it_reads_what_was_written(locals_: list[str], name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    listed = ", ".join(f'"{quoted}" <{local}@x.example>' for local in locals_)
    raw = f"From: {listed}\r\nCc: {locals_[-1]}@x.example\r\n\r\n".encode()
    found = first(raw)
    assert found[FROM].mailbox == locals_[0].encode()
    assert found[CC].mailbox == locals_[-1].encode()
