"""The door for other servers, as they meet it: RFC 5321 and its extensions, relaying, limits."""

import json
import re

import pytest

from apps.directory.models import User, UserState
from apps.mailstore.services import quota
from apps.provisioning import services as provisioning
from apps.trace.models import TraceEvent
from tests.smtp.queue import only, queued
from tests.support.smtp_dialogue import Running
from tests.support.tracing import told

LETTER = b"Subject: Hello\r\nFrom: carol@outside.invalid\r\n\r\nHi Alice.\r\n"


def test_it_receives_a_message(smtp: Running, alice: User) -> None:
    with smtp.client() as client:
        client.run(
            """
            C: EHLO outside.invalid
            S: 250
            C: MAIL FROM:<carol@outside.invalid>
            S: 250 2.1.0
            C: RCPT TO:<Alice@Example.test>
            S: 250 2.1.5
            C: DATA
            S: 354
            C: Subject: Hello
            C:
            C: ..dots
            C: .
            S: 250 2.0.0 Ok: queued as
            C: QUIT
            S: 221 2.0.0
            S: (closed)
            """
        )
    message = only()
    assert message.raw == b"Subject: Hello\r\n\r\n.dots\r\n"
    assert message.recipients == (("alice@example.test", "Alice@example.test", alice.pk),)
    assert (message.row.sender, message.row.door) == ("carol@outside.invalid", "mx")
    assert message.row.state == "accepted"


def test_it_writes_where_a_message_came_from(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        client.run("C: MAIL FROM:<a@x.test>\nS: 250\nC: RCPT TO:<alice@example.test>\nS: 250")
        client.run("C: DATA\nS: 354")
        answer = client.text(LETTER)
    message = only()
    queue_id = answer.lines[0].rpartition(" ")[2]
    results, mark, hop = message.prefix.partition(b"Received: ")
    assert results.startswith(b"Authentication-Results: mail.example.test;\r\n\tspf=none ")
    assert b"\r\nReceived-SPF: none\r\n" in results
    assert re.fullmatch(
        rb"Received: from me\.test \(unknown \[127\.0\.0\.1\]\)\r\n"
        rb"\tby mail\.example\.test with ESMTP id "
        + queue_id.encode()
        + rb"\r\n\tfor <alice@example\.test>;\r\n\t\w{3}, [ \d]?\d \w{3} \d{4} [\d:]{8} \+0000\r\n",
        mark + hop,
    )
    assert json.loads(message.row.client)["helo"] == "me.test"
    told()
    event = TraceEvent.objects.get(trace_id=message.row.trace_id, kind="mx.received")
    assert event.kind == "mx.received"
    assert json.loads(event.data)["to"] == ["alice@example.test"]


def test_it_advertises_what_it_can(smtp: Running) -> None:
    with smtp.client() as client:
        answer = client.ask("EHLO me.test")
    assert answer.lines == (
        "mail.example.test",
        "PIPELINING",
        "SIZE 52428800",
        "8BITMIME",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
        "CHUNKING",
        "DSN",
        "STARTTLS",
        "LIMITS RCPTMAX=100",
    )


def test_it_answers_a_pipelined_batch_in_order(smtp: Running, alice: User, bob: User) -> None:
    with smtp.ready() as client:
        client.run(
            """
            C: MAIL FROM:<a@x.test>
            C: RCPT TO:<alice@example.test>
            C: RCPT TO:<nobody@example.test>
            C: RCPT TO:<bob@example.test>
            C: RCPT TO:<b@relaytest.invalid>
            C: RCPT nonsense
            C: DATA
            S: 250 2.1.0
            S: 250 2.1.5
            S: 550 5.1.1
            S: 250 2.1.5
            S: 550 5.7.1
            S: 501 5.5.4
            S: 354
            C: Subject: x
            C:
            C: .
            C: MAIL FROM:<b@x.test>
            C: NOOP
            C: QUIT
            S: 250 2.0.0
            S: 250 2.1.0
            S: 250 2.0.0
            S: 221 2.0.0
            S: (closed)
            """
        )
    message = only()
    assert [row[0] for row in message.recipients] == ["alice@example.test", "bob@example.test"]
    # Two recipients: naming one of them would tell of the other.
    assert b"for <" not in message.prefix


def test_it_takes_several_messages_on_one_connection(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        for number in range(3):
            client.run(
                f"""
                C: MAIL FROM:<a{number}@x.test>
                C: RCPT TO:<alice@example.test>
                C: DATA
                S: 250
                S: 250
                S: 354
                C: Subject: {number}
                C:
                C: .
                S: 250 2.0.0
                """
            )
    assert [message.row.sender for message in queued()] == ["a0@x.test", "a1@x.test", "a2@x.test"]
    assert len({message.row.id for message in queued()}) == 3


def test_it_answers_what_is_out_of_order(smtp: Running, alice: User) -> None:
    with smtp.client() as client:
        client.run(
            """
            C: MAIL FROM:<a@x.test>
            S: 503 5.5.1
            C: LHLO me.test
            S: 500 5.5.1
            C: HELO me.test
            S: 250 mail.example.test
            C: RCPT TO:<alice@example.test>
            S: 503 5.5.1
            C: DATA
            S: 503 5.5.1
            C: MAIL FROM:<a@x.test>
            S: 250
            C: MAIL FROM:<b@x.test>
            S: 503 5.5.1
            C: DATA
            S: 554 5.5.1
            C: RSET
            S: 250 2.0.0
            C: RCPT TO:<alice@example.test>
            S: 503 5.5.1
            C: AUTH PLAIN AGEAYg==
            S: 502 5.5.1
            C: EXPN staff
            S: 502 5.5.1
            C: HELP
            S: 214 2.0.0
            C: NOOP x
            S: 250 2.0.0
            """
        )


def test_it_verifies_nobody(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        assert str(client.ask("VRFY alice@example.test")) == str(client.ask("VRFY nobody"))
        assert client.ask("VRFY alice").code == 252


def test_it_forgets_a_transaction_at_a_new_hello(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        client.run(
            """
            C: MAIL FROM:<a@x.test>
            S: 250
            C: EHLO again.test
            S: 250
            C: RCPT TO:<alice@example.test>
            S: 503 5.5.1
            """
        )


FORMS = [
    "v%relaytest.invalid@example.test",
    '"v@relaytest.invalid"@example.test',
    '"v%relaytest.invalid"@example.test',
    "v@relaytest.invalid",
    "v@relaytest.invalid.",
    "@example.test:v@relaytest.invalid",
    "@mail.example.test,@example.test:v@relaytest.invalid",
    "relaytest.invalid!v@example.test",
    "example.test!relaytest.invalid!v@example.test",
    "v@[192.0.2.1]",
    "v@[127.0.0.1]",
    "v@[IPv6:2001:db8::1]",
    "v%relaytest.invalid@[127.0.0.1]",
    "v@relaytest.invalid@example.test",
    "v%relaytest.invalid@mail.example.test",
    "v@localhost",
    '"v"@relaytest.invalid',
    "v",
    "v%relaytest.invalid",
    "relaytest.invalid!v",
    '"v@relaytest.invalid"',
    "v@sub.example.test",
]
SENDERS = ["", "alice@example.test", "a@x.test", "a@[127.0.0.1]", "nobody@example.test"]


@pytest.mark.parametrize("sender", SENDERS)
def test_it_relays_for_nobody(smtp: Running, alice: User, sender: str) -> None:
    for form in FORMS:
        with smtp.ready() as client:
            assert client.ask(f"MAIL FROM:<{sender}>").code == 250
            answer = client.ask(f"RCPT TO:<{form}>")
            assert answer.code in {550, 501}, form
            assert client.ask("DATA").code == 554
    assert queued() == []


def test_it_takes_mail_for_postmaster_from_the_null_sender(smtp: Running, alice: User) -> None:
    for recipient in ("<postmaster>", "<Postmaster@example.test>", "<abuse@EXAMPLE.test>"):
        with smtp.ready() as client:
            assert client.ask("MAIL FROM:<>").code == 250
            assert client.ask(f"RCPT TO:{recipient}").code == 250
            assert client.ask("DATA").code == 354
            assert client.text(LETTER).code == 250
    assert len(queued()) == 3
    assert all(message.recipients[0][2] is not None for message in queued())
    assert {message.row.sender for message in queued()} == {""}


def test_it_keeps_the_parameters_of_dsn_and_smtputf8(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        client.run(
            """
            C: MAIL FROM:<jürgen@x.test> SMTPUTF8 BODY=8BITMIME RET=HDRS ENVID=id+2B1 SIZE=10
            C: RCPT TO:<alice@example.test> NOTIFY=FAILURE,SUCCESS ORCPT=rfc822;al+2Bx@y.test
            C: DATA
            S: 250
            S: 250
            S: 354
            C: Subject: x
            C:
            C: .
            S: 250
            """
        )
    row = only().row
    assert (row.sender, row.smtputf8, row.body) == ("jürgen@x.test", True, "8BITMIME")
    assert (row.dsn_ret, row.dsn_envid) == ("HDRS", "id+1")
    recipient = row.recipients.get()
    assert (recipient.notify, recipient.orcpt) == ("SUCCESS,FAILURE", "rfc822;al+x@y.test")
    assert b"with UTF8SMTP id" in only().prefix


def test_it_takes_chunks(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        client.run("C: MAIL FROM:<a@x.test>\nC: RCPT TO:<alice@example.test>\nS: 250\nS: 250")
        client.send(b"BDAT 14\r\nSubject: x\r\n\r\nBDAT 6\r\n.\r\n.\r\nBDAT 2 LAST\r\n\r\n")
        client.run("S: 250 2.0.0\nS: 250 2.0.0\nS: 250 2.0.0 Ok: queued")
        client.run("C: MAIL FROM:<a@x.test>\nC: RCPT TO:<alice@example.test>\nS: 250\nS: 250")
        client.send(b"BDAT 0 LAST\r\n")
        assert client.reply().code == 250
    assert [message.raw for message in queued()] == [b"Subject: x\r\n\r\n.\r\n.\r\n\r\n", b""]


def test_it_reads_chunks_it_refuses_to_their_end(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        client.send(b"BDAT 6\r\nQUIT\r\nNOOP\r\n")
        client.run("S: 503 5.5.1\nS: 250 2.0.0")
        client.run("C: MAIL FROM:<a@x.test>\nS: 250")
        client.send(b"BDAT 12 LAST\r\nQUIT\r\nQUIT\r\nNOOP\r\n")
        client.run("S: 554 5.5.1\nS: 250 2.0.0")
        client.run("C: MAIL FROM:<a@x.test>\nC: RCPT TO:<alice@example.test>\nS: 250\nS: 250")
        client.send(b"BDAT 3\r\nabcDATA\r\n")
        client.run("S: 250 2.0.0\nS: 503 5.5.1\nC: BDAT x\nS: 501 5.5.4\nC: BDAT -1\nS: 501 5.5.4")
        client.run("C: RSET\nS: 250\nC: BDAT 99999999999999999\nS: 552 5.3.4\nS: (closed)")
    assert queued() == []


def test_it_refuses_full_and_suspended_mailboxes_at_rcpt(
    smtp: Running, alice: User, bob: User
) -> None:
    User.objects.filter(pk=alice.pk).update(quota=100)
    quota.reserve([(alice.pk, 100)])
    User.objects.filter(pk=bob.pk).update(state=UserState.SUSPENDED)
    with smtp.ready() as client:
        client.run(
            """
            C: MAIL FROM:<a@x.test>
            S: 250
            C: RCPT TO:<alice@example.test>
            S: 452 4.2.2
            C: RCPT TO:<bob@example.test>
            S: 550 5.2.1
            C: DATA
            S: 554 5.5.1
            """
        )


def test_it_expands_aliases_and_gives_each_mailbox_one_copy(
    smtp: Running, alice: User, bob: User
) -> None:
    provisioning.add_alias("staff@example.test", ["alice@example.test", "bob@example.test"])
    provisioning.add_alias("out@example.test", ["friend@outside.invalid"])
    with smtp.ready() as client:
        client.run("C: MAIL FROM:<a@x.test>\nS: 250")
        for name in ("staff", "alice", "alice+x", "out"):
            assert client.ask(f"RCPT TO:<{name}@example.test>").code == 250
        assert client.ask("DATA").code == 354
        assert client.text(LETTER).code == 250
    rows = {(address, user) for address, _, user in only().recipients}
    assert rows == {
        ("alice@example.test", alice.pk),
        ("bob@example.test", bob.pk),
        ("friend@outside.invalid", None),
    }


def test_it_separates_its_fields_from_a_text_without_header(smtp: Running, alice: User) -> None:
    for body, last in ((b"no header here\r\n", b"\r\n\r\n"), (LETTER, b"0000\r\n")):
        with smtp.ready() as client:
            client.run(
                "C: MAIL FROM:<a@x.test>\nC: RCPT TO:<alice@example.test>\nC: DATA\n"
                "S: 250\nS: 250\nS: 354"
            )
            assert client.text(body).code == 250
        assert queued()[-1].prefix.endswith(last)
