"""Reports, written: read back by Python's own parser and by ours, line by line fit for SMTP."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime import decode, dsn, dsn_reading
from apps.mime.address import Address
from apps.mime.dsn import Action, Heading, RecipientStatus, Returned, Status
from apps.smtp.proto.parameters import decode_xtext

AT = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
ALICE = Address.parse("alice@example.test")
HEADER = b"From: alice@example.test\r\nSubject: Lunch\r\nMessage-ID: <lunch@example.test>\r\n"
TEXT = "Your message could not be delivered.\n\n  bob@example.org\n    mx said: 550 no"


def heading(to: Address = ALICE, subject: str = "Undeliverable: Lunch", about: str = "") -> Heading:
    sender = ("Mail Delivery System", Address.parse("postmaster@example.test"))
    return Heading(sender, to, subject, AT, "<report@mail.example.test>", about)


def status(*recipients: RecipientStatus, envelope_id: str = "") -> Status:
    return Status("mail.example.test", recipients, envelope_id, AT)


BOB = RecipientStatus(
    Action.FAILED,
    "bob@example.org",
    "5.1.1",
    original="rfc822;Bob@example.org",
    remote_mta="mx.example.org",
    diagnostic="smtp; 550 5.1.1 User unknown",
    last_attempt=AT,
)


def parsed(raw: bytes) -> EmailMessage:
    """As the standard library reads it, with every fit for SMTP checked on the way."""
    for line in raw.split(b"\r\n"):
        assert len(line) <= 998
        assert b"\r" not in line
        assert b"\n" not in line
        assert b"\0" not in line
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def fields(message: EmailMessage) -> list[dict[str, str]]:
    """The blocks of the delivery-status part."""
    part = list(message.iter_parts())[1]
    payload = part.get_payload()
    assert isinstance(payload, list)
    blocks = [block for block in payload if isinstance(block, email.message.Message)]
    return [{name.lower(): str(value) for name, value in block.items()} for block in blocks]


def test_it_writes_the_three_parts() -> None:
    raw = dsn.compose(
        heading(about="<lunch@example.test>"),
        TEXT,
        status(BOB, envelope_id="e-1"),
        Returned(HEADER),
    )
    message = parsed(raw)
    assert raw.isascii()
    assert "content-transfer-encoding" not in message
    assert message["from"] == "Mail Delivery System <postmaster@example.test>"
    assert (message["to"], message["subject"]) == ("alice@example.test", "Undeliverable: Lunch")
    assert message["auto-submitted"] == "auto-replied"
    assert message["in-reply-to"] == message["references"] == "<lunch@example.test>"
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    assert fields(message) == [
        {
            "original-envelope-id": "e-1",
            "reporting-mta": "dns; mail.example.test",
            "arrival-date": "Thu, 26 Nov 2026 10:00:00 +0000",
        },
        {
            "original-recipient": "rfc822; Bob@example.org",
            "final-recipient": "rfc822; bob@example.org",
            "action": "failed",
            "status": "5.1.1",
            "remote-mta": "dns; mx.example.org",
            "diagnostic-code": "smtp; 550 5.1.1 User unknown",
            "last-attempt-date": "Thu, 26 Nov 2026 10:00:00 +0000",
        },
    ]


def test_it_keeps_indented_lines_and_wraps_the_others() -> None:
    lines = dsn.wrap("word " * 40 + "\n\n  bob@example.org\n    " + "said " * 30)
    assert max(map(len, lines)) <= dsn.TEXT_COLUMNS
    assert lines[lines.index("") + 1] == "  bob@example.org"
    assert all(line.startswith("    said") for line in lines[lines.index("") + 2 :])


@pytest.mark.parametrize(
    ("action", "given_status", "written"),
    [
        (Action.FAILED, "5.1.1", "5.1.1"),
        (Action.FAILED, "4.4.1", "4.4.1"),
        (Action.FAILED, "2.0.0", "5.0.0"),
        (Action.FAILED, "550 no\r\nAction: delivered", "5.0.0"),
        (Action.DELAYED, "5.1.1", "4.0.0"),
        (Action.DELIVERED, "2.1.5", "2.1.5"),
        (Action.RELAYED, "", "2.0.0"),
    ],
)
def test_it_writes_a_code_that_fits_the_action(
    action: Action, given_status: str, written: str
) -> None:
    assert dsn.code(given_status, action) == written


def test_it_returns_a_whole_message_as_it_is() -> None:
    whole = HEADER + b"\r\nCaf\xe9\r\n"
    message = parsed(dsn.compose(heading(), TEXT, status(BOB), Returned(whole, is_full=True)))
    part = list(message.iter_parts())[2]
    assert part.get_content_type() == "message/rfc822"
    assert part["content-transfer-encoding"] == message["content-transfer-encoding"] == "8bit"
    (inner,) = part.iter_parts()
    assert inner["subject"] == "Lunch"


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Subject: Käse\r\n".encode(), "message/global-headers"),
        (b"Subject: K\xe4se\r\n", "text/rfc822-headers"),
        (b"Subject: " + b"x" * 2_000 + b"\r\n", "text/rfc822-headers"),
        (b"Subject: a\rb\nc\0d\r\n", "text/rfc822-headers"),
    ],
)
def test_it_returns_any_header_in_ascii(header: bytes, kind: str) -> None:
    raw = dsn.compose(heading(), TEXT, status(BOB), Returned(header))
    assert raw.isascii()
    part = list(parsed(raw).iter_parts())[2]
    assert part.get_content_type() == kind
    assert part["content-transfer-encoding"] == "quoted-printable"
    assert (
        decode.quoted_printable(
            raw[raw.rindex(b"quoted-printable\r\n\r\n") + 20 : raw.rindex(b"\r\n--")]
        )
        == header
    )


def test_it_writes_addresses_outside_ascii_for_who_reads_ascii_only() -> None:
    kim = RecipientStatus(Action.FAILED, "käse+x@xn--kse-qla.example", "5.6.7")
    raw = dsn.compose(heading(), "Für Käse", status(kim), None)
    assert raw.isascii()
    found = fields(parsed(raw))[1]
    assert found["final-recipient"] == r"utf-8; k\x{E4}se\x{2B}x@xn--kse-qla.example"


def test_it_writes_utf8_for_who_uses_it() -> None:
    to = Address.parse("jürgen@example.test")
    kim = RecipientStatus(
        Action.FAILED, "käse@example.org", "5.6.7", diagnostic="smtp; 550 Ungültig"
    )
    raw = dsn.compose(
        heading(to), "Für Käse", status(kim), Returned("Subject: Ä\r\n".encode()), utf8=True
    )
    assert b"\r\nTo: j\xc3\xbcrgen@example.test\r\n" in raw
    assert b"Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit" in raw
    assert "Final-Recipient: utf-8; käse@example.org\r\n".encode() in raw
    assert "Diagnostic-Code: smtp; 550 Ungültig\r\n".encode() in raw
    assert b"Content-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit" in raw


@pytest.mark.parametrize(
    "hostile",
    [
        "550 no\r\nAction: delivered",
        "550 no\r\n\r\nFinal-Recipient: rfc822; eve@example.org\r\nAction: failed",
        "550 \0\x1b[2J\u2028\ud800" + "x" * 5_000,
        "550 " + "word " * 2_000,
    ],
)
def test_it_lets_no_reply_write_fields(hostile: str) -> None:
    one = RecipientStatus(
        Action.FAILED, "bob@example.org", "5.0.0", hostile, hostile, f"smtp; {hostile}"
    )
    raw = dsn.compose(
        heading(subject=hostile), hostile, status(one, envelope_id=hostile), Returned(HEADER)
    )
    blocks = fields(parsed(raw))
    assert len(blocks) == 2
    assert blocks[1]["action"] == "failed"
    reading = dsn_reading.read(raw)
    assert reading is not None
    assert [found.address for found in reading.recipients] == ["bob@example.org"]


@given(st.text(max_size=200), st.text(max_size=200), st.binary(max_size=300), st.booleans())
def test_it_stays_one_report_whatever_the_texts(
    words: str, reply: str, header: bytes, utf8: bool
) -> None:
    one = RecipientStatus(Action.FAILED, "bob@example.org", "5.0.0", "", "", f"smtp; {reply}")
    raw = dsn.compose(heading(subject=words), words, status(one), Returned(header), utf8=utf8)
    message = parsed(raw)
    assert len(list(message.iter_parts())) == 3
    assert utf8 or raw.isascii()


def test_it_reads_what_it_writes() -> None:
    late = RecipientStatus(
        Action.DELAYED, "käse@example.org", "4.4.1", remote_mta="mx2.example.org", retry_until=AT
    )
    raw = dsn.compose(heading(), TEXT, status(BOB, late, envelope_id="e-1"), Returned(HEADER))
    reading = dsn_reading.read(raw)
    assert reading is not None
    assert (reading.is_standard, reading.message_id) == (True, "<lunch@example.test>")
    assert (reading.envelope_id, reading.reporter) == ("e-1", "mail.example.test")
    bob, kim = reading.recipients
    assert (bob.address, bob.original, bob.action) == (
        "bob@example.org",
        "Bob@example.org",
        Action.FAILED,
    )
    assert (bob.status, bob.reply, bob.host) == (
        "5.1.1",
        "550 5.1.1 User unknown",
        "mx.example.org",
    )
    assert (kim.address, kim.action, kim.host) == (
        "käse@example.org",
        Action.DELAYED,
        "mx2.example.org",
    )


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=50))
def test_it_writes_xtext_that_the_door_reads(text: str) -> None:
    assert decode_xtext(dsn.xtext(text).encode()) == text


@pytest.mark.parametrize(
    ("orcpt", "onward"),
    [
        ("", ""),
        ("rfc822;bob+x@a.test", "rfc822;bob+2Bx@a.test"),
        ("x400;/O=a b;/C=d", "x400;/O+3Da+20b;/C+3Dd"),
        (r"utf-8;k\x{E4}se@a.test", r"utf-8;k\x{E4}se@a.test"),
        ("utf-8;käse@a.test", r"utf-8;k\x{E4}se@a.test"),
        ("rfc822;a\r\nDATA", "rfc822;a+0D+0ADATA"),
    ],
)
def test_it_hands_an_original_recipient_on(orcpt: str, onward: str) -> None:
    assert dsn.onward_orcpt(orcpt) == onward
