"""Ctrl+K: a user, a domain, an alias or a page by a few letters."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import Domain, User
from apps.provisioning import services as provisioning
from tests.console.conftest import browser


def words(client: Client, text: str) -> list[str]:
    answer = client.get("/admin/find/", {"q": text}, headers={"accept": "application/json"})
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["found"]
    assert all(set(one) == {"words", "hint", "icon", "url"} for one in found)
    return [one["words"] for one in found]


def test_a_user_is_found_by_the_beginning_of_address_and_name(admin: User) -> None:
    provisioning.add_user("zora@example.test", "correct horse battery", "Quentin Marsh")
    client = browser(admin)

    assert words(client, "zor") == ["Quentin Marsh"]
    assert words(client, "Quen") == ["Quentin Marsh"]
    assert words(client, "ora") == []


def test_a_page_is_found_by_its_words(admin: User) -> None:
    client = browser(admin)

    for text in ("audit", "log", "Audit lo"):
        assert "Audit log" in words(client, text)


def test_letters_from_within_a_word_find_no_page(admin: User) -> None:
    provisioning.add_user("bob@example.test", "correct horse battery")

    assert words(browser(admin), "bo") == ["bob@example.test"]  # and no Dashboard above


def test_a_helpdesk_finds_no_page_that_it_has_not(helpdesk: User) -> None:
    assert "Audit log" not in words(browser(helpdesk), "audit")


def test_nothing_of_another_tenant_is_found(admin: User, other_domain: Domain) -> None:
    provisioning.add_user("zora@other.test", "correct horse battery", "Quentin Marsh")
    provisioning.add_alias("zebra@other.test", ["zora@other.test"])

    for text in ("zor", "Quen", "zeb", "other"):
        assert words(browser(admin), text) == []


@pytest.mark.parametrize("text", ["%", "_", "\\", "'", "\U0010ffff", "a" * 400, "\0", "{{7*7}}"])
def test_signs_of_other_languages_are_looked_for_as_they_are(admin: User, text: str) -> None:
    assert words(browser(admin), text) == [] or not text.strip("\0")


def test_without_script_it_is_a_page(admin: User) -> None:
    answer = browser(admin).get("/admin/find/", {"q": "<b>admin"}, headers={"accept": "text/html"})

    assert "&lt;b&gt;admin" in answer.content.decode()
    assert "Nothing is called so" in answer.content.decode()


def test_it_asks_as_much_for_many_as_for_few(admin: User) -> None:
    client = browser(admin)
    with CaptureQueriesContext(connection) as few:
        words(client, "z")
    for number in range(20):
        provisioning.add_user(f"z{number}@example.test", "correct horse battery")
    with CaptureQueriesContext(connection) as many:
        assert len(words(client, "z")) == 8

    assert len(many) == len(few)
