"""What is kept of a message at delivery."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from apps.mime.bodystructure import bodystructure
from apps.mime.derive import DEFAULT, DeriveLimits, derive
from apps.mime.envelope import envelope
from apps.mime.headers import scan
from apps.mime.sections import load_parts
from apps.mime.tree import scan_tree

MESSAGE = (
    b"Delivered-To: bob@example.test\r\n"
    b"Received: from a\r\n"
    b"Received: from b\r\n"
    b"Delivered-To: list@example.test\r\n"
    b"From: =?utf-8?q?J=C3=B6rg?= <joerg@example.test>\r\n"
    b'To: "Bob, the builder" <bob@example.test>, friends: carol@example.test;\r\n'
    b"Cc: dave@example.test\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Date: Mon, 1 Jan 2024 00:30:00 +0530\r\n"
    b"Message-ID: <3@example.test>\r\n"
    b"In-Reply-To: Your message <2@example.test> of today\r\n"
    b"References: <1@example.test>\r\n\t<2@example.test>\r\n"
    b"Content-Type: multipart/mixed; boundary=X\r\n"
    b"\r\n"
    b"--X\r\n\r\nHello Bob\r\n"
    b"--X\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\nx\r\n--X--\r\n"
)


def test_it_keeps_all_of_a_message() -> None:
    kept = derive(MESSAGE)
    block = scan(MESSAGE)
    root = scan_tree(MESSAGE, with_envelopes=True)
    assert kept.envelope == envelope(block)
    assert kept.bodystructure == bodystructure(root)
    assert [part.size for part in load_parts(kept.parts).children] == [9, 1]
    assert MESSAGE[kept.header_size :].startswith(b"--X\r\n\r\nHello")
    assert kept.subject == "Grüße"
    assert (kept.sender_name, kept.sender_address) == ("Jörg", "joerg@example.test")
    assert kept.recipients == (
        "Bob, the builder <bob@example.test>, carol@example.test, dave@example.test"
    )
    assert kept.message_id == "<3@example.test>"
    assert kept.in_reply_to == "<2@example.test>"
    assert kept.references == "<1@example.test> <2@example.test>"
    assert kept.sent_at == datetime(2023, 12, 31, 19, 0, tzinfo=UTC)
    assert (kept.sent_date, kept.sent_offset) == (date(2024, 1, 1), 330)
    assert kept.preview == "Hello Bob"
    assert kept.has_attachments
    assert kept.received_count == 2
    assert kept.delivered_to == ["bob@example.test", "list@example.test"]
    assert not kept.oversize_header


def test_it_keeps_nothing_of_nothing() -> None:
    kept = derive(b"")
    assert kept.sent_at is None
    assert kept.sent_date is None
    texts = (kept.subject, kept.sender_name, kept.sender_address, kept.recipients, kept.message_id)
    assert set(texts) == {""}
    assert (kept.references, kept.in_reply_to, kept.preview, kept.header_size) == ("", "", "", 0)


def test_it_takes_sender_when_from_says_nothing() -> None:
    assert derive(b"From: ()\r\nSender: a@b\r\n\r\n").sender_address == "a@b"


def test_it_shows_the_address_that_counts_whatever_the_name_says() -> None:
    kept = derive(
        b"From: =?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?=\r\n"
        b" =?utf-8?q?=00=0A?= <attacker@evil.example>\r\n\r\n"
    )
    assert kept.sender_address == "attacker@evil.example"
    assert kept.sender_name == "potus@whitehouse.gov"


def test_it_keeps_root_and_newest_of_many_references() -> None:
    raw = b"References: " + b" ".join(b"<%d@x>" % n for n in range(5_000)) + b"\r\n\r\n"
    references = derive(raw).references.split(" ")
    assert references[0] == "<0@x>"
    assert references[-1] == "<4999@x>"
    assert references[1:] == [f"<{n}@x>" for n in range(5_001 - len(references), 5_000)]
    assert len(" ".join(references)) <= DEFAULT.references


def test_it_bounds_every_string() -> None:
    name = b"n" * 20_000
    raw = (
        b"Subject: %b\r\nFrom: %b <%b@x>\r\nTo: %b\r\nMessage-ID: %b\r\nIn-Reply-To: <%b>\r\n"
        b"References: <%b>\r\n"
        % (name, name, name, b"a@b, " * 4_000, name, name, name[:900])
        + (b"Delivered-To: " + name + b"\r\n") * 5
        + b"\r\n"
        + name
    )
    small = DeriveLimits(
        subject=10, name=11, address=12, recipients=13, message_id=14, references=15, delivered_to=2
    )
    for limits in (DEFAULT, small):
        kept = derive(raw, limits=limits)
        assert len(kept.subject) == limits.subject
        assert len(kept.sender_name) == limits.name
        assert len(kept.sender_address) == limits.address
        assert 0 < len(kept.recipients) <= limits.recipients
        assert len(kept.message_id) == len(kept.in_reply_to) == limits.message_id
        assert len(kept.references) <= limits.references
        kept_lengths = [len(one) for one in kept.delivered_to]
        assert kept_lengths == [limits.address] * min(5, limits.delivered_to)
        assert len(kept.preview) <= 200


def test_it_says_when_the_header_was_too_large() -> None:
    raw = b"Subject: first\r\n" + b"X-Filler: x\r\n" * 100_000 + b"From: a@b\r\n\r\nbody"
    kept = derive(raw)
    assert kept.oversize_header
    assert (kept.subject, kept.sender_address) == ("first", "")
    assert raw[kept.header_size :] == b"body"
    assert kept.preview == "body"


@given(
    st.binary(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                b"From: ",
                b"To: ",
                b"Date: ",
                b"Subject: ",
                b"References: ",
                b"Content-Type: ",
                b"multipart/mixed; boundary=A",
                b"text/html",
                b"message/rfc822",
                b"\r\n",
                b"\n",
                b" ",
                b"--A",
                b"--",
                b"<a@b>",
                b"=?utf-8?q?=00?=",
                b"1 Jan 24",
                b"\0",
                b"\xff",
                b"<",
                b"&#1;",
                b'"',
                b"(",
                b";",
                b"x",
            ]
        ),
        max_size=60,
    ).map(b"".join)
)
def test_it_keeps_something_of_anything(raw: bytes) -> None:
    kept = derive(raw)
    assert 0 <= kept.header_size <= len(raw)
    assert load_parts(kept.parts).body_end == len(raw)
    texts = [kept.subject, kept.sender_name, kept.sender_address, kept.recipients, kept.preview]
    texts += [kept.message_id, kept.in_reply_to, kept.references, *kept.delivered_to]
    for text in texts:
        text.encode("utf-8")
        assert not any(ord(char) < 32 for char in text)
