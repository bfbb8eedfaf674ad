"""Imitations in whole messages: of our domains, of those that a reader writes to, of brands."""

import dataclasses
import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.provisioning import services as provisioning
from apps.reception.services import correspondents
from apps.runtime.clock import now
from apps.scan.base import Case, Finding, Reader
from apps.scan.lookalikes import queries
from apps.scan.lookalikes.check import Lookalikes, Named, _given
from apps.scan.lookalikes.names import Names
from apps.scan.lookalikes.rules import RULES
from tests.scan.cases import case
from tests.support.cost import cost

pytestmark = pytest.mark.django_db


def reader(user: User) -> Reader:
    assert user.domain is not None
    return Reader(
        user.pk, user.address, user.address, user.domain.name, user.domain.organization_id
    )


def letter(*readers: Reader, author: str, reply: str = "", link: str = "", **more: Any) -> Case:
    raw = f"From: {author}\r\n"
    if reply:
        raw += f"Reply-To: {reply}\r\n"
    return case(*readers, raw=f"{raw}\r\nSee {link}\r\n".encode(), **more)


def found(one: Case) -> list[Finding]:
    (given,) = Lookalikes().gather([one])
    assert json.loads(json.dumps(given)) == given
    findings = list(Lookalikes().judge(one, given))
    known = {rule.name: rule.points for rule in RULES}
    assert all(known[finding.rule] == finding.points for finding in findings)
    return findings


def names(one: Case) -> list[str]:
    return [finding.rule for finding in found(one)]


def writes(user: User, *addresses: str) -> None:
    correspondents.note([(user.pk, address, now()) for address in addresses])
    queries.forget()


def test_it_sees_a_name_like_ours(alice: User) -> None:
    (finding,) = found(letter(reader(alice), author="ceo@exarnple.test"))
    assert finding.rule == "AUTHOR_LIKE_OURS"
    assert finding.reader is None
    assert finding.words == (
        "the author's domain exarnple.test looks like example.test, a domain of ours"
    )
    assert names(letter(reader(alice), author="a@b.test", reply="x@examp1e.test")) == [
        "REPLY_LIKE_OURS"
    ]
    assert names(letter(reader(alice), author="a@b.test", link="http://example-login.com")) == [
        "LINK_NEAR_OURS"
    ]
    assert names(letter(reader(alice), author="a@example.com")) == ["AUTHOR_ENDING_OURS"]
    assert names(letter(reader(alice), author="a@b.test", link="http://example.com")) == []


def test_it_lets_our_own_names_be(alice: User) -> None:
    provisioning.add_domain("exarnple.test")
    queries.forget()
    assert names(letter(reader(alice), author="a@exarnple.test", link="http://example.test")) == []


def test_it_tells_nobody_of_domains_of_others(alice: User) -> None:
    """A name like that of another tenant says nothing to those who are not of it."""
    provisioning.add_domain("neighbour.test", organization="Others")
    zoe = provisioning.add_user("zoe@neighbour.test", "correct horse battery", name="Zoe")[0]
    (finding,) = found(letter(reader(alice), reader(zoe), author="a@neighb0ur.test"))
    assert (finding.rule, finding.reader) == ("AUTHOR_LIKE_OURS", zoe.pk)
    assert found(letter(reader(alice), author="a@neighb0ur.test")) == []


def test_it_sees_a_name_like_that_of_a_correspondent(alice: User, bob: User) -> None:
    writes(alice, "max@partner-firm.test", "eva@partner-firm.test")
    one = letter(reader(alice), reader(bob), author="max@partner-f1rm.test")
    (finding,) = found(one)
    assert (finding.rule, finding.reader) == ("AUTHOR_LIKE_KNOWN", alice.pk)
    assert finding.words.endswith("looks like partner-firm.test, to which this reader writes")
    assert names(letter(reader(bob), author="max@partner-f1rm.test")) == []


def test_it_lets_those_be_whom_a_reader_writes_to(alice: User) -> None:
    """Two partners may have names that look alike, and one of them may look like ours."""
    writes(alice, "a@partnerfirm.test", "b@partnerfinn.test", "c@exampel.test", "d@example.com")
    for author in ("a@partnerfirm.test", "b@partnerfinn.test", "c@exampel.test", "d@example.com"):
        assert names(letter(reader(alice), author=author)) == [], author


def test_it_tells_a_partner_from_a_stranger_in_one_message(alice: User) -> None:
    writes(alice, "a@partnerfirm.test", "b@partnerf1rm.test")
    one = letter(reader(alice), author="b@partnerf1rm.test", link="http://partnerflrm.test")
    assert names(one) == ["LINK_LIKE_KNOWN"]


def test_it_counts_one_imitation_once(alice: User) -> None:
    """Who writes to colleagues, and to a brand, has both among the correspondents."""
    writes(alice, "bob@example.test", "someone@gmail.com")
    assert names(letter(reader(alice), author="a@exarnple.test")) == ["AUTHOR_LIKE_OURS"]
    assert names(letter(reader(alice), author="a@gmai1.com")) == ["AUTHOR_LIKE_BRAND"]


def test_it_does_not_profit_from_what_another_reader_writes(alice: User, bob: User) -> None:
    writes(alice, "x@paypa1.com", "y@exampel.test")
    for author, rule in (
        ("x@paypa1.com", "AUTHOR_LIKE_BRAND"),
        ("y@exampel.test", "AUTHOR_NEAR_OURS"),
    ):
        (finding,) = found(letter(reader(alice), reader(bob), author=author))
        assert (finding.rule, finding.reader) == (rule, bob.pk)


def test_it_sees_brands(alice: User) -> None:
    one = letter(reader(alice), author='"PayPal" <x@paypa1.com>', link="http://rnicrosoft.com")
    assert set(names(one)) == {"AUTHOR_LIKE_BRAND", "LINK_LIKE_BRAND", "AUTHOR_NAMES_BRAND"}
    assert names(letter(reader(alice), author="PayPal <x@random.test>")) == ["AUTHOR_NAMES_BRAND"]
    assert names(letter(reader(alice), author="PayPal <service@mail.paypal.com>")) == []


def test_it_sees_scripts(alice: User) -> None:
    mixed = "p\u0430ypal.test".encode("idna").decode()
    one = letter(
        reader(alice), author=f"x@{mixed}", link="http://\u0430\u0440\u0440\u04cf\u0435.com"
    )
    assert set(names(one)) >= {"AUTHOR_MIXED_SCRIPTS", "LINK_READS_LATIN"}
    honest = "http://\u043c\u043e\u0441\u043a\u0432\u0430.com http://b\u00fccher.example"
    assert names(letter(reader(alice), author="a@b.test", link=honest)) == []


def test_it_looks_only_at_the_links_of_what_users_send(alice: User) -> None:
    one = letter(
        reader(alice), author="PayPal <a@exarnple.test>", link="http://paypa1.com", user_id=alice.pk
    )
    assert names(one) == ["LINK_LIKE_BRAND"]


def test_it_asks_the_database_twice_for_any_batch(alice: User, bob: User, eve: User) -> None:
    writes(alice, "max@partner-firm.test")
    readers = [reader(user) for user in (alice, bob, eve)]
    cases = [letter(*readers, author=f"a@site{n}.test") for n in range(20)]
    with CaptureQueriesContext(
        connection,
    ) as asked:
        Lookalikes().gather(cases)
    assert len(asked) == 2
    with CaptureQueriesContext(connection) as again:
        Lookalikes().gather(cases)
    assert len(again) == 0, "a minute long they are remembered"


def test_it_looks_at_the_newest_correspondents(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "NEWEST", 3)
    correspondents.note(
        [(user.pk, f"a@partner{n}x.test", now() - n) for user in (alice, bob) for n in range(10)]
    )
    queries.forget()
    found = queries.CORRESPONDENTS.of([alice.pk, bob.pk, alice.pk + 1_000])
    assert {number: len(one) for number, one in found.items()} == {
        alice.pk: 3,
        bob.pk: 3,
        alice.pk + 1_000: 0,
    }
    assert "partner0x.test" in found[alice.pk]
    assert "partner9x.test" not in found[alice.pk]


def test_it_remembers_so_many_and_no_more(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST", 5)
    asked: list[list[int]] = []

    def ask(numbers: list[int]) -> dict[int, Names]:
        asked.append(numbers)
        return {}

    some = queries.Remembered(ask)
    some.of(range(10))
    some.of([9, 8])
    some.of([0, 9])
    assert asked == [list(range(10)), [0]]


@pytest.mark.parametrize("link", ["http://" + "xn--a." * 30, "http://" + "login-" * 10 + "a.test/"])
def test_it_takes_a_bounded_time_for_very_many_links(alice: User, link: str) -> None:
    writes(alice, *(f"a@company{n}.test" for n in range(300)))
    links = " ".join(f"{link}{n}.test" for n in range(500))
    one = letter(reader(alice), author="a@b.test", link=links)
    check = Lookalikes()
    (given,) = check.gather([one])
    assert cost(lambda: (check.gather([one]), check.judge(one, given)), tries=2) < 0.5


def test_it_takes_little_time_for_very_many_readers(alice: User) -> None:
    writes(alice, *(f"a@company{n}.test" for n in range(200)))
    first = reader(alice)
    readers = [dataclasses.replace(first, user_id=first.user_id + n) for n in range(100)]
    one = letter(*readers, author="a@b.test", link=" ".join(f"http://s{n}.test" for n in range(50)))
    check = Lookalikes()
    check.gather([one])
    names = queries.CORRESPONDENTS.of([alice.pk])[alice.pk]
    found = {number.user_id: names for number in readers}
    assert (
        cost(
            lambda: _given(readers, Named(one).all, queries.OURS.of([first.organization_id]), found)
        )
        < 0.1
    )


def test_its_rules_have_names_of_their_own() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(re.fullmatch(r"[A-Z]+(_[A-Z]+)+", rule.name) for rule in RULES)
