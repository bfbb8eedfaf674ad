"""Acceptance counts what users send: exactly, however many accept at once, and once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.blobs import services as blobs
from apps.blobs.models import Blob
from apps.delivery.accept import Accepted, accept
from apps.directory.models import SendCount, User
from apps.directory.services.limits import set_limits
from apps.mailqueue.models import QueuedMessage
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.provisioning import services as provisioning
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.trace.models import TraceEvent
from apps.wire.errors import MailError, QuotaExceeded, SendLimitReached, TooManyRecipients

pytestmark = pytest.mark.django_db(transaction=True)
RAW = b"From: alice@example.test\r\nSubject: x\r\n\r\nHi.\r\n"
OUTSIDE = (EnvelopeRecipient("x@outside.invalid", "x@outside.invalid", None),)


def letter(
    user: User | None, recipients: tuple[EnvelopeRecipient, ...] = OUTSIDE, *, door: str = "api"
) -> Submission:
    message_id = new_ulid()
    return Submission(
        id=message_id,
        trace_id=message_id,
        blob=blobs.prepare(RAW),
        prefix=b"",
        cuts=(),
        sender="alice@example.test",
        recipients=recipients,
        door=door,
        user_id=None if user is None else user.pk,
        client={},
        received_at_us=now_us(),
    )


def outcomes(results: list[Accepted | MailError]) -> list[str]:
    return [type(result).__name__ for result in results]


def sent(user: User) -> set[tuple[int, int]]:
    rows = SendCount.objects.filter(scope=f"user/{user.pk}")
    return set(rows.values_list("messages", "recipients"))


def test_it_accepts_exactly_what_the_limit_allows_however_many_ask(alice: User) -> None:
    """Eight writers with batches; a limit of the user, and a nearer one of its domain."""
    set_limits(user=alice, changes={"messages_per_day": 45, "messages_per_hour": 0})
    set_limits(domain=alice.domain, changes={"recipients_per_day": 40})
    start = threading.Barrier(8)

    def writer() -> int:
        start.wait(30)
        try:
            batches = [accept([letter(alice) for _ in range(size)]) for size in (1, 3, 4)]
        finally:
            connection.close()
        return sum(outcomes(batch).count("Accepted") for batch in batches)

    with ThreadPoolExecutor(8) as pool:
        accepted = [pool.submit(writer) for _ in range(8)]
    assert sum(one.result() for one in accepted) == 40
    assert QueuedMessage.objects.filter(door="api").count() == 40
    domain = SendCount.objects.get(scope=f"domain/{alice.domain_id}")
    assert (domain.messages, domain.recipients) == (40, 40)
    assert (40, 40) in sent(alice)
    # Eight writers met the limit; administrators heard of it once.
    assert TraceEvent.objects.filter(kind="submission.limited").count() == 1
    assert QueuedMessage.objects.filter(door="report").count() == 1


def test_it_keeps_nothing_of_what_it_refuses(alice: User) -> None:
    set_limits(user=alice, changes={"messages_per_day": 1, "recipients_per_message": 2})
    many = tuple(EnvelopeRecipient(f"{n}@x.test", f"{n}@x.test", None) for n in range(3))
    batch = [letter(alice), letter(alice), letter(alice, many)]
    results = accept(batch)
    assert outcomes(results) == ["Accepted", "MeterReached", "TooManyRecipients"]
    assert isinstance(results[1], SendLimitReached)
    assert isinstance(results[2], TooManyRecipients)
    assert list(QueuedMessage.objects.filter(door="api").values_list("id", flat=True)) == [
        batch[0].id
    ]
    assert not Blob.objects.filter(pk__in=[batch[1].blob.id, batch[2].blob.id]).exists()


def test_it_counts_a_recipient_once_whatever_it_stands_for(alice: User, bob: User) -> None:
    members = tuple(
        EnvelopeRecipient(user.address, "all@example.test", user.pk) for user in (alice, bob)
    )
    assert outcomes(accept([letter(alice, members)])) == ["Accepted"]
    assert sent(alice) == {(1, 1)}


def test_it_counts_nothing_that_strangers_send(alice: User) -> None:
    set_limits(user=alice, changes={"messages_per_day": 1})
    to_alice = (EnvelopeRecipient(alice.address, alice.address, alice.pk),)
    results = accept([letter(None, to_alice, door="mx") for _ in range(3)])
    assert outcomes(results) == ["Accepted"] * 3
    assert not SendCount.objects.exists()


def test_it_does_not_count_twice_after_a_commit_of_unknown_outcome(alice: User) -> None:
    set_limits(user=alice, changes={"messages_per_day": 2})
    first, second = letter(alice), letter(alice)
    assert outcomes(accept([first, second])) == ["Accepted"] * 2
    # The door did not hear of it and hands both in again, at the limit that they reached.
    assert outcomes(accept([first, second])) == ["Accepted"] * 2
    assert outcomes(accept([first])) == ["Accepted"]
    assert QueuedMessage.objects.count() == 2
    assert (2, 2) in sent(alice)
    assert not TraceEvent.objects.filter(kind="submission.limited").exists()


def test_it_gives_back_what_a_full_mailbox_refuses(alice: User, bob: User) -> None:
    provisioning.change_user("bob@example.test", quota=1)
    to_bob = (EnvelopeRecipient(bob.address, bob.address, bob.pk),)
    assert outcomes(accept([letter(alice, to_bob)])) == ["Accepted"]  # over by one at the most
    results = accept([letter(alice, to_bob), letter(alice)])
    assert outcomes(results) == ["QuotaExceeded", "Accepted"]
    assert isinstance(results[0], QuotaExceeded)
    assert sent(alice) == {(2, 2)}
