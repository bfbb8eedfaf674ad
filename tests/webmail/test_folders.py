"""The tree of mailboxes, what is in what, and in which order; and the pages that change it."""

from typing import Any

import pytest
from django.test import Client

from apps.directory.models import User
from apps.mailstore.models import Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services import mailboxes, sharing
from apps.webmail.folders import DEEPEST, folders, side

pytestmark = pytest.mark.django_db

ORIGIN = Origin("test", None)


def tree(user: User, *names: str) -> list[tuple[int, str]]:
    for name in names:
        mailboxes.create(user_id=user.pk, name=name)
    return [(one.depth, one.leaf) for one in folders(user.pk) if not one.special_use]


def test_it_puts_folders_below_the_one_that_they_are_in(alice: User) -> None:
    found = tree(alice, "Work-old", "Work/Tenders/2026", "Work/Plans", "Bills", "work shop")
    assert found == [
        (0, "Bills"),
        (0, "Work"),
        (1, "Plans"),
        (1, "Tenders"),
        (2, "2026"),
        (0, "work shop"),
        (0, "Work-old"),
    ]


def test_it_shows_a_name_whole_where_the_folder_above_is_elsewhere(alice: User) -> None:
    assert tree(alice, "INBOX/Later", "Archive/2025") == [(0, "Archive/2025"), (0, "INBOX/Later")]


def test_it_shows_a_name_whole_where_the_folder_above_is_gone(alice: User) -> None:
    tree(alice, "a/b/c")
    mailboxes.delete(user_id=alice.pk, name="a/b", origin=ORIGIN)
    assert tree(alice) == [(0, "a"), (1, "b/c")]
    mailboxes.delete(user_id=alice.pk, name="a", origin=ORIGIN)
    assert tree(alice) == [(0, "a/b/c")]


def test_it_indents_only_so_far(alice: User) -> None:
    found = tree(alice, "/".join("abcdefgh"))
    assert [depth for depth, _ in found] == [0, 1, 2, 3, DEEPEST, DEEPEST, DEEPEST, DEEPEST]


def test_it_names_each_folder_whole_to_those_who_listen(alice: User, client: Client) -> None:
    tree(alice, "Work/Plans")
    client.force_login(alice)
    page = client.get("/mail/inbox/").content.decode()
    assert '<span class="vh">Work/</span><bdi>Plans</bdi>' in page
    assert 'title="Work/Plans"' in page
    assert "nav__item--1" in page


HOSTILE = [
    *("", "   ", "a/b", "x" * 201, "x" * 1000),
    *("new\nline", "\u202egnp.exe", "nul\x00", "iNbOx", "shared"),
]


def own(user: User) -> list[str]:
    return [one.path for one in folders(user.pk) if not one.special_use]


def box(user: User, name: str) -> Mailbox:
    return Mailbox.objects.get(user=user, name=name, deleted_at=None)


def error(response: Any) -> str:
    assert response.status_code == 422
    return str(response.context["form"].error)


def test_it_makes_a_folder_in_another(alice: User, reader: Client) -> None:
    assert reader.post("/mail/folders/new/", {"name": "Work"}).status_code == 302
    inside = {"name": "Plans 🗻", "inside": box(alice, "Work").pk, "hue": "4"}
    page = reader.post("/mail/folders/new/", inside, follow=True).content.decode()
    assert own(alice) == ["Work", "Work/Plans 🗻"]
    assert "“Plans 🗻” is made." in page
    assert side(alice).own[1].hue == 4
    assert side(alice).own[1].is_subscribed


@pytest.mark.parametrize("name", HOSTILE)
def test_it_says_what_is_wrong_with_a_name(alice: User, reader: Client, name: str) -> None:
    answer = reader.post("/mail/folders/new/", {"name": name})
    assert error(answer)
    assert own(alice) == []


def test_it_says_how_to_put_a_folder_into_another(reader: Client) -> None:
    assert "choose that below" in error(reader.post("/mail/folders/new/", {"name": "a/b"}))


def test_it_shows_a_script_as_a_name(alice: User, reader: Client) -> None:
    reader.post("/mail/folders/new/", {"name": "<script>alert(1)<script>"})
    assert own(alice) == ["<script>alert(1)<script>"]
    for address in ("/mail/folders/", "/mail/inbox/", "/mail/folders/new/"):
        page = reader.get(address).content.decode()
        assert "&lt;script&gt;alert" in page
        assert "<script>alert" not in page


def test_a_name_is_taken_once(alice: User, reader: Client) -> None:
    reader.post("/mail/folders/new/", {"name": "Work"})
    again = reader.post("/mail/folders/new/", {"name": "Work", "hue": "2"})
    assert "choose another name" in error(again)
    assert 'value="Work"' in again.content.decode()


@pytest.mark.parametrize("field", [{"hue": "9"}, {"hue": "x"}, {"inside": "1e9"}])
def test_it_refuses_what_no_form_offers(alice: User, reader: Client, field: dict[str, str]) -> None:
    assert error(reader.post("/mail/folders/new/", {"name": "Work", **field}))
    assert own(alice) == []


def test_it_renames_moves_and_colours(alice: User, reader: Client) -> None:
    tree(alice, "Work/Plans", "Home")
    plans, home = box(alice, "Work/Plans"), box(alice, "Home")
    page = reader.get(f"/mail/folders/{plans.pk}/").content.decode()
    assert 'value="Plans"' in page
    told = {"name": "Ideas", "inside": home.pk, "hue": "7"}
    assert reader.post(f"/mail/folders/{plans.pk}/", told).status_code == 302
    assert own(alice) == ["Home", "Home/Ideas", "Work"]
    assert {one.path: one.hue for one in side(alice).all if one.hue} == {"Home/Ideas": 7}


def test_a_folder_goes_with_all_that_is_in_it_and_never_into_itself(
    alice: User, reader: Client
) -> None:
    tree(alice, "a/b/c", "z")
    a, c, z = box(alice, "a"), box(alice, "a/b/c"), box(alice, "z")
    for inside in (a.pk, c.pk):
        assert error(reader.post(f"/mail/folders/{a.pk}/", {"name": "a", "inside": inside}))
    reader.post(f"/mail/folders/{a.pk}/", {"name": "a", "inside": z.pk})
    assert own(alice) == ["z", "z/a", "z/a/b", "z/a/b/c"]


def test_a_name_below_a_missing_level_may_stay(alice: User, reader: Client) -> None:
    tree(alice, "a/b/c")
    mailboxes.delete(user_id=alice.pk, name="a/b", origin=ORIGIN)
    deep, above = box(alice, "a/b/c"), box(alice, "a")
    form = {"name": "b/c", "inside": above.pk, "hue": "1"}
    assert reader.post(f"/mail/folders/{deep.pk}/", form).status_code == 302
    assert own(alice) == ["a", "a/b/c"]


def test_the_inbox_keeps_its_name_and_takes_a_colour(alice: User, reader: Client) -> None:
    inbox = box(alice, "INBOX")
    reader.post(f"/mail/folders/{inbox.pk}/", {"name": "Outbox", "hue": "3"})
    assert box(alice, "INBOX").pk == inbox.pk
    assert side(alice).specials[0].hue == 3
    gone = reader.post(f"/mail/folders/{inbox.pk}/delete/")
    assert gone.status_code == 422
    assert "cannot be deleted" in gone.content.decode()
    assert box(alice, "INBOX").deleted_at is None


def test_it_tells_what_is_deleted_and_deletes(alice: User, reader: Client) -> None:
    tree(alice, "Work/Plans")
    work = box(alice, "Work")
    page = reader.get(f"/mail/folders/{work.pk}/delete/").content.decode()
    assert "It is empty. The folder that is in it stays." in page
    reader.post(f"/mail/folders/{work.pk}/delete/")
    assert own(alice) == ["Work/Plans"]
    # In another window, once more.
    assert reader.post(f"/mail/folders/{work.pk}/delete/").status_code == 404


def test_it_hides_and_shows(alice: User, reader: Client) -> None:
    tree(alice, "Work")
    work = box(alice, "Work")
    assert [one.path for one in side(alice).own] == ["Work"]
    reader.post(f"/mail/folders/{work.pk}/sight/", {"show": "0"})
    assert [one.path for one in side(alice).more] == ["Work"]
    reader.post(f"/mail/folders/{work.pk}/sight/", {"show": "1"})
    assert [one.path for one in side(alice).own] == ["Work"]
    reader.post(f"/mail/folders/{box(alice, 'INBOX').pk}/sight/", {"show": "0"})
    assert side(alice).specials[0].path == "INBOX"


def test_to_hide_one_hides_no_other(alice: User, reader: Client) -> None:
    tree(alice, "Home", "Work", "Zoo")
    for name in ("Work", "Home"):
        reader.post(f"/mail/folders/{box(alice, name).pk}/sight/", {"show": "0"})
    assert [one.path for one in side(alice).own] == ["Zoo"]
    reader.post(f"/mail/folders/{box(alice, 'Zoo').pk}/sight/", {"show": "0"})
    assert side(alice).own == []
    reader.post(f"/mail/folders/{box(alice, 'Work').pk}/sight/", {"show": "1"})
    assert [one.path for one in side(alice).own] == ["Work"]


def test_nothing_of_another_is_there(alice: User, bob: User, reader: Client) -> None:
    theirs = mailboxes.create(user_id=bob.pk, name="Private")
    for tail in ("", "delete/"):
        address = f"/mail/folders/{theirs.pk}/{tail}"
        assert reader.get(address).status_code == 404
        assert reader.post(address, {"name": "Mine"}).status_code == 404
    assert reader.post(f"/mail/folders/{theirs.pk}/sight/").status_code == 404
    assert error(reader.post("/mail/folders/new/", {"name": "x", "inside": theirs.pk}))
    assert own(bob) == ["Private"]


def test_rights_say_what_can_be_done_with_what_is_shared(
    alice: User, bob: User, reader: Client
) -> None:
    theirs = mailboxes.create(user_id=bob.pk, name="Team")
    sharing.grant(mailbox_id=theirs.pk, to=alice.key, rights="lr", origin=ORIGIN)
    assert "may not" in error(reader.post("/mail/folders/new/", {"name": "x", "inside": theirs.pk}))
    assert reader.post(f"/mail/folders/{theirs.pk}/delete/").status_code == 422
    reader.post(f"/mail/folders/{theirs.pk}/", {"name": "Mine", "hue": "2"})
    assert own(bob) == ["Team"]
    assert side(alice).shared[0].hue == 2
    sharing.grant(mailbox_id=theirs.pk, to=alice.key, rights="lrkx", origin=ORIGIN)
    reader.post("/mail/folders/new/", {"name": "x", "inside": theirs.pk})
    assert own(bob) == ["Team", "Team/x"]
    assert reader.post(f"/mail/folders/{theirs.pk}/delete/").status_code == 302
    assert own(bob) == ["Team/x"]
