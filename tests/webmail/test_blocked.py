"""The lists of whom one blocks and always lets in."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.scan.models import ListEntry, Verb
from apps.scan.scopes import Scope
from apps.scan.services import lists

pytestmark = pytest.mark.django_db

PAGE = "/settings/senders/"


def post(reader: Client, done: str, sender: str) -> tuple[int, str]:
    answer = reader.post(PAGE, {"do": done, "sender": sender}, secure=True)
    return answer.status_code, answer.content.decode()


def read(reader: Client, wanted: str = "") -> str:
    return str(reader.get(PAGE, {"q": wanted}, secure=True).content.decode())


def test_one_is_blocked_allowed_instead_and_taken_off(reader: Client, alice: User) -> None:
    assert "Nobody is blocked." in read(reader)

    assert post(reader, "block", " Spam@Seller.test ")[0] == 302
    assert post(reader, "block", "@bad.test")[0] == 302
    page = read(reader).split("</h1>")[1]
    assert page.index("bad.test") < page.index("spam@seller.test") < page.index('"allowed-h"')

    assert post(reader, "allow", "spam@seller.test")[0] == 302
    page = read(reader).split("</h1>")[1]
    assert page.index('"allowed-h"') < page.index("spam@seller.test")

    assert post(reader, "remove", "spam@seller.test")[0] == 302
    assert "spam@seller.test" not in read(reader).split("</h1>")[1]
    assert ListEntry.objects.get().user_id == alice.pk


@pytest.mark.parametrize(
    ("done", "sender", "words"),
    [
        ("block", "", "is neither an address"),
        ("block", "a b", "is neither an address"),
        ("block", "com", "is neither an address"),
        ("block", "0.0.0.0/0", "is too wide"),
        ("block", "alice@example.test", "You cannot block yourself"),
        ("block", "ALICE+x@example.test", "You cannot block yourself"),
        ("block", "example.test", "You cannot block yourself"),
        ("remove", "x@seller.test", "is not in that list"),
        ("shout", "x@seller.test", "There is no such list"),
        ("block", "<script>@x", "is neither an address"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    reader: Client, done: str, sender: str, words: str
) -> None:
    status, page = post(reader, done, sender)

    assert status == 422
    assert words in page
    assert "<script>@x" not in page
    assert not ListEntry.objects.exists()


def test_lists_of_others_are_neither_seen_nor_changed(
    reader: Client, alice: User, bob: User
) -> None:
    lists.add(Verb.BLOCK, "x@seller.test", Scope(user_id=bob.pk))

    assert "x@seller.test" not in read(reader)
    assert post(reader, "remove", "x@seller.test")[0] == 422
    assert ListEntry.objects.count() == 1


def test_a_long_list_is_found_by_a_part_and_costs_the_same(reader: Client, alice: User) -> None:
    scope = Scope(user_id=alice.pk)
    lists.add(Verb.BLOCK, "x@seller.test", scope)
    read(reader)
    with CaptureQueriesContext(connection) as few:
        read(reader)
    for number in range(230):
        lists.add(Verb.BLOCK, f"n{number:03}@seller.test", scope)
    with CaptureQueriesContext(connection) as many:
        page = read(reader)

    assert len(many) == len(few)
    assert "The first 200 of a list are shown" in page
    found = read(reader, "N22")
    assert "n229@seller.test" in found
    assert "n001@seller.test" not in found
    assert "No blocked sender has that" in read(reader, "%")
