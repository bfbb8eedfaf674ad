"""From the queue to the mailboxes: once, whole, whatever fails."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from django.db import OperationalError
from django.test import override_settings

from apps.blobs import services as blobs
from apps.blobs.models import Blob
from apps.delivery import places, plan, process
from apps.delivery.accept import Accepted, accept
from apps.delivery.judged import Judged
from apps.delivery.places import Ground
from apps.directory.models import User
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient, RecipientState
from apps.mailqueue.services import EnvelopeRecipient
from apps.mailstore import queries as mailstore
from apps.mailstore.models import Entry, Mailbox, Usage
from apps.provisioning import services as provisioning
from apps.trace import queries as trace
from apps.wire.errors import QuotaExceeded
from tests.support.mail import RAW, RECEIVED, submission
from tests.support.mail import local as recipients

pytestmark = pytest.mark.django_db


def inbox(user: User) -> list[bytes]:
    """Every message in a user's INBOX, as its owner sees it."""
    mailbox = Mailbox.objects.get(user=user, special_use="inbox")
    entries = Entry.objects.filter(mailbox=mailbox).order_by("uid")
    return [mailstore.shown_bytes(entry.message_id, entry.head_id) for entry in entries]


def drain() -> None:
    while process.run_once():
        pass


def test_it_files_what_was_received_below_its_head(alice: User) -> None:
    accept([submission(recipients(alice))])
    assert process.run_once()
    head = b"Return-Path: <carol@outside.invalid>\r\nDelivered-To: alice@example.test\r\n"
    assert inbox(alice) == [head + RECEIVED + RAW]
    assert not process.run_once()


def test_it_keeps_one_copy_for_all_recipients(alice: User, bob: User) -> None:
    accept([submission(recipients(alice, bob))])
    drain()
    assert Blob.objects.count() == 1
    assert [b"Delivered-To: bob@example.test" in raw for raw in inbox(bob)] == [True]
    assert [b"bob@example.test" in raw for raw in inbox(alice)] == [False]


def test_it_settles_in_the_transaction_that_files(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = submission(recipients(alice))
    accept([item])

    def fail(*_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("apps.trace.services.record", fail)
    process.run_once()
    assert inbox(alice) == []
    assert QueuedMessage.objects.get(id=item.id).state == MessageState.ACCEPTED
    monkeypatch.undo()
    QueuedMessage.objects.update(lease_until=1)
    drain()
    assert len(inbox(alice)) == 1
    assert QueuedMessage.objects.get(id=item.id).state == MessageState.DONE


def test_it_delivers_once_when_a_paused_worker_comes_back(alice: User) -> None:
    accept([submission(recipients(alice))])
    stale = mailqueue.claim(1)
    QueuedMessage.objects.update(lease_until=1)
    drain()
    process._commit(process._planned(stale))
    assert len(inbox(alice)) == 1


def test_it_does_not_let_a_poison_message_stop_the_others(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = submission(recipients(alice), RAW.replace(b"Quarterly", b"Poisonous"))
    accept([submission(recipients(alice)), poison, submission(recipients(alice))])
    real = plan.make

    def make(judged: Judged, found: Ground, junk: Mapping[int, int]) -> plan.Plan:
        if b"Poisonous" in judged.seated.raw:
            raise RecursionError("deep")
        return real(judged, found, junk)

    monkeypatch.setattr(plan, "make", make)
    for _ in range(mailqueue.CRASHES_ALONE + 1):
        drain()
        QueuedMessage.objects.filter(lease_until__gt=0).update(lease_until=1)
    assert len(inbox(alice)) == 2
    row = QueuedMessage.objects.get(id=poison.id)
    assert row.state == MessageState.HELD
    assert "RecursionError" in row.last_error


def test_it_gives_a_message_back_when_its_blob_is_damaged(alice: User) -> None:
    bad, good = submission(recipients(alice)), submission(recipients(alice))
    accept([bad, good])
    Blob.objects.filter(id=bad.blob.id).update(sha256=b"\0" * 32)
    drain()
    assert len(inbox(alice)) == 1
    assert QueuedMessage.objects.get(id=bad.id).state == MessageState.ACCEPTED
    assert QueuedMessage.objects.get(id=bad.id).crashes == 1


def test_it_lets_outside_recipients_wait_for_their_destination(alice: User) -> None:
    outside = EnvelopeRecipient("dave@outside.invalid", "dave@outside.invalid", None)
    item = submission([*recipients(alice), outside])
    accept([item])
    drain()
    assert len(inbox(alice)) == 1
    assert QueuedMessage.objects.get(id=item.id).state == MessageState.ROUTED
    waiting = QueuedRecipient.objects.get(message=item.id, user=None)
    assert (waiting.state, waiting.destination) == (RecipientState.WAITING, "mx/outside.invalid")


def test_it_lets_no_mail_leave_a_demo(alice: User) -> None:
    elsewhere = [*recipients(alice), EnvelopeRecipient("x@other.example", "x@other.example", None)]
    with override_settings(DEMO=True):
        accept([submission(elsewhere)])
        assert process.run_once() == 1
    held = QueuedRecipient.objects.get(address="x@other.example")
    assert (held.state, held.last_reply) == (RecipientState.HELD, places.DEMO)
    assert QueuedRecipient.objects.exclude(id=held.id).get().state == RecipientState.DELIVERED


@pytest.mark.parametrize(
    ("field", "requires_tls", "destination"),
    [
        (b"TLS-Required: No\r\n", False, "mx-tls-optional/elsewhere.invalid"),
        (b"tls-required:\r\n no \r\n", False, "mx-tls-optional/elsewhere.invalid"),
        (b"TLS-Required: No\r\n", True, "mx/elsewhere.invalid"),  # RFC 8689 section 4.1
        (b"TLS-Required: No\r\nTLS-Required: No\r\n", False, "mx/elsewhere.invalid"),
        (b"TLS-Required: Yes\r\n", False, "mx/elsewhere.invalid"),
        (b"Subject: TLS-Required: No\r\n", False, "mx/elsewhere.invalid"),
        (b"", False, "mx/elsewhere.invalid"),
    ],
)
def test_it_hears_that_arrival_matters_more_than_tls(
    db: None, field: bytes, requires_tls: bool, destination: str
) -> None:
    outside = EnvelopeRecipient("dave@elsewhere.invalid", "dave@elsewhere.invalid", None)
    raw = field + RAW + b"TLS-Required: No\r\n"
    accept([replace(submission([outside], raw), requires_tls=requires_tls)])
    drain()
    assert QueuedRecipient.objects.get().destination == destination


def test_it_moves_reserved_space_to_used_space(alice: User) -> None:
    item = submission(recipients(alice))
    accept([item])
    assert Usage.objects.get(user=alice).reserved == item.size
    drain()
    usage = Usage.objects.get(user=alice)
    (raw,) = inbox(alice)
    assert (usage.reserved, usage.size, usage.messages) == (0, len(raw), 1)


def test_it_reserves_nothing_for_who_has_no_quota(alice: User) -> None:
    free = EnvelopeRecipient(alice.address, alice.address, alice.pk, is_limited=False)
    accept([submission([free])])
    assert Usage.objects.get(user=alice).reserved == 0
    drain()
    usage = Usage.objects.get(user=alice)
    assert (usage.reserved, usage.messages) == (0, 1)


def test_it_refuses_when_the_mailbox_is_full_but_not_its_neighbours(alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(quota=10)
    results = accept([submission(recipients(alice)) for _ in range(3)])
    # Over by at most one message: the first found the mailbox not yet full.
    assert isinstance(results[0], Accepted)
    assert all(isinstance(result, QuotaExceeded) for result in results[1:])
    assert isinstance(accept([submission(recipients(bob))])[0], Accepted)
    assert isinstance(accept([submission(recipients(alice, bob))])[0], QuotaExceeded)
    drain()
    assert Usage.objects.get(user=bob).reserved == 0


def test_it_keeps_mail_for_a_user_removed_after_the_message_was_accepted(alice: User) -> None:
    accept([submission(recipients(alice))])
    provisioning.remove_user("alice@example.test")
    drain()
    # It waits with the rest of the mail, in case the user is restored.
    assert len(inbox(alice)) == 1


def test_it_holds_mail_whose_mailbox_is_gone_for_good(alice: User) -> None:
    item = submission(recipients(alice))
    accept([item])
    Mailbox.objects.filter(user=alice).update(deleted_at=1)
    provisioning.remove_user("alice@example.test")
    drain()
    assert QueuedRecipient.objects.get(message=item.id).state == RecipientState.HELD
    assert Usage.objects.get(user=alice).reserved == 0
    assert blobs.read(item.blob.id) == RAW


def test_it_tells_the_whole_way_in_the_trace(alice: User) -> None:
    item = submission(recipients(alice))
    accept([item])
    drain()
    events = trace.events_of(item.trace_id)
    assert [event.kind for event in events] == ["mx.received", "scan.judged", "local.delivered"]
    assert events[0].data["helo"] == "outside.invalid"
    assert events[2].data["uid"] == 1
