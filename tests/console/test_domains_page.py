"""What the console's pages of a domain have in common, and the tabs that change nothing."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import (
    Domain,
    Role,
    User,
)
from apps.directory.services import dkim
from apps.provisioning import services as provisioning
from tests.console.conftest import PASSWORD, browser, holder
from tests.console.test_users import said


@pytest.fixture
def reseller(domain: Domain) -> User:
    return holder("seller@example.test", Role.RESELLER, domain.organization)


def post(client: Client, path: str, **values: Any) -> int:
    status: int = client.post(path, values).status_code
    return status


@pytest.mark.parametrize("tab", ["", "users/", "sending/", "policies/", "reports/", "remove/"])
def test_a_domain_out_of_sight_is_not_there(reseller: User, other_domain: Domain, tab: str) -> None:
    client = browser(reseller)

    theirs = client.get(f"/admin/domains/{other_domain.pk}/{tab}")
    nobodys = client.get(f"/admin/domains/999999/{tab}")

    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content


def test_each_role_is_shown_what_it_may(
    admin: User, helpdesk: User, reseller: User, operator: User, domain: Domain
) -> None:
    path = f"/admin/domains/{domain.pk}/"
    acts = ("Policies", "Pause mail", "Remove domain…", "Rename…", "Copy settings")
    shown = {
        user.key: [word in said(browser(user), path) for word in acts]
        for user in (helpdesk, admin, reseller, operator)
    }

    assert shown["help@example.test"] == [False] * 5
    assert shown["admin@example.test"] == [True, False, False, False, True]
    assert shown["seller@example.test"] == shown["root@elsewhere.test"] == [True] * 5
    for user, is_operators in ((reseller, False), (operator, True)):
        page = said(browser(user), f"{path}sending/")
        assert ("Smarthost" in page) is is_operators
        assert ('name="messages_per_day"' in page) is is_operators


def test_tabs_cost_the_same_however_much_there_is(admin: User, domain: Domain) -> None:
    client = browser(admin)
    paths = [f"/admin/domains/{domain.pk}/{tab}" for tab in ("", "users/", "sending/")]
    counts: list[list[int]] = []
    for turn in range(2):
        for path in paths:
            said(client, path)
        counts.append([])
        for path in paths:
            with CaptureQueriesContext(connection) as seen:
                said(client, path)
            counts[-1].append(len(seen))
        for number in range(5):
            provisioning.add_user(f"u{turn}{number}@example.test", PASSWORD)
        if turn == 0:
            dkim.rotate("example.test")

    assert counts[0] == counts[1]


def test_the_users_of_a_domain_lead_to_their_pages(admin: User, alice: User) -> None:
    assert alice.domain is not None
    page = said(browser(admin), f"/admin/domains/{alice.domain.pk}/users/")

    assert f'href="/admin/users/{alice.pk}/"' in page
    assert "?domain=example.test" in page
    assert "postmaster@example.test" not in page


def test_a_mirror_says_whose_settings_it_has(admin: User, domain: Domain) -> None:
    mirror = provisioning.add_domain("mirror.test", alias_of="example.test")
    client = browser(admin)

    for tab in ("users/", "policies/", "sending/"):
        page = said(client, f"/admin/domains/{mirror.pk}/{tab}")
        assert f"/admin/domains/{domain.pk}/" in page
        assert "<select" not in page.partition('id="main"')[2]
    answer = client.post(f"/admin/domains/{mirror.pk}/policies/", {"dmarc_policy": "junk"})
    assert answer.status_code == 422
