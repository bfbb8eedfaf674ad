"""What there was before a message, and that no forger profits from it."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.contacts.services import contacts
from apps.directory.models import User
from apps.reception.services import acquaintances, correspondents
from apps.runtime.clock import now, now_us
from apps.runtime.ulid import new_ulid
from apps.scan.base import Case, Finding
from apps.scan.history.check import ANSWERED, History
from apps.scan.history.freemail import is_freemail
from apps.trace import services as trace
from tests.scan.cases import FORGED, case, judged, reader

pytestmark = pytest.mark.django_db

FRIEND = b"From: Friend <friend@friend.test>\r\nSubject: Lunch\r\n"


def found(one: Case) -> list[Finding]:
    (given,) = History().gather([one])
    assert json.loads(json.dumps(given)) == given
    return list(History().judge(one, given))


def rules(one: Case) -> dict[str, int | None]:
    return {finding.rule: finding.reader for finding in found(one)}


def wrote(user: User, address: str = "friend@friend.test") -> None:
    correspondents.note([(user.pk, address, now())])


def sent(user: User, *message_ids: str) -> None:
    trace.remember(
        [trace.SentMessage(new_ulid(), user.pk, one, "", now_us()) for one in message_ids]
    )


def came_before(name: str, *days: int) -> None:
    """So many days ago, each once."""
    today = now() // acquaintances.DAY_SECONDS
    acquaintances.count({(today - day, name): 1 for day in days})


def test_it_knows_whom_a_reader_wrote_to(alice: User, bob: User) -> None:
    wrote(alice)
    first, second = found(case(reader(alice), reader(bob)))
    assert (first.rule, first.points, first.reader) == ("KNOWN_CORRESPONDENT", -3.0, alice.pk)
    assert first.words == (
        "it is from friend@friend.test, as the DKIM signature of friend.test proves, to whom this"
        " reader wrote before"
    )
    assert (second.rule, second.reader) == ("FIRST_CONTACT", bob.pk)


def test_it_knows_who_is_in_the_contacts_of_a_reader(alice: User, bob: User) -> None:
    contacts.collect(user_id=alice.pk, address="Friend@friend.test")
    first, second = found(case(reader(alice), reader(bob)))
    assert (first.rule, first.points, first.reader) == ("KNOWN_CORRESPONDENT", -3.0, alice.pk)
    assert first.words.endswith("proves, who is in this reader's contacts")
    assert (second.rule, second.reader) == ("FIRST_CONTACT", bob.pk)
    wrote(alice)
    assert [one.rule for one in found(case(reader(alice)))] == ["KNOWN_CORRESPONDENT"]


def test_a_forged_contact_counts_for_nothing(alice: User) -> None:
    contacts.collect(user_id=alice.pk, address="friend@friend.test")
    for judgement in (judged(FORGED), {}):
        (finding,) = found(case(reader(alice), raw=FRIEND + b"\r\n", judgement=judgement))
        assert (finding.rule, finding.points) == ("KNOWN_UNPROVEN", 0.0)
        assert "is in this reader's contacts, but nothing proves" in finding.words


def test_it_gives_a_forger_nothing(alice: User) -> None:
    wrote(alice)
    sent(alice, "<1@example.test>")
    came_before("friend.test", 5, 4)
    raw = FRIEND + b"In-Reply-To: <1@example.test>\r\n\r\n"
    for judgement in (judged(FORGED), {}):
        (finding,) = found(case(reader(alice), raw=raw, judgement=judgement))
        assert (finding.rule, finding.points) == ("KNOWN_UNPROVEN", 0.0)
        assert "does not count" in finding.words


def test_it_says_nothing_of_unproven_strangers(alice: User) -> None:
    assert found(case(reader(alice), judgement={})) == []
    assert found(case(reader(alice), raw=b"Subject: nobody\r\n\r\n")) == []


@pytest.mark.parametrize(
    "field",
    [
        b"In-Reply-To: <1@example.test>",
        b"References: <0@other.test> <1@example.test> <2@other.test>",
        b"In-Reply-To: your message of Monday\r\nReferences: <1@example.test>",
    ],
)
def test_it_knows_an_answer(alice: User, bob: User, field: bytes) -> None:
    sent(alice, "<1@example.test>")
    seen = found(case(reader(alice), reader(bob), raw=FRIEND + field + b"\r\n\r\n"))
    assert [(one.rule, one.reader) for one in seen] == [
        ("ANSWER_TO_OURS", alice.pk),
        ("FIRST_CONTACT", bob.pk),
    ]
    assert seen[0].words == "it answers <1@example.test>, which this reader sent"


def test_it_looks_for_so_many_answered_and_no_more(alice: User) -> None:
    sent(alice, "<1@example.test>")
    many = b" ".join(b"<%d@other.test>" % number for number in range(ANSWERED))
    raw = FRIEND + b"References: <1@example.test> " + many + b"\r\n\r\n"
    assert set(rules(case(reader(alice), raw=raw))) == {"FIRST_CONTACT"}


def test_it_knows_senders_of_other_days(alice: User) -> None:
    came_before("friend.test", 3)
    assert set(rules(case(reader(alice)))) == {"FIRST_CONTACT"}
    came_before("friend.test", 2)
    (finding,) = found(case(reader(alice)))
    assert (finding.rule, finding.points) == ("KNOWN_SENDER", -0.5)


def test_it_does_not_take_everybody_at_a_freemail_domain_for_known(alice: User) -> None:
    came_before("gmail.com", 5, 4)
    raw = FRIEND.replace(b"friend.test", b"gmail.com") + b"\r\n"
    proof = {"authentication": {"dkim": [{"result": "pass", "domain": "gmail.com"}]}}
    assert set(rules(case(reader(alice), raw=raw, judgement=proof))) == {"FIRST_CONTACT"}
    wrote(alice, "friend@gmail.com")
    assert set(rules(case(reader(alice), raw=raw, judgement=proof))) == {"KNOWN_CORRESPONDENT"}


def test_it_calls_no_colleague_a_first_contact(alice: User, bob: User) -> None:
    raw = b"From: bob@example.test\r\n\r\n"
    one = case(reader(alice), raw=raw, judgement={}, user_id=bob.pk, door="submission")
    assert found(one) == []
    wrote(alice, "bob@example.test")
    assert rules(one) == {"KNOWN_CORRESPONDENT": alice.pk}


def test_it_asks_the_database_as_often_for_many_as_for_one(alice: User, bob: User) -> None:
    raw = FRIEND + b"References: <1@a.test> <2@a.test>\r\n\r\n"
    cases = [case(reader(alice), reader(bob), raw=raw) for _ in range(20)]
    with CaptureQueriesContext(connection) as one:
        History().gather(cases[:1])
    with CaptureQueriesContext(connection) as many:
        History().gather(cases)
    assert len(one) == len(many) == 4


def test_it_takes_hostile_names_of_messages(alice: User) -> None:
    sent(alice, "<1@example.test>")
    raw = FRIEND + b"References: <\x00@x> <\xff\xed\xa0\x80@x> <';--> <1@example.test>\r\n\r\n"
    assert set(rules(case(reader(alice), raw=raw))) == {"ANSWER_TO_OURS"}


def test_it_asks_nothing_about_messages_of_nobody(alice: User) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert History().gather([case(reader(alice), raw=b"\r\n")]) == [None]
    assert len(asked) <= 2


def test_it_knows_where_anybody_can_have_an_address() -> None:
    assert is_freemail("gmail.com")
    assert is_freemail("mail.yahoo.co.jp")
    assert not is_freemail("friend.test")
