"""Header fields written: one field out, whatever goes in."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.address import Address
from apps.mime.addresslist import mailboxes
from apps.mime.compose_header import (
    LINE_MAX,
    date_field,
    fold,
    fold_addresses,
    mailbox,
    message_id,
    phrase,
)
from apps.mime.headers import clean, decode_text, scan

BOB = Address.parse("bob@example.test")


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("Hello", b"Subject: Hello\r\n"),
        ("", b"Subject: \r\n"),
        ("a\r\nBcc: eve@evil.example", b"Subject: aBcc: eve@evil.example\r\n"),
        ("a\0b\x0bc\x85d\u2028e", b"Subject: abcde\r\n"),
        ("Grüße", b"Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"),
        ("=?utf-8?q?x?=", b"Subject: =?utf-8?B?PT91dGYtOD9xP3g/PQ==?=\r\n"),
    ],
)
def test_it_writes_one_field(value: str, field: bytes) -> None:
    assert fold("Subject", value) == field


def test_it_may_write_utf8() -> None:
    assert fold("Subject", "Grüße", utf8=True) == "Subject: Grüße\r\n".encode()


def test_it_folds_long_values() -> None:
    field = fold("Subject", "word " * 60)
    lines = field.split(b"\r\n")
    assert len(lines) > 3
    assert all(len(line) <= 78 for line in lines)
    assert all(line.startswith(b" word") for line in lines[1:-1])


@pytest.mark.parametrize("name", ["", "A:", "A B", "A\r\nB", "Ä", "x" * 77])
def test_it_takes_only_field_names(name: str) -> None:
    with pytest.raises(ValueError, match="field name"):
        fold(name, "x")


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        ("", "bob@example.test"),
        ("Bob Baker", "Bob Baker <bob@example.test>"),
        ("Baker, Bob", '"Baker, Bob" <bob@example.test>'),
        ('Bob "B" \\', '"Bob \\"B\\" \\\\" <bob@example.test>'),
        ("Jörg", "=?utf-8?B?SsO2cmc=?= <bob@example.test>"),
        ("a\r\nBcc: x", '"aBcc: x" <bob@example.test>'),
        ("=?utf-8?q?x?=", "=?utf-8?B?PT91dGYtOD9xP3g/PQ==?= <bob@example.test>"),
    ],
)
def test_it_writes_mailboxes(shown: str, written: str) -> None:
    assert mailbox(shown, BOB) == written


def test_it_writes_address_lists() -> None:
    odd = Address.build("a b", "x")
    field = fold_addresses("To", [("Bob", BOB), ("", odd)])
    assert field == b'To: Bob <bob@example.test>, "a b"@x\r\n'
    assert (
        fold_addresses("To", [("Jörg", BOB)], utf8=True)
        == 'To: "Jörg" <bob@example.test>\r\n'.encode()
    )


def test_it_makes_message_ids_and_dates() -> None:
    at = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert message_id(at, bytes(range(8)), "x.test") == "<20240102030405.0001020304050607@x.test>"
    assert date_field(at, 60) == b"Date: Tue, 02 Jan 2024 04:04:05 +0100\r\n"
    with pytest.raises(ValueError, match="random"):
        message_id(at, b"short", "x.test")


@given(st.text(max_size=300), st.booleans())
def test_it_writes_any_text_as_one_field_that_reads_back(value: str, utf8: bool) -> None:
    written = fold("Subject", value, utf8=utf8) + b"\r\n"
    block = scan(written)
    assert [field.name for field in block.fields] == [b"subject"]
    assert block.body_start == len(written)
    assert all(len(line) <= LINE_MAX for line in written.split(b"\r\n"))
    if not utf8:
        assert written.isascii()
        assert "".join(decode_text(block.first(b"subject") or b"").split()) == "".join(
            clean(value).split()
        )


@given(st.text(max_size=60))
def test_it_writes_any_name_so_that_the_address_stays(shown: str) -> None:
    (found,) = mailboxes(mailbox(shown, BOB).encode())
    assert (found.local, found.host) == (b"bob", b"example.test")
    assert decode_text(found.name or b"").split() == clean(shown).split()
    assert phrase(shown).isascii()
