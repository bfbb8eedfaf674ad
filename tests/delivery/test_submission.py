"""What a user may send, what is added and what is hidden."""

import pytest

from apps.delivery.submission import HeaderRefused, Prepared, separator, submit
from apps.directory.models import User
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from apps.runtime.ulid import parse_ulid
from apps.wire.errors import SenderNotAllowed

pytestmark = pytest.mark.django_db
ID = parse_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV")


def send(raw: bytes, user: User) -> Prepared:
    assert ID is not None
    return submit(
        raw,
        user_id=user.pk,
        sender=Address.parse(user.address),
        message_id=ID,
        now_us=1_764_000_000_000_000,
        hostname="mail.example.test",
    )


def shown(raw: bytes, prepared: Prepared) -> bytes:
    for start, end in reversed(prepared.cuts):
        raw = raw[:start] + raw[end:]
    return prepared.fields + raw


def test_it_adds_date_message_id_and_from(alice: User) -> None:
    prepared = send(b"Subject: x\r\n\r\nhello\r\n", alice)
    assert prepared.fields == (
        b"From: alice@example.test\r\n"
        b"Date: Mon, 24 Nov 2025 16:00:00 +0000\r\n"
        b"Message-ID: <01arz3ndektsv4rrffq69g5fav@mail.example.test>\r\n"
    )


def test_it_adds_nothing_to_a_complete_header(alice: User) -> None:
    raw = (
        b"From: alice@example.test\r\nDate: Tue, 24 Nov 2026 10:00:00 +0100\r\n"
        b"Message-ID: <1@x>\r\n\r\nhello\r\n"
    )
    assert send(raw, alice) == Prepared(b"", (), "<1@x>")


@pytest.mark.parametrize("name", [b"Bcc", b"BCC", b"bCc", b"Resent-Bcc", b"Return-Path"])
def test_it_hides_blind_copies(alice: User, name: bytes) -> None:
    raw = (
        b"From: alice@example.test\r\n" + name + b": bob@example.test,\r\n secret@example.test\r\n"
        b"Subject: x\r\n\r\nBcc: stays in the body\r\n"
    )
    result = shown(raw, send(raw, alice))
    assert b"secret" not in result
    assert b"Bcc: stays in the body" in result
    assert b"Subject: x\r\n\r\n" in result


@pytest.mark.parametrize(
    "author",
    [
        b"bob@example.test",
        b"eve@other.test",
        b"Alice <bob@example.test>",
        b'"alice@example.test" <bob@example.test>',
        b"alice@example.test, bob@example.test",
        b"BOB@EXAMPLE.TEST",
        b"bob+tag@example.test",
        b"ceo@bank.invalid",
    ],
)
def test_it_refuses_a_from_that_is_somebody_else(alice: User, bob: User, author: bytes) -> None:
    with pytest.raises(SenderNotAllowed):
        send(b"From: " + author + b"\r\n\r\nhello\r\n", alice)


@pytest.mark.parametrize(
    "header",
    [
        b"From: alice@example.test\r\nFrom: bob@example.test\r\n",
        b"From: undisclosed:;\r\n",
        b"From: \r\n",
        b"From: <>\r\n",
        b"From: alice\r\n",
        b"From: \xff\xfe@example.test\r\n",
    ],
)
def test_it_refuses_a_from_that_names_nobody(alice: User, header: bytes) -> None:
    with pytest.raises(HeaderRefused):
        send(header + b"\r\nhello\r\n", alice)


def test_it_refuses_a_sender_field_that_is_somebody_else(alice: User, bob: User) -> None:
    with pytest.raises(SenderNotAllowed):
        send(b"From: alice@example.test\r\nSender: bob@example.test\r\n\r\n", alice)


@pytest.mark.parametrize(
    "author", [b"ALICE@Example.TEST", b"alice+news@example.test", b"A <sales@example.test>"]
)
def test_it_lets_a_user_be_all_its_own_addresses(alice: User, author: bytes) -> None:
    provisioning.add_alias("sales@example.test", ["alice@example.test"])
    send(b"From: " + author + b"\r\n\r\nhello\r\n", alice)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Subject: x\r\n\r\nbody\r\n", b""),
        (b"\r\nbody\r\n", b""),
        (b"just words\r\n", b"\r\n"),
        (b"just words\r\nSubject: too late\r\n\r\nx", b"\r\n"),
        (b"", b"\r\n"),
    ],
)
def test_it_parts_our_header_from_a_bare_text(raw: bytes, expected: bytes) -> None:
    assert separator(raw) == expected
