"""The check: silent until taught, to each reader by own lessons, the same when replayed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from apps.directory.models import User
from apps.mailstore.models import Judged
from apps.scan.base import Case, Finding, Reader
from apps.scan.bayes.check import Bayes
from apps.scan.bayes.memory import ORGANIZATION, Memory
from apps.scan.bayes.reckon import LEAST, Tally
from apps.scan.bayes.stored import Stored
from apps.scan.bayes.tokens import tokens
from apps.scan.letter import read
from apps.scan.models import Taught, Token
from apps.scan.runner import run
from apps.scan.services import learning
from tests.scan.cases import case

SPAM = "cheap pills without prescription order now visit our pharmacy http://pills.example/order"
HAM = "the minutes of our meeting are attached see you on thursday regards"
ALICE = Reader(7, "alice@example.test", "alice@example.test", "example.test", ORGANIZATION)
BOB = Reader(8, "bob@example.test", "bob@example.test", "example.test", ORGANIZATION)
EVE = Reader(9, "eve@other.test", "eve@other.test", "other.test", 2)


def letter(words: str, number: int = 0) -> bytes:
    return (
        f"From: S{number} <s{number}@h{number}.example>\r\nSubject: {words.split()[0]} {number}\r\n"
        f"Message-ID: <{number}@h{number}.example>\r\n\r\n{words} x{number}y\r\n"
    ).encode()


def taught(lessons: int = LEAST) -> Memory:
    memory = Memory()
    for number in range(lessons):
        memory.learn(tokens(read(letter(SPAM, number))), is_spam=True)
        memory.learn(tokens(read(letter(HAM, number))), is_spam=False)
    return memory


def found(check: Bayes, *cases: Case) -> list[Sequence[Finding]]:
    given = json.loads(json.dumps(check.gather(cases)))
    return [check.judge(one, mine) for one, mine in zip(cases, given, strict=True)]


def test_it_says_nothing_until_it_is_taught() -> None:
    (nothing,) = found(Bayes(taught(LEAST - 1)), case(ALICE, raw=letter(SPAM, 99)))
    assert nothing == []


def test_it_tells_spam_from_ham() -> None:
    check = Bayes(taught(200))
    spam, ham, other = found(
        check,
        case(ALICE, raw=letter(SPAM, 999)),
        case(ALICE, raw=letter(HAM, 999)),
        case(ALICE, raw=letter("entirely different matters", 999)),
    )
    assert [(one.rule, one.reader) for one in spam] == [("BAYES_SPAM", 7)]
    assert spam[0].points > 5
    assert '"link-domain:pills.example"' in spam[0].words
    assert ham[0].rule == "BAYES_HAM"
    assert ham[0].points < -2
    assert all(abs(one.points) < 2.5 for one in other)


def test_it_speaks_to_readers_of_the_organisation_alone() -> None:
    (findings,) = found(Bayes(taught()), case(ALICE, BOB, EVE, raw=letter(SPAM, 99)))
    assert [one.reader for one in findings] == [7, 8]
    assert len({one.points for one in findings}) == 1


def test_it_judges_what_a_user_sends_by_the_organisation() -> None:
    sent = replace(case(EVE, raw=letter(SPAM, 99)), user_id=7)
    (findings,) = found(Bayes(taught()), sent)
    assert [one.reader for one in findings] == [None]


def test_it_looks_into_no_message_that_ended_a_worker() -> None:
    (nothing,) = found(Bayes(taught()), replace(case(ALICE), unscannable="it ended a worker"))
    assert nothing == []


def test_it_keeps_what_it_was_given_small() -> None:
    words = " ".join(f"w{number}ord" for number in range(5_000))
    memory = Memory()
    for number in range(30):
        memory.learn(tokens(read(letter(words, number))), is_spam=True)
        memory.learn(tokens(read(letter(HAM, number))), is_spam=False)
    (given,) = Bayes(memory).gather([case(ALICE, raw=letter(words, 99))])
    assert len(json.dumps(given)) < 8_000


@pytest.mark.django_db
def test_it_asks_the_database_as_often_for_many_as_for_one(
    alice: User, bob: User, django_assert_num_queries: object
) -> None:
    home = Stored().organisations([alice.pk])[alice.pk]
    teach(alice)
    readers = [
        Reader(user.pk, user.address, user.address, "example.test", home) for user in (alice, bob)
    ]
    cases = [case(*readers, raw=letter(SPAM, number)) for number in range(20)]
    with django_assert_num_queries(2):  # type: ignore[operator]
        Bayes(Stored()).gather(cases)  # tallies, then the counts of the organisation and of Alice


@pytest.mark.django_db
def test_it_asks_for_many_readers_who_have_taught_in_few_queries(
    alice: User, django_assert_num_queries: object
) -> None:
    """Counts of one user are those of no other, however many are asked for together."""
    home = Stored().organisations([alice.pk])[alice.pk]
    teach(alice)
    ids = range(10_001, 10_131)
    Taught.objects.bulk_create(Taught(owner=one, spam=30, ham=30) for one in ids)
    mine = list(tokens(read(letter(SPAM, 99))))
    Token.objects.bulk_create(
        Token(owner=one, token=mine[one % 10], spam=one % 7 + 1, ham=0) for one in ids
    )
    readers = [Reader(one, f"u{one}@example.test", "", "example.test", home) for one in ids]
    with django_assert_num_queries(4):  # type: ignore[operator]
        (given,) = Bayes(Stored()).gather([case(*readers, raw=letter(SPAM, 99))])
    views = {view["readers"][0]: view for view in given or ()}
    assert list(views) == list(ids)
    for one in ids:
        name = tokens(read(letter(SPAM, 99)))[mine[one % 10]]
        own = [row for row in views[one]["tokens"] if row[3] or row[4]]
        assert own in ([], [[name, *own[0][1:3], one % 7 + 1, 0]] if own else [])
    assert any(row[3] for view in views.values() for row in view["tokens"])


@pytest.mark.django_db
def test_it_asks_nobody_for_tokens_of_messages_of_others(alice: User, bob: User) -> None:
    class Watched(Stored):
        def counts(
            self, owners: Sequence[int], keys: Sequence[int]
        ) -> Mapping[int, Mapping[int, Tally]]:
            asked.append((set(owners), len(keys)))
            return super().counts(owners, keys)

    home = Stored().organisations([alice.pk])[alice.pk]
    teach(alice)
    teach(bob)
    asked: list[tuple[set[int], int]] = []
    cases = [
        case(Reader(user.pk, user.address, "", "example.test", home), raw=letter(words, 5))
        for user, words in ((alice, SPAM), (bob, HAM))
    ]
    Bayes(Watched()).gather(cases)
    sizes = [len(tokens(read(one.raw))) for one in cases]
    both = len({key for one in cases for key in tokens(read(one.raw))})
    expected = [({-home}, both), ({alice.pk}, sizes[0]), ({bob.pk}, sizes[1])]
    assert sorted(asked, key=str) == sorted(expected, key=str)


@pytest.mark.django_db
def test_it_asks_once_where_nobody_has_taught(
    alice: User, django_assert_num_queries: object
) -> None:
    home = Stored().organisations([alice.pk])[alice.pk]
    one = case(Reader(alice.pk, alice.address, alice.address, "example.test", home))
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert Bayes(Stored()).gather([one]) == [None]
    assert "text" not in vars(one.letter)  # not even read


@pytest.mark.django_db
def test_it_lets_one_mark_change_the_next_verdict(alice: User) -> None:
    home = Stored().organisations([alice.pk])[alice.pk]
    teach(alice)
    reader = Reader(alice.pk, alice.address, alice.address, "example.test", home)
    raw = letter("our summer catalogue with garden chairs and parasols on sale", 77)
    next_one = case(reader, raw=letter("our garden chairs and parasols are on sale again", 77))
    (before,) = run([next_one], [Bayes(Stored())])
    learning.teach(owner=alice.pk, judged=Judged.SPAM, messages=[learning.read_message(raw)])
    (after,) = run([next_one], [Bayes(Stored())])
    assert after.opinion(alice.pk).points > before.opinion(alice.pk).points + 1
    learning.teach(owner=alice.pk, judged=Judged.UNSPAM, messages=[learning.read_message(raw)])
    (again,) = run([next_one], [Bayes(Stored())])
    assert again.opinion(alice.pk).points == before.opinion(alice.pk).points


def teach(user: User) -> None:
    for judged, words in ((Judged.SPAM, SPAM), (Judged.HAM, HAM)):
        messages = [learning.read_message(letter(words, number)) for number in range(LEAST)]
        learning.teach(owner=user.pk, judged=judged, messages=messages)
