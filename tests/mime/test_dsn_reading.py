"""Reports of others, read: as real servers write them, and as nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime import dsn_reading
from apps.mime.dsn import Action
from tests.support.cost import spent

POSTFIX = b"""\
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)\r
Subject: Undelivered Mail Returned to Sender\r
To: alice@example.test\r
Auto-Submitted: auto-replied\r
Content-Type: multipart/report; report-type=delivery-status;\r
\tboundary="B/1.2"\r
\r
This is a MIME-encapsulated message.\r
\r
--B/1.2\r
Content-Description: Notification\r
Content-Type: text/plain; charset=us-ascii\r
\r
This is the mail system at host mx.example.org.\r
\r
<bob@example.org>: host imap.example.org said: 550 5.1.1 No such user\r
\r
--B/1.2\r
Content-Description: Delivery report\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example.org\r
X-Postfix-Queue-ID: 4XyZ\r
Arrival-Date: Thu, 26 Nov 2026 10:00:00 +0000 (UTC)\r
\r
Final-Recipient: rfc822; bob@example.org\r
Original-Recipient: rfc822;bob@example.org\r
Action: failed\r
Status: 5.1.1\r
Remote-MTA: dns; imap.example.org\r
Diagnostic-Code: smtp; 550 5.1.1 <bob@example.org>: Recipient address rejected:\r
    User unknown in virtual mailbox table\r
\r
--B/1.2\r
Content-Description: Undelivered Message Headers\r
Content-Type: text/rfc822-headers\r
\r
Received: from mail.example.test by mx.example.org\r
Subject: Lunch\r
Message-ID: <lunch@example.test>\r
\r
--B/1.2--\r
"""

QMAIL = b"""\
From: MAILER-DAEMON@example.org\r
Subject: failure notice\r
\r
Hi. This is the qmail-send program at example.org.\r
I'm afraid I wasn't able to deliver your message to the following addresses.\r
This is a permanent error; I've given up. Sorry it didn't work out.\r
\r
<bob@example.org>:\r
Sorry, no mailbox here by that name. (#5.1.1)\r
\r
--- Below this line is a copy of the message.\r
\r
Return-Path: <alice@example.test>\r
Received: (qmail 1234 invoked by uid 89); 26 Nov 2026 10:00:00 -0000\r
From: alice@example.test\r
To: bob@example.org, carol@example.org\r
Subject: Lunch\r
Message-ID: <lunch@example.test>\r
\r
Hello.\r
"""

EXIM = b"""\
From: Mail Delivery System <Mailer-Daemon@example.org>\r
Subject: Mail delivery failed: returning message to sender\r
X-Failed-Recipients: bob@example.org\r
Auto-Submitted: auto-replied\r
\r
This message was created automatically by mail delivery software.\r
\r
A message that you sent could not be delivered to one or more of its\r
recipients. This is a permanent error. The following address(es) failed:\r
\r
  bob@example.org\r
    host imap.example.org [192.0.2.7]\r
    SMTP error from remote mail server after RCPT TO:<bob@example.org>:\r
    550 Unrouteable address\r
\r
------ This is a copy of the message, including all the headers. ------\r
\r
Message-id: <lunch@example.test>\r
From: alice@example.test\r
\r
Hello.\r
"""

EXCHANGE = b"""\
From: System Administrator\r
Subject: Undeliverable: Lunch\r
Content-Type: multipart/mixed; boundary=x\r
\r
--x\r
Content-Type: text/plain; charset=iso-8859-1\r
\r
Your message\r
\r
  To:      bob@example.org\r
  Subject: Lunch\r
\r
did not reach the following recipient(s):\r
\r
bob@example.org on Thu, 26 Nov 2026 11:00:00 +0100\r
    The recipient name is not recognized\r
\r
--x\r
Content-Type: message/rfc822\r
\r
Message-ID: <lunch@example.test>\r
From: alice@example.test\r
\r
Hello.\r
--x--\r
"""

LATE = b"""\
From: Mail Delivery Subsystem <MAILER-DAEMON@example.org>\r
Subject: Warning: could not send message for past 4 hours\r
\r
    ** THIS IS A WARNING MESSAGE ONLY **\r
The original message was received at Thu, 26 Nov 2026 10:00:00\r
   ----- Transcript of session follows -----\r
<bob@example.org>... Deferred: Connection timed out with imap.example.org\r
Message will be retried for 5 days\r
\r
Message-Id: <lunch@example.test>\r
"""


def test_it_reads_the_standard_form() -> None:
    reading = dsn_reading.read(POSTFIX)
    assert reading is not None
    assert (reading.message_id, reading.reporter) == ("<lunch@example.test>", "mx.example.org")
    (bob,) = reading.recipients
    assert (bob.address, bob.original) == ("bob@example.org", "bob@example.org")
    assert (bob.action, bob.status, bob.host) == (Action.FAILED, "5.1.1", "imap.example.org")
    assert bob.reply.startswith("550 5.1.1 <bob@example.org>: Recipient address rejected:")


@pytest.mark.parametrize(
    ("raw", "action", "status", "reply"),
    [
        (QMAIL, Action.FAILED, "5.1.1", ""),
        (EXIM, Action.FAILED, "", "550 Unrouteable address"),
        (EXCHANGE, Action.FAILED, "", ""),
        (LATE, Action.DELAYED, "", ""),
    ],
    ids=["qmail", "exim", "exchange", "sendmail-late"],
)
def test_it_reads_the_other_forms(raw: bytes, action: Action, status: str, reply: str) -> None:
    reading = dsn_reading.read(raw)
    assert reading is not None
    assert not reading.is_standard
    assert reading.message_id == "<lunch@example.test>"
    assert (reading.action, reading.status, reading.reply) == (action, status, reply)
    sent_to = ["bob@example.org", "carol@example.org", "ob@example.org"]
    assert reading.names(sent_to) == ["bob@example.org"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Subject: Out of office\r\n\r\nI am away until Monday.\r\n",
        # What a vacation answers is in its header, which is not a report.
        b"Subject: Re: Lunch\r\nIn-Reply-To: <lunch@example.test>\r\n\r\nI am away.\r\n",
        POSTFIX.replace(b"Message-ID: <lunch@example.test>\r\n", b""),
        POSTFIX.replace(b"Final-Recipient", b"X")
        .replace(b"Original-Recipient", b"Y")
        .replace(b"Message-ID", b"X-ID"),
    ],
)
def test_it_knows_what_is_no_report(raw: bytes) -> None:
    assert dsn_reading.read(raw) is None


def test_it_reads_an_envelope_id_where_nothing_came_back() -> None:
    raw = POSTFIX.replace(b"Message-ID: <lunch@example.test>\r\n", b"").replace(
        b"Reporting-MTA", b"Original-Envelope-Id: e-77\r\nReporting-MTA"
    )
    reading = dsn_reading.read(raw)
    assert reading is not None
    assert (reading.message_id, reading.envelope_id) == ("", "e-77")


@pytest.mark.parametrize(
    ("field", "address"),
    [
        (b"rfc822; <Bob+2024@example.org>", "Bob+2024@example.org"),
        (b"RFC822;bob@example.org", "bob@example.org"),
        (b"bob@example.org", "bob@example.org"),
        (rb"utf-8; k\x{E4}se@example.org", "käse@example.org"),
        ("utf-8; käse@example.org".encode(), "käse@example.org"),
        (rb"utf-8; k\x{D800}\x{110000}@example.org", r"k\x{D800}\x{110000}@example.org"),
    ],
)
def test_it_reads_addresses_however_they_are_written(field: bytes, address: str) -> None:
    raw = POSTFIX.replace(b"rfc822; bob@example.org", field)
    reading = dsn_reading.read(raw)
    assert reading is not None
    assert reading.recipients[0].address == address


@pytest.mark.parametrize(
    ("word", "status", "action"),
    [
        (b"FAILED (expired)", b"4.4.7", Action.FAILED),
        (b"delayed", b"4.4.1", Action.DELAYED),
        (b"relayed", b"2.0.0", Action.RELAYED),
        (b"nonsense", b"5.0.0", Action.FAILED),
        (b"", b"4.2.2 (full)", Action.DELAYED),
    ],
)
def test_it_reads_the_action(word: bytes, status: bytes, action: Action) -> None:
    raw = POSTFIX.replace(b"Action: failed", b"Action: " + word).replace(
        b"Status: 5.1.1", b"Status: " + status
    )
    reading = dsn_reading.read(raw)
    assert reading is not None
    assert reading.recipients[0].action is action


def test_it_reads_a_bounded_number_of_recipients() -> None:
    one = b"Final-Recipient: rfc822; bob@example.org\r\nAction: failed\r\nStatus: 5.0.0\r\n\r\n"
    reading = dsn_reading.read(POSTFIX.replace(b"Final-Recipient", one * 500 + b"Final-Recipient"))
    assert reading is not None
    assert len(reading.recipients) == dsn_reading.RECIPIENTS_MAX


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        ("bob@example.org", True),
        ("<BOB@example.org>: no", True),
        ("we could not reach bob@example.org.", True),
        ("notbob@example.org", False),
        ("a.bob@example.org", False),
        ("bob@example.organic", False),
        ("bob@example.org.uk", False),
        ("bob@example.org.uk and bob@example.org", True),
    ],
)
def test_it_finds_an_address_that_stands_alone(text: str, is_there: bool) -> None:
    raw = f"Subject: failed\r\n\r\n{text}\r\n\r\nMessage-ID: <x@example.test>\r\n".encode()
    reading = dsn_reading.read(raw)
    assert reading is not None
    assert reading.names(["bob@example.org"]) == (["bob@example.org"] if is_there else [])


@given(st.binary(max_size=2_000))
def test_it_takes_any_octets(tail: bytes) -> None:
    dsn_reading.read(tail)
    dsn_reading.read(POSTFIX[:900] + tail)
    dsn_reading.read(QMAIL[:400] + tail + b"\nMessage-ID: <x@y>")


@pytest.mark.parametrize(
    "filling",
    [
        b"\r\n" * 200_000,
        b"\n \t" * 130_000,
        b"Message-ID:" * 36_000,
        b"450 " * 100_000,
        b"5.1." * 90_000,
        b"a@" * 200_000,
        b"\nmessage-id:\n> > <" * 22_000,
        b"Final-Recipient: x;y\n\n" * 18_000,
    ],
)
def test_it_takes_time_in_proportion(filling: bytes) -> None:
    head = b"Subject: x\r\nContent-Type: message/delivery-status\r\n\r\n"
    with spent() as took:
        for raw in (head + filling, b"Subject: x\r\n\r\n" + filling + b"\r\nMessage-ID: <x@y>\r\n"):
            reading = dsn_reading.read(raw)
            if reading is not None:
                reading.names(["a@"] * dsn_reading.RECIPIENTS_MAX)
    assert took.seconds < 2
