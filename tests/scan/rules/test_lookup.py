"""What the rules look up: few questions, whatever the number of messages, and never those of
another organisation."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailauth.types import Authentication
from apps.provisioning import services as provisioning
from apps.reception.keys import key_of
from apps.reception.models import Acquaintance
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.scan.base import Case, Finding, Reader
from apps.scan.rules import ContentRules
from apps.scan.rules.lookup import name_forms
from apps.trace import services as trace
from tests.scan.rules.examples import LIST
from tests.scan.rules.mail import case, listed, mail, proven, unproven

pytestmark = pytest.mark.django_db

THIEF = proven("thief.test")
BOUNCE = (
    b"From: MAILER-DAEMON@mx.test\r\nTo: alice@example.test\r\nSubject: Returned\r\n"
    b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    b"--b\r\n\r\nIt could not be delivered.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Reporting-MTA: dns; mx.test\r\n\r\nFinal-Recipient: rfc822; x@mx.test\r\nAction: failed\r\n"
    b"Status: 5.1.1\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
    b"Message-ID: <sent.1@example.test>\r\nSubject: Lunch\r\n\r\n--b--\r\n"
)


def reader(user: User) -> Reader:
    assert user.domain is not None
    address = user.address
    return Reader(user.pk, address, address, user.domain.name, user.domain.organization_id)


def incoming(raw: bytes, *users: User, found: Authentication = THIEF, sender: str = "x@y") -> Case:
    return case(
        raw,
        found,
        readers=tuple(map(reader, users)),
        recipients=tuple(user.address for user in users),
        sender=sender,
    )


def findings(one: Case) -> list[Finding]:
    (given,) = ContentRules().gather([one])
    assert json.loads(json.dumps(given)) == given
    return list(ContentRules().judge(one, given))


def found(one: Case) -> dict[str, Finding]:
    return {finding.rule: finding for finding in findings(one)}


def call(user: User, name: str) -> User:
    User.objects.filter(pk=user.pk).update(name=name)
    return user


def test_it_knows_which_domains_are_ours(alice: User) -> None:
    raw = mail(from_="alice@example.test")
    assert "FROM_OURS_UNPROVEN" in found(incoming(raw, alice, found=unproven("example.test")))
    assert "FROM_OURS_UNPROVEN" not in found(incoming(raw, alice, found=proven("example.test")))


@pytest.mark.parametrize(
    "name",
    ['"Help desk of example.test" <x@thief.test>', '"alice@example.test" <x@thief.test>'],
)
def test_it_finds_our_domains_in_display_names(alice: User, name: str) -> None:
    one = found(incoming(mail(from_=name), alice))["FROM_NAME_OURS"]
    assert one.words == "the name of its author shows example.test, the address is x@thief.test"


@pytest.mark.parametrize("shown", ["Carol Chief", "CAROL CHIEF", "Chief, Carol", "carol chief"])
def test_it_finds_who_is_called_like_a_colleague(alice: User, bob: User, shown: str) -> None:
    call(bob, "Carol Chief")
    one = found(incoming(mail(from_=f'"{shown}" <x@thief.test>'), alice))["FROM_COLLEAGUE"]
    assert one.reader is None
    assert one.words == (
        "its author is called Carol Chief, as bob@example.test is, and writes from x@thief.test"
    )


def test_it_warns_only_those_whose_colleague_that_is(alice: User, bob: User) -> None:
    provisioning.add_domain("tenant.test", organization="Tenant")
    eve, _ = provisioning.add_user("eve@tenant.test")
    call(bob, "Carol Chief")
    raw = mail(from_='"Carol Chief" <x@thief.test>')
    assert "FROM_COLLEAGUE" not in found(incoming(raw, eve))
    assert found(incoming(raw, alice, eve))["FROM_COLLEAGUE"].reader == alice.pk


def test_it_counts_a_colleagues_name_once_however_many_readers_there_are(
    alice: User, bob: User
) -> None:
    carol, _ = provisioning.add_user("carol@example.test")
    call(bob, "Carol Chief")
    one = incoming(mail(from_='"Carol Chief" <x@thief.test>'), alice, bob, carol)
    rules = [finding.rule for finding in findings(one)]
    assert rules.count("FROM_COLLEAGUE") == 1


def test_it_warns_the_readers_of_each_organisation(alice: User, bob: User) -> None:
    provisioning.add_domain("tenant.test", organization="Tenant")
    eve, _ = provisioning.add_user("eve@tenant.test")
    call(bob, "Carol Chief")
    call(eve, "Carol Chief")
    one = incoming(mail(from_='"Carol Chief" <x@thief.test>'), alice, eve)
    warned = {finding.reader for finding in findings(one) if finding.rule == "FROM_COLLEAGUE"}
    assert warned == {alice.pk, eve.pk}


def test_it_lets_a_colleague_be_called_so(alice: User, bob: User) -> None:
    call(bob, "Carol Chief")
    raw = mail(from_='"Carol Chief" <bob@example.test>')
    assert "FROM_COLLEAGUE" not in found(incoming(raw, alice, found=proven("example.test")))


@pytest.mark.parametrize(
    ("shown", "forms"),
    [
        ("Carol Chief", ("Carol Chief", "carol chief")),
        ("CHIEF, CAROL", ("CHIEF, CAROL", "CAROL CHIEF", "Carol Chief", "carol chief")),
        ("Carol", ()),
        ("", ()),
        ("a very long name of six words", ()),
    ],
)
def test_it_asks_for_whole_names_only(shown: str, forms: tuple[str, ...]) -> None:
    assert name_forms(shown) == forms


def test_it_knows_a_bounce_of_what_was_sent_from_here(alice: User) -> None:
    assert "BOUNCE_NOT_OURS" in found(incoming(BOUNCE, alice, sender=""))
    trace.remember([trace.SentMessage(new_ulid(), alice.pk, "<sent.1@example.test>", "", now_us())])
    assert "BOUNCE_OURS" in found(incoming(BOUNCE, alice, sender=""))


def test_it_calls_no_bounce_what_has_a_sender(alice: User) -> None:
    assert not {"BOUNCE_OURS", "BOUNCE_NOT_OURS"} & set(found(incoming(BOUNCE, alice)))


def test_it_believes_no_list_that_it_does_not_know(alice: User, bob: User) -> None:
    raw = mail(from_="bob@example.test", message_id="<post.1@example.test>", **LIST)
    post = incoming(raw, alice, found=listed("lists.test", "example.test"))
    assert "FROM_OURS_UNPROVEN" in found(post)
    assert "LIST_POST" not in found(post)
    Acquaintance.objects.create(
        key=key_of("lists.test"), name="lists.test", first_day=1, last_day=2, days=2, messages=2
    )
    assert "FROM_OURS_UNPROVEN" not in found(post)
    assert {"FROM_OURS_BY_LIST", "LIST_POST"} <= set(found(post))


def test_it_believes_a_list_that_brings_what_was_sent_from_here(alice: User, bob: User) -> None:
    raw = mail(from_="bob@example.test", message_id="<post.1@example.test>", **LIST)
    post = incoming(raw, alice, found=listed("lists.test", "example.test"))
    trace.remember([trace.SentMessage(new_ulid(), bob.pk, "<post.1@example.test>", "", now_us())])
    assert "FROM_OURS_UNPROVEN" not in found(post)


def test_it_asks_as_little_for_many_as_for_one(alice: User, bob: User) -> None:
    call(bob, "Carol Chief")
    cases = [
        incoming(mail(from_='"Carol Chief" <x@thief.test>'), alice, bob),
        incoming(mail(from_='"example.test" <alice@example.test>'), alice),
        incoming(BOUNCE, bob, sender=""),
        incoming(mail(**LIST), bob),
    ]
    with CaptureQueriesContext(
        connection,
    ) as one:
        ContentRules().gather(cases)
    with CaptureQueriesContext(connection) as many:
        ContentRules().gather(cases * 20)
    assert len(one) == len(many) <= 4
