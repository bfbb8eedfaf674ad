"""`manage.py why`: every reason in words, and the verdict computed again."""

from typing import Any

import pytest
from django.db import transaction

from apps.directory.models import User
from apps.mailstore.models import Message
from apps.runtime.ulid import new_ulid, ulid_text
from apps.scan import runner, telling
from apps.scan.base import Action, Finding
from apps.scan.deeds import Done
from apps.scan.models import Scanned, Verb
from apps.scan.scopes import Scope
from apps.scan.services import lists, thresholds
from apps.scan.services.thresholds import Change
from apps.trace import services as traces
from apps.trace.services import Event
from tests.mailstore.making import box, delivered, filing, prepared
from tests.provisioning.management.judged import CHECKS, LIES, MONEY, judge
from tests.provisioning.management.running import run
from tests.scan.cases import FORGED, case, judged, reader

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]


@pytest.fixture(autouse=True)
def _checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "CHECKS", CHECKS)


def test_it_says_all_of_it_in_words(alice: User, bob: User) -> None:
    lists.add(Verb.ALLOW, "friend.test", Scope(user_id=bob.pk))
    one = case(
        reader(alice, "sales@example.test"),
        reader(bob),
        judgement=judged(FORGED),
        sender="x@a.test",
    )
    known = Finding("KNOWN_CORRESPONDENT", -3, "Bob wrote to the author", reader=bob.pk)
    judge(one, LIES, MONEY, known)
    told = run("why", ulid_text(one.id))
    assert told.code == 0, told.err
    for line in (
        "From Friend <friend@friend.test>: Lunch",
        "Received 2023-11-14 22:13:20 UTC at the door mx from 192.0.2.77 (mx.friend.test),"
        " reverse-path <x@a.test>.",
        "For alice@example.test: 6.5 points (Junk from 5, refused from 15); it belongs into Junk.",
        "  Because a link shows bank.test and leads to [2Jthief.test; it offers a million.",
        "  The copy for alice@example.test, written to sales@example.test was filed in Junk as"
        " UID 7.",
        "For bob@example.test: 3.5 points (Junk from 5, refused from 15); nothing speaks against"
        " the inbox.",
        "  Without effect: the reader's list allows friend.test: From is friend@friend.test, but"
        " nothing proves it.",
        "  +4.00  LINK_LIES: a link shows bank.test and leads to [2Jthief.test",
        "  -3.00  KNOWN_CORRESPONDENT: Bob wrote to the author (for bob@example.test)",
        "The door found:",
    ):
        assert line in told.out.splitlines()
    assert "\x1b" not in told.out


def test_it_tells_what_points_do_not_count(alice: User) -> None:
    many = [Finding(f"LINK_{number}", 3, "words") for number in range(4)]
    one = judge(case(reader(alice)), *many)
    assert (
        "         All of LINK together count 8." in run("why", ulid_text(one.id)).out.splitlines()
    )


def test_it_tells_of_mail_that_is_sent_from_here(alice: User) -> None:
    more: dict[str, Any] = {"user_id": alice.pk, "door": "submission", "judgement": {}}
    money = Finding("TEXT_MONEY", 20, "it offers a million")
    one = judge(case(recipients=("x@elsewhere.test",), **more), money, done=Done.HELD)
    assert (
        "As mail that is sent from here: 20 points (held from 10); it is to be kept back."
        in run("why", ulid_text(one.id)).out
    )


def test_it_tells_of_what_was_not_asked_and_not_found(alice: User) -> None:
    one = judge(case(reader(alice), unscannable="a worker died over it"))
    told = run("why", ulid_text(one.id)).out
    assert "It was not looked into: a worker died over it." in told
    assert "Nothing was found that speaks for or against it." in told


def test_it_says_that_the_filter_is_off(alice: User) -> None:
    thresholds.change(Scope(user_id=alice.pk), Change(is_off=True))
    one = judge(case(reader(alice)), LIES, MONEY, done=Done.INBOX)
    assert (
        "For alice@example.test: 6.5 points (Junk from 5, refused from 15); the filter is off for"
        " this reader." in run("why", ulid_text(one.id)).out
    )


def test_it_computes_the_verdict_again(alice: User) -> None:
    one = judge(case(reader(alice)), LIES, MONEY)
    told = run("why", ulid_text(one.id), "--replay")
    assert "Computed again: exactly the same (the rules are those of then)." in told.out
    document = run("why", ulid_text(one.id), "--replay", "--json").json[0]
    assert document["is_same"] is True
    assert document["replay"]["findings"] == document["findings"]


def test_it_tells_that_the_rules_have_changed(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    one = judge(case(reader(alice)), LIES, MONEY)
    Scanned.objects.update(engine="older")
    monkeypatch.setattr(CHECKS[0], "judge", lambda case, given: [MONEY], raising=False)
    told = run("why", ulid_text(one.id), "--replay").out
    assert "Computed again it would be otherwise (the rules have changed since):" in told
    assert "  no more: LINK_LIES (+4)" in told
    assert "  for alice@example.test: 2.5 points, inbox" in told


def test_it_says_that_a_message_is_not_kept_any_more(alice: User) -> None:
    one = judge(case(reader(alice)), LIES)
    Scanned.objects.update(source=new_ulid())
    told = run("why", ulid_text(one.id), "--replay")
    assert "cannot be computed again" in told.out


def test_it_writes_all_of_it_as_json(alice: User) -> None:
    one = judge(case(reader(alice)), LIES, MONEY)
    document = run("why", ulid_text(one.id), "--json").json[0]
    opinion = document["opinions"][str(alice.pk)]
    assert (opinion["points"], opinion["action"]) == (6.5, "junk")
    assert document["given"]["told"][0]["rule"] == "LINK_LIES"
    assert document["done"] == [
        {"address": "alice@example.test", "done": "junk", "uid": 7, "why": ""}
    ]


def test_it_shows_what_was_looked_up(alice: User) -> None:
    one = judge(case(reader(alice)), LIES)
    told = run("why", ulid_text(one.id), "--given").out
    assert '"rule": "LINK_LIES"' in told.partition("What was looked up:")[2]


def test_it_finds_a_message_by_what_people_know_of_it(alice: User) -> None:
    one = judge(case(reader(alice)), LIES)
    (_,) = delivered([filing(box(alice), prepared())])
    Message.objects.update(trace_id=one.trace_id)
    ways = (
        [ulid_text(one.trace_id)],
        ["<1@friend.test>"],
        ["1@friend.test"],
        ["--user", "alice@example.test", "--uid", "1"],
    )
    for words in ways:
        told = run("why", *words)
        assert told.out.startswith(f"Message {ulid_text(one.id)}"), (words, told)


def test_it_lists_the_mail_of_an_address(alice: User) -> None:
    one = judge(case(reader(alice)), LIES, MONEY)
    data = {"from": "friend@friend.test", "to": [alice.address], "queue_id": ulid_text(one.id)}
    with transaction.atomic():
        traces.record([Event(one.trace_id, "mx.received", data)])
    told = run("why", alice.address)
    assert told.out.startswith(ulid_text(one.trace_id))
    assert "6.5 points, junk  <friend@friend.test> to alice@example.test" in told.out
    assert run("why", alice.address, "--json").json[0]["to"] == [alice.address]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["<nobody@knows.test>"], "Nothing is recorded of"),
        ([], "Name a message"),
        (["--user", "nobody@example.test", "--uid", "1"], "There is no user"),
        (["--user", "alice@example.test"], "--user needs --uid"),
        (["--user", "alice@example.test", "--uid", "9"], "has no message with UID 9 in 'INBOX'"),
    ],
)
def test_it_says_what_it_cannot_find(alice: User, words: list[str], sentence: str) -> None:
    told = run("why", *words)
    assert told.code == 1
    assert sentence in told.err


def test_it_says_why_a_message_was_refused_before_it_was_judged() -> None:
    trace_id = new_ulid()
    data = {
        "from": "x@thief.test",
        "to": ["a@b.test"],
        "why": "it fails\x1b DMARC",
        "stage": "data",
    }
    with transaction.atomic():
        traces.record([Event(trace_id, "mx.refused", data)])
    told = run("why", ulid_text(trace_id))
    assert told.code == 1
    assert "No verdict is kept" in told.err
    assert "it fails DMARC" in told.err


def test_it_says_that_a_verdict_is_broken(alice: User) -> None:
    one = judge(case(reader(alice)), LIES)
    Scanned.objects.update(data=b"nothing")
    for form in ([], ["--json"]):
        told = run("why", ulid_text(one.id), *form)
        assert told.code == 1
        assert "cannot be read" in told.err


def test_each_action_and_deed_has_its_words() -> None:
    assert telling.OUTCOMES.keys() == set(Action)
    assert telling._ACTIONS.keys() == set(Action)
    assert telling._DONE.keys() == set(Done)
