"""Roles in the console: who has which, giving and taking them."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.audit.acting import Actor, acting
from apps.console import paging, rolelist
from apps.directory.models import Domain, Role, RoleGrant, User
from apps.directory.permissions import powers_of
from apps.directory.services import roles
from apps.provisioning import newpasswords
from apps.provisioning import services as provisioning
from tests.console.conftest import PASSWORD, browser, holder


def said(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


@pytest.fixture
def reseller(domain: Domain) -> User:
    return holder("seller@example.test", Role.RESELLER, domain.organization)


def given(client: Client, user: User, role: Role, **where: str) -> int:
    return client.post(
        "/admin/roles/give/", {"user": user.address, "role": role.value, **where}
    ).status_code


def test_the_list_shows_what_ones_own_role_covers(
    admin: User, reseller: User, operator: User, other_domain: Domain
) -> None:
    holder("chief@other.test", Role.DOMAIN_ADMIN, other_domain)

    everything = said(browser(operator), "/admin/roles/")
    assert "chief@other.test" in everything
    assert "seller@example.test" in everything
    sold = said(browser(reseller), "/admin/roles/")
    assert "chief@other.test" not in sold
    assert "admin@example.test" in sold
    own = said(browser(admin), "/admin/roles/")
    assert "admin@example.test" in own
    assert "seller@example.test" not in own
    assert "You" in own


def test_helpdesks_have_no_such_page(helpdesk: User, admin: User) -> None:
    client = browser(helpdesk)
    grant = RoleGrant.objects.get(user=admin)

    for path in ("", "give/", f"{grant.pk}/take/"):
        assert client.get(f"/admin/roles/{path}").status_code == 404


def test_who_administers_from_elsewhere_is_known_by_address_alone(
    admin: User, domain: Domain, other_domain: Domain
) -> None:
    outside, _ = provisioning.add_user("far@other.test", "correct horse battery", "Far Away")
    roles.grant(user=outside, role=Role.HELPDESK, domain=domain)

    page = said(browser(admin), "/admin/roles/")

    assert "far@other.test" in page
    assert "Far Away" not in page
    assert f"/admin/users/{outside.pk}/" not in page


def test_a_role_is_given_in_a_domain(admin: User, alice: User) -> None:
    client = browser(admin)
    said(client, "/admin/roles/give/?user=alice%40example.test&domain=example.test")

    assert given(client, alice, Role.HELPDESK, domain="EXAMPLE.test", may_reset="on") == 302

    grant = RoleGrant.objects.get(user=alice)
    assert (grant.role, grant.may_reset, grant.domain_id) == ("helpdesk", True, alice.domain_id)


def test_a_role_is_given_in_an_organisation(reseller: User, alice: User, domain: Domain) -> None:
    client = browser(reseller)
    where = str(domain.organization_id)
    said(client, f"/admin/roles/give/?organization={where}")

    assert given(client, alice, Role.DOMAIN_ADMIN, organization=where) == 302

    assert RoleGrant.objects.get(user=alice).organization_id == domain.organization_id
    assert "alice@example.test" in said(client, f"/admin/organizations/{where}/roles/")


def test_nobody_gives_more_than_the_own_role_covers(
    admin: User, reseller: User, alice: User, domain: Domain, other_domain: Domain
) -> None:
    before = RoleGrant.objects.count()
    own, other = str(domain.organization_id), str(other_domain.organization_id)
    selling, local = browser(reseller), browser(admin)

    for client, role, where in (
        (local, Role.OPERATOR, {}),
        (local, Role.RESELLER, {"organization": own}),
        (local, Role.DOMAIN_ADMIN, {"organization": own}),
        (local, Role.HELPDESK, {"domain": "other.test"}),
        (selling, Role.OPERATOR, {}),
        (selling, Role.RESELLER, {"organization": own}),
        (selling, Role.HELPDESK, {"organization": other}),
        (selling, Role.HELPDESK, {"domain": "other.test"}),
        (selling, Role.HELPDESK, {}),
        (selling, Role.HELPDESK, {"organization": own, "domain": "example.test"}),
    ):
        assert given(client, alice, role, **where) == 422, (role, where)
    assert RoleGrant.objects.count() == before


def test_nobody_raises_oneself(reseller: User, admin: User, operator: User, domain: Domain) -> None:
    before = RoleGrant.objects.count()

    for user in (reseller, admin):
        assert given(browser(user), user, Role.DOMAIN_ADMIN, domain="example.test") == 422
    assert given(browser(operator), operator, Role.OPERATOR) == 422

    assert RoleGrant.objects.count() == before


def test_who_is_out_of_sight_gets_none_and_is_as_one_that_is_not_there(
    admin: User, other_domain: Domain, eve: User
) -> None:
    client = browser(admin)
    answers = [
        client.post(
            "/admin/roles/give/",
            {"user": address, "role": "helpdesk", "domain": "example.test"},
        ).content.decode()
        for address in (eve.address, "nobody@other.test")
    ]

    answers = [re.sub(r'name="csrf\w+" value="\w+"', "", answer) for answer in answers]
    assert answers[0].replace(eve.address, "X") == answers[1].replace("nobody@other.test", "X")
    assert "There is no user" in answers[0]
    assert not RoleGrant.objects.filter(user=eve).exists()


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"user": "x"}, "Not an address"),
        ({"user": "nobody@example.test"}, "There is no user"),
        ({"domain": "nowhere.test"}, "is not hosted here"),
        ({"domain": "<script>"}, "Not a domain name"),
        ({"domain": ""}, "in an organisation or in a domain"),
        ({"role": "king"}, "Select a valid choice"),
        ({"organization": "1 OR 1=1"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_said(
    operator: User, alice: User, wish: dict[str, str], words: str
) -> None:
    answer = browser(operator).post(
        "/admin/roles/give/",
        {"user": alice.address, "role": "helpdesk", "domain": "example.test"} | wish,
    )

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not RoleGrant.objects.filter(user=alice).exists()


def test_a_role_is_taken_back(reseller: User, admin: User) -> None:
    client = browser(reseller)
    grant = RoleGrant.objects.get(user=admin)
    path = f"/admin/roles/{grant.pk}/take/"
    assert "admin@example.test" in said(client, path)

    assert client.post(path).status_code == 302

    assert not RoleGrant.objects.filter(pk=grant.pk).exists()
    assert client.post(path).status_code == 404


def test_nobody_takes_what_one_could_not_give(
    admin: User, reseller: User, operator: User, other_domain: Domain
) -> None:
    chief = holder("chief@other.test", Role.DOMAIN_ADMIN, other_domain)
    client = browser(admin)

    for user in (reseller, operator, chief):
        grant = RoleGrant.objects.get(user=user)
        assert client.get(f"/admin/roles/{grant.pk}/take/").status_code == 404
        assert client.post(f"/admin/roles/{grant.pk}/take/").status_code == 404
        assert RoleGrant.objects.filter(pk=grant.pk).exists()


def test_the_last_operator_stays(operator: User) -> None:
    grant = RoleGrant.objects.get(user=operator)

    answer = browser(operator).post(f"/admin/roles/{grant.pk}/take/")

    assert answer.status_code == 409
    assert RoleGrant.objects.filter(pk=grant.pk).exists()


def test_giving_and_taking_ask_who_one_is_again(admin: User) -> None:
    client = browser(admin, proved=False)
    grant = RoleGrant.objects.get(user=admin)

    for path in ("give/", f"{grant.pk}/take/"):
        answer = client.get(f"/admin/roles/{path}", headers={"accept": "text/html"})
        assert answer["Location"].startswith("/login/confirm/")
        answer = client.post(f"/admin/roles/{path}", {"user": "x"}, headers={"accept": "text/html"})
        assert answer["Location"].startswith("/login/confirm/")
    assert RoleGrant.objects.filter(pk=grant.pk).exists()


def test_the_list_costs_the_same_however_many_there_are(
    operator: User, domain: Domain, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    powers = powers_of(operator)
    for number in range(60):
        user = User.objects.create(
            key=f"h{number:02}@example.test", address=f"h{number:02}@example.test", domain=domain
        )
        RoleGrant.objects.create(user=user, role=Role.HELPDESK, domain=domain)
        if number in (2, 59):
            with django_assert_num_queries(2):
                page = rolelist.roles(powers, rolelist.Wanted())
    assert len(page.lines) == paging.PAGE
    client = browser(operator)
    assert "h59@example.test" not in said(client, "/admin/roles/")
    assert "h59@example.test" in said(client, f"/admin/roles/{page.next_link}")
    assert "h07@example.test" in said(client, "/admin/roles/?text=H07&role=helpdesk&after=x")
    assert "No role like that" in said(client, "/admin/roles/?text=%25")


@pytest.mark.parametrize("way", ["temporary", "invitation", "reset"])
def test_nobody_gives_a_role_to_whose_password_a_weaker_one_gave(
    admin: User, helpdesk: User, domain: Domain, way: str
) -> None:
    """Whoever added the account, or reset it, would have the role too."""
    helping, address = browser(helpdesk), "new@example.test"
    if way == "reset":
        bob, _ = provisioning.add_user(address, PASSWORD)
        helping.post(f"/admin/users/{bob.pk}/password/", {"how": "password"})
    else:
        first = {"temporary": "password", "invitation": "invite"}[way]
        form = {"address": address, "first": first, "invite": "helper@home.test"}
        assert helping.post("/admin/users/add/", form).status_code in (200, 302)
        bob = User.objects.get(key=address)
    form = {"user": address, "role": "helpdesk", "domain": "example.test"}
    answer = browser(admin).post("/admin/roles/give/", form)

    assert answer.status_code == 422
    assert "let it be changed first" in answer.content.decode()
    assert not RoleGrant.objects.filter(user=bob).exists()
    with acting(Actor("user", bob.pk, bob.address, "web")):
        newpasswords.change_own(bob, "another horse battery")
    assert browser(admin).post("/admin/roles/give/", form).status_code == 302


def test_who_could_give_the_role_may_have_given_the_password(
    admin: User, operator: User, domain: Domain
) -> None:
    adding = {"address": "new@example.test", "first": "password"}
    browser(admin).post("/admin/users/add/", adding)
    form = {"user": "new@example.test", "role": "helpdesk", "domain": "example.test"}

    assert browser(operator).post("/admin/roles/give/", form).status_code == 302
