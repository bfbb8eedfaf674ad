"""Who writes to somebody away is told so, once; machines are not, and nobody can make them talk."""

import email
import email.policy
import json
from dataclasses import replace
from email.message import EmailMessage

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.blobs import services as blobs
from apps.contacts.models import Contact, ContactEmail
from apps.delivery import answering, process, story
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailauth.types import Authentication, Dmarc, Policy, Result, Spf
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.mailqueue.services import EnvelopeRecipient
from apps.mailstore.models import Entry
from apps.provisioning import services as provisioning
from apps.runtime.clock import now
from apps.scan import runner
from apps.sieve import services
from apps.sieve.models import Audience, VacationSent
from apps.sieve.services import Wish
from apps.trace import queries as traces
from tests.delivery.test_wishes import Finds
from tests.scan.cases import judged
from tests.support.mail import RAW, drain, local, submission

pytestmark = pytest.mark.django_db

AWAY = Wish(is_on=True, subject="Away: {subject}", text="Back on Monday.")


def away(user: User, wish: Wish = AWAY) -> None:
    services.keep(user_id=user.pk, wish=wish)


def write(user: User, raw: bytes = RAW, *, sender: str = "carol@outside.invalid") -> None:
    """A message arrives for somebody."""
    accept([submission(local(user), raw, sender=sender)])
    drain()


def answers(to: str = "carol@outside.invalid") -> list[EmailMessage]:
    rows = QueuedRecipient.objects.filter(original=to, message__door="vacation").order_by("pk")
    raws = [blobs.read(row.message.blob_id) for row in rows]
    return [email.message_from_bytes(raw, policy=email.policy.default) for raw in raws]


def told(user: User) -> list[str]:
    """What the traces say of those who were not answered."""
    found = []
    for trace_id in QueuedMessage.objects.values_list("trace_id", flat=True):
        for one in traces.events_of(trace_id, limit=50):
            if one.kind == "vacation.silent":
                found.append(story.sentence(one))
    return found


def test_it_tells_who_writes(alice: User) -> None:
    away(alice)
    write(alice)
    (answer,) = answers()
    assert answer["subject"] == "Away: Quarterly figures"
    assert answer["from"].addresses[0].addr_spec == "alice@example.test"
    assert answer["in-reply-to"] == "<q3@outside.invalid>"
    assert answer.get_content().strip() == "Back on Monday."
    row = QueuedMessage.objects.get(door="vacation")
    assert row.sender == ""
    assert QueuedRecipient.objects.get(message=row).notify == "NEVER"
    first = QueuedMessage.objects.exclude(door="vacation").get()
    said = [story.sentence(one) for one in traces.events_of(first.trace_id, limit=50)]
    assert any("alice@example.test is away: carol@outside.invalid was told so" in x for x in said)


def test_it_tells_each_once_until_the_days_are_over(alice: User) -> None:
    away(alice)
    write(alice)
    write(alice)
    accept([submission(local(alice)), submission(local(alice))])
    drain()
    assert len(answers()) == 1
    assert (
        told(alice)
        == [
            "alice@example.test is away, and nobody is told: this sender was told"
            " within the last 7 days."
        ]
        * 3
    )
    VacationSent.objects.update(until=now() - 1)
    write(alice)
    assert len(answers()) == 2


def test_two_in_one_batch_get_one_answer(alice: User) -> None:
    away(alice)
    accept([submission(local(alice)), submission(local(alice))])
    drain()
    assert len(answers()) == 1


def test_new_words_are_told_again_and_the_same_are_not(alice: User) -> None:
    away(alice)
    write(alice)
    services.turn_off(user_id=alice.pk)
    away(alice)
    write(alice)
    assert len(answers()) == 1
    away(alice, replace(AWAY, text="Back on Tuesday."))
    write(alice)
    assert [one.get_content().strip() for one in answers()] == [
        "Back on Monday.",
        "Back on Tuesday.",
    ]


@pytest.mark.parametrize(
    ("wish", "count"),
    [
        (replace(AWAY, is_on=False), 0),
        (replace(AWAY, starts_at=now() + 3600), 0),
        (replace(AWAY, starts_at=now() - 7200, ends_at=now() - 3600), 0),
        (replace(AWAY, starts_at=now() - 3600, ends_at=now() + 3600), 1),
    ],
)
def test_it_answers_on_its_dates_alone(alice: User, wish: Wish, count: int) -> None:
    away(alice, wish)
    write(alice)
    assert len(answers()) == count


@pytest.mark.parametrize(
    "field",
    [
        b"Auto-Submitted: auto-replied",
        b"Precedence: bulk",
        b"List-Id: <figures.outside.invalid>",
        b"X-Auto-Response-Suppress: OOF",
    ],
)
def test_it_answers_no_machine(alice: User, field: bytes) -> None:
    away(alice)
    write(alice, field + b"\r\n" + RAW)
    assert not answers()
    assert len(told(alice)) == 1


@pytest.mark.parametrize("sender", ["", "mailer-daemon@outside.invalid", "alice@example.test"])
def test_it_answers_no_daemon_and_not_itself(alice: User, sender: str) -> None:
    away(alice)
    write(alice, sender=sender)
    assert not QueuedMessage.objects.filter(door="vacation").exists()


def test_two_who_are_away_do_not_talk_for_ever(alice: User, bob: User) -> None:
    away(alice)
    away(bob)
    write(bob, RAW.replace(b"alice@", b"bob@"), sender="alice@example.test")
    assert len(answers("alice@example.test")) == 1
    assert QueuedMessage.objects.filter(door="vacation").count() == 1


def test_a_blind_copy_is_not_answered(alice: User) -> None:
    away(alice)
    write(alice, RAW.replace(b"To: alice@example.test", b"To: all@example.test"))
    assert not answers()
    assert "not named in To or Cc" in told(alice)[0]


def test_an_address_with_a_detail_is_the_users(alice: User) -> None:
    away(alice)
    write(alice, RAW.replace(b"To: alice@example.test", b"Cc: Alice+shop@example.test"))
    assert answers()[0]["from"].addresses[0].addr_spec == "alice@example.test"


def test_it_answers_as_the_name_that_was_written_to(alice: User) -> None:
    provisioning.add_alias("sales@example.test", ["alice@example.test"])
    away(alice)
    one = EnvelopeRecipient(alice.address, "sales@example.test", alice.pk)
    accept([submission([one], RAW.replace(b"alice@", b"sales@"))])
    drain()
    assert answers()[0]["from"].addresses[0].addr_spec == "sales@example.test"


def test_an_alias_of_many_is_nobodys_name(alice: User, bob: User) -> None:
    provisioning.add_alias("team@example.test", ["alice@example.test", "bob@example.test"])
    away(alice)
    one = EnvelopeRecipient(alice.address, "team@example.test", alice.pk)
    accept([submission([one], RAW.replace(b"alice@", b"team@"))])
    drain()
    assert not answers()


def test_only_contacts_are_told_if_so_wished(alice: User) -> None:
    away(alice, replace(AWAY, audience=Audience.CONTACTS))
    write(alice)
    assert not answers()
    card = Contact.objects.create(
        user=alice, uid="x", name="Carol", folded="carol", words="carol", changed_at=1
    )
    ContactEmail.objects.create(
        contact=card,
        user=alice,
        place=0,
        key="carol@outside.invalid",
        address="carol@outside.invalid",
    )
    write(alice)
    assert len(answers()) == 1


def test_other_words_go_outside(alice: User, bob: User) -> None:
    split = replace(AWAY, audience=Audience.SPLIT, text="Call me.", outside_text="I am away.")
    away(alice, split)
    write(alice)
    write(alice, sender="bob@example.test")
    assert answers()[0].get_content().strip() == "I am away."
    assert answers("bob@example.test")[0].get_content().strip() == "Call me."


def test_without_words_nobody_outside_is_told(alice: User, bob: User) -> None:
    away(alice, replace(AWAY, audience=Audience.SPLIT, outside_text=""))
    write(alice)
    assert not answers()
    write(alice, sender="bob@example.test")
    assert len(answers("bob@example.test")) == 1


def test_junk_is_not_answered(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    away(alice)
    monkeypatch.setattr(Finds, "points", 7.0)
    monkeypatch.setattr(runner, "CHECKS", (Finds(),))
    write(alice)
    assert Entry.objects.filter(mailbox__special_use="junk").exists()
    assert not answers()


def test_a_forged_sender_is_not_answered(alice: User) -> None:
    away(alice)
    found = Authentication(
        spf=Spf(Result.FAIL, "outside.invalid", scope="mfrom"),
        dmarc=Dmarc(Result.FAIL, "outside.invalid", policy=Policy.REJECT),
    )
    accept([replace(submission(local(alice)), judgement=json.dumps(judged(found)))])
    drain()
    assert not answers()
    assert "forged" in told(alice)[0]


def test_strangers_whom_nothing_proves_get_few(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.delivery.backscatter.PER_ADDRESS", 1)
    away(alice)
    away(bob)
    unproven = json.dumps(judged(Authentication()))
    for user in (alice, bob):
        raw = RAW.replace(b"alice@", user.address.encode().split(b"@")[0] + b"@")
        accept([replace(submission(local(user), raw), judgement=unproven)])
        drain()
    assert len(answers()) == 1


def test_a_flood_ends(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "MOST_A_DAY", 3)
    away(alice)
    for number in range(6):
        write(alice, sender=f"x{number}@outside.invalid")
    assert QueuedMessage.objects.filter(door="vacation").count() == 3


def test_what_is_not_delivered_is_not_answered(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer and the delivery are one transaction."""
    away(alice)

    def fail(*_: object) -> None:
        raise RuntimeError("gone")

    accept([submission(local(alice))])
    monkeypatch.setattr("apps.delivery.local.verdicts.keep", fail)
    process.run_once()
    assert not answers()
    assert not VacationSent.objects.exists()
    monkeypatch.undo()
    QueuedMessage.objects.update(lease_until=1)
    drain()
    assert len(answers()) == 1


def _statements(count: int, user: User, prefix: str) -> int:
    accept([submission(local(user), sender=f"{prefix}{n}@outside.invalid") for n in range(count)])
    with CaptureQueriesContext(connection) as asked:
        process.run_once()
    drain()  # the answers leave
    return len(asked)


def test_the_statements_do_not_grow_with_the_mail(alice: User) -> None:
    away(alice)
    few = _statements(2, alice, "a")
    assert _statements(12, alice, "b") <= few
    assert QueuedMessage.objects.filter(door="vacation").count() == 14
