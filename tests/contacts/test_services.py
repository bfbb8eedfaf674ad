"""An address book: kept, changed, forgotten; brought in from files and taken out again."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.contacts import queries
from apps.contacts.cards.card import Card, Way
from apps.contacts.exports import card_of, exported
from apps.contacts.models import Contact, ContactEmail, ContactGroup, ContactMember
from apps.contacts.services import contacts, groups, imports
from apps.directory.models import User
from apps.wire.errors import (
    AlreadyExists,
    InvalidAddress,
    InvalidName,
    LimitReached,
    MailError,
    NotFound,
)

pytestmark = pytest.mark.django_db

ANN = Card(
    name="Ann Älpha",
    company="Quay",
    title="Captain",
    note="one\ntwo",
    emails=(Way("Ann@Quay.invalid", "work"), Way("ann@home.invalid")),
    phones=(Way("+49 30", "mobile"),),
)


def names(user: User, text: str = "") -> list[str]:
    return [one.name for one in queries.page(user.pk, text)]


def keep(user: User, name: str, *addresses: str) -> Contact:
    card = Card(name=name, emails=tuple(map(Way, addresses)))
    return contacts.create(user_id=user.pk, card=card)


def vcard(*bodies: str) -> bytes:
    return "".join(f"BEGIN:VCARD\r\nVERSION:3.0\r\n{b}\r\nEND:VCARD\r\n" for b in bodies).encode()


def test_a_card_is_kept_as_it_was_written(alice: User) -> None:
    made = contacts.create(user_id=alice.pk, card=ANN)
    found = queries.find(alice.pk, made.pk)
    assert found is not None
    kept = card_of(found)
    assert kept.uid.startswith("urn:uuid:")
    assert (kept.name, kept.company, kept.title, kept.note) == (
        "Ann Älpha",
        "Quay",
        "Captain",
        "one\ntwo",
    )
    assert kept.emails == (Way("Ann@quay.invalid", "work"), Way("ann@home.invalid"))
    assert kept.phones == ANN.phones


def test_it_is_changed_and_what_no_form_shows_stays(alice: User) -> None:
    imports.take(
        user_id=alice.pk,
        octets=vcard("UID:1\nFN:Ann Alpha\nN:Alpha;Ann;;Dr.;\nBDAY:1985-04-12\nEMAIL:a@b.invalid"),
    )
    (row,) = Contact.objects.all()
    crew = groups.create(user_id=alice.pk, name="Crew")
    card = Card(name="Ann Alpha", emails=(Way("new@b.invalid"),))
    contacts.change(user_id=alice.pk, contact_id=row.pk, card=card, group_ids=[crew.pk])
    (row,) = Contact.objects.all()
    assert (row.uid, row.rest, row.parts) == ("1", "BDAY:1985-04-12", "Alpha;Ann;;Dr.;")
    assert [one.address for one in row.emails.all()] == ["new@b.invalid"]
    assert [one.name for one in row.groups.all()] == ["Crew"]
    card = Card(name="Ann Beta")
    contacts.change(user_id=alice.pk, contact_id=row.pk, card=card)
    row.refresh_from_db()
    assert (row.parts, row.groups.count(), row.emails.count()) == ("", 0, 0)


@pytest.mark.parametrize(
    ("card", "error"),
    [
        (Card(name=" "), InvalidName),
        (Card(name="x" * 201), InvalidName),
        (Card(name="a\nb"), InvalidName),
        (Card(name="\u202etxt"), InvalidName),
        (Card(name="a", note="x" * 10_001), InvalidName),
        (Card(name="a", emails=(Way("nobody"),)), InvalidAddress),
        (Card(name="a", emails=(Way("a@b.invalid\r\nBcc: x@y.invalid"),)), InvalidAddress),
        (Card(name="a", emails=(Way("a@b.invalid, c@d.invalid"),)), InvalidAddress),
        (Card(name="a", phones=(Way("1" * 61),)), InvalidName),
        (Card(name="a", emails=tuple(Way(f"a{n}@b.invalid") for n in range(21))), LimitReached),
    ],
)
def test_it_says_what_is_wrong(alice: User, card: Card, error: type[MailError]) -> None:
    with pytest.raises(error) as caught:
        contacts.create(user_id=alice.pk, card=card)
    assert caught.value.reply.text not in ("Invalid name", "Bad address syntax")
    assert not Contact.objects.exists()


def test_a_card_is_called_by_what_it_has(alice: User) -> None:
    assert keep(alice, "", "Ann@B.invalid").name == "Ann@b.invalid"
    made = contacts.create(user_id=alice.pk, card=Card(name="", company="Quay"))
    assert made.name == "Quay"


def test_one_address_stands_once_on_a_card(alice: User) -> None:
    made = keep(alice, "Ann", "a@b.invalid", " A@B.invalid ", "", "c@d.invalid")
    assert [one.key for one in made.emails.order_by("place")] == ["a@b.invalid", "c@d.invalid"]


def test_nobody_reaches_the_cards_of_others(alice: User, eve: User) -> None:
    row = keep(alice, "Ann", "ann@quay.invalid")
    crew = groups.create(user_id=alice.pk, name="Crew")
    theirs = keep(eve, "Zed")
    assert queries.find(eve.pk, row.pk) is None
    assert names(eve, "ann") == []
    assert not queries.knows(eve.pk, "ann@quay.invalid")
    assert contacts.delete(user_id=eve.pk, contact_ids=[row.pk]) == 0
    with pytest.raises(NotFound):
        contacts.change(user_id=eve.pk, contact_id=row.pk, card=ANN)
    for act in (groups.add, groups.take_out):
        with pytest.raises(NotFound):
            act(user_id=eve.pk, group_id=crew.pk, contact_ids=[theirs.pk])
    with pytest.raises(NotFound):
        groups.rename(user_id=eve.pk, group_id=crew.pk, name="Mine")
    with pytest.raises(NotFound):
        groups.delete(user_id=eve.pk, group_id=crew.pk)
    mine = groups.create(user_id=eve.pk, name="Crew")
    assert groups.add(user_id=eve.pk, group_id=mine.pk, contact_ids=[row.pk]) == 0
    contacts.change(user_id=eve.pk, contact_id=theirs.pk, card=ANN, group_ids=[crew.pk])
    assert not ContactMember.objects.exists()


def test_there_is_room_for_so_many(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "MOST", 2)
    keep(alice, "One")
    keep(alice, "Two")
    with pytest.raises(LimitReached) as caught:
        keep(alice, "Three")
    assert "no room" in caught.value.reply.text
    with pytest.raises(LimitReached):
        contacts.collect(user_id=alice.pk, address="c@d.invalid")
    with pytest.raises(LimitReached):
        imports.take(user_id=alice.pk, octets=vcard("FN:Three"))
    assert Contact.objects.count() == 2


def test_whom_one_wrote_to_is_collected_once(alice: User, bob: User) -> None:
    first = contacts.collect(user_id=alice.pk, address="Ann@Quay.invalid", name="Ann")
    again = contacts.collect(user_id=alice.pk, address="ann@quay.invalid")
    contacts.collect(user_id=bob.pk, address="ann@quay.invalid")
    assert first.pk == again.pk
    assert (first.name, first.emails.get().address) == ("Ann", "Ann@quay.invalid")
    assert Contact.objects.count() == 2
    with pytest.raises(InvalidAddress):
        contacts.collect(user_id=alice.pk, address="nobody")


def test_groups_are_called_once_and_keep_nobody_from_staying(alice: User) -> None:
    crew = groups.create(user_id=alice.pk, name="Crew")
    with pytest.raises(AlreadyExists):
        groups.create(user_id=alice.pk, name="CREW")
    other = groups.create(user_id=alice.pk, name="Other")
    with pytest.raises(AlreadyExists):
        groups.rename(user_id=alice.pk, group_id=other.pk, name="crew")
    groups.rename(user_id=alice.pk, group_id=crew.pk, name="Deck")
    row = keep(alice, "Ann")
    for _twice in range(2):
        assert groups.add(user_id=alice.pk, group_id=crew.pk, contact_ids=[row.pk]) == 1
    assert [(one.name, one.count) for one in queries.groups(alice.pk)] == [
        ("Deck", 1),
        ("Other", 0),
    ]
    assert groups.take_out(user_id=alice.pk, group_id=crew.pk, contact_ids=[row.pk]) == 1
    groups.add(user_id=alice.pk, group_id=crew.pk, contact_ids=[row.pk])
    groups.delete(user_id=alice.pk, group_id=crew.pk)
    assert names(alice) == ["Ann"]
    with pytest.raises(InvalidName):
        groups.create(user_id=alice.pk, name=" ")


def test_there_are_so_many_groups(alice: User) -> None:
    ContactGroup.objects.bulk_create(
        ContactGroup(user=alice, name=f"g{n}") for n in range(groups.MOST)
    )
    with pytest.raises(LimitReached):
        groups.create(user_id=alice.pk, name="More")
    imports.take(user_id=alice.pk, octets=vcard("FN:A\nCATEGORIES:G7,Another"))
    assert [one.name for one in Contact.objects.get().groups.all()] == ["g7"]


def test_a_page_goes_on_after_its_last_row(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    for name in ("Zoë", "ann", "Ann", "Äbel", "bob"):
        keep(alice, name)
    found: list[str] = []
    after = None
    while rows := queries.page(alice.pk, "", after=after):
        found += [one.name for one in rows[:2]]
        after = rows[:2][-1].folded, rows[:2][-1].pk
    assert found == ["Äbel", "ann", "Ann", "bob", "Zoë"]


def test_it_knows_by_pairs_in_one_statement(alice: User, bob: User) -> None:
    keep(alice, "Ann", "ann@quay.invalid")
    keep(bob, "Ann", "other@quay.invalid")
    pairs = [(user.pk, f"{who}@quay.invalid") for user in (alice, bob) for who in ("ann", "other")]
    with CaptureQueriesContext(connection) as asked:
        found = queries.known(pairs * 2)
    assert found == {(alice.pk, "ann@quay.invalid"), (bob.pk, "other@quay.invalid")}
    assert len(asked) == 1
    assert queries.known([]) == set()
    assert queries.knows(alice.pk, "ann@quay.invalid")
    assert queries.names_of(alice.pk, ["ann@quay.invalid", "x@y.invalid"]) == {
        "ann@quay.invalid": "Ann"
    }


def test_a_file_taken_twice_makes_nobody_twice(alice: User) -> None:
    file = vcard(
        "UID:1\nFN:Ann\nEMAIL:ann@quay.invalid\nEMAIL:nobody\nCATEGORIES:Crew,Old",
        "FN:Bea\nEMAIL:bea@quay.invalid\nPHOTO;ENCODING=b:AAAA",
        "KIND:group\nFN:Deck\nUID:g\nMEMBER:urn:uuid:1\nMEMBER:urn:uuid:unknown",
        "NOTE:nobody",
    )
    assert imports.take(user_id=alice.pk, octets=file) == imports.Taken(2, 0, 1, 1, 1)
    keep(alice, "Hand made")
    again = file.replace(b"FN:Ann", b"FN:Anna").replace(b"EMAIL:ann@", b"EMAIL:anna@")
    assert imports.take(user_id=alice.pk, octets=again) == imports.Taken(0, 2, 1, 1, 1)
    assert names(alice) == ["Anna", "Bea", "Hand made"]
    assert sorted(ContactEmail.objects.values_list("key", flat=True)) == [
        "anna@quay.invalid",
        "bea@quay.invalid",
    ]
    assert [(one.name, one.count) for one in queries.groups(alice.pk)] == [
        ("Crew", 1),
        ("Deck", 1),
        ("Old", 1),
    ]


def test_a_file_costs_as_much_as_it_is_long(alice: User) -> None:
    def cost(many: int) -> int:
        file = vcard(*(f"UID:{many}-{n}\nFN:N{n}\nEMAIL:n{n}@b.invalid" for n in range(many)))
        with CaptureQueriesContext(connection) as asked:
            imports.take(user_id=alice.pk, octets=file)
        return len(asked)

    assert cost(200) <= cost(2) + 6 < 20  # SQLite takes so many values at a time


def test_what_goes_out_comes_in_elsewhere(alice: User, bob: User) -> None:
    crew = groups.create(user_id=alice.pk, name="Crew")
    contacts.create(user_id=alice.pk, card=ANN, group_ids=[crew.pk])
    keep(alice, "Bea", "bea@quay.invalid")
    for version in ("3.0", "4.0"):
        file = "".join(exported(queries.search(alice.pk, ""), version))
        imports.take(user_id=bob.pk, octets=file.encode())
        assert "".join(exported(queries.search(bob.pk, ""), version)) == file


def test_cards_go_with_their_user(alice: User) -> None:
    contacts.create(user_id=alice.pk, card=ANN)
    groups.create(user_id=alice.pk, name="Crew")
    alice.delete()
    assert not Contact.objects.exists()
    assert not ContactEmail.objects.exists()
