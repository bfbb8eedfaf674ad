"""What is done about a verdict: filed, kept, refused, held, put off; in one transaction, once."""

import json
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.delivery import decision, process
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.events import bus
from apps.events.types import MessageJudged
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import (
    Lane,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.mailstore import queries as mailstore
from apps.mailstore.models import Entry, Mailbox, Usage
from apps.provisioning import services as provisioning
from apps.runtime.clock import now_us
from apps.scan import runner
from apps.scan.base import Action, Finding
from apps.scan.models import Quarantined, Scanned
from apps.scan.verdict import Opinion, Verdict
from apps.trace import queries as trace
from tests.mailqueue.offering import offered
from tests.support.mail import local, submission
from tests.support.verdicts import SubjectCheck, letter

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def check(monkeypatch: pytest.MonkeyPatch) -> SubjectCheck:
    made = SubjectCheck()
    monkeypatch.setattr(runner, "CHECKS", (made,))
    return made


def drain() -> None:
    while process.run_once():
        pass


def box(user: User, use: str = "inbox") -> list[bytes]:
    """What is in one of a user's mailboxes."""
    mailbox = Mailbox.objects.get(user=user, special_use=use)
    entries = Entry.objects.filter(mailbox=mailbox).order_by("uid")
    return [mailstore.shown_bytes(one.message_id, one.head_id) for one in entries]


def counts(user: User) -> tuple[int, int, int]:
    """In INBOX, in Junk, in quarantine."""
    kept = Quarantined.objects.filter(user=user, state="kept").count()
    return len(box(user)), len(box(user, "junk")), kept


def states(item: Submission) -> tuple[str, list[str]]:
    rows = QueuedRecipient.objects.filter(message=item.id).order_by("id")
    return QueuedMessage.objects.get(id=item.id).state, [row.state for row in rows]


def kinds(item: Submission) -> list[str]:
    return [event.kind for event in trace.events_of(item.trace_id)]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Hello", (1, 0, 0)),
        ("JUNK", (0, 1, 0)),
        ("SPAM", (0, 1, 0)),
        ("POLICY", (0, 0, 1)),
        ("VIRUS", (0, 0, 1)),
    ],
)
def test_it_does_what_the_verdict_says_of_what_is_ours(
    alice: User, subject: str, expected: tuple[int, int, int]
) -> None:
    provisioning.change_user(alice.address, quota=1 << 20)
    item = submission(local(alice), letter(subject))
    accept([item])
    drain()
    assert counts(alice) == expected
    state = "quarantined" if expected[2] else "delivered"
    assert states(item) == ("done", [state])
    assert Usage.objects.get(user=alice).reserved == 0
    assert "mx.refused" not in kinds(item)


@pytest.mark.parametrize(
    ("subject", "cause", "words"),
    [
        ("SPAM", decision.SPAM, "550 5.7.1 This message is taken for spam: its subject is SPAM"),
        (
            "VIRUS",
            decision.CONTENT,
            "550 5.7.1 This message is not taken because of what it contains: its subject is VIRUS",
        ),
        ("DEFER", decision.UNSCANNED, "451 4.7.1 This message cannot be judged now"),
    ],
)
def test_it_refuses_while_the_door_waits(alice: User, subject: str, cause: str, words: str) -> None:
    provisioning.change_user(alice.address, quota=1 << 20)
    item = offered(alice, raw=letter(subject))
    accept([item])
    drain()
    assert counts(alice) == (0, 0, 0)
    assert states(item) == ("refused", ["refused"])
    (outcome,) = mailqueue.outcomes_of([item.id])
    refusal = decision.read(outcome.refusal)
    assert refusal.cause == cause
    reply = refusal.reply
    assert f"{reply.code} {reply.enhanced} {reply.text}".startswith(words)
    assert Usage.objects.get(user=alice).reserved == 0
    assert kinds(item) == ["mx.received", "scan.judged", "mx.refused"]
    told = trace.events_of(item.trace_id)[-1].data
    assert (told["cause"], told["stage"], told["to"]) == (cause, "data", ["alice@example.test"])


def test_it_tells_the_door_of_whatever_it_decided(transactional_db: None, alice: User) -> None:
    subjects = ("Hello", "JUNK", "SPAM", "VIRUS", "POLICY", "DEFER")
    items = [offered(alice, raw=letter(subject)) for subject in subjects]
    accept([*items, submission(local(alice))])
    with bus.listen({MessageJudged}) as inbox:
        drain()
        heard = {one.message for one in inbox.read(5) if isinstance(one, MessageJudged)}
    assert heard == {item.id.int for item in items}


def test_it_refuses_nothing_that_its_door_has_taken(alice: User) -> None:
    items = [offered(alice, raw=letter(subject)) for subject in ("SPAM", "VIRUS", "DEFER")]
    accept(items)
    claimed = mailqueue.claim()
    mailqueue.accept_offered([item.id for item in items])
    assert process._commit(process._planned(claimed))
    assert counts(alice) == (0, 1, 1)
    assert [states(item)[0] for item in items] == ["done", "done", "accepted"]


def test_it_refuses_nothing_whose_door_has_died(alice: User) -> None:
    item = offered(alice, raw=letter("SPAM"))
    accept([item])
    QueuedMessage.objects.update(offered_until=1)
    drain()
    assert counts(alice) == (0, 1, 0)
    assert states(item) == ("done", ["delivered"])


def test_it_refuses_only_what_every_reader_wants_refused(alice: User, bob: User) -> None:
    item = offered(alice, bob, raw=letter(f"for {bob.pk} SPAM"))
    accept([item])
    drain()
    assert (counts(alice), counts(bob)) == ((1, 0, 0), (0, 1, 0))
    assert states(item) == ("done", ["delivered", "delivered"])


def test_it_tells_the_client_nothing_that_concerns_a_reader_alone(alice: User) -> None:
    # "... looks like partner.test, to which this reader writes" is nothing for a stranger to learn.
    item = offered(alice, raw=letter(f"for {alice.pk} SPAM"))
    accept([item])
    drain()
    (outcome,) = mailqueue.outcomes_of([item.id])
    text = decision.read(outcome.refusal).reply.text
    assert text.startswith("This message is taken for spam (reference ")
    assert trace.events_of(item.trace_id)[-1].data["why"].startswith("its subject is SPAM")


def test_it_tells_no_reader_what_another_one_knows() -> None:
    own = Finding("AUTHOR_LIKE_KNOWN", 3.5, "looks like what this reader writes to", reader=7)
    verdict = Verdict(
        (Finding("TEXT_PILLS", 15.0, "it sells pills"), own),
        {
            7: Opinion(
                18.5, Action.REFUSE, "it sells pills; looks like what this reader writes to"
            ),
            8: Opinion(15.0, Action.REFUSE, "it sells pills"),
        },
    )
    refusal = decision.decide(verdict, is_outgoing=False, reference="X").refusal
    assert refusal is not None
    assert refusal.why == "This message is taken for spam: it sells pills"


def test_it_delivers_the_others_when_one_is_withdrawn_meanwhile(alice: User) -> None:
    items = [offered(alice, raw=letter("Hello", number)) for number in range(3)]
    accept(items)
    plans = process._planned(mailqueue.claim())
    mailqueue.withdraw([items[1].id])
    assert process._commit(plans)
    assert len(box(alice)) == 2
    assert [states(item)[0] for item in items] == ["done", "refused", "done"]


def test_what_is_put_off_comes_whole_and_later(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = submission(local(alice), letter("DEFER"))
    accept([item])
    drain()
    assert counts(alice) == (0, 0, 0)
    row = QueuedMessage.objects.get(id=item.id)
    assert (row.state, row.crashes, row.last_error) == ("accepted", 0, "its subject is DEFER")
    assert row.hold_until > now_us()
    assert kinds(item)[-1] == "queue.put_off"
    monkeypatch.setattr(runner, "CHECKS", ())  # the scanner is back
    QueuedMessage.objects.update(hold_until=1)
    drain()
    assert counts(alice) == (1, 0, 0)


def outside(address: str = "dave@outside.invalid", original: str = "") -> EnvelopeRecipient:
    return EnvelopeRecipient(address, original or address, None)


@pytest.mark.parametrize(
    ("subject", "is_sent"), [("Hello", True), ("JUNK", False), ("SPAM", False), ("VIRUS", False)]
)
def test_it_sends_on_nothing_that_is_taken_for_spam(
    alice: User, subject: str, is_sent: bool
) -> None:
    forward = outside(original="alice@example.test")
    item = submission([*local(alice), forward], letter(subject))
    accept([item])
    drain()
    state = RecipientState.WAITING if is_sent else RecipientState.QUARANTINED
    assert states(item)[1][1] == state
    (kept,) = Scanned.objects.filter(id=item.id)
    done = [one["done"] for one in json.loads(kept.deeds)]
    assert done[1] == ("sent" if is_sent else "quarantine")
    assert Quarantined.objects.filter(is_elsewhere=True).count() == (not is_sent)


def sent_by(user: User, subject: str, *to: EnvelopeRecipient) -> Submission:
    item = submission(to, letter(subject), sender=user.address, door="submission")
    return replace(item, user_id=user.pk)


@pytest.mark.parametrize("subject", ["SPAM", "VIRUS", "POLICY"])
def test_it_holds_what_a_user_must_not_send(alice: User, bob: User, subject: str) -> None:
    item = sent_by(alice, subject, outside(), *local(bob))
    accept([item])
    drain()
    state, recipients = states(item)
    assert (state, recipients) == (MessageState.HELD, ["pending", "pending"])
    assert counts(bob) == (0, 0, 0)
    assert QueuedMessage.objects.get(id=item.id).last_error == f"its subject is {subject}"
    assert "queue.held" in kinds(item)
    told = box(alice)
    assert len(told) == 1
    assert b"Your message has not been sent" in told[0]


def test_what_an_administrator_releases_is_not_judged_again(
    alice: User, bob: User, check: SubjectCheck
) -> None:
    item = sent_by(alice, "SPAM", outside(), *local(bob))
    accept([item])
    drain()
    looks = len(check.seen)
    mailqueue.clear([item.id])
    drain()
    assert states(item) == ("routed", ["waiting", "delivered"])
    assert counts(bob) == (1, 0, 0)
    assert len(check.seen) == looks


def test_a_colleague_gets_what_he_does_not_want_into_junk(alice: User, bob: User) -> None:
    item = sent_by(alice, f"for {bob.pk} SPAM", outside(), *local(bob))
    accept([item])
    drain()
    assert states(item) == ("routed", ["waiting", "delivered"])
    assert counts(bob) == (0, 1, 0)


def test_it_reports_nothing_of_what_is_taken_for_spam(alice: User) -> None:
    (recipient,) = local(alice)
    wants = replace(recipient, notify="SUCCESS")
    items = [submission([wants], letter(subject)) for subject in ("Hello", "JUNK", "POLICY")]
    accept(items)
    drain()
    reported = [item for item in items if any(kind.startswith("bounce.") for kind in kinds(item))]
    assert reported == items[:1]


def test_it_keeps_the_verdict_with_what_was_done(alice: User, bob: User) -> None:
    item = submission(local(alice, bob), letter(f"for {bob.pk} JUNK"))
    accept([item])
    drain()
    (kept,) = Scanned.objects.all()
    deeds = json.loads(kept.deeds)
    junk = Mailbox.objects.get(user=bob, special_use="junk").pk
    assert [one["done"] for one in deeds] == ["inbox", "junk"]
    assert (deeds[1]["user_id"], deeds[1]["mailbox_id"], deeds[1]["uid"]) == (bob.pk, junk, 1)
    assert deeds[1]["why"] == "its subject is JUNK"


def test_who_has_no_junk_gets_it_into_the_inbox(alice: User) -> None:
    Mailbox.objects.filter(user=alice, special_use="junk").update(deleted_at=1)
    accept([submission(local(alice), letter("JUNK"))])
    drain()
    assert len(box(alice)) == 1


def test_it_judges_a_batch_at_once(alice: User, check: SubjectCheck) -> None:
    accept([submission(local(alice), letter("Hello", number)) for number in range(20)])
    drain()
    assert check.seen == [20]


def test_it_asks_the_database_no_more_for_many(alice: User, bob: User) -> None:
    numbers = []
    for count in (2, 40):
        subjects = ("Hello", "JUNK", "POLICY", "SPAM")
        accept(
            [
                offered(alice, bob, raw=letter(subject, number))
                for number in range(count)
                for subject in subjects
            ]
        )
        with CaptureQueriesContext(connection) as captured:
            process.run_once()
        numbers.append(len(captured))
    assert numbers[1] <= numbers[0] + 2


def test_what_a_worker_died_over_is_not_looked_into_again(alice: User, check: SubjectCheck) -> None:
    item = submission(local(alice), letter("SPAM"))
    accept([item])
    QueuedMessage.objects.update(crashes=1, lease_until=1, lease_token=item.id)
    drain()
    assert check.seen == []
    assert counts(alice) == (1, 0, 0)


def test_an_archive_goes_to_the_workers_who_have_the_time(alice: User) -> None:
    raw = letter("Hello").replace(
        b"\r\n\r\n",
        b'\r\nContent-Type: application/zip; name="a.zip"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n",
        1,
    )
    heavy, usual = submission(local(alice), raw), submission(local(alice), letter("JUNK"))
    accept([heavy, usual])
    drain()
    assert counts(alice) == (0, 1, 0)
    assert QueuedMessage.objects.get(id=heavy.id).lane == Lane.HEAVY
    assert process.run_once(lane=Lane.HEAVY) == 1
    assert counts(alice) == (1, 1, 0)
