"""Policies of a domain on the console's pages, and what is done to it as a whole."""

import pytest

from apps.audit.models import AuditRecord
from apps.directory.models import (
    Demand,
    Domain,
    Role,
    State,
    Sternness,
    User,
)
from apps.provisioning import services as provisioning
from tests.console.conftest import browser, holder
from tests.console.test_domains_page import post
from tests.console.test_users import said


@pytest.fixture
def reseller(domain: Domain) -> User:
    return holder("seller@example.test", Role.RESELLER, domain.organization)


GOOD = {
    "dmarc_policy": "junk",
    "list_policy": "report",
    "greylists": "on",
    "separator": "-",
    "space": "1.5",
    "factor_demand": "everybody",
    "factor_due": "2030-01-31",
    "password_length": "14",
    "digest": "weekly",
}


def test_policies_are_changed(admin: User, domain: Domain) -> None:
    client, path = browser(admin), f"/admin/domains/{domain.pk}/policies/"

    assert post(client, path, **GOOD) == 302

    domain.refresh_from_db()
    assert (domain.dmarc_policy, domain.list_policy) == (Sternness.JUNK, Sternness.REPORT)
    assert (domain.greylists, domain.adds_sender) == (True, False)
    assert (domain.detail_separator, domain.default_quota) == ("-", 1.5 * 2**30)
    assert (domain.factor_demand, domain.password_length) == (Demand.EVERYBODY, 14)
    assert domain.digest == "weekly"
    assert domain.factor_due_at is not None
    assert domain.factor_due_at.isoformat() == "2030-01-31T00:00:00+00:00"
    page = said(client, path)
    assert 'value="2030-01-31"' in page
    assert 'value="1.5"' in page
    records = AuditRecord.objects.count()
    assert post(client, path, **GOOD) == 302  # nothing is changed, nothing is recorded
    assert AuditRecord.objects.count() == records


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("dmarc_policy", "never"), ("separator", "++"), ("space", "-1"), ("space", "x")),
        *(("factor_demand", ""), ("factor_due", "tomorrow"), ("factor_due", "99999-1-1")),
        *(
            ("digest", "hourly"),
            ("password_length", "7"),
            ("password_length", "65"),
            ("space", "9" * 400),
        ),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    admin: User, domain: Domain, name: str, value: str
) -> None:
    answer = browser(admin).post(f"/admin/domains/{domain.pk}/policies/", {**GOOD, name: value})

    assert answer.status_code == 422
    assert f'id="id_{name}-help"' in answer.content.decode()
    assert 'class="error"' in answer.content.decode()
    domain.refresh_from_db()
    assert domain.dmarc_policy == Sternness.REJECT


def test_settings_are_copied_from_a_domain_in_sight(
    reseller: User, domain: Domain, other_domain: Domain
) -> None:
    second = provisioning.add_domain("second.test", organization="A")
    client, path = browser(reseller), f"/admin/domains/{domain.pk}/copy/"
    post(client, f"/admin/domains/{second.pk}/policies/", **GOOD)
    said(client, path)

    for wrong in ("other.test", "never.test", "", "example.test"):
        answer = client.post(path, {"source": wrong})
        assert answer.status_code == 422
        assert 'id="source-help"' in answer.content.decode()
    assert post(client, path, source="Second.test") == 302

    domain.refresh_from_db()
    assert (domain.dmarc_policy, domain.password_length) == (Sternness.JUNK, 14)


# The whole domain


@pytest.mark.parametrize(
    ("to", "state"), [("suspend", "suspended"), ("lock", "locked"), ("resume", "active")]
)
def test_mail_is_paused(operator: User, domain: Domain, to: str, state: str) -> None:
    client = browser(operator)

    assert post(client, f"/admin/domains/{domain.pk}/state/", to=to) == 302

    domain.refresh_from_db()
    assert domain.state == state
    words = "Resume" if state != "active" else "Pause mail"
    assert words in said(client, f"/admin/domains/{domain.pk}/")
    assert post(client, f"/admin/domains/{domain.pk}/state/", to="gone") == 404


def test_a_domain_is_renamed(reseller: User, domain: Domain, other_domain: Domain) -> None:
    client, path = browser(reseller), f"/admin/domains/{domain.pk}/rename/"
    said(client, path)

    for wrong in ("", "x", "example.test.", "Other.TEST.", "sub.other.test"):
        answer = client.post(path, {"name": wrong, "keeps_alias": "1"})
        assert answer.status_code == 422
        assert 'id="name-help"' in answer.content.decode()
    assert post(client, path, name="Renamed.test", keeps_alias="1") == 302

    domain.refresh_from_db()
    assert domain.name == "renamed.test"
    assert Domain.objects.get(name="example.test").alias_of == domain


def test_a_domain_is_removed_by_its_name(operator: User, alice: User) -> None:
    domain = Domain.objects.get(name="example.test")
    provisioning.add_alias("sales@example.test", ["alice@example.test"])
    client, path = browser(operator), f"/admin/domains/{domain.pk}/remove/"
    page = said(client, path)
    assert "<b>1 user</b> and <b>1 alias</b>" in page
    assert "kept for 30 days" in page

    for wrong in ("", "example.tes", "other.test", "EXAMPLE", "example.test/"):
        answer = client.post(path, {"name": wrong})
        assert answer.status_code == 422
        assert "not the name of this domain" in answer.content.decode()
    assert Domain.objects.filter(pk=domain.pk).exists()
    assert client.post(path, {"name": " Example.test "}).headers["Location"] == "/admin/domains/"

    assert not Domain.objects.filter(pk=domain.pk).exists()
    assert "example.test is removed." in said(client, "/admin/domains/")


def test_a_domain_with_mirrors_stays(operator: User, domain: Domain) -> None:
    provisioning.add_domain("mirror.test", alias_of="example.test")
    client, path = browser(operator), f"/admin/domains/{domain.pk}/remove/"
    assert "mirror.test" in said(client, path)

    assert post(client, path, name="example.test") == 422

    domain.refresh_from_db()
    assert domain.state == State.ACTIVE


def test_removing_and_renaming_ask_who_one_is_again(reseller: User, domain: Domain) -> None:
    client = browser(reseller, proved=False)

    for act in ("remove", "rename"):
        answer = client.get(f"/admin/domains/{domain.pk}/{act}/", headers={"accept": "text/html"})
        assert answer.headers["Location"].startswith("/login/confirm/")
        answer = client.post(f"/admin/domains/{domain.pk}/{act}/", {"name": "example.test"})
        assert answer.headers["Location"].startswith("/login/confirm/")
    assert Domain.objects.filter(name="example.test").exists()


def test_a_domain_in_which_somebody_reaches_further_is_not_touched(
    reseller: User, domain: Domain
) -> None:
    holder("root@example.test", Role.OPERATOR)
    client, path = browser(reseller), f"/admin/domains/{domain.pk}/"

    assert post(client, f"{path}state/", to="suspend") == 403
    assert post(client, f"{path}remove/", name="example.test") == 403
    assert post(client, f"{path}rename/", name="new.test") == 403

    domain.refresh_from_db()
    assert (domain.name, domain.state) == ("example.test", State.ACTIVE)
