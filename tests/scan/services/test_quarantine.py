"""Quarantine: kept once, let go once, forgotten in time."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from django.db import transaction

from apps.blobs import services as blobs
from apps.blobs.models import Blob
from apps.delivery import process, states, story
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.mailqueue.services import Claimed, ClaimedRecipient, EnvelopeRecipient
from apps.mailstore.models import Entry, Usage
from apps.provisioning import services as provisioning
from apps.runtime.clock import now
from apps.scan.base import Action, Finding
from apps.scan.models import DANGEROUS, Quarantined, QuarantineState, Reason
from apps.scan.services import quarantine
from apps.scan.services.quarantine import Keep
from apps.scan.verdict import ELSEWHERE, Opinion, Verdict
from apps.trace import queries as trace
from tests.support.mail import RAW, RECEIVED, local, submission

pytestmark = pytest.mark.django_db

VIRUS = Finding("CLAMD_VIRUS", 0, "It carries Test.Virus", action=Action.REFUSE)
POLICY = Finding("ATTACHMENT_FORBIDDEN", 0, "run.exe is a program", action=Action.QUARANTINE)


def claim(recipients: Sequence[EnvelopeRecipient], raw: bytes = RAW, door: str = "mx") -> Claimed:
    item = submission(recipients, raw, cuts=((0, 5),), door=door)
    accept([item])
    (message,) = (one for one in mailqueue.claim(200) if one.id == item.id)
    return message


def keep(
    message: Claimed,
    verdict: Verdict,
    copies: Sequence[Keep] | None = None,
    raw: bytes = RAW,
) -> list[Quarantined]:
    """What a worker does with a message whose every copy is kept."""
    wanted = [_copy(one) for one in message.recipients] if copies is None else copies
    takings = quarantine.prepare(message, raw, verdict, wanted)
    with transaction.atomic():
        mailqueue.settle(message.token, [message.id], "done")
        mailqueue.settle_recipients([(one.id, "delivered", "kept") for one in message.recipients])
        quarantine.take(takings)
    return list(Quarantined.objects.filter(trace_id=message.trace_id).order_by("pk"))


def _copy(one: ClaimedRecipient, forwarder: int | None = None) -> Keep:
    return Keep(one, one.user_id or forwarder, is_elsewhere=one.user_id is None)


def test_it_keeps_each_readers_copy_with_its_reason(alice: User, bob: User) -> None:
    message = claim(local(alice, bob))
    opinions = {alice.pk: Opinion(3.5), bob.pk: Opinion(9)}
    for_bob = replace(POLICY, reader=bob.pk)
    first, second = keep(message, Verdict((VIRUS, for_bob), opinions))
    assert (first.user_id, second.user_id) == (alice.pk, bob.pk)
    assert (first.reason, first.rule, first.points) == (Reason.VIRUS, "CLAMD_VIRUS", 3.5)
    assert first.words == "It carries Test.Virus"
    assert first.author == "Carol <carol@outside.invalid>"
    assert first.subject == "Quarterly figures"
    assert (first.domain, first.original) == ("example.test", "alice@example.test")
    assert first.size == len(RECEIVED) + len(RAW) - 5
    assert (second.reason, second.points) == (Reason.VIRUS, 9)
    told = [one for one in trace.events_of(message.trace_id) if one.kind == "quarantine.kept"]
    assert [one.data["to"] for one in told] == ["alice@example.test", "bob@example.test"]


@pytest.mark.parametrize("grave", ["CLAMD_VIRUS", "ATTACHMENT_EXPLOIT"])
def test_it_hides_no_virus_behind_a_policy(alice: User, grave: str) -> None:
    refusing = replace(POLICY, action=Action.REFUSE)
    harmful = Finding(grave, 0, "x", action=Action.QUARANTINE)
    (row,) = keep(claim(local(alice)), Verdict((refusing, harmful)))
    assert (row.rule, row.reason in DANGEROUS) == (grave, True)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("VIRUS_EICAR", Reason.VIRUS),
        ("CLAMD_VIRUS", Reason.VIRUS),
        ("ATTACHMENT_EXPLOIT", Reason.HARMFUL),
        ("ATTACHMENT_MACROS_HARMFUL", Reason.HARMFUL),
        ("ATTACHMENT_FORBIDDEN", Reason.ATTACHMENT),
        ("TEXT_ANTIVIRUSES_SOLD", Reason.SPAM),
    ],
)
def test_it_knows_by_the_rule_who_may_let_it_go(alice: User, rule: str, reason: Reason) -> None:
    found = Verdict((Finding(rule, 0, "x", action=Action.QUARANTINE),))
    (row,) = keep(claim(local(alice)), found)
    assert row.reason == reason


def test_it_keeps_what_was_to_be_sent_on_for_who_has_it_sent_on(alice: User) -> None:
    message = claim(
        [
            EnvelopeRecipient("away@elsewhere.test", "Alice+shop@example.test", None),
            EnvelopeRecipient("list@elsewhere.test", "list@example.test", None),
        ]
    )
    opinions = {
        alice.pk: Opinion(7.25, Action.JUNK, "Much in it looks like spam"),
        ELSEWHERE: Opinion(6, Action.JUNK, "It is listed"),
    }
    hers, nobodys = message.recipients
    copies = [_copy(hers, alice.pk), _copy(nobodys)]
    first, second = keep(message, Verdict((), opinions), copies)
    assert [(one.user_id, one.points, one.words) for one in (first, second)] == [
        (alice.pk, 7.25, "Much in it looks like spam"),
        (None, 6, "It is listed"),
    ]
    assert first.is_elsewhere
    assert second.is_elsewhere
    assert first.reason == Reason.SPAM

    assert quarantine.release([first.pk], by="command") == [first.pk]
    again = QueuedRecipient.objects.get(state="pending")
    assert (again.address, again.user_id) == ("away@elsewhere.test", None)


def test_it_counts_in_no_quota(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(quota=1_000_000)
    keep(claim(local(alice)), Verdict((VIRUS,)))
    assert Usage.objects.get(user=alice).size == 0


def test_it_lets_a_message_go_once_as_it_was_received(alice: User, bob: User) -> None:
    message = claim(local(alice, bob))
    rows = [one.pk for one in keep(message, Verdict((POLICY,)))]
    assert quarantine.release(rows, by="command") == rows
    assert quarantine.release(rows, by="command") == []
    assert quarantine.delete(rows, by="command") == []
    again = QueuedMessage.objects.get(state="accepted")
    assert again.is_cleared
    assert (again.judgement, again.received_at) == ("", message.received_at_us)
    assert again.id != message.id
    assert again.trace_id == message.trace_id
    while process.run_once():
        pass
    entries = list(Entry.objects.all())
    assert len(entries) == 2
    assert {one.message.size for one in entries} == {message.size}
    assert len({one.message_id for one in entries}) == 1
    assert Blob.objects.count() == 1
    for row in Quarantined.objects.all():
        assert (row.state, row.settled_by, row.blob_id) == ("released", "command", None)
        assert row.settled_at > 0


def test_it_lets_nothing_go_if_the_queue_cannot_take_it(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = keep(claim(local(alice)), Verdict((POLICY,)))

    def fail(*_: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr("apps.mailqueue.services.enqueue", fail)
    with pytest.raises(OSError, match="disk"):
        quarantine.release([row.pk], by="command")
    row.refresh_from_db()
    assert row.state == QuarantineState.KEPT


def test_it_keeps_the_bytes_while_it_keeps_the_copy(alice: User) -> None:
    (row,) = keep(claim(local(alice)), Verdict((VIRUS,)))
    QueuedMessage.objects.all().delete()
    Blob.objects.update(created_at=1)
    blobs.collect()
    assert blobs.read(row.blob_id or row.trace_id) == RAW
    quarantine.delete([row.pk], by="command")
    blobs.collect()
    assert not Blob.objects.exists()


def test_it_forgets_what_was_kept_for_long(alice: User) -> None:
    (old,) = keep(claim(local(alice)), Verdict((VIRUS,)))
    (new,) = keep(claim(local(alice)), Verdict((VIRUS,)))
    QueuedMessage.objects.all().delete()
    Quarantined.objects.filter(pk=old.pk).update(kept_at=now() - 30 * 86_400 - 1)
    assert quarantine.prune(30) == 1
    assert list(Quarantined.objects.values_list("pk", flat=True)) == [new.pk]
    assert list(Blob.objects.values_list("pk", flat=True)) == [new.blob_id]
    assert quarantine.prune(30) == 0
    *_, told = trace.events_of(old.trace_id)
    assert list(story.sentences(told)) == [
        "The copy for alice@example.test was deleted from quarantine, where it had been for 30"
        " days."
    ]


def test_it_goes_with_its_reader(alice: User, bob: User) -> None:
    keep(claim(local(alice, bob)), Verdict((VIRUS,)))
    alice.delete()
    assert list(Quarantined.objects.values_list("user", flat=True)) == [bob.pk]


def test_it_takes_whatever_a_stranger_writes(alice: User) -> None:
    raw = b"From: \x00\xff<>\r\nSubject: =?utf-8?b?AAD/?= " + b"x" * 2_000 + b"\r\n\r\n"
    (row,) = keep(claim(local(alice), raw), Verdict((POLICY,)), raw=raw)
    assert "\0" not in row.author + row.subject
    assert len(row.subject) <= 300


def test_it_is_told_in_the_story_of_the_message(alice: User) -> None:
    onward = EnvelopeRecipient("away@elsewhere.test", "alice@example.test", None)
    message = claim([*local(alice), onward])
    rows = keep(message, Verdict((POLICY,)))
    quarantine.release([rows[0].pk], by="link")
    quarantine.delete([rows[1].pk], by="command")
    told = [story.sentence(one) for one in trace.events_of(message.trace_id)]
    assert told[-4:] == [
        "The copy for alice@example.test is kept in quarantine (ATTACHMENT_FORBIDDEN): run.exe is a"
        " program.",
        "The copy for away@elsewhere.test (written to alice@example.test) is kept in quarantine"
        " (ATTACHMENT_FORBIDDEN): run.exe is a program.",
        "The copy for alice@example.test was released from quarantine by the link in a digest.",
        "The copy for away@elsewhere.test (written to alice@example.test) was deleted from"
        " quarantine by an administrator.",
    ]


def test_it_tells_the_sender_that_a_copy_is_held_and_no_more(alice: User) -> None:
    message = claim(local(alice))
    (row,) = keep(message, Verdict((POLICY,)))
    (state,) = states.of_trace(message.trace_id)
    assert state.state is states.State.HELD
    quarantine.delete([row.pk], by="link")
    (state,) = states.of_trace(message.trace_id)
    assert state.state is states.State.HELD


def test_it_tells_the_sender_that_a_copy_arrived_after_all(alice: User) -> None:
    message = claim(local(alice))
    (row,) = keep(message, Verdict((POLICY,)))
    quarantine.release([row.pk], by="link")
    while process.run_once():
        pass
    (state,) = states.of_trace(message.trace_id)
    assert state.state is states.State.DELIVERED


def test_what_was_deleted_can_be_had_back_for_a_while(alice: User) -> None:
    (row,) = keep(claim(local(alice)), Verdict((POLICY,)))
    QueuedMessage.objects.all().delete()
    Blob.objects.update(created_at=1)
    assert quarantine.delete([row.pk], by="console", is_restorable=True) == [row.pk]
    assert quarantine.forget_deleted() == 0
    blobs.collect()
    assert quarantine.release([row.pk], by="console") == []

    assert quarantine.restore([row.pk], by="console") == [row.pk]
    assert quarantine.restore([row.pk], by="console") == []
    row.refresh_from_db()
    assert (row.state, row.settled_at, row.settled_by) == (QuarantineState.KEPT, 0, "")
    assert blobs.read(row.blob_id or row.trace_id) == RAW
    *_, deleted, restored = trace.events_of(row.trace_id)
    assert list(story.sentences(deleted)) == [
        "The copy for alice@example.test was deleted from quarantine by an administrator in the"
        " console."
    ]
    assert list(story.sentences(restored)) == [
        "The copy for alice@example.test was put back into quarantine by an administrator in the"
        " console."
    ]


def test_after_a_while_it_is_gone(alice: User) -> None:
    (row,) = keep(claim(local(alice)), Verdict((POLICY,)))
    QueuedMessage.objects.all().delete()
    Blob.objects.update(created_at=1)
    quarantine.delete([row.pk], by="console", is_restorable=True)
    late = now() - quarantine.RESTORABLE_SECONDS - 1
    Quarantined.objects.update(settled_at=late)

    assert quarantine.forget_deleted() == 1
    assert quarantine.forget_deleted() == 0
    assert quarantine.restore([row.pk], by="console") == []
    blobs.collect()
    assert not Blob.objects.exists()


def test_what_its_reader_or_a_command_deletes_is_gone_at_once(alice: User) -> None:
    (row,) = keep(claim(local(alice)), Verdict((POLICY,)))
    quarantine.delete([row.pk], by="link")
    assert quarantine.restore([row.pk], by="console") == []


def test_spam_that_pretends_is_phishing(alice: User) -> None:
    lies = Finding("LINK_TEXT_LIES", 2.5, "it lies")
    (row,) = keep(claim(local(alice)), Verdict((lies,), {alice.pk: Opinion(9)}))
    assert row.reason == Reason.PHISHING
    (row,) = keep(claim(local(alice)), Verdict((lies, POLICY)))
    assert row.reason == Reason.ATTACHMENT
    others = replace(lies, reader=alice.pk + 1)
    (row,) = keep(claim(local(alice)), Verdict((others,), {alice.pk: Opinion(9)}))
    assert row.reason == Reason.SPAM


def test_it_notes_what_is_probably_wanted(alice: User, bob: User) -> None:
    answer = Finding("ANSWER_TO_OURS", -1.5, "it answers", reader=alice.pk)
    rows = keep(claim(local(alice, bob)), Verdict((POLICY, answer)))
    assert [one.is_wanted for one in rows] == [True, False]


def test_who_has_a_domain_next_sees_nothing_of_who_had_it(alice: User) -> None:
    (row,) = keep(claim(local(alice)), Verdict((POLICY,)))
    provisioning.remove_domain("example.test", force=True)
    row.refresh_from_db()
    assert row.domain == ""
