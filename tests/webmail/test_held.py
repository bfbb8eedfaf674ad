"""Mail that did not arrive: seen by whom it was for, let go by them if it can do no harm."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore.models import Entry
from apps.reception.services import refusals
from apps.reception.services.refusals import Refusal
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.scan.models import ListEntry, Quarantined
from apps.scan.verdict import Verdict
from tests.scan.services.test_quarantine import POLICY, VIRUS, claim, keep
from tests.support.mail import RAW, drain, local

pytestmark = pytest.mark.django_db

PAGE = "/settings/held/"


def held(user: User, verdict: Verdict | None = None) -> Quarantined:
    return keep(claim(local(user), RAW), verdict or Verdict((POLICY,)), raw=RAW)[0]


def refused(user: User, subject: str = "Prize", author: str = "Win <win@lot.test>") -> None:
    one = Refusal(
        trace_id=new_ulid(),
        at=now(),
        reason="dmarc",
        words="The sender could not be proved",
        reply="550 5.7.1 no",
        client="192.0.2.7",
        helo="mx.lot.test",
        sender="bounce@lot.test",
        author=author,
        subject=subject,
        header="",
        size=900,
        recipients=((user.pk, user.address),),
    )
    refusals.remember([one], {user.pk: 2})


def read(reader: Client) -> str:
    return str(reader.get(PAGE, secure=True).content.decode())


def post(reader: Client, done: str, number: object) -> tuple[int, str]:
    answer = reader.post(PAGE, {"do": done, "number": str(number)}, secure=True)
    return answer.status_code, answer.content.decode()


def test_there_may_be_nothing(reader: Client) -> None:
    page = read(reader)
    assert "Nothing is held back." in page
    assert "Nothing was refused." in page


def test_what_is_held_is_shown_and_let_go(reader: Client, alice: User) -> None:
    row = held(alice)
    assert row.subject in read(reader)
    assert not Entry.objects.exists()

    assert post(reader, "release", row.pk)[0] == 302
    drain()

    assert Entry.objects.filter(mailbox__user=alice).count() == 1
    assert "Nothing is held back." in read(reader)
    status, page = post(reader, "release", row.pk)
    assert status == 422
    assert "not held any more" in page
    drain()
    assert Entry.objects.count() == 1


def test_it_is_deleted_and_its_sender_blocked(reader: Client, alice: User) -> None:
    assert post(reader, "delete", held(alice).pk)[0] == 302
    assert Quarantined.objects.get().state == "deleted"
    row = held(alice)
    assert post(reader, "block", row.pk)[0] == 302

    assert set(Quarantined.objects.values_list("state", flat=True)) == {"deleted"}
    assert ListEntry.objects.get().user_id == alice.pk


def test_what_can_do_harm_is_an_administrators(reader: Client, alice: User) -> None:
    row = held(alice, Verdict((VIRUS,)))
    page = read(reader)
    assert 'value="release"' not in page
    assert "Only an administrator can release it." in page

    status, page = post(reader, "release", row.pk)
    assert status == 422
    assert "only an administrator can release it." in page
    assert Quarantined.objects.get().state == "kept"


@pytest.mark.parametrize("done", ["release", "delete", "block"])
def test_of_others_nothing_is_told(reader: Client, alice: User, bob: User, done: str) -> None:
    row = held(bob)
    refused(bob, subject="A secret")

    assert row.subject not in read(reader)
    assert "A secret" not in read(reader)
    others = post(reader, done, row.pk)
    nobodys = post(reader, done, row.pk + 1_000)
    assert others[0] == nobodys[0] == 422
    assert "not held any more" in others[1]
    assert Quarantined.objects.get().state == "kept"


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 19, "9" * 400, "\u0661", "1 OR 1=1"])
def test_a_number_is_a_number(reader: Client, alice: User, number: str) -> None:
    assert post(reader, "release", number)[0] == 422
    assert post(reader, "explode", number)[0] == 422


def test_what_was_refused_is_told_with_its_reason(reader: Client, alice: User) -> None:
    refused(alice, subject="Win <b>now</b>")
    refused(alice, subject="", author="")

    page = read(reader)

    assert "Win &lt;b&gt;now&lt;/b&gt;" in page
    assert "The sender could not be proved" in page
    assert "2 more were refused in the same minute." in page
    assert 'value="win@lot.test"' in page
    assert 'value="bounce@lot.test"' in page
    assert "550 5.7.1 no" in page


def test_it_costs_the_same_for_many(reader: Client, alice: User) -> None:
    held(alice)
    refused(alice)
    read(reader)
    with CaptureQueriesContext(connection) as few:
        read(reader)
    for _ in range(5):
        held(alice)
        refused(alice)
    with CaptureQueriesContext(connection) as many:
        read(reader)

    assert len(many) == len(few)
