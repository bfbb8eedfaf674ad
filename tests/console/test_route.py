"""Where mail for an address would go, as administrators are told: nothing of another tenant."""

import re
from typing import Final

import pytest
from django.test import Client

from apps.directory.models import Domain, Role, User
from apps.directory.permissions import Powers, powers_of
from apps.directory.services import forwards
from apps.provisioning import services as provisioning
from apps.provisioning.administration import whereto
from apps.wire.errors import NotFound
from tests.console.conftest import browser, holder

ASK: Final = "/admin/route/?address="
HIDDEN: Final = "Mail goes on to this address, which is not in your sight."


def said(client: Client, address: str, status: int = 200) -> str:
    answer = client.get("/admin/route/", {"address": address})
    assert answer.status_code == status, (address, answer.status_code)
    return answer.content.decode().partition('id="main"')[2].partition("</main>")[0]


@pytest.fixture
def powers(admin: User) -> Powers:
    return powers_of(admin)


def test_it_asks_for_an_address(helpdesk: User) -> None:
    page = said(browser(helpdesk), "")

    assert "Ask for an address" in page


def test_the_way_is_told_step_by_step(admin: User, alice: User, bob: User) -> None:
    provisioning.add_alias("sales@example.test", ["team@example.test", "nobody@example.test"])
    provisioning.add_alias("team@example.test", ["alice@example.test", "bob@example.test"])

    page = said(browser(admin), "Sales@Example.test")

    for words in (
        "An alias has this address: sales@example.test",
        "A user has this address: alice@example.test",
        "No rule takes it",
        "nobody@example.test reaches nobody and is left out",
        "Taken.",
        "Mailbox of <bdi>bob@example.test</bdi>",
    ):
        assert words in page


def test_what_is_in_no_domain_of_ones_own_is_not_answered(
    admin: User, eve: User, powers: Powers
) -> None:
    client = browser(admin)

    pages = [
        said(client, address, 422).replace(address, "x@y").replace(address.partition("@")[2], "y")
        for address in ("eve@other.test", "nobody@other.test", "x@nowhere.test")
    ]

    assert len(set(pages)) == 1
    assert "is no domain of yours" in pages[0]
    with pytest.raises(NotFound):
        whereto.way(powers, "postmaster@other.test")


@pytest.mark.parametrize(
    "theirs",
    ["eve", "nobody", "gone", "loop", "sleeping", "away", "sales", "postmaster", "many"],
)
def test_nothing_is_told_of_what_happens_in_anothers_domain(
    admin: User, alice: User, eve: User, theirs: str, powers: Powers
) -> None:
    """The page is the same, whatever an address there is, and whether anybody hosts it."""
    provisioning.add_alias("loop@other.test", ["loop@other.test", "ceo@example.test"])
    provisioning.add_alias("sales@other.test", ["eve@other.test", "nobody@other.test"])
    provisioning.add_alias("many@other.test", [f"x{of}@far.test" for of in range(100)])
    provisioning.add_user("sleeping@other.test")
    provisioning.suspend_user("sleeping@other.test")
    provisioning.add_alias("ceo@example.test", [f"{theirs}@other.test"])
    provisioning.add_alias("cfo@example.test", [f"{theirs}@unhosted.test"])
    client = browser(admin)

    there = said(client, "ceo@example.test").replace("ceo@", "a@")
    nowhere = said(client, "cfo@example.test").replace("cfo@", "a@")

    assert HIDDEN in there
    assert there.replace("other.test", "x") == nowhere.replace("unhosted.test", "x")
    found = whereto.way(powers, "ceo@example.test")
    assert (found.verdict, found.notes, found.mailboxes, found.copies) == ("", [], (), ())
    assert not found.is_told_whole


def test_whether_a_forward_reaches_somebody_elsewhere_is_not_told(
    admin: User, alice: User, eve: User
) -> None:
    pages = []
    for target in ("eve@other.test", "nobody@other.test"):
        _, token = forwards.ask(user=alice, target=target, keeps_copy=False)
        forwards.agree(token)
        pages.append(said(browser(admin), "alice@example.test").replace(target, "them"))
        forwards.remove(user=alice, target=target)

    assert pages[0] == pages[1]
    assert HIDDEN in pages[0]


def test_who_answers_for_a_domain_is_not_named_beyond_sight(
    domain: Domain, eve: User, operator: User
) -> None:
    """Postmaster's mail may go to people of other tenants, and to operators."""
    seller = holder("seller@example.test", Role.RESELLER, domain.organization)
    page = said(browser(seller), "postmaster@example.test")
    assert "elsewhere.test" not in page
    eve.grants.create(role=Role.DOMAIN_ADMIN, domain=domain)
    provisioning.add_alias("abuse@example.test", ["nobody@example.test"])

    for address in ("postmaster@example.test", "abuse@example.test"):
        page = said(browser(seller), address)
        assert "other.test" not in page
        assert "Who runs this service, or has a role in this domain, gets it too." in page


def test_of_an_alias_domain_alone_its_home_is_not_told(alice: User, domain: Domain) -> None:
    also = provisioning.add_domain("also.test", alias_of="example.test")
    provisioning.add_domain("far.test", organization="C")
    admin, _ = provisioning.add_user("admin@far.test")
    admin.grants.create(role=Role.DOMAIN_ADMIN, domain=also)

    with pytest.raises(NotFound):
        whereto.way(powers_of(admin), "alice@also.test")


def test_an_operator_is_told_all(operator: User, admin: User, eve: User) -> None:
    provisioning.add_alias("ceo@example.test", ["eve@other.test", "x@far.test"])

    page = said(browser(operator), "ceo@example.test")

    assert "A user has this address: eve@other.test" in page
    assert HIDDEN not in page
    assert "to the servers that DNS names for far.test (MX)" in page
    assert "Mailbox of <bdi>eve@other.test</bdi>" in said(browser(operator), "eve@other.test")


@pytest.mark.parametrize(
    "address",
    ["x", "@", "a@b@c", "a" * 400 + "@example.test", "a\r\nb@example.test", "%ff\0", "<>"],
)
def test_what_is_no_address_is_said_beside_the_field(admin: User, address: str) -> None:
    page = said(browser(admin), address, 422)

    assert 'aria-describedby="wrong"' in page


@pytest.mark.parametrize(
    "local", ["%s{0.__class__}{{7*7}}", '"<img src=x onerror=alert(1)>"', "grüße"]
)
def test_strange_addresses_are_shown_as_they_are(admin: User, alice: User, local: str) -> None:
    page = said(browser(admin), f"{local}@example.test")

    assert "<img src" not in page
    assert "{0.__class__}{{7*7}}" in page or "7*7" not in local
    assert re.search(r"<ol class=\"way\">", page)
