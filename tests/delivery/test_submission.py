"""What a user may send, what is added and what is hidden."""

import pytest

from apps.delivery.submission import HeaderRefused, Prepared, reverse_path, separator, submit
from apps.directory.models import User
from apps.directory.services import forwards
from apps.directory.services.delegations import grant
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from apps.runtime.ulid import parse_ulid
from apps.wire.errors import SenderNotAllowed

pytestmark = pytest.mark.django_db
ID = parse_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV")


def send(raw: bytes, user: User, sender: str = "") -> Prepared:
    assert ID is not None
    return submit(
        raw,
        user_id=user.pk,
        sender=Address.parse(sender or user.address),
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
        b"Resent-From: alice@example.test\r\n" * 51,
        b"From: " + b"alice@example.test, " * 51 + b"\r\n",
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


def test_it_says_what_the_message_id_is(alice: User) -> None:
    made = "<01arz3ndektsv4rrffq69g5fav@mail.example.test>"
    assert send(b"Subject: x\r\n\r\n", alice).message_id == made
    assert send(b"Message-ID:\r\n <a.b@c> (odd)\r\n\r\n", alice).message_id == "<a.b@c>"


def test_it_names_who_sends_on_behalf(alice: User, bob: User) -> None:
    grant(owner=alice, delegate=bob, send_as=False, send_on_behalf=True)
    raw = b"From: Alice <alice@example.test>\r\nDate: x\r\nMessage-ID: <1@x>\r\n\r\n"
    assert send(raw, bob) == Prepared(b"Sender: bob@example.test\r\n", (), "<1@x>")
    said = b"Sender: Bob <bob@example.test>\r\n" + raw
    assert send(said, bob) == Prepared(b"", (), "<1@x>")
    with pytest.raises(SenderNotAllowed):
        send(b"Sender: alice@example.test\r\n" + raw, bob)


def test_it_names_who_sends_on_behalf_where_from_is_left_out(alice: User, bob: User) -> None:
    grant(owner=alice, delegate=bob, send_as=False, send_on_behalf=True)
    fields = send(b"Date: x\r\nMessage-ID: <1@x>\r\n\r\n", bob, "alice@example.test").fields
    assert fields == b"From: alice@example.test\r\nSender: bob@example.test\r\n"


def test_it_names_nobody_who_may_send_as(alice: User, bob: User) -> None:
    grant(owner=alice, delegate=bob, send_as=True, send_on_behalf=False)
    raw = b"From: alice@example.test\r\nDate: x\r\nMessage-ID: <1@x>\r\n\r\n"
    assert send(raw, bob) == Prepared(b"", (), "<1@x>")


def test_it_names_the_sender_of_several_authors(alice: User) -> None:
    provisioning.add_alias("sales@example.test", ["alice@example.test"])
    raw = b"From: alice@example.test, sales@example.test\r\nDate: x\r\nMessage-ID: <1@x>\r\n\r\n"
    assert send(raw, alice).fields == b"Sender: alice@example.test\r\n"


BORROWED = b"Date: x\r\nMessage-ID: <1@x>\r\n\r\n"


@pytest.fixture
def lenient(alice: User) -> User:
    """Alice, in a domain that names the sender in place of refusing."""
    provisioning.change_domain("example.test", adds_sender=True)
    return alice


@pytest.mark.parametrize("author", [b"alice@gmail.invalid", b"bob@example.test"])
def test_it_names_the_sender_by_the_domains_policy(lenient: User, bob: User, author: bytes) -> None:
    prepared = send(b"From: " + author + b"\r\n" + BORROWED, lenient)
    assert prepared.fields == b"Sender: alice@example.test\r\n"


def test_it_takes_a_forged_sender_out_by_the_domains_policy(lenient: User, bob: User) -> None:
    raw = b"From: alice@gmail.invalid\r\nSender: bob@example.test\r\nSubject: x\r\n" + BORROWED
    prepared = send(raw, lenient)
    assert prepared.fields == b"Sender: alice@example.test\r\n"
    assert b"bob" not in shown(raw, prepared)
    assert b"Subject: x" in shown(raw, prepared)


def test_it_borrows_no_address_of_another_customer(lenient: User, eve: User) -> None:
    with pytest.raises(SenderNotAllowed):
        send(b"From: eve@other.test\r\n" + BORROWED, lenient)
    with pytest.raises(SenderNotAllowed):
        reverse_path(lenient.pk, Address.parse("eve@other.test"))


def test_it_borrows_no_address_for_what_is_sent_again(lenient: User, bob: User) -> None:
    with pytest.raises(SenderNotAllowed):
        send(b"From: alice@example.test\r\nResent-From: bob@example.test\r\n" + BORROWED, lenient)


def test_it_lets_bounces_come_to_the_login_by_the_domains_policy(lenient: User) -> None:
    found = reverse_path(lenient.pk, Address.parse("alice@gmail.invalid"))
    assert str(found.address) == "alice@example.test"


@pytest.mark.parametrize("as_owner", [True, False])
def test_it_takes_an_envelope_in_the_name_of_the_owner(
    alice: User, bob: User, as_owner: bool
) -> None:
    grant(owner=alice, delegate=bob, send_as=as_owner, send_on_behalf=not as_owner)
    assert (
        str(reverse_path(bob.pk, Address.parse("alice@example.test")).address)
        == "alice@example.test"
    )


@pytest.mark.parametrize("sender", ["bob@example.test", "eve@other.test", "ceo@bank.invalid"])
def test_it_refuses_an_envelope_in_the_name_of_another(
    alice: User, bob: User, eve: User, sender: str
) -> None:
    with pytest.raises(SenderNotAllowed):
        reverse_path(alice.pk, Address.parse(sender))


def test_it_lets_who_forwards_all_mail_send_as_before(alice: User) -> None:
    forwards.add(user=alice, target="alice@elsewhere.invalid", keeps_copy=False)
    assert str(reverse_path(alice.pk, Address.parse("alice@example.test")).address) == alice.address
