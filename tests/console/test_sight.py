"""What somebody with a role here and one there is told: of each place what that role tells."""

from typing import Any

import pytest
from django.test import Client

from apps.console import overview
from apps.console.services import importwork
from apps.directory.models import Domain, Kind, Role, RoleGrant, User
from apps.directory.services import roles
from apps.provisioning import services as provisioning
from tests.console.conftest import PASSWORD, browser, holder
from tests.console.test_imports import csv, upload

pytestmark = pytest.mark.django_db


def text_of(client: Client, path: str) -> str:
    answer: Any = client.get(path)
    body = b"".join(answer) if answer.streaming else answer.content
    return bytes(body).decode()


def test_the_organisation_of_a_domain_alone_is_not_named(domain: Domain) -> None:
    provisioning.add_domain("quokka.test", organization="Quokka Holding")
    theirs = Domain.objects.get(name="quokka.test")
    seller = holder("seller@example.test", Role.RESELLER, domain.organization)
    more = provisioning.add_domain("third.test", organization="Third")
    roles.grant(user=seller, role=Role.RESELLER, organization=more.organization)
    roles.grant(user=seller, role=Role.DOMAIN_ADMIN, domain=theirs)
    client = browser(seller)

    page = text_of(client, "/admin/domains/")
    assert "quokka.test" in page
    assert "Third" in page
    assert "Quokka Holding" not in page
    assert "Quokka Holding" not in text_of(client, "/admin/export/?kind=domains")
    guess = text_of(client, "/admin/domains/?organization=Quokka+Holding")
    assert f"/admin/domains/{theirs.pk}/" not in guess


def test_second_factors_of_who_is_out_of_sight_are_not_told(admin: User, domain: Domain) -> None:
    User.objects.filter(pk=admin.pk).update(has_factor=True)
    provisioning.add_domain("quokka.test", organization="Quokka")
    stranger, _ = provisioning.add_user("stranger@quokka.test", PASSWORD)
    roles.grant(user=stranger, role=Role.DOMAIN_ADMIN, domain=domain)
    client = browser(admin)
    overview.counts.forget()  # what another test has left

    page = text_of(client, "/admin/roles/")
    assert stranger.address in page
    assert "No second factor" not in page
    assert "without a second factor" not in text_of(client, "/admin/")


def test_temporary_passwords_are_not_had_after_the_role_has_moved(domain: Domain) -> None:
    helper = holder("help@example.test", Role.HELPDESK, domain)
    client = browser(helper)
    path = upload(client, csv(["new@example.test,New,,"]))
    client.post(f"{path}start/")
    importwork.work()
    new = User.objects.get(key="new@example.test")
    before = text_of(client, f"{path}added/")
    assert new.address in before
    RoleGrant.objects.filter(user=helper).delete()
    elsewhere = provisioning.add_domain("quokka.test", organization="Quokka")
    roles.grant(user=helper, role=Role.HELPDESK, domain=elsewhere)

    assert new.address not in text_of(client, f"{path}added/")


def test_free_addresses_are_free_in_an_international_domain(operator: User) -> None:
    provisioning.add_domain("bücher.test", organization="B")
    for local in ("eva", "eva2", "eva3"):
        provisioning.add_user(f"{local}@bücher.test", PASSWORD)
    form = {"address": "eva@bücher.test", "first": "password"}
    page = browser(operator).post("/admin/users/add/", form).content.decode()

    offered = page.partition("Free: ")[2].partition("<")[0]
    assert "eva4@" in offered
    assert "eva2@" not in offered


def test_who_may_not_remove_a_shared_mailbox_is_not_asked_for_its_address(
    helpdesk: User,
) -> None:
    box, _ = provisioning.add_user("team@example.test", None, kind=Kind.SHARED)
    answer = browser(helpdesk).get(f"/admin/shared/{box.pk}/remove/")

    assert answer.status_code == 404
