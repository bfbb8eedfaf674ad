"""LMTP (RFC 2033): one answer for each recipient."""

import pytest

from apps.blobs.models import Blob
from apps.directory.models import Domain, User
from apps.mailstore.services import quota
from apps.provisioning import services as provisioning
from apps.runtime import groupcommit
from tests.smtp.queue import queued
from tests.support.smtp_dialogue import Running

LETTER = b"Subject: x\r\n\r\nHi.\r\n"


def test_it_wants_its_own_hello(lmtp: Running) -> None:
    with lmtp.client("lmtp") as client:
        client.run(
            """
            C: EHLO me.test
            S: 500 5.5.1
            C: HELO me.test
            S: 500 5.5.1
            C: LHLO me.test
            S: 250
            C: MAIL FROM:<a@x.test>
            S: 250
            C: DATA
            S: 503 5.5.1
            """
        )


def test_it_answers_for_each_recipient(lmtp: Running, alice: User, bob: User) -> None:
    with lmtp.ready("lmtp") as client:
        client.run(
            """
            C: MAIL FROM:<a@x.test>
            C: RCPT TO:<alice@example.test>
            C: RCPT TO:<nobody@example.test>
            C: RCPT TO:<v@relaytest.invalid>
            C: RCPT TO:<bob@example.test>
            C: RCPT TO:<alice+again@example.test>
            C: DATA
            S: 250 2.1.0
            S: 250 2.1.5
            S: 550 5.1.1
            S: 550 5.7.1
            S: 250 2.1.5
            S: 250 2.1.5
            S: 354
            C: Subject: x
            C:
            C: .
            C: QUIT
            S: 250 2.0.0 Ok: queued
            S: 250 2.0.0 Ok: queued
            S: 250 2.0.0 Ok: queued
            S: 221
            S: (closed)
            """
        )
    messages = queued()
    assert sorted(m.recipients[0][2] or 0 for m in messages) == sorted([alice.pk, bob.pk])
    assert len({message.row.blob_id for message in messages}) == 1
    assert {message.row.door for message in messages} == {"lmtp"}
    assert all(b"with LMTP id" in message.prefix for message in messages)


def test_it_refuses_one_and_keeps_the_other(lmtp: Running, alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(quota=1_000)
    with lmtp.ready("lmtp") as client:
        client.run(
            """
            C: MAIL FROM:<a@x.test>
            S: 250
            C: RCPT TO:<alice@example.test>
            S: 250
            C: RCPT TO:<bob@example.test>
            S: 250
            """
        )
        quota.reserve([(alice.pk, 5_000)])  # the last space goes while the message is on its way
        client.run("C: DATA\nS: 354")
        client.send(LETTER + b".\r\n")
        client.run("S: 452 4.2.2\nS: 250 2.0.0\nC: RSET\nS: 250")
    assert [message.recipients[0][2] for message in queued()] == [bob.pk]


def test_it_answers_chunks_for_each_recipient(lmtp: Running, alice: User, bob: User) -> None:
    with lmtp.ready("lmtp") as client:
        client.run("C: MAIL FROM:<a@x.test>\nS: 250\nC: RCPT TO:<alice@example.test>\nS: 250")
        client.run("C: RCPT TO:<bob@example.test>\nS: 250")
        client.send(b"BDAT 4\r\na: bBDAT 1 LAST\r\n\n")
        client.run("S: 250 2.0.0\nS: 554 5.6.0\nS: 554 5.6.0\nC: NOOP\nS: 250")
        client.run("C: MAIL FROM:<a@x.test>\nS: 250\nC: RCPT TO:<alice@example.test>\nS: 250")
        client.run("C: RCPT TO:<bob@example.test>\nS: 250")
        client.send(b"BDAT 6\r\na: b\r\nBDAT 2 LAST\r\n\r\n")
        client.run("S: 250 2.0.0\nS: 250 2.0.0 Ok\nS: 250 2.0.0 Ok\nC: NOOP\nS: 250")
    assert len(queued()) == 2


def test_it_expands_an_alias_within_one_answer(lmtp: Running, alice: User, bob: User) -> None:
    provisioning.add_alias("staff@example.test", ["alice@example.test", "bob@example.test"])
    with lmtp.ready("lmtp") as client:
        client.run("C: MAIL FROM:<a@x.test>\nS: 250\nC: RCPT TO:<staff@example.test>\nS: 250")
        client.run("C: DATA\nS: 354")
        client.send(LETTER + b".\r\nNOOP\r\n")
        client.run("S: 250 2.0.0 Ok\nS: 250 2.0.0")
    (message,) = queued()
    assert len(message.recipients) == 2


def test_it_keeps_a_large_message_for_many_recipients(
    lmtp: Running, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its octets wait on the disk, once: they do not count against the line for each recipient."""
    monkeypatch.setattr(groupcommit, "WAITING_BYTES", 4 << 20)
    names = [f"user{number}@example.test" for number in range(12)]
    for name in names:
        provisioning.add_user(name, "correct horse battery")
    letter = LETTER + b"".join(f"{number:060d}\r\n".encode() for number in range(20_000))
    with lmtp.ready("lmtp") as client:
        client.send(b"MAIL FROM:<a@x.test>\r\n")
        for name in names:
            client.send(f"RCPT TO:<{name}>\r\n".encode())
        client.send(b"DATA\r\n")
        assert [client.reply().code for _ in range(14)] == [250] * 13 + [354]
        client.send(letter + b".\r\n")
        assert [client.reply().code for _ in names] == [250] * 12
    assert len(queued()) == 12
    assert Blob.objects.count() == 1
