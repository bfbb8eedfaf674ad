"""What became of sent mail, recipient by recipient, folded from its trace."""

from typing import Any
from uuid import UUID

import pytest

from apps.delivery import states
from apps.delivery.states import RecipientState, State
from apps.directory.models import User
from apps.runtime.ulid import new_ulid
from apps.trace import services as trace
from apps.trace.services import Event, SentMessage

pytestmark = pytest.mark.django_db

BOB = "bob@example.org"
CAROL = "carol@example.org"
DELIVERED = {
    "to": BOB,
    "host": "mx.example.org",
    "address": "192.0.2.7:25",
    "reply": "250 2.0.0 Ok: queued as 4X",
    "status": "2.0.0",
    "tls": "TLSv1.3 TLS_AES_256_GCM_SHA384 dane",
}
DEFERRED = {
    "to": BOB,
    "host": "mx.example.org",
    "reply": "450 4.2.0 Greylisted",
    "status": "4.2.0",
    "next_at": 99,
}
FAILED = {"to": BOB, "host": "mx.example.org", "reply": "550 5.1.1 No", "status": "5.1.1"}


def recorded(*events: tuple[str, dict[str, Any]], to: list[str] | None = None, **data: Any) -> UUID:
    """A message's trace: accepted at 1, then one event each microsecond."""
    found = new_ulid()
    first = ("submission.received", {"to": to or [BOB], "queue_id": "x", "from": "a", **data})
    trace.record(
        [Event(found, kind, told, at) for at, (kind, told) in enumerate([first, *events], 1)]
    )
    return found


def one(*events: tuple[str, dict[str, Any]]) -> RecipientState:
    (found,) = states.of_trace(recorded(*events))
    return found


def test_it_waits_at_first() -> None:
    assert one() == RecipientState(BOB, State.WAITING, 1)
    assert one().text == "Waits to be sent."


def test_it_tells_who_accepted_it_and_how_it_went_there() -> None:
    found = one(("outbound.deferred", DEFERRED), ("outbound.delivered", DELIVERED))
    assert found == RecipientState(
        BOB,
        State.DELIVERED,
        3,
        host="mx.example.org",
        reply="250 2.0.0 Ok: queued as 4X",
        status="2.0.0",
        tls="TLSv1.3 TLS_AES_256_GCM_SHA384 dane",
        tries=2,
        is_accepted=True,
        reached=1,
    )
    assert found.text == "Accepted by mx.example.org over TLSv1.3."


def test_it_tells_what_waits_and_until_when() -> None:
    found = one(("outbound.deferred", DEFERRED))
    assert (found.state, found.reply, found.next_at_us, found.tries) == (
        State.DELAYED,
        "450 4.2.0 Greylisted",
        99,
        1,
    )
    assert found.text == (
        "Not delivered yet, it is tried again. The recipient's mailbox cannot be used."
    )


def test_it_tells_what_failed() -> None:
    found = one(("outbound.deferred", DEFERRED), ("outbound.failed", FAILED))
    assert (found.state, found.status, found.next_at_us) == (State.FAILED, "5.1.1", 0)
    assert found.text.startswith("Not delivered. There is no mailbox of this name there.")


def test_it_tells_of_mailboxes_here() -> None:
    found = one(("local.delivered", {"to": BOB, "mailbox": 1, "uid": 1}))
    assert (found.state, found.host, found.is_confirmed) == (State.DELIVERED, "", True)
    assert found.text == "In the mailbox."


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("queue.held", State.HELD),
        ("queue.cancelled", State.CANCELLED),
        ("queue.deleted", State.DELETED),
    ],
)
def test_it_changes_only_who_is_not_settled(kind: str, state: State) -> None:
    found = states.of_trace(
        recorded(("outbound.delivered", DELIVERED), (kind, {"why": "by hand"}), to=[BOB, CAROL])
    )
    assert [one.state for one in found] == [State.DELIVERED, state]
    assert found[1].reply == "by hand"


def test_it_is_waited_for_no_more_when_all_of_it_is_refused_after_its_text() -> None:
    found = one(("mx.refused", {"to": [BOB], "reply": "550 5.7.1 It has a virus"}))
    assert (found.state, found.status, found.reply) == (
        State.FAILED,
        "5.7.1",
        "550 5.7.1 It has a virus",
    )
    assert found.text.startswith("Not delivered.")


@pytest.mark.parametrize("stage", ["mail", "rcpt"])
def test_what_a_door_refused_before_the_text_is_about_others(stage: str) -> None:
    found = one(("mx.refused", {"to": [CAROL], "stage": stage, "reply": "550 5.1.1 No such user"}))
    assert found.state is State.WAITING


def test_it_holds_the_one_recipient_that_is_named() -> None:
    found = states.of_trace(recorded(("queue.held", {"to": CAROL, "why": "x"}), to=[BOB, CAROL]))
    assert [one.state for one in found] == [State.WAITING, State.HELD]


def report(action: str, to: str = BOB) -> tuple[str, dict[str, Any]]:
    data = {
        "to": to,
        "action": action,
        "status": "5.1.1",
        "reply": "no",
        "host": "imap.example.org",
    }
    return "bounce.received", data


def test_it_tells_that_a_report_came_back() -> None:
    found = one(("outbound.delivered", DELIVERED), report("failed"))
    assert (found.state, found.host, found.reply) == (State.RETURNED, "imap.example.org", "no")
    assert found.tls == DELIVERED["tls"]
    later = one(("outbound.delivered", DELIVERED), report("delayed"), report("delivered"))
    assert (later.state, later.is_confirmed) == (State.DELIVERED, True)
    assert later.text.endswith("It reports that it is in the mailbox.")


@pytest.mark.parametrize(
    "events",
    [
        [],
        [("outbound.deferred", DEFERRED)],
        [("outbound.failed", FAILED)],
        [("local.delivered", {"to": BOB})],
        [("queue.held", {})],
    ],
)
def test_it_lets_a_report_change_nothing_that_is_still_ours(
    events: list[tuple[str, dict[str, Any]]],
) -> None:
    """Anybody can write one."""
    before = one(*events)
    for action in ("failed", "delayed", "delivered", "nonsense"):
        assert one(*events, report(action)) == before


def test_it_shows_the_worst_of_an_alias() -> None:
    members = {BOB: "team@example.test", CAROL: "team@example.test"}
    trace_id = recorded(
        ("outbound.delivered", DELIVERED),
        ("outbound.failed", {**FAILED, "to": CAROL}),
        to=["team@example.test", "dave@example.net"],
        members=members,
    )
    team, dave = states.of_trace(trace_id)
    assert (team.address, team.state) == ("team@example.test", State.FAILED)
    assert (team.members, team.reached) == (2, 1)
    assert (dave.address, dave.state, dave.members) == ("dave@example.net", State.WAITING, 1)


def test_it_ignores_what_it_does_not_know() -> None:
    events = [
        ("scan.judged", {}),
        ("outbound.delivered", {"to": "eve@example.org", "host": "x"}),
        ("outbound.delivered", {}),
        ("bounce.received", {"to": ""}),
    ]
    assert one(*events) == one()


def test_it_finds_the_message_that_a_user_sent(alice: User, bob: User) -> None:
    first, again = recorded(), recorded(("outbound.delivered", DELIVERED))
    trace.remember(
        [
            SentMessage(found, alice.pk, "<lunch@example.test>", "", at)
            for at, found in enumerate((first, again))
        ]
    )
    (found,) = states.of_message(alice.pk, "<lunch@example.test>")
    assert found.state is State.DELIVERED  # of the newest, where one was sent again
    assert states.of_message(bob.pk, "<lunch@example.test>") == []
    assert states.of_message(alice.pk, "<other@example.test>") == []
    assert states.of_message(alice.pk, "") == []


def test_it_tells_when_scheduled_mail_will_go() -> None:
    later, moved = 1_795_000_000_000_000, 1_795_086_400_000_000
    (found,) = states.of_trace(recorded(until=later))
    assert (found.state, found.next_at_us) == (State.WAITING, later)
    assert found.text == "Waits to be sent on 2026-11-18 at 11:06 UTC."
    (found,) = states.of_trace(recorded(("queue.rescheduled", {"until": moved}), until=later))
    assert found.next_at_us == moved
    waits = ("queue.waiting", {"to": BOB, "why": "to be sent to mx/example.org"})
    (found,) = states.of_trace(recorded(waits, until=later))
    assert (found.next_at_us, found.reply, found.text) == (0, "", "Waits to be sent.")
    (found,) = states.of_trace(recorded(("queue.released", {}), until=later))
    assert (found.next_at_us, found.text) == (0, "Waits to be sent.")


def test_it_shows_domains_in_their_own_letters() -> None:
    (found,) = states.of_trace(recorded(to=["bob@xn--kse-qla.example"]))
    assert found.shown == "bob@käse.example"
