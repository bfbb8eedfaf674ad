"""Keys, limits and servers of a domain on the console's pages."""

import pytest
from django.test import Client

from apps.directory.models import (
    DkimKey,
    DkimState,
    Domain,
    DomainKind,
    Role,
    SendLimit,
    StsMode,
    Transport,
    User,
)
from apps.directory.services import dkim
from tests.console.conftest import browser, holder
from tests.console.test_domains_page import post
from tests.console.test_users import said


@pytest.fixture
def reseller(domain: Domain) -> User:
    return holder("seller@example.test", Role.RESELLER, domain.organization)


def states(domain: Domain) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for state, selector in DkimKey.objects.filter(domain=domain).values_list("state", "selector"):
        found.setdefault(state, []).append(selector)
    return found


def test_keys_are_rotated_step_by_step(admin: User, domain: Domain) -> None:
    client, path = browser(admin), f"/admin/domains/{domain.pk}/"
    assert "Make the next keys" in said(client, f"{path}sending/")

    assert post(client, f"{path}keys/rotate/") == 302
    page = said(client, f"{path}sending/")
    assert "Waits for its record" in page
    assert "Make the next keys" not in page
    assert post(client, f"{path}keys/rotate/") == 302
    assert "publish or discard those first" in said(client, f"{path}sending/")
    assert post(client, f"{path}keys/activate/", force="1") == 302
    assert "Retiring" in said(client, f"{path}sending/")

    assert len(states(domain)[DkimState.ACTIVE]) == 2
    assert len(states(domain)[DkimState.RETIRING]) == 2
    assert "No keys wait" in said(client, _after(client, f"{path}keys/activate/"))


def _after(client: Client, path: str) -> str:
    """Where one is sent after a post."""
    return str(client.post(path).headers["Location"])


def test_keys_that_wait_are_dropped(admin: User, domain: Domain) -> None:
    client, path = browser(admin), f"/admin/domains/{domain.pk}/"
    post(client, f"{path}keys/rotate/")

    assert post(client, f"{path}keys/discard/") == 302

    assert set(states(domain)) == {DkimState.ACTIVE}


def test_keys_of_another_tenant_stay_as_they_are(
    admin: User, domain: Domain, other_domain: Domain
) -> None:
    dkim.rotate("other.test")
    before = states(other_domain)
    client = browser(admin)

    for act in ("rotate", "activate", "discard"):
        path = f"/admin/domains/{other_domain.pk}/keys/{act}/"
        assert post(client, path, force="1", domain=domain.pk) == 404
    # Nothing but the domain in the address says whose keys they are.
    theirs = states(other_domain)[DkimState.PENDING][0]
    post(client, f"/admin/domains/{domain.pk}/keys/activate/", force="1", selector=theirs)
    assert states(other_domain) == before


def test_operators_limit_what_a_domain_sends(
    operator: User, reseller: User, domain: Domain
) -> None:
    client, path = browser(operator), f"/admin/domains/{domain.pk}/limits/"

    assert post(client, path, messages_per_day="500", recipients_per_hour="") == 302
    assert post(client, path, messages_per_day="x") == 422
    assert post(client, path, messages_per_day="-1") == 422
    assert post(client, path, recipients_per_message="5000") == 422
    assert post(browser(reseller), path, messages_per_day="9") == 403

    limit = SendLimit.objects.get(domain=domain)
    assert (limit.messages_per_day, limit.recipients_per_hour) == (500, None)
    assert "500" in said(browser(reseller), f"/admin/domains/{domain.pk}/sending/")


def test_a_tls_policy_is_set(admin: User, helpdesk: User, domain: Domain) -> None:
    path = f"/admin/domains/{domain.pk}/sts/"

    assert post(browser(admin), path, mode="testing") == 302
    assert post(browser(admin), path, mode="always") == 404
    assert post(browser(helpdesk), path, mode="none") == 403

    domain.refresh_from_db()
    assert domain.sts_mode == StsMode.TESTING


def test_operators_name_the_servers_of_a_domain(operator: User, domain: Domain) -> None:
    client, path = browser(operator), f"/admin/domains/{domain.pk}/"
    good = {"host": "smart.test", "port": "", "tls": "verify", "username": "u", "password": "pw9"}

    assert post(client, f"{path}smarthost/", **good) == 302
    assert post(client, f"{path}smarthost/", **good | {"tls": "none"}) == 422
    assert post(client, f"{path}smarthost/", **good | {"host": "no host"}) == 422
    assert post(client, f"{path}smarthost/", **good | {"password": ""}) == 422
    assert post(client, f"{path}relay/", **good, check="any") == 302
    assert post(client, f"{path}relay/", **good, check="never") == 404
    page = said(client, f"{path}sending/")
    assert "smart.test" in page
    assert "pw9" not in page
    domain.refresh_from_db()
    assert domain.kind == DomainKind.RELAY
    assert post(client, f"{path}smarthost/", act="remove") == 302
    assert post(client, f"{path}relay/", act="remove") == 302

    domain.refresh_from_db()
    assert domain.kind == DomainKind.HOSTED
    assert not Transport.objects.filter(scope="sender").exists()


def test_nobody_else_names_servers(reseller: User, domain: Domain) -> None:
    for act in ("smarthost", "relay"):
        path = f"/admin/domains/{domain.pk}/{act}/"
        assert post(browser(reseller), path, host="evil.test", tls="none", check="any") == 403
    assert not Transport.objects.exists()
