"""Sections of a message as FETCH cuts them (RFC 3501 section 6.4.5), heads and bad bytes too."""

import imaplib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.origin import Origin
from apps.mailstore.services.deliver import Filing, deliver
from apps.mailstore.services.prepare import prepare
from apps.runtime.ulid import new_ulid
from tests.conftest import PASSWORD
from tests.imap.conftest import FIRST_DAY, add_message
from tests.support.imap_server import RunningServer

pytestmark = pytest.mark.django_db(transaction=True)

INNER_HEADER = b"From: Inner <inner@example.net>\r\nSubject: inside\r\n"
INNER_TYPE = b'Content-Type: multipart/alternative; boundary="in"\r\n\r\n'
INNER_TEXT = (
    b"--in\r\nContent-Type: text/plain\r\n\r\nplain inside\r\n"
    b"--in\r\nContent-Type: text/html\r\nX-Part: html\r\n\r\n<p>html inside</p>\r\n"
    b"--in--\r\n"
)
INNER = INNER_HEADER + INNER_TYPE + INNER_TEXT
HEADER = (
    b"From: Outer <outer@example.net>\r\n"
    b"Subject: outside,\r\n folded\r\n"
    b"Received: one\r\n"
    b"Received: two\r\n"
    b'Content-Type: multipart/mixed; boundary="out"\r\n'
    b"\r\n"
)
BODY = (
    b"preamble\r\n"
    b"--out\r\n"
    b"\r\n"
    b"first part\r\n"
    b"--out\r\n"
    b"Content-Type: message/rfc822\r\nContent-Description: enclosed\r\n"
    b"\r\n" + INNER + b"\r\n--out\r\n"
    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
    b"\r\n"
    b"AAEC\r\n"
    b"--out--\r\n"
)
RAW = HEADER + BODY


@contextmanager
def selected(server: RunningServer, user: User) -> Iterator[imaplib.IMAP4]:
    client = imaplib.IMAP4("127.0.0.1", server.port, timeout=15)
    client.login(user.address, PASSWORD)
    client.select("INBOX")
    yield client
    client.logout()


def answer(client: imaplib.IMAP4, item: str) -> tuple[bytes, bytes | None]:
    """A FETCH of one item of message 1: its line, and the literal that the line announces."""
    kind, data = client.fetch("1", f"({item})")
    assert kind == "OK"
    first = data[0]
    assert first is not None
    return first if isinstance(first, tuple) else (first, None)


def octets(client: imaplib.IMAP4, item: str) -> bytes | None:
    """What a FETCH of one item of message 1 carries."""
    return answer(client, item)[1]


@pytest.fixture
def multipart(alice: User, server: RunningServer) -> Iterator[imaplib.IMAP4]:
    add_message(alice.pk, RAW)
    with selected(server, alice) as client:
        yield client


SECTIONS = [
    ("", RAW),
    ("HEADER", HEADER),
    ("TEXT", BODY),
    ("1", b"first part"),
    ("1.MIME", b"\r\n"),
    ("2", INNER),
    ("2.MIME", b"Content-Type: message/rfc822\r\nContent-Description: enclosed\r\n\r\n"),
    ("2.HEADER", INNER_HEADER + INNER_TYPE),
    ("2.TEXT", INNER_TEXT),
    ("2.1", b"plain inside"),
    ("2.2", b"<p>html inside</p>"),
    ("2.2.MIME", b"Content-Type: text/html\r\nX-Part: html\r\n\r\n"),
    ("2.HEADER.FIELDS (Subject)", b"Subject: inside\r\n\r\n"),
    ("2.HEADER.FIELDS.NOT (Subject content-type)", INNER_HEADER[:33] + b"\r\n"),
    ("3", b"AAEC"),
    ("HEADER.FIELDS (RECEIVED)", b"Received: one\r\nReceived: two\r\n\r\n"),
    ("HEADER.FIELDS (SUBJECT)", b"Subject: outside,\r\n folded\r\n\r\n"),
    ("HEADER.FIELDS (X-None)", b"\r\n"),
    ("4", None),
    ("1.1", None),
    ("3.HEADER", None),
    ("2.3", None),
    ("1.2.3.4.5.6", None),
]


@pytest.mark.parametrize(("section", "expected"), SECTIONS, ids=[one[0] for one in SECTIONS])
def test_it_cuts_sections(multipart: imaplib.IMAP4, section: str, expected: bytes | None) -> None:
    assert octets(multipart, f"BODY.PEEK[{section}]") == expected


@pytest.mark.parametrize(
    ("partial", "expected"),
    [
        ("<0.5>", b"first"),
        ("<6.4>", b"part"),
        ("<6.400>", b"part"),
        ("<10.1>", b""),
        ("<4294967295.1>", b""),
    ],
)
def test_it_cuts_partials(multipart: imaplib.IMAP4, partial: str, expected: bytes) -> None:
    assert octets(multipart, f"BODY.PEEK[1]{partial}") == expected
    start = partial.split(".")[0]
    assert f"BODY[1]{start}>".encode() in answer(multipart, f"BODY.PEEK[1]{partial}")[0]


def test_it_cuts_partials_of_headers(multipart: imaplib.IMAP4) -> None:
    assert octets(multipart, "BODY.PEEK[HEADER]<0.5>") == b"From:"
    assert octets(multipart, "BODY.PEEK[HEADER.FIELDS (SUBJECT)]<9.7>") == b"outside"
    assert octets(multipart, "BODY.PEEK[]<6.5>") == b"Outer"


def test_it_describes_an_enclosed_message_without_extensions(multipart: imaplib.IMAP4) -> None:
    structure, _ = answer(multipart, "BODY")
    assert b'"inside"' in structure  # the envelope of the enclosed message
    assert structure.count(b"(") == structure.count(b")")
    assert len(answer(multipart, "BODYSTRUCTURE")[0]) > len(structure)


def test_it_shows_the_delivery_head_and_cuts_behind_it(alice: User, server: RunningServer) -> None:
    """Offsets of parts count from behind the head, which differs from recipient to recipient."""
    inbox = next(row for row in queries.mailboxes(alice.pk) if row.name == "INBOX")
    head = b"Return-Path: <x@example.net>\r\nDelivered-To: alice@example.test\r\n"
    prefix = b"Received: by mail.example.test\r\n"
    message = prepare(RAW, prefix=prefix, cuts=[(0, 33)], trace_id=new_ulid())
    with transaction.atomic():
        deliver(
            [
                Filing(
                    message=message,
                    user_id=alice.pk,
                    mailbox_id=inbox.id,
                    head=head,
                    internaldate=FIRST_DAY,
                    origin=Origin("test", None),
                )
            ]
        )
    shown = head + prefix + RAW[33:]
    with selected(server, alice) as client:
        assert octets(client, "BODY.PEEK[]") == shown
        assert octets(client, "BODY.PEEK[HEADER]") == shown[: -len(BODY)]
        assert octets(client, "BODY.PEEK[TEXT]") == BODY
        assert octets(client, "BODY.PEEK[1]") == b"first part"
        assert octets(client, "BODY.PEEK[2.2]") == b"<p>html inside</p>"
        assert octets(client, "BODY.PEEK[HEADER.FIELDS (FROM RETURN-PATH)]") == head[:30] + b"\r\n"
        assert f"RFC822.SIZE {len(shown)}".encode() in answer(client, "RFC822.SIZE")[0]


@pytest.mark.parametrize(
    "raw",
    [
        b"no header at all",
        b"\r\n",
        b"Subject: only a header",
        b"\r\nbody only\r\n",
        b"Subject: bare\nlines\n\nand a body\n",
        b"Subject: nul \0 in header\r\n\r\nand \0 in body\r\n",
        b"Subject: \xff\xfe\r\nContent-Type: multipart/mixed\r\n\r\nno boundary",
        b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n',
        b"Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n",
        b"A" * 5000 + b": " + b"b" * 70_000 + b"\r\n\r\nlong",
        b"X: y\r\n" * 5_000 + b"\r\nmany",
    ],
)
def test_it_sends_any_message_whole(alice: User, server: RunningServer, raw: bytes) -> None:
    add_message(alice.pk, raw)
    with selected(server, alice) as client:
        assert octets(client, "BODY.PEEK[]") == raw.replace(b"\0", b"\x80")
        kind, _ = client.fetch(
            "1", "(ENVELOPE BODY BODYSTRUCTURE BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[1.MIME])"
        )
        assert kind == "OK"
        header, text = octets(client, "BODY.PEEK[HEADER]"), octets(client, "BODY.PEEK[TEXT]")
        assert (header or b"") + (text or b"") == raw.replace(b"\0", b"\x80")


def test_it_marks_what_was_read_and_not_what_was_peeked_at(
    alice: User, server: RunningServer
) -> None:
    for _ in range(3):
        add_message(alice.pk, RAW)
    with selected(server, alice) as client:
        client.fetch("1", "(BODY.PEEK[])")
        client.fetch("2", "(RFC822.HEADER)")
        client.fetch("3", "(BODY[1]<0.1>)")
        assert client.search(None, "SEEN")[1] == [b"3"]


UTF8_INNER = "Subject: Grüße\r\nFrom: Jörg <jörg@example.net>\r\n\r\nhallo\r\n".encode()
GLOBAL = (
    HEADER + b"--out\r\n\r\nfirst part\r\n"
    b"--out\r\nContent-Type: message/global\r\n\r\n" + UTF8_INNER + b"\r\n"
    b"--out\r\nContent-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==\r\n"
    b"--out--\r\n"
)


def test_it_looks_into_a_global_message_for_imap4rev2(alice: User, server: RunningServer) -> None:
    """RFC 9051 section 6.4.5.1; to IMAP4rev1 it is a part like others, as Dovecot and Cyrus say."""
    add_message(alice.pk, GLOBAL)
    add_message(alice.pk, RAW)
    with selected(server, alice) as client:
        rev1 = answer(client, "BODYSTRUCTURE")[0]
        assert b'"message" "global" NIL NIL NIL "7bit" %d NIL' % len(UTF8_INNER) in rev1
        assert octets(client, "BODY.PEEK[2.HEADER]") is None
        _, plain = client.fetch("2", "(UID BODYSTRUCTURE BODY.PEEK[2.1])")
        client.unselect()
        client.enable("IMAP4REV2")
        client.select("INBOX")
        _, rev2 = client.fetch("1", "(UID BODYSTRUCTURE)")
        structure = b"".join(
            [b"".join(one) if isinstance(one, tuple) else one for one in rev2 if one is not None]
        )
        assert structure.startswith(b"1 (UID 1 BODYSTRUCTURE ")
        assert "Grüße".encode() in structure  # the envelope of what is enclosed
        assert structure.count(b'"global"') == 2
        assert b'"global" NIL NIL NIL "base64" 4 NIL' in structure  # encoded: not looked into
        assert octets(client, "BODY.PEEK[2.HEADER]") == UTF8_INNER.split(b"hallo")[0]
        assert (
            octets(client, "BODY.PEEK[2.TEXT]") == octets(client, "BODY.PEEK[2.1]") == b"hallo\r\n"
        )
        assert octets(client, "BODY.PEEK[3.HEADER]") is None
        assert "Grüße".encode() in (answer(client, "BODY")[1] or b"")
        _, same = client.fetch("2", "(UID BODYSTRUCTURE BODY.PEEK[2.1])")
        assert same == plain
