"""Domains with letters of their own: people write them as they are, the DNS has others."""

import pytest

from apps.directory.models import Kind, User, UserState
from apps.directory.written import stored_address, stored_domain
from apps.provisioning import services as provisioning
from tests.console.conftest import PASSWORD, browser


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Bücher.Test", "xn--bcher-kva.test"),
        ("bücher.test.", "xn--bcher-kva.test"),
        ("Exam", "exam"),
        ("\u202ebücher", "\u202ebücher"),
        ("ü" * 300, "ü" * 300),
        ("", ""),
    ],
)
def test_a_name_is_looked_for_as_it_is_stored(text: str, stored: str) -> None:
    assert stored_domain(text) == stored


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (" Eva@Bücher.test ", "eva@xn--bcher-kva.test"),
        ("eva@", "eva@"),
        ("eva", "eva"),
        ("eva@exa", "eva@exa"),
        ("@bücher.test", "@xn--bcher-kva.test"),
        ("\0@\0", "\0@\0"),
    ],
)
def test_an_address_is_looked_for_as_it_is_stored(text: str, stored: str) -> None:
    assert stored_address(text) == stored


@pytest.fixture
def eva(operator: User) -> User:
    provisioning.add_domain("bücher.test", organization="B")
    return provisioning.add_user("eva@bücher.test", PASSWORD)[0]


def test_lists_are_filtered_by_it(operator: User, eva: User) -> None:
    provisioning.add_alias("post@bücher.test", [eva.address])
    box, _ = provisioning.add_user("team@bücher.test", None, kind=Kind.SHARED)
    client = browser(operator)
    for path, found in (("users", eva), ("shared", box)):
        page = client.get(f"/admin/{path}/?domain=B%C3%BCcher.test").content.decode()
        assert found.address in page
    assert "post@" in client.get("/admin/aliases/?domain=b%C3%BCcher.test").content.decode()


@pytest.mark.parametrize("text", ["bücher.test", "eva@bücher.test"])
def test_the_palette_finds_it(operator: User, eva: User, text: str) -> None:
    answer = browser(operator).get(
        "/admin/find/", {"q": text}, headers={"accept": "application/json"}
    )
    assert [one["hint"] for one in answer.json()["found"]] == ["User" if "@" in text else "Domain"]


def test_an_address_is_typed_in_its_own_letters_to_remove_who_has_it(
    operator: User, eva: User
) -> None:
    box, _ = provisioning.add_user("team@bücher.test", None, kind=Kind.SHARED)
    client = browser(operator)
    client.post(f"/admin/users/{eva.pk}/remove/", {"address": "eva@bücher.test"})
    client.post(f"/admin/shared/{box.pk}/remove/", {"typed": "Team@bücher.test"})

    assert User.objects.filter(pk__in=[eva.pk, box.pk], state=UserState.REMOVED).count() == 2
