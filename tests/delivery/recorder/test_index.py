"""The index of messages: what it reads, what it keeps, and that it does both as often as anybody
likes."""

import threading
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.delivery.recorder import index
from apps.delivery.recorder.fold import fold
from apps.directory.models import Domain, User
from apps.provisioning import services as provisioning
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.trace import passages, services, unread
from apps.trace import services as traces
from apps.trace.models import Outcome, Party, Passage, Subject, TraceEvent
from apps.trace.services import Event

DAVE = "dave@outside.invalid"
DAY_US = 86_400_000_000


def came(to: list[str], at_us: int | None = None, **more: Any) -> UUID:
    """A message that came by the door for other servers, or by another one."""
    trace_id = more.pop("trace_id", None) or new_ulid()
    door = more.pop("door", "mx")
    data = {
        "from": more.pop("by", DAVE),
        "to": to,
        "queue_id": "Q",
        "address": "192.0.2.7",
        "size": 700,
        "subject": "Quarterly figures",
        "message_id": "<q3@outside.invalid>",
        **more,
    }
    traces.record([Event(trace_id, f"{door}.received", data, at_us)])
    return trace_id


def happened(trace_id: UUID, kind: str, **data: Any) -> None:
    traces.record([Event(trace_id, kind, data)])


def caught_up() -> index.Step:
    return index.catch_up(seconds=30)


def parties(trace_id: UUID) -> list[tuple[str, str, int | None, int | None]]:
    found = Party.objects.filter(trace_id=trace_id).order_by("pk")
    return list(found.values_list("role", "address", "user_id", "domain_id"))


def test_a_message_is_indexed_and_indexed_again(alice: User) -> None:
    trace_id = came([alice.address])
    assert caught_up() == index.Step(1, 1, True)
    first = Passage.objects.get()
    assert (first.trace_id, first.sender, first.recipient) == (trace_id, DAVE, alice.address)
    assert (first.subject, first.message_id) == ("Quarterly figures", "<q3@outside.invalid>")
    assert (first.address, first.outcome, first.took) == ("192.0.2.7", Outcome.WAITING, None)
    assert parties(trace_id) == [
        ("sender", DAVE, None, None),
        ("written", "alice@example.test", alice.pk, alice.domain_id),
    ]

    happened(trace_id, "local.delivered", to=alice.address, mailbox="INBOX", uid=1)
    assert caught_up().events == 1
    second = Passage.objects.get()
    assert (second.outcome, second.at) == (Outcome.DELIVERED, first.at)
    assert second.took is not None
    assert second.last_at > first.last_at
    assert caught_up() == index.Step(0, 0, True)
    assert (Party.objects.count(), Subject.objects.count()) == (2, 1)


def ends(trace_id: UUID) -> dict[str, tuple[str | None, int | None]]:
    """What became of each who took part, and the domain that counts it."""
    rows = Party.objects.filter(trace_id=trace_id)
    return {one.address: (one.outcome, one.counted_id) for one in rows}


def test_what_became_of_each_recipient_is_kept(alice: User, eve: User) -> None:
    trace_id = came([alice.address, eve.address, "carol@far.test"])
    caught_up()
    assert ends(trace_id) == {
        DAVE: (None, None),
        alice.key: (Outcome.WAITING, alice.domain_id),
        eve.key: (Outcome.WAITING, eve.domain_id),
        "carol@far.test": (Outcome.WAITING, None),  # a stranger sent it: it is nobody's
    }

    happened(trace_id, "local.delivered", to=alice.address, mailbox="INBOX", uid=1)
    happened(trace_id, "quarantine.kept", to=eve.address, why="a virus")
    caught_up()
    found = ends(trace_id)
    assert found[alice.key] == (Outcome.DELIVERED, alice.domain_id)
    assert found[eve.key] == (Outcome.QUARANTINED, eve.domain_id)
    assert Passage.objects.get().outcome == Outcome.QUARANTINED
    took = dict(Party.objects.values_list("address", "took"))
    assert took[alice.key] is not None


def test_what_goes_elsewhere_counts_where_it_was_sent_from(alice: User, bob: User) -> None:
    trace_id = came([DAVE], door="submission", by=alice.address, account=alice.address)
    caught_up()
    assert ends(trace_id) == {
        alice.key: (None, None),
        DAVE: (Outcome.WAITING, alice.domain_id),
    }

    forwarded = came(["all@example.test"], by="x@far.test", members={DAVE: "all@example.test"})
    caught_up()
    assert ends(forwarded) == {
        "x@far.test": (None, None),
        "all@example.test": (None, None),  # its members have theirs
        DAVE: (Outcome.WAITING, alice.domain_id),
    }


def test_a_message_that_names_nobody_counts_for_its_sender(alice: User) -> None:
    trace_id = new_ulid()
    data = {"from": alice.address, "account": alice.address, "limit": "hour"}
    traces.record([Event(trace_id, "submission.limited", data)])
    caught_up()

    assert ends(trace_id) == {alice.key: (Outcome.PUT_OFF, alice.domain_id)}


def test_where_it_was_counted_it_stays(alice: User) -> None:
    trace_id = came([alice.address])
    caught_up()
    home = alice.domain_id
    Party.objects.filter(address=alice.key).update(outcome=None)  # as it was kept at first
    Domain.objects.filter(name="example.test").update(name="gone.test")
    services.forget_index()
    caught_up()

    assert ends(trace_id)[alice.key] == (Outcome.WAITING, home)


def test_making_it_anew_changes_nothing(alice: User) -> None:
    for number in range(5):
        happened(came([alice.address], size=number), "local.delivered", to=alice.address)
    caught_up()
    before = list(Passage.objects.order_by("pk").values())
    services.forget_index()
    assert passages.standing().is_behind
    assert caught_up().messages == 5
    assert list(Passage.objects.order_by("pk").values()) == before
    assert (Party.objects.count(), Subject.objects.count()) == (10, 5)


def test_a_batch_is_bounded_and_the_next_goes_on(alice: User) -> None:
    for _ in range(7):
        came([alice.address])
    step = index.catch_up_once(most=3)
    assert (step.events, step.messages, step.is_done) == (3, 3, False)
    assert passages.standing().is_behind
    assert caught_up().events == 4
    assert not passages.standing().is_behind
    assert passages.standing().seen_to_us == Passage.objects.order_by("-at").values("at")[0]["at"]


def test_whose_an_address_was_is_asked_once(alice: User) -> None:
    trace_id = came([alice.address])
    caught_up()
    owner = alice.pk
    provisioning.remove_user(alice.key)
    provisioning.add_user("alice@example.test", "correct horse battery")
    happened(trace_id, "local.delivered", to="alice@example.test")
    caught_up()
    assert ("written", "alice@example.test", owner, alice.domain_id) in parties(trace_id)


def test_what_was_before_somebody_is_not_theirs(alice: User) -> None:
    trace_id = came([alice.address], now_us() - DAY_US)
    caught_up()
    assert ("written", "alice@example.test", None, None) in parties(trace_id)


def test_details_and_alias_domains_lead_to_the_user(alice: User) -> None:
    provisioning.add_domain("second.test", alias_of="example.test")
    trace_id = came(["alice+lists@example.test", "ALICE+x@second.test", "nobody@example.test"])
    caught_up()
    users = {address: user for _, address, user, _ in parties(trace_id)}
    homes = {address: home for _, address, _, home in parties(trace_id)}
    assert users["alice+lists@example.test"] == users["alice+x@second.test"] == alice.pk
    assert users["nobody@example.test"] is None
    assert homes["nobody@example.test"] == alice.domain_id


def test_a_borrowed_sender_is_nobodys(alice: User, eve: User) -> None:
    """A stranger who calls himself Alice writes to Eve: it is no mail of Alice's."""
    trace_id = came([eve.address], by=alice.address)
    caught_up()
    assert parties(trace_id)[0] == ("sender", alice.address, None, None)


def test_a_sender_is_who_signed_in(alice: User, bob: User, eve: User) -> None:
    signed_in = came([eve.address], door="submission", account=bob.key, by=alice.address)
    kept = came([eve.address], door="submission", by=alice.address)
    traces.remember([services.SentMessage(kept, alice.pk, "<x@y>", "", now_us())])
    unknown = came([eve.address], door="submission", by=alice.address)
    caught_up()
    assert parties(signed_in)[0] == ("sender", alice.address, bob.pk, bob.domain_id)
    assert parties(kept)[0] == ("sender", alice.address, alice.pk, alice.domain_id)
    assert parties(unknown)[0] == ("sender", alice.address, None, None)


@pytest.mark.django_db
def test_reports_alone_are_no_message() -> None:
    happened(new_ulid(), "bounce.received", to=DAVE, action="failed")
    assert caught_up() == index.Step(1, 0, True)
    assert not Passage.objects.exists()


@pytest.mark.django_db
def test_what_strangers_wrote_is_kept_as_columns_take_it() -> None:
    wild = "\0\ud800" + "\u202e" + "x" * 2_000 + "@" + "y" * 900
    trace_id = new_ulid()
    told = {"from": wild, "to": [wild, 7, None, {}], "subject": wild, "queue_id": wild}
    odd = {**told, "message_id": wild, "address": wild, "helo": wild, "size": 10**30}
    traces.record([Event(trace_id, "mx.received", odd)])
    traces.record([Event(new_ulid(), "mx.received", {"from": [], "to": {}, "queue_id": 1})])
    assert caught_up().is_done
    assert Passage.objects.filter(trace_id=trace_id).exists()


def test_the_words_follow_the_message(alice: User) -> None:
    trace_id = came([alice.address])
    caught_up()
    earlier = now_us() - 60_000_000
    again = {"from": DAVE, "to": [alice.address], "subject": "Other", "cause": "busy"}
    traces.record([Event(trace_id, "mx.refused", again, earlier)])
    caught_up()
    assert Passage.objects.get().at == earlier
    assert Subject.objects.count() == 1
    assert set(Party.objects.values_list("at", flat=True)) == {earlier}


def test_a_gap_that_stays_is_gone_round(alice: User) -> None:
    came([alice.address])
    gone = TraceEvent.objects.create(trace_id=new_ulid(), at=1, kind="x")
    gone.delete()
    came([alice.address])
    assert caught_up() == index.Step(2, 2, True)


def test_a_message_that_cannot_be_folded_holds_up_no_other(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = came([alice.address]), came([alice.address])

    def picky(trace_id: UUID, events: Any) -> Any:
        if trace_id == bad:
            raise ValueError("no")
        return fold(trace_id, events)

    monkeypatch.setattr(index, "fold", picky)
    assert caught_up() == index.Step(2, 1, True)
    assert Passage.objects.get().trace_id == good


def test_who_was_slower_writes_nothing(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    came([alice.address])
    read = unread.after
    is_inner = [False]

    def overtaken(event_id: int, most: int, patience: float) -> unread.Unread:
        found = read(event_id, most, patience)
        if not is_inner[0]:
            is_inner[0] = True
            assert index.catch_up_once().messages == 1
        return found

    monkeypatch.setattr(unread, "after", overtaken)
    assert index.catch_up_once() == index.Step(is_done=False)
    assert Passage.objects.count() == 1


def test_statements_are_the_same_for_one_and_for_many(alice: User) -> None:
    came([alice.address])
    index.catch_up_once()  # makes the cursor's row
    counts = []
    for many in (1, 30):
        for number in range(many):
            came([alice.address, f"x{number}@example.test", f"y@z{number}.invalid"])
        with CaptureQueriesContext(connection) as captured:
            index.catch_up_once()
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 16


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_index(alice: User) -> None:
    for _ in range(40):
        came([alice.address])

    def work() -> None:
        try:
            while not index.catch_up_once(most=7).is_done:
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert Passage.objects.count() == 40
    assert not passages.standing().is_behind


@pytest.mark.django_db(transaction=True)
def test_an_event_that_commits_late_is_not_passed_over(alice: User) -> None:
    """Its id is lower than that of one that can be seen already: Postgres. On SQLite there is one
    writer at a time."""
    if connection.vendor == "sqlite":
        late = came([alice.address])
        assert caught_up().messages == 1
    else:
        written, may_commit = threading.Event(), threading.Event()
        made: list[UUID] = []

        def write() -> None:
            try:
                with transaction.atomic():
                    made.append(came([alice.address]))
                    written.set()
                    may_commit.wait(30)
            finally:
                connection.close()

        came([alice.address])
        assert caught_up().messages == 1
        writer = threading.Thread(target=write)
        writer.start()
        assert written.wait(30)
        came([alice.address])
        assert caught_up() == index.Step(0, 0, False)
        may_commit.set()
        writer.join(30)
        (late,) = made
        assert caught_up() == index.Step(2, 2, True)
    assert Passage.objects.filter(trace_id=late).exists()


def test_old_ones_are_pruned(alice: User) -> None:
    old, young = came([alice.address], now_us() - 91 * DAY_US), came([alice.address])
    caught_up()
    assert Passage.objects.count() == 2
    services.prune(90)
    assert list(Passage.objects.values_list("trace_id", flat=True)) == [young]
    assert set(Party.objects.values_list("trace_id", flat=True)) == {young}
    assert Subject.objects.count() == 1
    assert not TraceEvent.objects.filter(trace_id=old).exists()
