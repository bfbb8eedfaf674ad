"""How a claimed message becomes transactions, and what goes over the wire."""

from dataclasses import replace
from uuid import UUID

import pytest

from apps.delivery.outbound.transactions import (
    EAGER_BYTES,
    EAGER_TOTAL,
    MOST_RECIPIENTS,
    Work,
    read_text,
    wire_text,
    works_of,
)
from apps.directory.models import Domain
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import Outgoing, OutgoingRecipient
from tests.support.mail import RAW, RECEIVED
from tests.support.outgoing import queue

pytestmark = pytest.mark.django_db

NOBODY = UUID(int=0)


def recipient(number: int, address: str, original: str = "", **more: str) -> OutgoingRecipient:
    fields = {"orcpt": "", "notify": "", **more}
    return OutgoingRecipient(
        number, address, original or address, fields["orcpt"], fields["notify"], 0, False, 0
    )


def outgoing(*recipients: OutgoingRecipient, sender: str = "carol@outside.invalid") -> Outgoing:
    return Outgoing(
        id=NOBODY,
        token=NOBODY,
        trace_id=NOBODY,
        blob_id=NOBODY,
        prefix=RECEIVED,
        cuts=(),
        signatures=b"",
        size=EAGER_BYTES + 1,  # nothing is read
        sender=sender,
        smtputf8=True,
        body="",
        dsn_ret="HDRS",
        dsn_envid="QQ314159",
        requires_tls=True,
        door="mx",
        user_id=None,
        received_at_us=0,
        hold_until_us=0,
        destination="mx/a.test",
        recipients=list(recipients),
    )


def test_it_makes_one_transaction_of_those_who_have_one_reverse_path() -> None:
    message = outgoing(recipient(1, "bob@a.test"), recipient(2, "ann@a.test"))
    (work,) = works_of([message])
    assert (work.sender, work.ids) == ("carol@outside.invalid", [1, 2])


def test_it_gives_each_forwarded_copy_a_transaction_of_its_own(domain: Domain) -> None:
    message = outgoing(
        recipient(1, "bob@a.test"),
        recipient(2, "ann@a.test", "ann@example.test"),
        recipient(3, "eve@a.test", "eve@example.test"),
    )
    works = works_of([message])
    assert [work.ids for work in works] == [[1], [2], [3]]
    assert works[0].sender == "carol@outside.invalid"
    assert works[1].sender.startswith("SRS0=")
    assert works[1].sender.endswith("@example.test")
    passed = [wire_text(work, RAW).partition(b"\r\n")[0] for work in works]
    assert passed[1:] == [b"Delivered-To: ann@example.test", b"Delivered-To: eve@example.test"]
    assert wire_text(works[0], RAW) == RECEIVED + RAW


def test_it_asks_of_no_server_more_recipients_than_it_must_take() -> None:
    message = outgoing(*(recipient(number, f"u{number}@a.test") for number in range(250)))
    assert [len(work.recipients) for work in works_of([message])] == [
        MOST_RECIPIENTS,
        MOST_RECIPIENTS,
        50,
    ]


def test_it_puts_signatures_before_our_fields_and_leaves_out_what_is_hidden() -> None:
    raw = b"Bcc: secret@a.test\r\nSubject: x\r\n\r\nbody\r\n"
    message = replace(outgoing(recipient(1, "bob@a.test")), signatures=b"DKIM-Signature: v=1\r\n")
    message = replace(message, cuts=((0, 20),))
    text = wire_text(Work(message, "", tuple(message.recipients)), raw)
    assert text == b"DKIM-Signature: v=1\r\n" + RECEIVED + b"Subject: x\r\n\r\nbody\r\n"


def test_it_says_what_the_sender_asked_for() -> None:
    message = outgoing(recipient(7, "bob@a.test", orcpt="rfc822;b@a.test", notify="SUCCESS"))
    (work,) = works_of([message])
    envelope = work.envelope(b"text")
    assert (envelope.ret, envelope.envid) == ("HDRS", "QQ314159")
    assert envelope.smtputf8
    assert envelope.requires_tls
    (one,) = envelope.recipients
    assert (one.ref, one.address, one.orcpt, one.notify) == (
        *(7, "bob@a.test"),
        *("rfc822;b@a.test", "SUCCESS"),
    )


def test_it_reads_no_more_at_once_than_what_waits_may_cost() -> None:
    raw = RAW + b"x" * (EAGER_BYTES - 1000) + b"\r\n"
    for number in range(6):
        queue(f"user{number}@a.test", raw=raw)
    works = works_of(mailqueue.claim_destination("mx/a.test", 10))
    assert [work.text is not None for work in works] == [True] * 4 + [False] * 2
    assert sum(len(work.text or b"") for work in works) <= EAGER_TOTAL


def test_it_reads_small_texts_together_and_large_ones_in_their_turn() -> None:
    large = RAW + b"x" * EAGER_BYTES + b"\r\n"
    queue("bob@a.test")
    queue("bob@a.test", raw=large)
    small, big = works_of(mailqueue.claim_destination("mx/a.test", 10))
    assert small.text == RECEIVED + RAW
    assert big.text is None
    assert read_text(big) == RECEIVED + large
