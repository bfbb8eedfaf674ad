"""What the events of one message come to: the sentence on top, the outcome, who took part."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.delivery.recorder.causes import MOST
from apps.delivery.recorder.fold import fold
from apps.delivery.recorder.folded import Folded
from apps.trace.models import Direction, Outcome
from apps.trace.queries import Recorded
from tests.support.cost import cost

TRACE = UUID(int=1)
AT = 1_764_316_800_000_000  # 2025-11-28 08:00:00 UTC
MINUTE = 60_000_000

Told = tuple[str, dict[str, Any]]


def received(*to: str, door: str = "mx", **more: Any) -> Told:
    usual = {"from": "carol@example.org", "to": list(to), "size": 900, "queue_id": "01ARZ3"}
    return f"{door}.received", usual | more


def refused(reply: str, *to: str, door: str = "mx", **more: Any) -> Told:
    usual = {"from": "carol@example.org", "to": list(to), "address": "192.0.2.1", "reply": reply}
    return f"{door}.refused", usual | more


def folded(*told: Told) -> Folded:
    """One event a second."""
    events = [
        Recorded(AT + place * 1_000_000, kind, data) for place, (kind, data) in enumerate(told)
    ]
    found = fold(TRACE, events)
    assert found is not None
    return found


def line(*told: Told) -> tuple[str, str]:
    found = folded(*told)
    return found.outcome.value, found.cause


BOB = "bob@example.test"
AWAY = "dave@example.org"
FILED = ("local.delivered", {"to": BOB, "mailbox": 1, "uid": 7})
HOST = {"to": AWAY, "host": "mx.example.org", "address": "192.0.2.25"}


@pytest.mark.parametrize(
    ("told", "outcome", "cause"),
    [
        ([received(BOB)], "waiting", "Waits: to be processed"),
        ([received(BOB), FILED], "delivered", "Delivered to Inbox"),
        (
            [refused("452 4.2.2 Mailbox is full", BOB)],
            "refused",
            "Refused: mailbox full",
        ),
        (
            [refused("550 5.1.1 No such user here", "nobody@example.test")],
            "refused",
            "Refused: there is no such user",
        ),
        (
            [refused("451 4.3.0 Mail storage is not available, try again later", BOB)],
            "put off",
            "Refused for now: the database was away",
        ),
        (
            [refused("554 5.4.6 Routing loop detected", BOB, cause="loop", why="100 hops")],
            "refused",
            "Refused: loop: 100 hops",
        ),
        (
            [received(BOB), ("local.delivered", {"to": BOB, "junk": "a; b", "points": 8.2})],
            "junk",
            "In Junk: 8.2 points, most for: a",
        ),
        (
            [
                received(BOB),
                ("local.delivered", {"to": BOB, "junk": "your list blocks x@y.test", "by": "list"}),
            ],
            "junk",
            "In Junk: your list blocks x@y.test",
        ),
        (
            [
                received(BOB),
                ("quarantine.kept", {"to": BOB, "reason": "virus", "why": "virus EICAR"}),
            ],
            "quarantined",
            "In quarantine: virus EICAR",
        ),
        (
            [
                received(BOB),
                ("quarantine.kept", {"to": BOB, "reason": "spam", "why": "much"}),
                ("quarantine.released", {"to": BOB, "by": "bob@example.test"}),
                FILED,
            ],
            "delivered",
            "Released from quarantine by bob@example.test, delivered to Inbox",
        ),
        (
            [
                received(AWAY, door="submission"),
                ("queue.waiting", {"to": AWAY, "why": "to be sent to example.org"}),
                (
                    "outbound.deferred",
                    {**HOST, "reply": "451 4.7.1 Come again", "next_at": AT + 70 * MINUTE},
                ),
            ],
            "deferred",
            "Waits: mx.example.org said 451 4.7.1 Come again; next try 09:10 UTC",
        ),
        (
            [
                received(AWAY, door="submission"),
                ("outbound.failed", {**HOST, "reply": "550 5.1.1 No such user"}),
            ],
            "bounced",
            "Bounced: mx.example.org said 550 5.1.1 No such user",
        ),
        (
            [
                received(AWAY, door="submission"),
                ("outbound.deferred", {**HOST, "status": "4.7.5", "reply": "STARTTLS is missing"}),
            ],
            "deferred",
            "Not sent yet: no safe TLS to mx.example.org: STARTTLS is missing",
        ),
        (
            [
                received(AWAY, door="submission"),
                ("outbound.delivered", {**HOST, "tls": "TLSv1.3 AES", "reply": "250 OK"}),
            ],
            "delivered",
            "Delivered: mx.example.org accepted it over TLSv1.3",
        ),
        (
            [received(AWAY, door="submission"), ("queue.cancelled", {})],
            "cancelled",
            "Cancelled by its sender",
        ),
        (
            [received(BOB), ("queue.held", {"why": "a worker died 3 times"})],
            "held",
            "Held: a worker died 3 times",
        ),
        (
            [
                (
                    "submission.limited",
                    {
                        "account": "ann@example.test",
                        "why": "You may send 50 messages per hour; try again later",
                    },
                )
            ],
            "put off",
            "Put off: a sending limit is reached: ann@example.test may send 50 messages per hour;"
            " try again later",
        ),
        (
            [received(BOB), ("queue.deleted", {})],
            "deleted",
            "Deleted from the queue by an administrator",
        ),
    ],
)
def test_one_line_says_what_became_of_it(told: list[Told], outcome: str, cause: str) -> None:
    assert line(*told) == (outcome, cause)


def test_dmarc_that_fails_because_of_spf_names_the_domain_and_the_client() -> None:
    found = {
        "spf": {"result": "fail", "domain": "example.com"},
        "dmarc": {"result": "fail", "author": "example.com", "domain": "example.com"},
    }

    refusal = refused("550 5.7.26 No", BOB, cause="dmarc", why="it says so")
    judged = ("reception.judged", {"authentication": found})

    assert line(refusal, judged) == (
        "refused",
        "Refused: SPF: example.com does not let 192.0.2.1 send, and example.com asks to refuse"
        " such mail",
    )


def test_dmarc_that_fails_for_want_of_alignment_names_who_asks_for_it() -> None:
    found = {
        "spf": {"result": "fail", "domain": "else.test"},
        "dmarc": {"result": "fail", "author": "news.example.com", "domain": "example.com"},
    }

    refusal = refused("550 5.7.26 No", BOB, cause="dmarc", why="it says so")

    assert line(refusal, ("reception.judged", {"authentication": found})) == (
        "refused",
        "Refused: example.com asks to reject what fails DMARC",
    )


def test_a_forged_sender_is_the_reason_for_junk() -> None:
    found = {"dmarc": {"author": "bank.test", "disposition": "quarantine"}}
    judged = ("reception.judged", {"authentication": found})
    filed = ("local.delivered", {"to": BOB, "junk": "it says …", "by": "door", "points": 6.0})

    assert line(received(BOB), judged, filed) == (
        "junk",
        "In Junk: sender forged: nothing proves that it is from bank.test",
    )


def test_of_several_recipients_the_one_is_told_that_needs_looking_at() -> None:
    told = [
        received(BOB, AWAY, "ann@example.test", door="submission"),
        FILED,
        ("local.delivered", {"to": "ann@example.test"}),
        ("outbound.failed", {**HOST, "reply": "550 No"}),
    ]

    assert line(*told) == (
        "bounced",
        "Bounced: mx.example.org said 550 No (for dave@example.org; delivered to 2 of 3)",
    )


def test_recipients_with_one_fate_are_counted() -> None:
    told = [
        received(BOB, "ann@example.test"),
        FILED,
        ("local.delivered", {"to": "ann@example.test"}),
    ]

    assert line(*told) == ("delivered", "Delivered to Inbox (2 recipients)")


def test_one_recipient_is_refused_and_another_taken() -> None:
    told = [
        received(BOB),
        refused("550 5.1.1 No such user here", "nobody@example.test"),
        FILED,
    ]

    found = folded(*told)

    assert found.outcome is Outcome.REFUSED
    assert found.cause.startswith("Refused: there is no such user (for nobody@example.test;")
    assert found.written == (BOB, "nobody@example.test")


def test_a_message_that_the_filter_refuses_at_the_end_was_received_before() -> None:
    told = [
        received("team@example.test", members={BOB: "team@example.test"}),
        refused("550 5.7.1 Spam", "team@example.test", cause="spam", why="it sells pills"),
    ]

    assert line(*told) == ("refused", "Refused: taken for spam: it sells pills")


def test_what_an_alias_led_to_is_told_beside_what_was_written() -> None:
    found = folded(received("team@example.test", members={BOB: "team@example.test"}), FILED)

    assert found.written == ("team@example.test",)
    assert found.finals == (BOB,)
    assert found.outcome is Outcome.DELIVERED


def test_what_is_cancelled_stays_so_whatever_is_said_of_all_later() -> None:
    told = [received(BOB), ("queue.cancelled", {}), ("queue.retried", {}), ("queue.held", {})]

    assert line(*told) == ("cancelled", "Cancelled by its sender")


def test_a_report_from_a_stranger_changes_nothing_that_waits_here() -> None:
    told = [
        received(AWAY, door="submission"),
        ("bounce.received", {"to": AWAY, "action": "failed", "reply": "forged"}),
    ]

    assert folded(*told).outcome is Outcome.WAITING


def test_a_report_that_came_back_ends_what_another_server_had_taken() -> None:
    told = [
        received(AWAY, door="submission"),
        ("outbound.delivered", {**HOST, "reply": "250 OK"}),
        (
            "bounce.received",
            {"to": AWAY, "action": "failed", "reply": "full", "host": "inner.test"},
        ),
    ]

    assert line(*told) == ("bounced", "Bounced: a report came back, inner.test said full")


@pytest.mark.parametrize(
    ("told", "direction"),
    [
        ([received(BOB)], Direction.INCOMING),
        ([received(AWAY, door="submission")], Direction.OUTGOING),
        ([received(BOB, door="submission"), FILED], Direction.INTERNAL),
        ([received(BOB, door="webmail", away=0)], Direction.INTERNAL),
        ([received(BOB, AWAY, door="webmail", away=1), FILED], Direction.OUTGOING),
        ([received(BOB, door="bounce")], Direction.INTERNAL),
        (
            [received(AWAY, door="bounce"), ("outbound.delivered", dict(HOST))],
            Direction.OUTGOING,
        ),
    ],
)
def test_which_way_it_goes(told: list[Told], direction: Direction) -> None:
    assert folded(*told).direction is direction


def test_it_took_until_the_last_recipient_was_settled() -> None:
    assert folded(received(BOB)).took_us is None
    assert folded(received(BOB), ("queue.held", {}), FILED).took_us == 2_000_000


def test_servers_that_were_talked_to_are_named_the_last_one_first() -> None:
    found = folded(
        received(AWAY, door="submission", helo="laptop"),
        ("outbound.deferred", {**HOST, "host": "mx1.example.org"}),
        ("outbound.delivered", {**HOST, "host": "mx2.example.org"}),
    )

    assert (found.peer, found.hosts) == ("mx2.example.org", ("mx1.example.org",))


def test_words_of_strangers_neither_drive_a_terminal_nor_turn_a_line_round() -> None:
    evil = "550 \x1b[2J\u202egro.elpmaxe\u202c\r\n<script>\x00\ud800" + "x" * 5_000
    found = folded(
        received(AWAY, door="submission", subject=evil),
        ("outbound.failed", {**HOST, "host": "mx\u2066\x07.test", "reply": evil}),
    )

    for shown in (found.cause, found.subject, found.peer):
        assert shown.isprintable()
    assert len(found.cause) <= MOST


def test_no_message_of_its_own_no_line() -> None:
    report = Recorded(AT, "bounce.received", {"to": AWAY, "action": "failed"})

    assert fold(TRACE, []) is None
    assert fold(TRACE, [report]) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    "address away by account cause days from helo host junk members message_id next_at original"
    " points queue_id reason reply size status subject tls to until why action".split()
)
_KINDS = st.sampled_from(
    "mx.received mx.refused submission.received submission.limited submission.refused"
    " bounce.received reception.judged scan.judged local.delivered quarantine.kept"
    " quarantine.released quarantine.deleted quarantine.expired quarantine.restored"
    " outbound.delivered outbound.deferred outbound.failed queue.waiting queue.held queue.put_off"
    " queue.retried queue.deleted queue.cancelled mx.withdrawn queue.rescheduled x .refused"
    " .received".split()
)
_DATA = st.dictionaries(
    _KEYS, _JSON | st.sampled_from([BOB, AWAY, [BOB], [AWAY, BOB], "450 4.2.2"])
)
_EVENTS = st.lists(
    st.builds(Recorded, st.integers(0, 1 << 60), _KINDS, _DATA | _JSON),
    max_size=12,
)


@given(events=_EVENTS)
def test_any_events_come_to_something_that_fits_its_columns(events: list[Recorded]) -> None:
    found = fold(TRACE, events)

    if found is None:
        return
    assert 0 < len(found.cause) <= MOST
    assert found.cause.isprintable() or "\u200c" in found.cause or "\u200d" in found.cause
    assert found.took_us is None or found.took_us >= 0
    assert 0 <= found.size < 1 << 63
    assert found.at_us <= found.last_at_us
    for one in (*found.written, *found.finals, found.sender):
        assert len(one) <= 320
        one.encode()


@given(places=st.permutations(range(5)))
def test_events_of_different_recipients_come_in_any_order(places: list[int]) -> None:
    who = [f"user{place}@example.test" for place in range(5)]
    apart = [("local.delivered", {"to": one}) for one in who[:4]]
    apart.append(("quarantine.kept", {"to": who[4], "why": "spam"}))

    found = folded(received(*who), *(apart[place] for place in places))

    assert found.cause == "In quarantine: spam (for user4@example.test; delivered to 4 of 5)"


def test_a_message_to_thousands_costs_no_more_for_each_of_them() -> None:
    def work(count: int) -> None:
        who = [f"user{place}@example.test" for place in range(count)]
        each = [("local.delivered", {"to": one}) for one in who]
        folded(received(*who), *(("queue.held", {}), ("queue.retried", {})) * count, *each)

    assert cost(lambda: work(4_000)) < 8 * cost(lambda: work(1_000))
