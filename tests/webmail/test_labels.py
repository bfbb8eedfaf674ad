"""Labels: made, called otherwise, coloured, taken off; keywords that every program can hold."""

from typing import Any

import pytest
from django.test import Client

from apps.directory.models import User
from apps.mailstore.models import Entry
from apps.mailstore.services import keywords
from apps.webmail import folders as boxes
from apps.webmail.models import Label
from apps.webmail.services import labels
from apps.webmail.services.labels import keyword_of
from apps.wire.errors import AlreadyExists, InvalidName, LimitReached
from tests.support.mail import RAW
from tests.webmail.test_mail import deliver
from tests.webmail.test_side import mark

pytestmark = pytest.mark.django_db


def names(user: User) -> list[str]:
    return [one.name for one in boxes.side(user).labels]


@pytest.mark.parametrize(
    ("name", "keyword"),
    [
        ("Travel", "travel"),
        ("To do", "to_do"),
        ("Grüße", "gr&APwA3w-e"),
        ("日本", "&ZeVnLA-"),
        ("R&D", "r&-d"),
        ("(a){b}%*/", "_a__b}___"),
        ("Junk", "label_junk"),
        ("$Junk", "label_junk"),
        ("NonJunk", "label_nonjunk"),
        ("$Forwarded", "label_forwarded"),
    ],
)
def test_a_name_makes_a_keyword(name: str, keyword: str) -> None:
    assert keyword_of(name) == keyword


@pytest.mark.parametrize("name", ["x" * 100, "語" * 100, "🗻" * 100, "<a>", "a\u0301" * 50, "%"])
def test_every_keyword_is_an_atom(name: str) -> None:
    assert keywords.is_keyword(keyword_of(name))
    assert keyword_of(name) == keyword_of(name)


def test_long_names_differ_to_their_end() -> None:
    assert keyword_of("語" * 99 + "一") != keyword_of("語" * 99 + "二")


def test_it_makes_one(alice: User, reader: Client) -> None:
    page = reader.post("/mail/labels/new/", {"name": "Täxes", "hue": "6"}, follow=True)
    assert "The label “Täxes” is made." in page.content.decode()
    (one,) = Label.objects.all()
    assert (one.name, one.keyword, one.hue) == ("Täxes", "t&AOQ-xes", 6)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "new\nline", "\u202etxt", "\x00"])
def test_it_says_what_is_wrong_with_a_name(reader: Client, name: str) -> None:
    answer = reader.post("/mail/labels/new/", {"name": name, "hue": "1"})
    assert answer.status_code == 422
    assert answer.context["form"].error
    assert not Label.objects.exists()


def test_a_name_is_taken_once_whatever_its_case(alice: User, bob: User) -> None:
    labels.create(user_id=alice.pk, name="Travel")
    labels.create(user_id=bob.pk, name="Travel")
    with pytest.raises(AlreadyExists) as caught:
        labels.create(user_id=alice.pk, name="TRAVEL")
    assert "another name" in caught.value.reply.text


def test_two_names_of_one_keyword_get_two(alice: User) -> None:
    found = [labels.create(user_id=alice.pk, name=name).keyword for name in ("a b", "a_b", "a%b")]
    assert found == ["a_b", "a_b-2", "a_b-3"]


def test_there_are_so_many_and_no_more(alice: User) -> None:
    Label.objects.bulk_create(
        Label(user=alice, keyword=f"k{n}", name=f"n{n}") for n in range(labels.MOST)
    )
    with pytest.raises(LimitReached) as caught:
        labels.create(user_id=alice.pk, name="One more")
    assert "delete one first" in caught.value.reply.text


def test_another_name_changes_no_message(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    made = labels.create(user_id=alice.pk, name="Travel", hue=1)
    mark(alice, made.keyword)
    before = Entry.objects.get().modseq
    told = {"name": "Journeys", "hue": "2"}
    assert reader.post("/mail/labels/edit/?keyword=travel", told).status_code == 302
    assert Entry.objects.get().modseq == before
    made.refresh_from_db()
    assert (made.keyword, made.name, made.hue) == ("travel", "Journeys", 2)


def test_what_another_program_made_gets_a_name_and_a_colour(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    mark(alice, "a/b&c")
    assert names(alice) == ["a/b&c"]
    page = reader.get("/mail/labels/").content.decode()
    assert "?keyword=a%2Fb%26c" in page
    told = {"name": "Both", "hue": "8"}
    assert reader.post("/mail/labels/edit/?keyword=a%2Fb%26c", told).status_code == 302
    assert names(alice) == ["Both"]
    assert Label.objects.get().keyword == "a/b&c"


def test_a_deleted_label_is_on_no_message(alice: User, bob: User, reader: Client) -> None:
    for user in (alice, bob):
        deliver(user, RAW, RAW.replace(b"Quarterly", b"Other"))
        mark(user, "Travel", "Work")
    labels.create(user_id=alice.pk, name="Travel")
    assert "cannot be undone" in reader.get("/mail/labels/delete/?keyword=travel").content.decode()
    reader.post("/mail/labels/delete/?keyword=travel")
    assert names(alice) == ["Work"]
    assert names(bob) == ["Travel", "Work"]
    assert reader.post("/mail/labels/delete/?keyword=travel").status_code == 404


def test_no_time_is_told(alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(alice, RAW)
    mark(alice, "Travel")
    monkeypatch.setattr(labels, "SECONDS", -1.0)
    page: Any = reader.post("/mail/labels/delete/?keyword=travel", follow=True)
    assert "1 message has the label still" in page.content.decode()
    assert names(alice) == ["Travel"]


def test_what_programs_note_is_no_label(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    mark(alice, "$Forwarded", "NonJunk")
    assert names(alice) == []
    for word in ("$forwarded", "nonjunk", "nothing", ""):
        assert reader.get("/mail/labels/edit/", {"keyword": word}).status_code == 404
    with pytest.raises(InvalidName):
        labels.create(user_id=alice.pk, name="x", keyword="$Junk")


def test_labels_of_others_are_not_there(alice: User, bob: User, reader: Client) -> None:
    theirs = labels.create(user_id=bob.pk, name="Secret")
    assert reader.get(f"/mail/labels/edit/?keyword={theirs.keyword}").status_code == 404
    assert reader.post(f"/mail/labels/delete/?keyword={theirs.keyword}").status_code == 404
    assert Label.objects.count() == 1


def test_a_script_is_a_name(alice: User, reader: Client) -> None:
    reader.post("/mail/labels/new/", {"name": "<script>alert(1)</script>", "hue": "1"})
    for address in ("/mail/labels/", "/mail/inbox/"):
        page = reader.get(address).content.decode()
        assert "&lt;script&gt;alert" in page
        assert "<script>alert" not in page
