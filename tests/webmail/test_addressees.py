"""Who is offered while an address is typed: contacts, groups, correspondents, colleagues."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.contacts.models import Contact, ContactEmail, ContactGroup, ContactMember
from apps.directory.models import User, UserState
from apps.mime.searchtext import folded
from apps.provisioning import services as provisioning
from apps.reception.services import correspondents
from apps.runtime.clock import now
from apps.webmail import calledby
from tests.conftest import PASSWORD
from tests.mailstore.making import box
from tests.search.finding.making import Mail, file

pytestmark = pytest.mark.django_db


def offered(reader: Client, text: str) -> list[tuple[str, str, str]]:
    """(name, address, from) of each line."""
    return [(one["name"], one["address"], one["from"]) for one in asked(reader, text)]


def asked(reader: Client, text: str) -> list[dict[str, Any]]:
    answer = reader.get("/mail/compose/people/", {"q": text})
    assert answer.status_code == 200
    people: list[dict[str, Any]] = answer.json()["people"]
    return people


def know(user: User, name: str, *addresses: str) -> Contact:
    """Put somebody into an address book."""
    contact = Contact.objects.create(
        user=user,
        uid=name,
        name=name,
        folded=folded(name),
        words=folded(" ".join((name, *addresses))),
        changed_at=now(),
    )
    ContactEmail.objects.bulk_create(
        ContactEmail(contact=contact, user=user, place=place, key=one.lower(), address=one)
        for place, one in enumerate(addresses)
    )
    return contact


def wrote(user: User, *addresses: str) -> None:
    """The user wrote to each, to the first one last."""
    at = now()
    correspondents.note([(user.pk, one, at - place) for place, one in enumerate(addresses)])


def test_an_empty_field_offers_whom_one_wrote_to_last(alice: User, reader: Client) -> None:
    know(alice, "Ann Alpha", "Ann@Quay.invalid")
    know(alice, "Zoe", "zoe@quay.invalid")
    wrote(alice, "new@quay.invalid", "ann@quay.invalid")
    assert offered(reader, "") == [
        ("", "new@quay.invalid", "correspondent"),
        ("Ann Alpha", "ann@quay.invalid", "contact"),
    ]


def test_it_finds_contacts_by_any_word(alice: User, reader: Client) -> None:
    know(alice, "Tomás Silva", "TS@quay.invalid", "tom@home.invalid")
    assert offered(reader, "silva") == [
        ("Tomás Silva", "TS@quay.invalid", "contact"),
        ("Tomás Silva", "tom@home.invalid", "contact"),
    ]
    assert offered(reader, "tomas home")[0][0] == "Tomás Silva"
    assert offered(reader, "TOMÁS S")
    assert offered(reader, "quay.inv")
    assert offered(reader, "%") == offered(reader, "_") == []


def test_a_word_that_begins_so_comes_before_one_that_holds_it(alice: User, reader: Client) -> None:
    know(alice, "Abby Annan", "aa@quay.invalid")
    know(alice, "Joanna", "jo@quay.invalid")
    wrote(alice, "jo@quay.invalid", "banner@quay.invalid")
    assert [one[0] or one[1] for one in offered(reader, "ann")] == [
        "Abby Annan",
        "Joanna",
        "banner@quay.invalid",
    ]


def test_correspondents_are_called_as_one_called_them(alice: User, reader: Client) -> None:
    wrote(alice, "pr@quay.invalid", "ts@quay.invalid")
    file(box(alice, "Sent"), [Mail(to="x@y.invalid, Priya Rao <PR@quay.invalid>")])
    file(
        box(alice),
        [
            Mail(sender="Somebody Else <pr@quay.invalid>"),
            Mail(sender="Tomás Silva <ts@quay.invalid>"),
        ],
    )
    assert offered(reader, "rao") == [("Priya Rao", "pr@quay.invalid", "correspondent")]
    assert offered(reader, "tomas") == [("Tomás Silva", "ts@quay.invalid", "correspondent")]
    assert offered(reader, "somebody") == []


def test_a_stranger_with_the_name_of_a_friend_is_not_offered(alice: User, reader: Client) -> None:
    know(alice, "Priya Rao", "priya@quay.invalid")
    file(box(alice), [Mail(sender="Priya Rao <priya@evil.invalid>")])
    assert offered(reader, "priya") == [("Priya Rao", "priya@quay.invalid", "contact")]


def test_groups_come_with_their_members(alice: User, eve: User, reader: Client) -> None:
    crew = ContactGroup.objects.create(user=alice, name="Crew of the Ann")
    ContactGroup.objects.create(user=alice, name="Empty crew")
    for name in ("Bea", "Abe"):
        contact = know(alice, name, f"{name.lower()}@quay.invalid", "second@quay.invalid")
        ContactMember.objects.create(group=crew, contact=contact)
    ContactMember.objects.create(group=crew, contact=know(alice, "Unreachable"))
    ContactGroup.objects.create(user=eve, name="Crew of Eve")
    assert asked(reader, "crew") == [
        {
            "name": "Crew of the Ann",
            "address": "",
            "from": "group",
            "members": [
                {"name": "Abe", "address": "abe@quay.invalid"},
                {"name": "Bea", "address": "bea@quay.invalid"},
            ],
        }
    ]


def test_colleagues_are_offered_and_nobody_of_another_organisation(
    alice: User, bob: User, reader: Client
) -> None:
    provisioning.add_domain("others.test", organization="Others")
    provisioning.add_user("eve@others.test", PASSWORD, name="Eve Elsewhere")
    User.objects.filter(pk=bob.pk).update(name="Ünal Bob")
    assert offered(reader, "bo") == [("Ünal Bob", bob.address, "directory")]
    assert offered(reader, "ünal") == [("Ünal Bob", bob.address, "directory")]
    assert offered(reader, "eve") == []
    assert offered(reader, "b") == []
    User.objects.filter(pk=bob.pk).update(state=UserState.SUSPENDED)
    assert offered(reader, "bo") == []


def test_nobody_is_offered_whom_another_knows(eve: User, reader: Client) -> None:
    know(eve, "Priya", "priya@quay.invalid")
    wrote(eve, "priya@quay.invalid")
    assert offered(reader, "priya") == offered(reader, "") == []


def test_each_address_stands_once_and_there_are_ten(alice: User, reader: Client) -> None:
    for number in range(30):
        know(alice, f"Twin {number:02}", f"twin{number}@quay.invalid", "shared@quay.invalid")
    wrote(alice, "twin7@quay.invalid")
    found = offered(reader, "twin")
    assert len(found) == 10
    assert found[0][1] == "twin7@quay.invalid"
    assert len({one[1] for one in found}) == 10


def test_it_asks_as_much_whatever_there_is(alice: User, reader: Client) -> None:
    offered(reader, "t")
    with CaptureQueriesContext(connection) as few:
        offered(reader, "twin")
    crew = ContactGroup.objects.create(user=alice, name="Twins")
    for number in range(40):
        contact = know(alice, f"Twin {number:02}", f"twin{number}@quay.invalid")
        ContactMember.objects.create(group=crew, contact=contact)
    wrote(alice, *(f"twin{number}@other.invalid" for number in range(40)))
    file(box(alice), [Mail(sender=f"T <twin{n}@other.invalid>") for n in range(40)])
    with CaptureQueriesContext(connection) as many:
        offered(reader, "twin")
    assert len(many) <= len(few) + 3 <= 18  # of a new account no mailbox is asked


@pytest.mark.parametrize("text", ["\x00", "(", "a" * 5_000, "🗻", "\ud800", "' OR 1=1 --", "\\"])
def test_whatever_is_typed_gets_an_answer(reader: Client, text: str) -> None:
    typed = text.encode("utf-8", "surrogatepass")
    assert reader.get("/mail/compose/people/", {"q": typed}).json() == {"people": []}


def test_who_is_not_signed_in_gets_nothing(client: Client) -> None:
    assert client.get("/mail/compose/people/", {"q": "ann"}).status_code == 302


@pytest.mark.parametrize(
    ("recipients", "names"),
    [
        ("", []),
        ("a@b.test", []),
        ("Ann <a@b.test>", [("Ann", "a@b.test")]),
        ("x@y.test, Baker, Bob <bob@b.test>, z@y.test", [("Baker, Bob", "bob@b.test")]),
        ("A <a@b.test>, x@y.test, B <b@b.test>", [("A", "a@b.test"), ("B", "b@b.test")]),
        ("<a@b.test>", []),
        ("a@b.test, x@y.test, <", []),
        (", " * 2_000, []),
    ],
)
def test_it_reads_names_off_a_list(recipients: str, names: list[tuple[str, str]]) -> None:
    assert calledby.told(recipients) == names
