"""The address book's pages: found, written, grouped, brought in and taken along; nobody else's."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.contacts import queries
from apps.contacts.cards.card import Card, Way
from apps.contacts.models import Contact, ContactGroup
from apps.contacts.services import contacts, groups, imports
from apps.directory.models import User
from tests.mailstore.making import box
from tests.search.finding.making import Mail, file
from tests.webmail.test_addressees import wrote

pytestmark = pytest.mark.django_db
EVIL = '<script>alert(1)</script>"onload=x'


def keep(user: User, name: str, *addresses: str) -> Contact:
    card = Card(name=name, emails=tuple(map(Way, addresses)))
    return contacts.create(user_id=user.pk, card=card)


def names(page: str) -> list[str]:
    return re.findall(r'class="link-strong[^>]*><bdi>(.*?)</bdi>', page)


def read(reader: Client, path: str, **asked: Any) -> str:
    answer = reader.get(path, asked)
    assert answer.status_code == 200
    return answer.content.decode()


def sent(reader: Client, path: str, fields: dict[str, Any]) -> str:
    """What stands on the page that a form leads to."""
    answer = reader.post(path, fields, follow=True)
    assert answer.redirect_chain
    return answer.content.decode()


def test_it_writes_a_contact_and_finds_it(alice: User, reader: Client) -> None:
    assert "No contacts yet" in read(reader, "/mail/contacts/")
    crew = groups.create(user_id=alice.pk, name="Crew")
    fields = {
        "name": "Ann Älpha",
        "company": "Quay",
        "title": "Captain",
        "email": ["", "ann@quay.invalid", "ann@home.invalid"],
        "email_kind": ["", "work", "home"],
        "phone": ["+49 30 1"],
        "phone_kind": ["mobile"],
        "note": "one\r\ntwo",
        "group": [str(crew.pk)],
    }
    page = sent(reader, "/mail/contacts/new/", fields)
    assert "“Ann Älpha” is in your contacts." in page
    assert names(page) == ["Ann Älpha"]
    assert 'href="/mail/compose/?to=ann%40quay.invalid"' in page
    assert names(read(reader, "/mail/contacts/", q="alpha QUAY")) == ["Ann Älpha"]
    assert names(read(reader, "/mail/contacts/", group=crew.pk)) == ["Ann Älpha"]
    assert "Nobody like that" in read(reader, "/mail/contacts/", q="zed")
    row = Contact.objects.get()
    page = read(reader, f"/mail/contacts/card/{row.pk}/")
    assert re.findall(r'name="email" value="(.*?)"', page) == [
        "ann@quay.invalid",
        "ann@home.invalid",
        "",
    ]
    assert "one\ntwo</textarea>" in page
    assert f'name="group" value="{crew.pk}" checked' in page


def test_it_changes_a_contact(alice: User, reader: Client) -> None:
    row = keep(alice, "Ann", "ann@quay.invalid")
    fields = {"name": "Anna", "email": ["new@quay.invalid"], "email_kind": ["home"]}
    assert "Saved." in sent(reader, f"/mail/contacts/card/{row.pk}/", fields)
    assert not queries.knows(alice.pk, "ann@quay.invalid")
    assert queries.knows(alice.pk, "new@quay.invalid")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Give the contact a name or an address"),
        ({"name": "x" * 300}, "too long: at most 200"),
        ({"name": "Ann", "email": "nobody"}, "“nobody” is not a mail address"),
        ({"name": "a\r\nBcc: x@y.invalid"}, "cannot be shown"),
        ({"name": "Ann", "email": "a@b.invalid\r\nBcc: x@y.invalid"}, "is not a mail address"),
        ({"name": "Ann", "email": [f"a{n}@b.invalid" for n in range(25)]}, "too much"),
    ],
)
def test_it_says_what_is_wrong_and_keeps_what_was_typed(
    reader: Client, fields: dict[str, Any], words: str
) -> None:
    answer = reader.post("/mail/contacts/new/", fields | {"note": "typed long"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert "typed long" in page
    assert not Contact.objects.exists()


def test_a_letter_begins_a_card(alice: User, reader: Client) -> None:
    file(box(alice), [Mail(sender="Ann <ann@quay.invalid>")])
    letter = read(reader, "/mail/inbox/1/")
    assert "/mail/contacts/new/?address=ann%40quay.invalid&amp;name=Ann" in letter
    page = read(reader, "/mail/contacts/new/", name="Ann", address="ann@quay.invalid")
    assert 'name="name" autocomplete="off" maxlength="200" value="Ann"' in page
    assert 'name="email" value="ann@quay.invalid"' in page
    assert not Contact.objects.exists()
    row = keep(alice, "Ann", "ann@quay.invalid")
    answer = reader.get("/mail/contacts/new/", {"address": "Ann@quay.invalid"})
    assert answer["Location"] == f"/mail/contacts/card/{row.pk}/"
    assert read(reader, "/mail/contacts/new/", address="nobody")


def test_it_asks_and_deletes(alice: User, reader: Client) -> None:
    rows = [keep(alice, name) for name in ("Ann", "Bea", "Zed")]
    chosen: dict[str, Any] = {"do": "delete", "contact": [rows[0].pk, rows[1].pk], "q": "a"}
    page = reader.post("/mail/contacts/acts/", chosen).content.decode()
    assert "Delete 2 contacts?" in page
    assert 'href="/mail/contacts/?q=a"' in page
    assert Contact.objects.count() == 3
    page = sent(reader, "/mail/contacts/acts/", chosen | {"sure": "1", "q": ""})
    assert "2 contacts are deleted." in page
    assert names(page) == ["Zed"]
    assert "not there any more" in sent(reader, "/mail/contacts/acts/", chosen)


def test_it_groups_them(alice: User, reader: Client) -> None:
    row = keep(alice, "Ann")
    page = sent(reader, "/mail/contacts/groups/new/", {"name": "Crew & co"})
    assert "The group “Crew &amp; co” is made." in page
    crew = ContactGroup.objects.get()
    acts = "/mail/contacts/acts/"
    page = sent(reader, acts, {"do": f"add:{crew.pk}", "contact": row.pk})
    assert "1 contact is in the group." in page
    fields: dict[str, Any] = {"do": f"remove:{crew.pk}", "contact": row.pk, "in": crew.pk}
    page = sent(reader, acts, fields)
    assert "1 contact is out of the group." in page
    assert "Nobody in this group yet" in page
    page = sent(reader, f"/mail/contacts/groups/{crew.pk}/", {"name": "Deck"})
    assert "<bdi>Deck</bdi>" in page
    answer = reader.post("/mail/contacts/groups/new/", {"name": "DECK"})
    assert answer.status_code == 422
    assert "choose another name" in answer.content.decode()
    assert "contacts in it stay" in read(reader, f"/mail/contacts/groups/{crew.pk}/delete/")
    page = sent(reader, f"/mail/contacts/groups/{crew.pk}/delete/", {})
    assert names(page) == ["Ann"]


@pytest.mark.parametrize("do", ["", "add:", "add:x", "add:99999999999999999999", "remove:7", "eat"])
def test_an_act_that_is_none_changes_nothing(alice: User, reader: Client, do: str) -> None:
    row = keep(alice, "Ann")
    assert "Ann" in names(sent(reader, "/mail/contacts/acts/", {"do": do, "contact": row.pk}))
    assert "Choose contacts first." in sent(reader, "/mail/contacts/acts/", {"do": do})


def test_what_is_anothers_is_not_there(alice: User, eve: User, reader: Client) -> None:
    row = keep(eve, "Secret", "secret@quay.invalid")
    crew = groups.create(user_id=eve.pk, name="Secret crew")
    for path in (
        f"/mail/contacts/card/{row.pk}/",
        f"/mail/contacts/groups/{crew.pk}/",
        f"/mail/contacts/groups/{crew.pk}/delete/",
    ):
        assert reader.get(path).status_code == reader.post(path).status_code == 404
        assert reader.get(path.replace(str(row.pk), "4000000000")).status_code == 404
    assert reader.get("/mail/contacts/", {"group": crew.pk}).status_code == 404
    assert reader.get("/mail/contacts/contacts.vcf", {"contact": row.pk}).status_code == 404
    assert reader.get("/mail/contacts/contacts.vcf", {"group": crew.pk}).getvalue() == b""
    mine = keep(alice, "Ann")
    for do in ("delete", f"add:{crew.pk}"):
        fields = {"do": do, "contact": [row.pk, mine.pk], "sure": "1"}
        assert "Secret" not in sent(reader, "/mail/contacts/acts/", fields)
    assert Contact.objects.get() == row
    assert crew.members.count() == 0


def test_who_was_written_to_is_added_in_one_click(alice: User, reader: Client) -> None:
    wrote(alice, "pr@quay.invalid", "known@quay.invalid", alice.key)
    keep(alice, "Known", "Known@quay.invalid")
    file(box(alice, "Sent"), [Mail(to="Priya Rao <pr@quay.invalid>")])
    page = read(reader, "/mail/contacts/collected/")
    assert re.findall(r'name="address" value="(.*?)"', page) == ["pr@quay.invalid"]
    fields = {"address": "pr@quay.invalid", "name": "Priya Rao"}
    for _twice in range(2):
        page = sent(reader, "/mail/contacts/collected/", fields)
        assert "“Priya Rao” is in your contacts." in page
        assert "Nobody here" in page
    assert Contact.objects.count() == 2
    page = sent(reader, "/mail/contacts/collected/", {"address": "nobody"})
    assert "“nobody” is not a mail address" in page


def bring(reader: Client, octets: bytes) -> Any:
    named = SimpleUploadedFile("../x.vcf", octets, content_type="text/vcard")
    return reader.post("/mail/contacts/import/", {"file": named}, follow=True)


def test_it_brings_a_file_and_takes_it_along(alice: User, reader: Client) -> None:
    cards = (
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:Ann\r\nEMAIL:ann@quay.invalid\r\n"
        b"CATEGORIES:Crew\r\nBDAY:1985-04-12\r\nPHOTO;ENCODING=b:AAAA\r\nEND:VCARD\r\n"
        b"BEGIN:VCARD\r\nFN:Bea\r\nEMAIL:nobody\r\nEND:VCARD\r\nBEGIN:VCARD\r\nEND:VCARD\r\n"
    )
    page = bring(reader, cards).content.decode()
    assert "2 contacts are new, 1 card could not be read, 1 address is left out" in page
    assert "1 picture is left out" in page
    assert names(page) == ["Ann", "Bea"]
    assert "0 contacts are new, 2 are written anew" in bring(reader, cards).content.decode()
    answer = reader.get("/mail/contacts/contacts.vcf")
    assert answer["Content-Type"] == "text/vcard; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="contacts.vcf"'
    octets = answer.getvalue()
    assert int(answer["Content-Length"]) == len(octets)
    text = octets.decode()
    assert text.count("BEGIN:VCARD") == 2
    assert "\r\nBDAY:1985-04-12\r\n" in text
    crew = ContactGroup.objects.get()
    answer = reader.get("/mail/contacts/contacts.vcf", {"group": str(crew.pk), "version": "4.0"})
    assert b"VERSION:4.0" in (some := answer.getvalue())
    assert some.count(b"BEGIN:VCARD") == 1
    row = Contact.objects.get(name="Bea")
    answer = reader.get("/mail/contacts/contacts.vcf", {"contact": row.pk})
    assert answer["Content-Disposition"] == 'attachment; filename="Bea.vcf"'
    assert b"FN:Bea" in answer.getvalue()
    assert reader.get("/mail/contacts/contacts.vcf", {"version": "2.1"}).status_code == 404


@pytest.mark.parametrize("octets", [b"", b"hello", b"\x00\xff" * 500, b"BEGIN:VCALENDAR\n"])
def test_a_file_that_is_no_card_is_said_so(reader: Client, octets: bytes) -> None:
    answer = bring(reader, octets)
    assert answer.status_code == 422
    assert "it is no vCard" in answer.content.decode()


def test_a_file_that_is_too_large_is_not_read(
    reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "LARGEST", 100)
    answer = bring(reader, b"BEGIN:VCARD\nFN:x\nEND:VCARD\n" * 9)
    assert answer.status_code == 422
    assert "too large" in answer.content.decode()
    assert reader.post("/mail/contacts/import/").status_code == 422
    assert not Contact.objects.exists()


def test_there_is_no_room_for_a_file(
    alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contacts, "MOST", 1)
    answer = bring(reader, b"BEGIN:VCARD\nFN:x\nEND:VCARD\nBEGIN:VCARD\nFN:y\nEND:VCARD\n")
    assert answer.status_code == 422
    assert "no room for more" in answer.content.decode()
    assert not Contact.objects.exists()


def test_what_others_wrote_is_text(alice: User, reader: Client) -> None:
    card = f"BEGIN:VCARD\nFN:{EVIL}\nORG:{EVIL}\nNOTE:{EVIL}</textarea>\nCATEGORIES:{EVIL}\n"
    bring(reader, f"{card}TITLE:{EVIL}\nTEL:{EVIL}\nEMAIL:{EVIL}\nEND:VCARD\n".encode())
    row = Contact.objects.get()
    crew = ContactGroup.objects.get()
    for path in (
        "/mail/contacts/",
        f"/mail/contacts/card/{row.pk}/",
        f"/mail/contacts/?group={crew.pk}",
        f"/mail/contacts/groups/{crew.pk}/",
        f"/mail/contacts/groups/{crew.pk}/delete/",
        "/mail/contacts/import/",
    ):
        page = reader.get(path).content.decode()
        assert "<script>alert" not in page
        assert '"onload=x' not in page
        assert "&lt;script&gt;alert" in page or "script" in path


def test_pages_follow_each_other(
    alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    for name in ("Ann", "Bea", "Cid", "Dan", "Eva"):
        keep(alice, name)
    found: list[str] = []
    path = "/mail/contacts/"
    while path:
        page = reader.get(path).content.decode()
        found += names(page)
        following = re.search(r'rel="next" href="\?(.*?)"', page)
        path = f"/mail/contacts/?{following[1]}" if following else ""
    assert found == ["Ann", "Bea", "Cid", "Dan", "Eva"]
    assert names(reader.get("/mail/contacts/?after=77").content.decode()) == ["Ann", "Bea"]


def test_a_list_asks_as_much_whatever_there_is(alice: User, reader: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            read(reader, "/mail/contacts/")
        return len(asked)

    keep(alice, "Ann", "ann@quay.invalid")
    few = cost()
    for number in range(30):
        keep(alice, f"N{number}", f"n{number}@quay.invalid", f"m{number}@quay.invalid")
        groups.create(user_id=alice.pk, name=f"g{number}")
    assert cost() == few < 25


@pytest.mark.parametrize("query", ["\x00", "%", "' OR 1", "a" * 5_000, "🗻 " * 90])
def test_any_search_gets_an_answer(reader: Client, query: str) -> None:
    assert reader.get("/mail/contacts/", {"q": query}).status_code == 200
