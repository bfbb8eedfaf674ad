"""What the machine below does to delivery: an object store that is away, mail too large for memory,
a flood; and recipients who left."""

from contextlib import suppress
from dataclasses import replace

import pytest

from apps.blobs import services as blobs
from apps.blobs.backends import s3
from apps.delivery import administer, places, plan, process
from apps.delivery.accept import Accepted, accept
from apps.delivery.local import file_plans as file_plans_really
from apps.directory.models import User
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import Lane, MessageState, QueuedMessage, QueuedRecipient, RecipientState
from apps.mailqueue.services import EnvelopeRecipient, leases
from apps.mailstore.models import Entry, Mailbox, Usage
from apps.provisioning import services as provisioning
from apps.trace import queries as trace
from apps.wire.errors import QuotaExceeded, StorageUnavailable
from tests.support.mail import RAW, local, submission

pytestmark = pytest.mark.django_db


def drain() -> None:
    while process.run_once():
        pass


def entries_of(user: User) -> int:
    return Entry.objects.filter(mailbox__user=user).count()


def lose_mailboxes(user: User) -> None:
    """As if the user had been removed and purged, all but its row."""
    Mailbox.objects.filter(user=user).update(deleted_at=1)
    provisioning.remove_user(user.address)


def test_it_holds_no_mail_because_the_object_store_was_away(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept([submission(local(alice)) for _ in range(3)])

    def away(*_: object) -> None:
        raise StorageUnavailable("blob store: timed out")

    monkeypatch.setattr(blobs, "read_many", away)
    for _ in range(3 * (mailqueue.CRASHES_ALONE + 2)):
        with suppress(StorageUnavailable):
            process.run_once()
        QueuedMessage.objects.filter(lease_until__gt=0).update(lease_until=1)
    rows = QueuedMessage.objects.all()
    assert {(row.state, row.crashes, row.lease_token) for row in rows} == {
        (MessageState.ACCEPTED, 0, None)
    }
    monkeypatch.undo()
    drain()
    assert entries_of(alice) == 3


def test_it_does_not_let_one_unreadable_object_hold_up_the_others(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = submission(local(alice)), submission(local(alice))
    accept([bad, good])
    real = blobs.read_many

    def read_many(ids: list[object]) -> object:
        if bad.blob.id in ids:
            raise StorageUnavailable("blob store: input/output error")
        return real(ids)  # type: ignore[arg-type]

    monkeypatch.setattr(blobs, "read_many", read_many)
    for _ in range(4):
        with suppress(StorageUnavailable):
            drain()
        QueuedMessage.objects.filter(lease_until__gt=0).update(lease_until=1)
    assert entries_of(alice) == 1
    assert QueuedMessage.objects.get(id=good.id).state == MessageState.DONE
    assert QueuedMessage.objects.get(id=bad.id).state == MessageState.ACCEPTED


def portion_of(monkeypatch: pytest.MonkeyPatch, *, size: int) -> None:
    """Let a claim take so many octets."""
    portion = replace(leases.PORTIONS[Lane.FAST], size=size)
    monkeypatch.setattr(leases, "PORTIONS", {Lane.FAST: portion})


def test_it_takes_no_more_into_memory_at_once_than_a_batch_may_hold(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [submission(local(alice)) for _ in range(5)]
    accept(items)
    portion_of(monkeypatch, size=2 * items[0].size)
    assert [len(mailqueue.claim(64)) for _ in range(3)] == [2, 2, 1]


def test_it_claims_one_message_however_large_it_is(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept([submission(local(alice)) for _ in range(2)])
    portion_of(monkeypatch, size=1)
    assert [len(mailqueue.claim(64)) for _ in range(3)] == [1, 1, 0]


def test_it_comes_back_to_what_failed_even_while_new_mail_pours_in(alice: User) -> None:
    late = submission(local(alice))
    accept([late])
    mailqueue.claim(1)
    QueuedMessage.objects.update(lease_until=1)
    accept([submission(local(alice)) for _ in range(3)])
    assert process.run_once(1, retries_first=True)
    assert QueuedMessage.objects.get(id=late.id).state == MessageState.DONE
    assert entries_of(alice) == 1


def test_it_holds_any_number_of_poison_messages(alice: User) -> None:
    accept([submission(local(alice)) for _ in range(30)])
    QueuedMessage.objects.update(
        lease_until=1, lease_token=submission(()).id, crashes=mailqueue.CRASHES_ALONE
    )
    assert mailqueue.claim(64) == []
    assert set(QueuedMessage.objects.values_list("state", flat=True)) == {MessageState.HELD}


def test_it_files_for_everybody_who_took_a_removed_users_place(alice: User, bob: User) -> None:
    old = provisioning.add_user("old@example.test", "correct horse battery")[0]
    item = submission(local(old))
    accept([item])
    lose_mailboxes(old)
    provisioning.add_alias("old@example.test", ["alice@example.test", "bob@example.test"])
    drain()
    assert (entries_of(alice), entries_of(bob)) == (1, 1)
    assert QueuedMessage.objects.get(id=item.id).state == MessageState.DONE
    # What was reserved for the one who left is free again, and nobody else pays for it.
    assert set(Usage.objects.values_list("reserved", flat=True)) == {0}


def test_it_files_one_copy_for_a_user_who_has_one_already(alice: User) -> None:
    old = provisioning.add_user("old@example.test", "correct horse battery")[0]
    accept([submission(local(old, alice))])
    lose_mailboxes(old)
    provisioning.add_alias("old@example.test", ["alice@example.test"])
    drain()
    assert entries_of(alice) == 1
    assert set(QueuedRecipient.objects.values_list("state", flat=True)) == {
        RecipientState.DELIVERED
    }


def test_it_holds_what_would_have_to_leave_the_house(alice: User) -> None:
    old = provisioning.add_user("old@example.test", "correct horse battery")[0]
    accept([submission(local(old))])
    lose_mailboxes(old)
    provisioning.add_alias("old@example.test", ["alice@example.test", "x@outside.invalid"])
    drain()
    assert entries_of(alice) == 0
    assert QueuedRecipient.objects.get().state == RecipientState.HELD


def test_it_holds_mail_of_a_user_whose_row_is_gone(alice: User) -> None:
    old = provisioning.add_user("old@example.test", "correct horse battery")[0]
    accept([submission(local(old))])
    lose_mailboxes(old)
    Usage.objects.filter(user=old).delete()
    QueuedRecipient.objects.update(user=None)  # as deleting the row does
    drain()
    recipient = QueuedRecipient.objects.get()
    assert (recipient.state, recipient.last_reply) == (RecipientState.HELD, places.GONE)
    told = trace.events_of(QueuedMessage.objects.get().trace_id)[-1]
    assert (told.kind, told.data) == ("queue.held", {"to": old.address, "why": places.GONE})


def test_it_delivers_what_has_a_home_by_now_when_it_is_routed_anew(alice: User) -> None:
    outside = EnvelopeRecipient("dave@new.invalid", "dave@new.invalid", None)
    item = submission([outside])
    accept([item])
    drain()
    assert QueuedMessage.objects.get(id=item.id).state == MessageState.ROUTED
    provisioning.add_domain("new.invalid")
    dave = provisioning.add_user("dave@new.invalid", "correct horse battery")[0]
    assert administer.reroute([item.id]) == 1
    drain()
    assert entries_of(dave) == 1


def test_it_writes_no_history_that_did_not_happen(alice: User) -> None:
    item = submission(local(alice), RAW)
    accept([item])
    drain()
    assert administer.hold([item.id], "too late") == 0
    assert administer.retry([item.id]) == 0
    assert administer.delete([item.id]) == 0
    kinds = [event.kind for event in trace.events_of(item.trace_id)]
    assert kinds == ["mx.received", "scan.judged", "local.delivered"]


def test_it_keeps_messages_that_share_a_blob_in_different_batches(alice: User, bob: User) -> None:
    first = submission(local(alice))
    second = replace(submission(local(bob)), blob=first.blob)
    accept([first])
    assert accept([second]) == [Accepted(second.id)]
    drain()
    assert (entries_of(alice), entries_of(bob)) == (1, 1)


def test_it_says_yes_again_when_the_message_itself_filled_the_mailbox(alice: User) -> None:
    """The commit came through, its answer did not: what was kept must not be refused, or its
    object would be thrown away."""
    User.objects.filter(pk=alice.pk).update(quota=10)
    item = submission(local(alice))
    other = submission(local(alice))
    assert accept([item]) == [Accepted(item.id)]
    again = accept([item, other])
    assert again[0] == Accepted(item.id)
    assert isinstance(again[1], QuotaExceeded)
    drain()
    assert entries_of(alice) == 1


def test_it_files_many_copies_in_several_transactions(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "COPIES", 3)
    accept([submission(local(alice, bob)) for _ in range(4)])
    sizes = []

    def file_plans(plans: list[plan.Plan]) -> None:
        sizes.append(sum(len(one.filings) for one in plans))
        file_plans_really(plans)

    monkeypatch.setattr(process, "file_plans", file_plans)
    assert process.run_once() == 4
    assert sizes == [2, 2, 2, 2]
    monkeypatch.setattr(process, "COPIES", 1)
    accept([submission(local(alice, bob))])
    assert process.run_once() == 1
    assert (entries_of(alice), entries_of(bob)) == (5, 5)


def test_it_gives_up_on_the_object_store_before_its_lease_ends() -> None:
    assert all(one.lease_seconds * 0.75 > 2 * s3.TIMEOUT for one in mailqueue.PORTIONS.values())
