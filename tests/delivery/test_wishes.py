"""What readers want of the filter is what is done: each gets what is right for them, and the kept
verdict tells it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import pytest
from django.db import transaction

from apps.delivery import process
from apps.delivery.accept import accept
from apps.directory.models import Domain, User
from apps.directory.services import forwards
from apps.mailauth.types import Authentication, Dkim, Dmarc, Result
from apps.mailqueue.models import MessageState, QueuedMessage
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.mailstore.models import Entry, Judged
from apps.mailstore.services import marks
from apps.provisioning import services as provisioning
from apps.reception.acquaintance import COUNTS
from apps.reception.models import Acquaintance
from apps.reception.services import acquaintances
from apps.runtime.clock import now_us
from apps.scan import queries, runner, standings, telling
from apps.scan.base import Action, Case, Finding, Given
from apps.scan.deeds import Done
from apps.scan.models import Quarantined, Verb
from apps.scan.scopes import SERVER, Scope
from apps.scan.services import learning, lists, thresholds
from apps.scan.services.thresholds import Change
from tests.scan.cases import judged
from tests.support.mail import local, submission

pytestmark = pytest.mark.django_db

PROVEN = judged(
    Authentication(
        dkim=(Dkim(Result.PASS, "outside.invalid"),), dmarc=Dmarc(Result.PASS, "outside.invalid")
    )
)
MINUTE_US = 60_000_000


class Finds:
    """A check that finds what the test says."""

    name: ClassVar[str] = "finds"
    takes_unscannable = True
    points: ClassVar[float] = 0.0

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        return [None for _ in cases]

    def judge(self, case: Case, given: Given) -> Sequence[Finding]:
        return [Finding("TEXT_WATCHES", self.points, "it offers watches")]


@pytest.fixture(autouse=True)
def _finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "CHECKS", (Finds(),))


def process_one(item: Submission, points: float = 0.0) -> QueuedMessage:
    """Take a message and process it; its row afterwards."""
    Finds.points = points
    accept([item])
    while process.run_once():
        pass
    return QueuedMessage.objects.get(pk=item.id)


def folder(user: User) -> list[str]:
    """Where a user's mail is."""
    rows = Entry.objects.filter(mailbox__user=user).order_by("mailbox")
    return list(rows.values_list("mailbox__special_use", flat=True))


def mail(*users: User) -> Submission:
    """Mail of Carol's that is proven to be."""
    return replace(submission(local(*users)), judgement=json.dumps(PROVEN))


def offered(*users: User) -> Submission:
    """The same, while its door waits."""
    return replace(mail(*users), offered_us=MINUTE_US)


def deeds(item: Submission) -> dict[str, Done]:
    """What was done with each copy, as it was kept."""
    kept = queries.of_id(item.id)
    assert kept is not None
    return {one.address: one.done for one in kept.deeds}


def test_each_reader_gets_what_is_right_for_them(alice: User, bob: User, eve: User) -> None:
    thresholds.change(Scope(user_id=alice.pk), Change(junk=7))
    thresholds.change(Scope(user_id=eve.pk), Change(is_off=True))
    item = mail(alice, bob, eve)
    process_one(item, 6)
    assert (folder(alice), folder(bob), folder(eve)) == (["inbox"], ["junk"], ["inbox"])
    assert deeds(item) == {
        alice.address: Done.INBOX,
        bob.address: Done.JUNK,
        eve.address: Done.INBOX,
    }


def test_a_list_of_one_reader_is_no_matter_of_others(alice: User, bob: User) -> None:
    lists.block_sender(alice.pk, "carol@outside.invalid")
    lists.add(Verb.ALLOW, "outside.invalid", Scope(user_id=bob.pk))
    process_one(offered(alice, bob), 50)
    # Bob wants it, so it is not refused; Alice finds it in Junk.
    assert (folder(alice), folder(bob)) == (["junk"], ["inbox"])


def test_what_all_readers_block_is_refused_while_the_door_waits(alice: User, bob: User) -> None:
    lists.block_sender(alice.pk, "carol@outside.invalid")
    lists.add(Verb.BLOCK, ".invalid", Scope(user_id=bob.pk))
    item = offered(alice, bob)
    assert process_one(item).state == MessageState.REFUSED
    assert (folder(alice), folder(bob)) == ([], [])
    assert deeds(item) == {alice.address: Done.REFUSED, bob.address: Done.REFUSED}


def test_what_is_ours_already_goes_to_junk_instead(alice: User) -> None:
    lists.add(Verb.BLOCK, "outside.invalid", SERVER)
    assert process_one(mail(alice)).state == MessageState.DONE
    assert folder(alice) == ["junk"]


def test_postmaster_is_not_kept_from_anybody(alice: User) -> None:
    lists.add(Verb.BLOCK, "outside.invalid", SERVER)
    (recipient,) = local(alice)
    item = replace(offered(), recipients=(replace(recipient, original="postmaster@example.test"),))
    assert process_one(item, 99).state == MessageState.DONE
    assert folder(alice) == ["junk"]


def test_an_allowed_sender_is_let_in_only_if_proven(alice: User) -> None:
    lists.add(Verb.ALLOW, "carol@outside.invalid", Scope(user_id=alice.pk))
    process_one(offered(alice), 50)
    assert folder(alice) == ["inbox"]
    forged = replace(offered(alice), judgement=json.dumps(judged(Authentication())))
    assert process_one(forged, 50).state == MessageState.REFUSED


def test_junk_that_the_door_ruled_is_lifted_by_who_wants_the_mail(
    alice: User, bob: User, domain: Domain
) -> None:
    lists.add(Verb.ALLOW, "192.0.2.0/24", Scope(user_id=alice.pk))
    ruling = judged(Authentication(), junk={"example.test": "it fails DMARC"})
    process_one(replace(mail(alice, bob), judgement=json.dumps(ruling)))
    assert (folder(alice), folder(bob)) == (["inbox"], ["junk"])


def sent(user: User, *recipients: EnvelopeRecipient) -> Submission:
    """What a user sends."""
    return replace(submission(recipients, sender=user.address, door="submission"), user_id=user.pk)


DAVE = EnvelopeRecipient("dave@outside.invalid", "dave@outside.invalid", None)


def test_mail_that_is_sent_is_held_by_the_senders_own_threshold(alice: User, bob: User) -> None:
    item = sent(alice, *local(bob), DAVE)
    assert process_one(item, 10).state == MessageState.HELD
    assert folder(bob) == []
    thresholds.change(Scope(user_id=alice.pk), Change(hold=11))
    assert process_one(sent(alice, *local(bob)), 10).state == MessageState.DONE
    assert folder(bob) == ["junk"]


def test_no_list_of_a_colleague_holds_what_a_user_sends(alice: User, bob: User) -> None:
    lists.block_sender(bob.pk, alice.address)
    item = sent(alice, *local(bob), DAVE)
    assert process_one(item).state == MessageState.ROUTED
    assert folder(bob) == ["junk"]


def test_spam_is_not_sent_on(alice: User) -> None:
    item = replace(mail(alice), recipients=(*local(alice), DAVE))
    process_one(item, 6)
    assert folder(alice) == ["junk"]
    assert [one.address for one in Quarantined.objects.all()] == [DAVE.address]
    assert deeds(item) == {alice.address: Done.JUNK, DAVE.address: Done.QUARANTINE}


AWAY = "away@elsewhere.test"


def sent_on(*users: User, original: str = "") -> Submission:
    """Mail of Carol's that these users have sent on, or an alias; while its door waits."""
    written = [original] if original else [user.address for user in users]
    onward = tuple(EnvelopeRecipient(AWAY, one, None) for one in written)
    return replace(offered(), recipients=onward)


@pytest.mark.parametrize("keeps_copy", [True, False])
def test_who_has_it_sent_on_decides_what_is_spam(alice: User, keeps_copy: bool) -> None:
    forwards.add(user=alice, target=AWAY, keeps_copy=keeps_copy)
    own = local(alice) if keeps_copy else ()
    for scope, change in (
        (Scope(user_id=alice.pk), Change(junk=20, refuse=30)),
        (SERVER, Change(junk=4, refuse=30)),
    ):
        thresholds.change(scope, change)
    item = sent_on(alice)
    item = replace(item, recipients=(*own, *item.recipients))
    assert process_one(item, 12).state == MessageState.ROUTED
    assert deeds(item) == {AWAY: Done.SENT} | ({alice.address: Done.INBOX} if own else {})
    assert not Quarantined.objects.exists()


def test_who_has_it_sent_on_without_a_filter_gets_all_but_viruses(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    forwards.add(user=alice, target=AWAY, keeps_copy=False)
    thresholds.change(Scope(user_id=alice.pk), Change(is_off=True))
    assert process_one(sent_on(alice), 50).state == MessageState.ROUTED
    virus = Finding("CLAMD_VIRUS", 0, "it carries Test.Virus", action=Action.REFUSE)
    monkeypatch.setattr(Finds, "judge", lambda self, case, given: [virus])
    assert process_one(sent_on(alice)).state == MessageState.REFUSED
    late = replace(sent_on(alice), offered_us=0)
    process_one(late)
    (row,) = Quarantined.objects.all()
    assert (row.user_id, row.is_elsewhere, row.reason) == (alice.pk, True, "virus")


def test_who_has_it_sent_on_blocks_and_allows(alice: User) -> None:
    forwards.add(user=alice, target=AWAY, keeps_copy=False)
    lists.block_sender(alice.pk, "carol@outside.invalid")
    item = sent_on(alice)
    assert process_one(item).state == MessageState.REFUSED
    kept = queries.of_id(item.id)
    assert kept is not None
    lines = list(telling.of_verdict(kept))
    assert any(one.startswith(f"For {alice.address}: ") for one in lines)
    assert any(AWAY in one and "written to alice@example.test" in one for one in lines)
    lists.add(Verb.ALLOW, "carol@outside.invalid", Scope(user_id=alice.pk))
    assert process_one(sent_on(alice), 50).state == MessageState.ROUTED


def test_a_colleague_who_has_it_sent_on_elsewhere_is_asked_alone(alice: User, bob: User) -> None:
    """Two of them send it on to two places: each as they like, and nobody for both."""
    forwards.add(user=alice, target=AWAY, keeps_copy=False)
    forwards.add(user=bob, target="bob@elsewhere.test", keeps_copy=False)
    thresholds.change(Scope(user_id=alice.pk), Change(junk=20, refuse=30))
    his = EnvelopeRecipient("bob@elsewhere.test", bob.address, None)
    item = sent_on(alice)
    item = replace(item, recipients=(*item.recipients, his))
    assert process_one(item, 6).state == MessageState.ROUTED
    assert deeds(item) == {AWAY: Done.SENT, "bob@elsewhere.test": Done.QUARANTINE}
    assert Quarantined.objects.get().user_id == bob.pk


def test_what_an_alias_sends_on_is_judged_as_its_domain_wants(alice: User, domain: Domain) -> None:
    """Whoever else has mail sent on to the same place has no say."""
    provisioning.add_alias("team@example.test", [AWAY])
    forwards.add(user=alice, target=AWAY, keeps_copy=False)
    lists.block_sender(alice.pk, "carol@outside.invalid")
    thresholds.change(Scope(domain_id=domain.pk), Change(junk=20, refuse=30))
    item = sent_on(original="team@example.test")
    assert process_one(item, 12).state == MessageState.ROUTED
    lists.add(Verb.BLOCK, "outside.invalid", Scope(domain_id=domain.pk))
    assert process_one(sent_on(original="team@example.test")).state == MessageState.REFUSED


def test_nobody_is_asked_for_what_was_sent_on_by_a_wish_that_is_gone(alice: User) -> None:
    thresholds.change(Scope(user_id=alice.pk), Change(is_off=True))
    late = replace(sent_on(alice), offered_us=0)
    process_one(late, 6)
    assert deeds(late) == {AWAY: Done.QUARANTINE}


def test_a_past_verdict_on_what_was_sent_on_is_computed_again(alice: User) -> None:
    forwards.add(user=alice, target=AWAY, keeps_copy=False)
    item = replace(sent_on(alice), offered_us=0)
    process_one(item, 6)
    kept = queries.of_id(item.id)
    assert kept is not None
    case = kept.record.case
    assert [one.user_id for one in case.readers] == [alice.pk]
    assert case.elsewhere == ()
    (again,) = standings.of([case], senders=lambda _: kept.record.senders)
    assert again == kept.record.verdict.standings


def learnt(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that senders get known by from now on, once for each copy."""
    found: list[str] = []
    monkeypatch.setattr(COUNTS, "add", found.extend)
    return found


@pytest.mark.django_db(transaction=True)
def test_only_wanted_mail_makes_its_sender_known(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = learnt(monkeypatch)
    known = json.dumps(PROVEN | {"names": ["outside.invalid", "list.invalid"]})
    for points, *readers in ((6, alice, bob), (50, alice), (-1, alice)):
        process_one(replace(offered(*readers), judgement=known), points)
    assert found == ["outside.invalid", "list.invalid"]
    found.clear()
    thresholds.change(Scope(user_id=bob.pk), Change(junk=9))
    process_one(replace(mail(alice, bob), judgement=known), 6)  # Junk for one of them
    assert found == ["outside.invalid", "list.invalid"]
    found.clear()
    process_one(mail(alice))  # its door had nothing to say
    assert found == []


@pytest.mark.django_db(transaction=True)
def test_mail_of_who_has_no_junk_makes_nobody_known_either(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = learnt(monkeypatch)
    known = json.dumps(PROVEN | {"names": ["outside.invalid"]})
    alice.mailboxes.filter(special_use="junk").update(special_use="")
    process_one(replace(mail(alice), judgement=known), 6)
    assert folder(alice) == ["inbox"]
    assert found == []
    process_one(replace(mail(alice), judgement=known))
    assert found == ["outside.invalid"]


@pytest.mark.django_db(transaction=True)
def test_a_reader_who_calls_it_spam_makes_its_sender_less_known(
    alice: User, bob: User, eve: User
) -> None:
    known = json.dumps(PROVEN | {"names": ["outside.invalid"]})
    item = replace(mail(alice, bob), judgement=known)
    process_one(item)
    process_one(replace(mail(alice), judgement=known))
    acquaintances.count({(1, "outside.invalid"): 1})
    acquaintances.count({(2, "outside.invalid"): 2})
    blob = QueuedMessage.objects.get(pk=item.id).blob_id

    def say(user: User, judged: Judged) -> int:
        with transaction.atomic():
            marks.mark([(user.pk, blob, judged)])
        assert learning.learn_some() == 1
        return sum(row.messages for row in Acquaintance.objects.all())

    for word, left in (
        *((Judged.SPAM, 2), (Judged.SPAM, 2), (Judged.HAM, 3), (Judged.SPAM, 2)),
        *((Judged.UNSPAM, 3), (Judged.KEPT, 3), (Judged.SPAM, 2)),
    ):
        assert say(alice, word) == left, word
    assert say(bob, Judged.SPAM) == 1
    assert Acquaintance.objects.get().days == 1  # and so it is not known any more
    assert say(eve, Judged.SPAM) == 1  # who never had it says nothing of it


def test_what_cannot_be_judged_now_says_what_it_waits_for(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Finding("SCANNER_AWAY", 0, "clamd does not answer", action=Action.DEFER)
    with monkeypatch.context() as patch:
        patch.setattr(Finds, "judge", lambda self, case, given: [away])
        item = mail(alice)
        assert process_one(item).state == MessageState.ACCEPTED
    assert deeds(item) == {alice.address: Done.WAITING}
    kept = queries.of_id(item.id)
    assert kept is not None
    assert "  Because clamd does not answer." in telling.of_verdict(kept)
    QueuedMessage.objects.update(lease_until=1, hold_until=0)
    while process.run_once():
        pass
    assert folder(alice) == ["inbox"]
    assert deeds(item) == {alice.address: Done.INBOX}


def test_a_verdict_is_kept_once_with_its_time(alice: User) -> None:
    item = mail(alice)
    process_one(item, 6)
    kept = queries.of_traces([item.trace_id])[item.trace_id]
    assert [one.id for one in kept] == [item.id]
    assert kept[0].at_us == item.received_at_us <= now_us()
    assert kept[0].record.subject == "Quarterly figures"
