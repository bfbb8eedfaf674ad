"""Who sees what of a message: nobody an address, a line or a deed of those who are not theirs."""

import json
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.delivery.recorder.sight import Sight, Viewer, seen, sight_of
from apps.trace.models import Role
from apps.trace.queries import Recorded

A, B = 1, 2  # domains
ALICE, ANNE, BOB, BERT = 11, 12, 21, 22
CAROL = "carol@outside.test"
OPERATOR, OF_A, OF_B = (
    Viewer(sees_all=True),
    Viewer(domains=frozenset({A})),
    Viewer(domains=frozenset({B})),
)
PEOPLE: Final = {
    "alice@a.test": (ALICE, A),
    "anne@a.test": (ANNE, A),
    "team@a.test": (None, A),
    "bob@b.test": (BOB, B),
    "bert@b.test": (BERT, B),
    "crew@b.test": (None, B),
    CAROL: (None, None),
    "dave@else.test": (None, None),
}
Events = list[Recorded]


class Taking(NamedTuple):
    """Somebody who took part."""

    role: str
    address: str
    user_id: int | None
    domain_id: int | None


def party(role: Role, address: str) -> Taking:
    return Taking(role, address, *PEOPLE[address])


def parties(sender: str, written: list[str], finals: list[str]) -> list[Taking]:
    """As the index keeps them."""
    return [
        party(Role.SENDER, sender),
        *(party(Role.WRITTEN, one) for one in written),
        *(party(Role.FINAL, one) for one in finals),
    ]


def event(kind: str, **data: Any) -> Recorded:
    return Recorded(1_000_000, kind, data)


def told(events: Events, sight: Sight | None) -> str:
    assert sight is not None
    return json.dumps([(one.kind, one.data) for one in seen(events, sight)])


def kinds(events: Events, sight: Sight | None) -> list[str]:
    assert sight is not None
    return [one.kind for one in seen(events, sight)]


WRITTEN = ["alice@a.test", "bob@b.test"]
FROM_OUTSIDE: Events = [
    event(
        "mx.received",
        **{"from": CAROL},
        to=WRITTEN,
        address="192.0.2.1",
        helo="out.test",
        queue_id="Q",
        subject="Hello",
        dialogue="0 > EHLO out.test\n"
        f"1 > MAIL FROM:<{CAROL}>\n"
        "2 > RCPT TO:<alice@a.test>\talice@a.test\n"
        "2 < 250 2.1.5 alice@a.test is fine\talice@a.test\n"
        "3 > RCPT TO:<bob@b.test>\tbob@b.test\n"
        "3 < 250 2.1.5 bob@b.test is fine\tbob@b.test",
    ),
    event("reception.judged", junk={"a.test": "listed", "b.test": "bob's domain"}, names=[CAROL]),
    event("scan.judged", points=9.5, action="junk", why="blocked by the list of bob@b.test"),
    event("local.delivered", to="alice@a.test", mailbox=5, uid=6),
    event("local.delivered", to="bob@b.test", mailbox=7, uid=8, junk="bob blocks it"),
    event("quarantine.kept", to="bob@b.test", rule="SECRET_RULE", why="bob's list"),
    event("quarantine.released", to="bob@b.test", by="link"),
    event("vacation.sent", **{"for": "bob@b.test"}, to=CAROL, trace="01"),
    event("bounce.sent", to=CAROL, action="failed", about=["bob@b.test"], trace="02"),
]


def outside(viewer: Viewer) -> Sight | None:
    return sight_of(viewer, parties(CAROL, WRITTEN, []), FROM_OUTSIDE)


def test_an_operator_sees_everything() -> None:
    sight = outside(OPERATOR)
    assert sight is not None
    assert seen(FROM_OUTSIDE, sight) == FROM_OUTSIDE


@pytest.mark.parametrize("viewer", [OF_A, Viewer(user_id=ALICE)])
def test_a_recipient_sees_nothing_of_another(viewer: Viewer) -> None:
    text = told(FROM_OUTSIDE, outside(viewer))
    assert "bob" not in text
    assert "b.test" not in text
    assert "SECRET_RULE" not in text
    assert "RCPT TO:<alice@a.test>" in text
    assert CAROL in text
    assert "192.0.2.1" in text
    assert '"uid": 6' in text
    assert '"uid": 8' not in text


def test_who_has_no_part_in_it_sees_nothing() -> None:
    assert outside(Viewer(domains=frozenset({99}))) is None
    assert outside(Viewer(user_id=ANNE)) is None
    assert outside(Viewer()) is None


def test_a_name_that_a_stranger_writes_makes_nobody_the_sender() -> None:
    forged = [event("mx.received", **{"from": "alice@a.test"}, to=["bob@b.test"], queue_id="Q")]
    taking = parties("alice@a.test", ["bob@b.test"], [])
    assert sight_of(OF_A, taking, forged) is None
    assert sight_of(Viewer(user_id=ALICE), taking, forged) is None


def test_who_tries_a_name_of_another_tenant_is_not_shown_to_it() -> None:
    tried = [
        event(
            "submission.refused",
            **{"from": "bob@b.test"},
            to=[],
            account="alice@a.test",
            address="198.51.100.7",
            cause="rights",
        )
    ]
    taking = [Taking(Role.SENDER, "bob@b.test", ALICE, A)]  # whoever had signed in
    assert sight_of(OF_B, taking, tried) is None
    assert "alice@a.test" in told(tried, sight_of(OF_A, taking, tried))


SENT: Events = [
    event(
        "submission.received",
        **{"from": "alice@a.test"},
        to=["crew@b.test", "bob@b.test", "dave@else.test"],
        members={"bert@b.test": "crew@b.test", "bob@b.test": "crew@b.test"},
        address="198.51.100.7",
        helo="alices-laptop",
        account="alice@a.test",
        queue_id="Q",
        until=5,
        dialogue="0 > RCPT TO:<dave@else.test>\tdave@else.test",
    ),
    event("local.delivered", to="bert@b.test", original="crew@b.test", mailbox=7, uid=8),
    event("quarantine.kept", to="bert@b.test", original="crew@b.test", rule="R", why="list"),
    event("quarantine.deleted", to="bert@b.test", original="crew@b.test", by="reader"),
    event("vacation.sent", **{"for": "bert@b.test"}, to="alice@a.test", trace="01"),
    event(
        "outbound.deferred",
        to="dave@else.test",
        host="mx.else.test",
        reply="451 dave@else.test: later",
        transcript="> RCPT TO:<dave@else.test>",
    ),
]
SENT_PARTIES: Final = parties(
    "alice@a.test", ["crew@b.test", "bob@b.test", "dave@else.test"], ["bert@b.test"]
)


@pytest.mark.parametrize("viewer", [OF_A, Viewer(user_id=ALICE)])
def test_a_sender_sees_what_was_written_and_no_member_of_anothers_group(viewer: Viewer) -> None:
    sight = sight_of(viewer, SENT_PARTIES, SENT)
    text = told(SENT, sight)
    assert "bert" not in text
    assert "crew@b.test (1 of 2)" in text
    assert "dave@else.test: later" in text
    assert "> RCPT TO:<dave@else.test>" in text
    assert "alices-laptop" in text
    assert '"uid"' not in text
    assert "quarantine" not in text
    assert "vacation" not in text


def test_a_recipient_sees_nothing_of_the_home_of_who_sent_it() -> None:
    for viewer in (OF_B, Viewer(user_id=BERT)):
        text = told(SENT, sight_of(viewer, SENT_PARTIES, SENT))
        assert "198.51.100.7" not in text
        assert "alices-laptop" not in text
        assert "account" not in text
        assert "dave" not in text
        assert '"uid": 8' in text


def test_a_member_of_a_group_sees_the_group_and_itself_alone() -> None:
    text = told(SENT, sight_of(Viewer(user_id=BERT), SENT_PARTIES, SENT))
    assert "crew@b.test" in text
    assert "bob@b.test" not in text


def test_whose_address_leads_elsewhere_does_not_see_into_that_mailbox() -> None:
    events = [
        event(
            "mx.received",
            **{"from": CAROL},
            to=["crew@b.test"],
            members={"alice@a.test": "crew@b.test"},
            queue_id="Q",
        ),
        event("local.delivered", to="alice@a.test", original="crew@b.test", mailbox=5, uid=6),
    ]
    taking = parties(CAROL, ["crew@b.test"], ["alice@a.test"])
    assert "alice" not in told(events, sight_of(OF_B, taking, events))
    text = told(events, sight_of(OF_A, taking, events))
    assert "crew@b.test" not in text  # the way it went there is the other tenant's
    assert '"uid": 6' in text


def test_a_report_that_begins_a_story_is_not_one_that_came_back() -> None:
    events = [event("bounce.received", **{"from": ""}, to=["alice@a.test"], queue_id="Q")]
    taking = [party(Role.WRITTEN, "alice@a.test")]
    assert kinds(events, sight_of(Viewer(user_id=ALICE), taking, events)) == ["bounce.received"]


@pytest.mark.parametrize(
    ("address", "hidden"),
    [
        ('"bob"@b.test', "bob"),
        ('"bob the second"@b.test', "second"),
        ('"bob\\" x"@b.test', "bob"),
        ("bob.o'bob@b.test", "bob"),
        ("'bob@b.test'", "bob"),
        ("bob@[192.0.2.1]", "192"),
        ("bob@b.test.", "b.test"),
        ("böb@b.test", "böb"),
        ("SRS0=abc=xx=b.test=bob@out.test", "bob"),
    ],
)
def test_whatever_an_address_looks_like_it_is_hidden(address: str, hidden: str) -> None:
    sight = outside(OF_A)
    assert sight is not None
    for text in (address, f"550 5.1.1 <{address}>: no such user", f"for {address}, and others"):
        assert hidden not in sight.masked(text)


def test_ones_own_address_stays_however_it_is_written() -> None:
    sight = Sight(is_whole=False, named=frozenset({"o'hara@a.test", "alice@a.test"}))
    for text in ("<o'hara@a.test>", "'alice@a.test'", '"alice"@a.test', "ALICE@a.test."):
        assert sight.masked(text) == text


def test_an_unknown_kind_is_for_operators() -> None:
    events = [*FROM_OUTSIDE, event("novel.thing", to="alice@a.test", secret="x")]
    assert "novel.thing" not in kinds(events, outside(OF_A))
    assert "novel.thing" in kinds(events, outside(OPERATOR))


def test_odd_data_is_no_accident() -> None:
    odd: Any
    for odd in (
        [],
        "x",
        None,
        {"to": 5},
        {"to": {"a": 1}},
        {"dialogue": [1]},
        {"dialogue": "1 > a\tb\tc\n2"},
    ):
        for kind in ("mx.received", "local.delivered", "scan.judged", "outbound.failed"):
            seen([Recorded(1, kind, odd)], Sight(is_whole=False, mine=frozenset({"a@a.test"})))


_NAMES: Final = st.sampled_from(sorted(PEOPLE))
_TEXTS: Final = st.lists(
    st.one_of(_NAMES, st.sampled_from(["<", ">", "RCPT TO:<", " said ", ",", "(", "\n", "x"])),
    max_size=8,
).map("".join)
_VALUES: Final = st.recursive(
    st.one_of(_TEXTS, st.integers(0, 9), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)
    ),
    max_leaves=6,
)
_KEYS: Final = st.sampled_from(
    "why reply about for account host status transcript rule junk mailbox uid by trace until"
    " action names doubts authentication subject stage cause members dialogue unheard-of".split()
)
_KINDS: Final = st.sampled_from(
    "mx.received mx.refused submission.received submission.refused web.received"
    " reception.judged scan.judged local.delivered quarantine.kept quarantine.released"
    " quarantine.deleted quarantine.expired outbound.delivered outbound.deferred outbound.failed"
    " queue.waiting queue.held queue.deleted bounce.sent bounce.dropped bounce.received"
    " vacation.sent vacation.silent submission.limited report.read new.kind".split()
)


@st.composite
def _events(draw: st.DrawFn) -> Recorded:
    data = draw(st.dictionaries(_KEYS, _VALUES, max_size=6))
    kind = draw(_KINDS)
    data["to"] = draw(st.lists(_NAMES, max_size=4) if kind.endswith("ed") else _NAMES)
    if draw(st.booleans()):
        data["to"] = draw(_NAMES)
    if draw(st.booleans()):
        data["original"] = draw(_NAMES)
    data["from"] = "alice@a.test"
    return Recorded(draw(st.integers(0, 99)), kind, data)


@given(
    st.lists(_events(), max_size=6),
    st.lists(_NAMES, min_size=1, max_size=4, unique=True),
    st.lists(_NAMES, max_size=3, unique=True),
    st.sampled_from([OF_A, OF_B, Viewer(user_id=BOB), Viewer(user_id=ALICE)]),
)
def test_no_address_out_of_sight_is_shown(
    events: Events, written: list[str], finals: list[str], viewer: Viewer
) -> None:
    sight = sight_of(viewer, parties("alice@a.test", written, finals), events)
    if sight is None:
        return
    text = told(events, sight)
    for address in PEOPLE:
        if not sight.may_name(address):
            assert address not in text
    if viewer.user_id is not None and not sight.is_sender:
        mine = {address for address, (user, _) in PEOPLE.items() if user == viewer.user_id}
        assert sight.mine <= mine
