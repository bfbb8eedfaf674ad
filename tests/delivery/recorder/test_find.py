"""Searching the index: every kind of word, filters, pages, and how far somebody's sight reaches."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.delivery import states
from apps.delivery.recorder import find, index
from apps.delivery.recorder.find import Place, Question
from apps.delivery.recorder.sight import Viewer
from apps.directory.models import Domain, User
from apps.provisioning import services as provisioning
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid, ulid_text
from apps.trace import services as traces
from apps.trace.models import Passage
from apps.trace.services import Event
from tests.delivery.recorder.test_index import DAVE, DAY_US, came, happened
from tests.support.reading import Reading, analyze

EVERYTHING = Viewer(sees_all=True)
pytestmark = pytest.mark.django_db


def found(text: str = "", viewer: Viewer = EVERYTHING, **more: Any) -> list[UUID]:
    index.catch_up(seconds=30)
    return [row.trace_id for row in find.find(Question(text, **more), viewer).rows]


def of(user: User) -> Viewer:
    return Viewer(user_id=user.pk)


def long_ago(user: User) -> None:
    """The user and the domain are older than what comes to them in a test."""
    created = timezone.now() - timedelta(days=90)
    User.objects.filter(pk=user.pk).update(created_at=created)
    Domain.objects.filter(users=user).update(created_at=created)


def in_domain(user: User) -> Viewer:
    assert user.domain_id is not None
    return Viewer(domains=frozenset({user.domain_id}))


def test_each_kind_of_word(alice: User, bob: User) -> None:
    mine = came(
        [alice.address],
        subject="Entwürfe für den Garten, 会議",
        message_id="<m1@there.invalid>",
        address="2001:db8::7",
    )
    other = came([bob.address], by="carol@second.invalid", subject="Lunch?", message_id="<m2@x>")
    for text in (
        *(ulid_text(mine), str(mine), alice.address, "ALICE@Example.TEST", DAVE, "dave"),
        *("outside.invalid", "@outside.invalid", "2001:db8::7", "[2001:DB8:0::7]"),
        *("<m1@there.invalid>", "m1@there.invalid", "<m1@there.invalid", "entwurfe garten"),
        *("GARTEN", "gart", "会", "für den", "  alice@example.test  "),
    ):
        assert found(text) == [mine], text
    assert found("example.test") == [other, mine]
    assert found("lunch") == [other]
    assert found() == [other, mine]
    assert found("garten lunch") == []


def test_names_of_other_scripts_and_details(alice: User) -> None:
    far = came([alice.address], by="info@b\u00fccher.invalid")
    assert found("info@B\u00dcCHER.invalid") == found("b\u00fccher.invalid") == [far]
    detail = came(["alice+lists@example.test"])
    assert set(found(alice.address)) == {far, detail}
    assert found("alice+lists@example.test") == [detail]


def test_what_nobody_could_mean_finds_nothing(alice: User) -> None:
    came([alice.address])
    for text in (
        *("'", '"', '" OR 1', "a* NEAR b", "%", "_", "!%", "\\", "<>", "<", ">", "@", "@@", "a@"),
        *(
            "x" * 5_000,
            "\u202e",
            "🙂",
            "* ^ : -",
            "'':*",
            "words:quarterly'",
            ".",
            "..",
            "[::",
            "<<",
        ),
        *("a b c d e f g h i j k l m n o p", "9" * 400, "\u0301", "᪠ 𞤀𞤁"),
    ):
        assert found(text) == [], text


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_is_answered(db: None, text: str) -> None:
    assert find.find(Question(text), EVERYTHING).rows == []
    assert find.find(Question(text), Viewer(domains=frozenset({1, 2}))).rows == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(subject=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_subject_is_found_by_its_words(db: None, subject: str) -> None:
    trace_id = came(["x@y.invalid"], subject=subject)
    index.catch_up(seconds=30)
    for text in Passage.objects.get(trace_id=trace_id).subject.split()[:3]:
        rows = (
            find._Search(Question(text), EVERYTHING, find._of_words(text)[0], None, 500).run()
            if find._of_words(text)
            else None
        )
        assert rows is None or trace_id in {row.trace_id for row in rows.rows}


def test_filters(alice: User, bob: User) -> None:
    kept = came([alice.address], helo="mx.sender.invalid")
    happened(kept, "scan.judged", points=7.5, action="junk")
    refused = new_ulid()
    data = {
        "from": DAVE,
        "to": [bob.address],
        "why": "it is full",
        "cause": "full",
        "stage": "rcpt",
    }
    traces.record([Event(refused, "mx.refused", {**data, "helo": "mx.other.invalid"})])
    old = came([alice.address], now_us() - 3 * DAY_US)
    assert found(outcome="refused") == [refused]
    assert found(direction="outgoing") == []
    assert found(direction="incoming") == [refused, kept, old]
    assert found(peer="sender.invalid") == found(peer="MX.sender.invalid") == [kept]
    assert found(peer="ender.invalid") == found(peer="%") == []
    assert found(least=7.0) == found(least=7.5, most=7.5) == [kept]
    assert found(most=7.0) == []
    assert found(since_us=now_us() - DAY_US) == [refused, kept]
    assert found(until_us=now_us() - DAY_US) == [old]
    assert found(alice.address, role="sender") == []
    assert found(alice.address, role="recipient") == [kept, old]
    assert found("outside.invalid", role="sender", outcome="refused") == [refused]


def test_pages_follow_each_other(alice: User) -> None:
    long_ago(alice)
    at = now_us() - 1_000_000
    # Several of one microsecond, and a limit in their midst. Their ids differ in the bits by which
    # rows of words are told apart: of a thousand pairs in one microsecond one does not.
    made = {
        came([alice.address], at + number // 4, trace_id=UUID(int=new_ulid().int & ~3 | number % 4))
        for number in range(30)
    }
    index.catch_up(seconds=30)
    for text in ("", alice.address, "quarterly", "outside.invalid"):
        for viewer in (EVERYTHING, of(alice), in_domain(alice)):
            seen: list[UUID] = []
            after: Place | None = None
            while True:
                page = find.find(Question(text), viewer, after=after, most=7)
                seen += [row.trace_id for row in page.rows]
                assert page.looked_to is None
                if page.following is None:
                    break
                after = page.following
            assert len(seen) == 30, (text, viewer)
            assert set(seen) == made


def test_users_see_their_own(alice: User, bob: User, eve: User) -> None:
    both = came([alice.address, bob.address], subject="To both")
    mine = came([alice.address], subject="Alone")
    assert found("", of(alice)) == [mine, both]
    assert found("", of(bob)) == [both]
    assert found("", of(eve)) == found(ulid_text(mine), of(eve)) == []
    assert found(alice.address, of(bob)) == []
    assert found("both", of(bob)) == found(DAVE, of(bob)) == [both]
    (row,) = find.find(Question(), of(bob)).rows
    assert (row.recipient, row.recipients) == (bob.address, 1)


def test_administrators_see_their_tenants_alone(alice: User, eve: User) -> None:
    """Alice writes to a colleague of Eve's and, unseen by her, to somebody outside."""
    sent = came(
        [eve.address, "secret@outside.invalid"],
        door="submission",
        account=alice.address,
        by=alice.address,
    )
    for _ in range(3):
        came(["stranger@third.invalid"])
    ours, theirs = in_domain(alice), in_domain(eve)
    assert found("", ours) == found("", theirs) == [sent]
    assert found("secret@outside.invalid", ours) == [sent]
    assert found("secret@outside.invalid", theirs) == found("secret", theirs) == []
    assert found("outside.invalid", theirs) == []
    assert found(alice.address, theirs) == [sent]
    (row,) = find.find(Question(), theirs).rows
    assert (row.recipient, row.recipients) == (eve.address, 1)
    (row,) = find.find(Question(), ours).rows
    assert row.recipients == 2
    assert found("", Viewer()) == found("", Viewer(domains=frozenset({999}))) == []


def test_an_outcome_is_what_somebody_may_know(alice: User, eve: User) -> None:
    one = came([alice.address, eve.address])
    happened(one, "local.delivered", to=alice.address, mailbox="INBOX", uid=1)
    happened(one, "quarantine.kept", to=eve.address, why="it is odd")
    assert found(outcome="quarantined") == found("", in_domain(eve), outcome="quarantined") == [one]
    assert found("", in_domain(alice), outcome="quarantined") == []
    assert found("", in_domain(alice), outcome="delivered") == [one]


def test_where_else_it_went_is_not_told(alice: User, eve: User) -> None:
    """Alice writes to Eve, and unseen by her to somebody outside."""
    sent = came(
        [eve.address, "secret@outside.invalid"],
        door="submission",
        account=alice.address,
        by=alice.address,
        helo="laptop.home.invalid",
        away=1,
    )
    happened(sent, "local.delivered", to=eve.address, mailbox=1, uid=1)
    happened(sent, "outbound.delivered", to="secret@outside.invalid", host="mx.outside.invalid")
    ours, theirs = in_domain(alice), in_domain(eve)
    assert found("", ours, peer="outside.invalid") == found("", ours, direction="outgoing")
    assert found("", ours, peer="outside.invalid") == [sent]
    for hidden in ("outside.invalid", "mx.outside.invalid", "laptop.home.invalid"):
        assert found("", theirs, peer=hidden) == [], hidden
    assert found("", theirs, direction="outgoing") == []
    assert found("", theirs, direction="internal") == [sent]
    (row,) = find.find(Question(), theirs).rows
    assert (row.peer, row.direction) == ("", "internal")
    (row,) = find.find(Question(), ours).rows
    assert (row.peer, row.direction) == ("mx.outside.invalid", "outgoing")


def test_the_machine_of_a_sender_is_not_told(alice: User, eve: User) -> None:
    """Neither is it found where nothing is known of a Message-ID."""
    sent = came(
        [eve.address],
        door="submission",
        account=alice.address,
        by=alice.address,
        helo="laptop.home.invalid",
        message_id="",
    )
    assert found("192.0.2.7", in_domain(alice)) == found("192.0.2.7") == [sent]
    assert found("192.0.2.7", in_domain(eve)) == found("192.0.2.7", of(eve)) == []
    assert found("", in_domain(eve), peer="laptop.home.invalid") == []
    assert find.find(Question(), in_domain(eve)).rows[0].peer == ""


def test_addresses_of_clients_as_people_copy_them(alice: User) -> None:
    four = came([alice.address])
    six = came([alice.address], address="2001:db8::7")
    for text in ("192.0.2.7", "[192.0.2.7]", "::ffff:192.0.2.7", "::ffff:c000:207"):
        assert found(text) == [four], text
    for text in ("[IPv6:2001:db8::7]", "IPv6:2001:DB8::7", "2001:db8:0:0::7"):
        assert found(text) == [six], text


def test_a_message_to_many_ends_for_all_of_them(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list tells of it what its page tells."""
    monkeypatch.setattr(states, "EVENTS_LISTED", 5)
    monkeypatch.setattr(index, "EVENTS_OF_ONE", 5)
    many = [f"u{number}@there.invalid" for number in range(20)]
    trace_id = came([*many, alice.address])
    for uid, to in enumerate((*many, alice.address), 1):
        happened(trace_id, "local.delivered", to=to, mailbox=1, uid=uid)
    for viewer in (EVERYTHING, in_domain(alice), of(alice)):
        assert found(alice.address, viewer, outcome="delivered") == [trace_id], viewer
        (row,) = find.find(Question(), viewer).rows
        assert row.cause.startswith("Delivered to Inbox")


def test_an_index_that_cannot_be_written_is_searched_as_it_is(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full is when somebody looks."""
    known = came([alice.address])
    assert found() == [known]
    came([alice.address])

    def full(*_: object, **__: object) -> bool:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(traces, "index", full)
    assert find.catch_up().is_behind
    assert [row.trace_id for row in find.find(Question(), EVERYTHING).rows] == [known]


def test_the_last_member_of_a_large_group_finds_it(alice: User) -> None:
    many = {f"u{number}@there.invalid": "all@example.test" for number in range(1_200)}
    trace_id = came(["all@example.test"], members={**many, alice.address: "all@example.test"})
    happened(trace_id, "local.delivered", to=alice.address, original="all@example.test", uid=1)
    assert found("", of(alice)) == found(alice.address, of(alice)) == [trace_id]


def test_ones_own_outcome_is_found_of_an_alias_that_leads_to_others_too(alice: User) -> None:
    """One address was written; as a whole the message is bounced, and for alice it is not."""
    group = "all@example.test"
    trace_id = came([group], members={alice.address: group, "u@there.invalid": group})
    happened(trace_id, "local.delivered", to=alice.address, original=group, mailbox=1, uid=1)
    happened(trace_id, "outbound.failed", to="u@there.invalid", original=group, reply="550 no")
    assert found(outcome="bounced") == [trace_id]
    assert found("", of(alice), outcome="delivered") == [trace_id]
    assert found("", of(alice), outcome="bounced") == []


def test_beginnings_of_ones_own_are_found_among_those_of_others(alice: User) -> None:
    mine = came([alice.address], by="info@zz.invalid")
    for number in range(find.NAMES + 3):
        came([f"info@a{number}.invalid"], by=f"alice@a{number}.invalid")
    assert found("info", in_domain(alice)) == found("alic", of(alice)) == [mine]
    assert found("info@a", in_domain(alice)) == []


CROWD = 4_000
MOST = 9_000  # a look at a hundred messages, and what SQLite does for each of them
TABLES = ("trace_party", "trace_passage", "trace_subject", "trace_traceevent")


def crowd(sparse: User) -> User:
    """Very many messages of somebody's domain, whom it returns, and three of another's."""
    provisioning.add_domain("big.test")
    big = provisioning.add_user("u1@big.test", "correct horse battery")[0]
    long_ago(big)
    long_ago(sparse)
    at = now_us() - CROWD * 1_000_000
    rows = []
    for number in range(CROWD):
        one = new_ulid()
        told = {
            "from": f"s{number % 40}@far{number % 9}.invalid",
            "to": [f"u{number % 50}@big.test"],
        }
        more = {"queue_id": "Q", "subject": f"Common words {number}", "address": "192.0.2.9"}
        rows.append(Event(one, "mx.received", {**told, **more}, at + number * 1_000_000))
    traces.record(rows)
    for _ in range(3):
        came([sparse.address], at + 5, subject="Rarely said")
    index.catch_up(seconds=120)
    assert Passage.objects.count() >= CROWD + 3
    analyze()
    return big


def test_a_search_reads_what_it_shows(alice: User) -> None:
    """Not all there is: rows grow with the page, and with what bounds a search."""
    dense, ours = in_domain(crowd(alice)), in_domain(alice)
    cases: list[tuple[str, Viewer, dict[str, Any]]] = [
        *[(text, EVERYTHING, {}) for text in ("", "u7@big.test", "big.test", "far3.invalid")],
        *[(text, EVERYTHING, {}) for text in ("192.0.2.9", "common words", "rarely", "u7")],
        *[("", EVERYTHING, {"outcome": "refused"}), ("", EVERYTHING, {"outcome": "waiting"})],
        *[(text, ours, {}) for text in ("", "rarely", "common", "big.test", DAVE, "s3")],
        *[(text, dense, {}) for text in ("", "s7@far7.invalid", "common")],
    ]
    for text, viewer, more in cases:
        reading = Reading(TABLES)
        with connection.execute_wrapper(reading):
            page = find.find(Question(text, **more), viewer)
        assert page.looked_to is None, text
        assert reading.beyond(MOST) == [], (text, viewer)


def test_a_rare_outcome_among_very_many_is_walked_by(alice: User) -> None:
    """Of a domain's mail a fraction of what it would take to look through all that."""
    refused: list[UUID] = []
    for number in range(3):
        one = new_ulid()
        data = {"from": "s1@far1.invalid", "to": ["u1@big.test"], "why": "full", "cause": "full"}
        at = now_us() - (CROWD + 60 - number) * 1_000_000
        traces.record([Event(one, "mx.refused", data, at)])
        refused.insert(0, one)
    crowd(alice)
    for text in ("", "big.test", "far1.invalid", "u1@big.test"):
        reading = Reading(TABLES)
        with connection.execute_wrapper(reading):
            assert found(text, EVERYTHING, outcome="refused") == refused, text
        assert sum(rows for rows, _ in reading.found) < MOST / 5, text
    assert found("far1.invalid", EVERYTHING, outcome="refused", role="recipient") == []
    assert found("common words", EVERYTHING, outcome="refused") == []


def test_what_no_index_serves_ends_and_goes_on(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = now_us() - 1_000_000
    oldest = came([alice.address], at, helo="mx.rare.invalid")
    for number in range(300):
        came([alice.address], at + 10 + number)
    index.catch_up(seconds=60)
    monkeypatch.setattr(find, "STEPS", (80, 80))
    page = find.find(Question(peer="rare.invalid"), EVERYTHING)
    looks = 1
    while page.looked_to is not None:
        assert page.rows == []
        page = find.find(Question(peer="rare.invalid"), EVERYTHING, after=page.looked_to)
        looks += 1
    assert [row.trace_id for row in page.rows] == [oldest]
    assert looks == 2 or looks == 3
