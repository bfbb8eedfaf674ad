"""The tree of mailboxes: what is in what, and in which order."""

import pytest
from django.test import Client

from apps.directory.models import User
from apps.mailstore.origin import Origin
from apps.mailstore.services import mailboxes
from apps.webmail.folders import DEEPEST, folders

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
