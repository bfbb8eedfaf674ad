"""The console's list of domains, adding one, and what is done to many at once."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.audit.models import AuditRecord
from apps.console import paging
from apps.console.models import BulkAct
from apps.directory.models import Domain, DomainKind, Organization, Role, State, Transport, User
from apps.directory.services import organizations
from apps.dnscheck.models import DomainCheck
from apps.provisioning import services as provisioning
from tests.console.conftest import browser, holder
from tests.console.test_users import said


@pytest.fixture
def reseller(domain: Domain) -> User:
    return holder("seller@example.test", Role.RESELLER, domain.organization)


def main_of(page: str) -> str:
    """The page without menu and toolbar: what was asked for stands in the form again."""
    return page.partition('id="main"')[2].partition("</form>")[2]


def names_of(page: str) -> list[str]:
    return re.findall(r'<a class="link-strong[^>]*><bdi>([^<]+)</bdi>', main_of(page))


def make_alarming(domain: Domain) -> None:
    DomainCheck.objects.update_or_create(
        domain=domain, defaults={"is_alarming": True, "checked_at": timezone.now()}
    )


def test_the_list_shows_what_is_in_sight(
    admin: User, reseller: User, operator: User, other_domain: Domain
) -> None:
    provisioning.add_domain("second.test", organization="A")
    provisioning.add_domain("mirror.test", alias_of="example.test")

    assert names_of(said(browser(admin), "/admin/domains/")) == ["example.test", "mirror.test"]
    theirs = said(browser(reseller), "/admin/domains/")
    assert names_of(theirs) == ["example.test", "mirror.test", "second.test"]
    assert "other.test" not in theirs
    assert "Mirrors example.test" in theirs
    assert names_of(said(browser(operator), "/admin/domains/")) == [
        *("example.test", "mirror.test", "other.test", "second.test")
    ]


def test_it_is_in_the_menu(admin: User) -> None:
    assert 'href="/admin/domains/"' in said(browser(admin), "/admin/users/")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text=SEC", ["second.test"]),
        ("text=econd", []),
        ("text=%25", []),
        ("text=%00sec", ["second.test"]),
        ("text=B%C3%BCcher.test", ["bücher.test"]),
        ("text=xn--b", ["bücher.test"]),
        ("text=%ff%fe", []),
        ("text=" + "x" * 5_000, []),
        ("show=suspended", ["second.test"]),
        ("show=work", ["example.test"]),
        ("show=nonsense&text=ex", ["example.test"]),
        ("organization=B", []),
        ("organization=A&text=s", ["second.test"]),
        ("after=example.test", ["second.test", "bücher.test"]),
        ("after=zzz", []),
    ],
)
def test_the_list_is_filtered(
    reseller: User, domain: Domain, other_domain: Domain, query: str, found: list[str]
) -> None:
    provisioning.add_domain("second.test", organization="A")
    provisioning.add_domain("bücher.test", organization="A")
    provisioning.suspend_domain("second.test")
    make_alarming(domain)
    make_alarming(other_domain)

    assert names_of(said(browser(reseller), f"/admin/domains/?{query}")) == found


def test_how_many_need_work_is_counted_in_sight(
    admin: User, domain: Domain, other_domain: Domain
) -> None:
    make_alarming(domain)
    make_alarming(other_domain)

    page = said(browser(admin), "/admin/domains/")

    assert re.search(r'Needs work <span class="count">1</span>', page)


def test_an_operator_narrows_to_an_organisation(
    operator: User, domain: Domain, other_domain: Domain
) -> None:
    client = browser(operator)

    page = said(client, "/admin/domains/?organization=B")

    assert names_of(page) == ["other.test"]
    assert '<option value="A">' in page


def test_who_sees_one_organisation_is_not_asked_which(admin: User) -> None:
    assert 'name="organization"' not in said(browser(admin), "/admin/domains/")


def test_the_list_turns_pages_by_name(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)
    for number in range(5):
        provisioning.add_domain(f"d{number}.test", organization="Q & R")
    client = browser(operator)
    seen: list[str] = []
    path: str | None = "/admin/domains/?organization=Q+%26+R&text=d"
    while path is not None:
        page = said(client, path)
        seen += names_of(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = None
        if following is not None:
            path = "/admin/domains/" + following[1].replace("&amp;", "&")

    assert seen == [f"d{number}.test" for number in range(5)]


def _more(count: int, organization: Organization) -> None:
    """Domains without keys: making those takes its time."""
    made = Domain.objects.bulk_create(
        Domain(name=f"more{number}.test", organization=organization) for number in range(count)
    )
    DomainCheck.objects.bulk_create(DomainCheck(domain=one) for one in made[::2])


def test_a_long_list_costs_as_many_statements_as_a_short_one(
    reseller: User, domain: Domain
) -> None:
    client = browser(reseller)
    _more(3, domain.organization)
    said(client, "/admin/domains/")
    with CaptureQueriesContext(connection) as few:
        said(client, "/admin/domains/")
    Domain.objects.filter(name__startswith="more").delete()
    _more(60, domain.organization)
    with CaptureQueriesContext(connection) as many:
        said(client, "/admin/domains/")

    assert len(few) == len(many)


def test_nothing_there_has_words(operator: User) -> None:
    client = browser(operator)

    assert "No domains yet" in said(client, "/admin/domains/")
    assert "No domain like that" in said(client, "/admin/domains/?text=x")
    assert "All records are as they should be" in said(client, "/admin/domains/?show=work")


# Adding


def add(client: Client, **values: str) -> tuple[int, str]:
    answer = client.post("/admin/domains/add/", {"kind": "own", **values})
    return answer.status_code, answer.content.decode()


def test_a_domain_is_added_and_its_records_come_next(reseller: User, domain: Domain) -> None:
    client = browser(reseller)
    said(client, "/admin/domains/add/")

    answer = client.post("/admin/domains/add/", {"name": " Bücher.test. ", "kind": "own"})

    made = Domain.objects.get(name="xn--bcher-kva.test")
    assert answer.headers["Location"] == f"/admin/domains/{made.pk}/"
    assert made.organization == domain.organization
    assert DomainCheck.objects.get(domain=made).requested_at is not None
    assert "being checked" in said(client, f"/admin/domains/{made.pk}/")


def test_the_first_domain_of_all_needs_no_organisation(operator: User) -> None:
    assert add(browser(operator), name="first.test")[0] == 302
    assert Domain.objects.get().organization.name == "Default"


def test_a_mirror_is_added(reseller: User) -> None:
    client = browser(reseller)

    assert add(client, name="mirror.test", kind="mirror", alias_of="Example.test.")[0] == 302
    status, page = add(client, name="third.test", kind="mirror", alias_of="mirror.test")

    assert Domain.objects.get(name="mirror.test").alias_of is not None
    assert status == 422
    assert re.search(r'id="id_alias_of-help">.*alias domain itself', page)


def test_a_relay_is_added_by_operators(operator: User, reseller: User, domain: Domain) -> None:
    client = browser(operator)

    assert add(client, name="relay.test", kind="relay", host="192.0.2.9")[0] == 302
    status, page = add(client, name="relay2.test", kind="relay", host="not a host")
    theirs, _ = add(browser(reseller), name="relay3.test", kind="relay", host="192.0.2.9")

    assert Domain.objects.get(name="relay.test").kind == DomainKind.RELAY
    assert Transport.objects.get().domain == "relay.test"
    assert status == theirs == 422
    assert re.search(r'id="id_host-help">', page)
    assert not Domain.objects.filter(name__startswith="relay2").exists()


def test_an_operator_says_whose_it_is(operator: User, domain: Domain, other_domain: Domain) -> None:
    client = browser(operator)

    assert add(client, name="new.test", organization="B")[0] == 302
    assert Domain.objects.get(name="new.test").organization == other_domain.organization
    for wrong in ("", "No such"):
        status, page = add(client, name="newer.test", organization=wrong)
        assert status == 422
        assert re.search(r'id="id_organization-help">|callout--bad', page)


@pytest.mark.parametrize(
    "name",
    [
        *("other.test", "OTHER.test", "other.test.", " Other.Test ", "mail.other.test"),
        *("xn--bcher-kva.test", "Bücher.test", "BÜCHER.test.", "a.bücher.test", "\uff4fther.test"),
        *("sub.deep.test", "deep.test", "mail.example.org", "co.uk", "users.test"),
    ],
)
def test_nobody_claims_what_is_anothers(
    reseller: User, other_domain: Domain, settings: Settings, name: str
) -> None:
    settings.MAIL_HOSTNAME = "mail.example.org"
    for theirs in ("bücher.test", "sub.deep.test", "a.b.users.test"):
        provisioning.add_domain(theirs, organization="B")
    before = set(Domain.objects.values_list("name", flat=True))

    status, page = add(browser(reseller), name=name)

    assert status == 422
    assert set(Domain.objects.values_list("name", flat=True)) == before
    said_of_it = re.search(r'id="id_name-help">.*?</svg>([^<]*)', page)
    assert said_of_it is not None  # and not that somebody has it
    assert re.search("ask who runs this service|everybody registers domains", said_of_it[1])


@pytest.mark.parametrize(
    "name", ["", "x", "a b.test", "-.test", "[192.0.2.1]", "1.2.3.4", "é" * 250]
)
def test_no_domain_has_such_a_name(reseller: User, name: str) -> None:
    status, page = add(browser(reseller), name=name)

    assert status == 422
    assert re.search(r'id="id_name-help">', page)


def test_mirrors_of_anothers_domain_are_not_there(reseller: User, other_domain: Domain) -> None:
    client = browser(reseller)

    pages = [
        add(client, name="new.test", kind="mirror", alias_of=name)[1].replace(name, "…")
        for name in ("other.test", "never.test")
    ]

    assert "is not hosted here" in pages[0]
    assert len({re.sub(r'value="[^"]{40,}"', "", page) for page in pages}) == 1


def test_an_organisation_out_of_sight_is_not_there(
    reseller: User, other_domain: Domain, domain: Domain
) -> None:
    more, _ = Organization.objects.get_or_create(name="C")
    holder_of_both = reseller
    holder_of_both.grants.create(role=Role.RESELLER, organization=more)

    status, page = add(browser(holder_of_both), name="new.test", organization="B")

    assert status == 422
    assert "There is no such organisation" in page


def test_a_full_organisation_is_said(reseller: User, domain: Domain) -> None:
    organizations.set_limits(organization_id=domain.organization_id, max_domains=1)

    assert add(browser(reseller), name="more.test")[0] == 422
    assert not Domain.objects.filter(name="more.test").exists()


def test_administrators_of_a_domain_add_none(admin: User, helpdesk: User) -> None:
    for user in (admin, helpdesk):
        client = browser(user)
        assert "/admin/domains/add/" not in said(client, "/admin/domains/")
        assert client.get("/admin/domains/add/").status_code == 404
        assert add(client, name="new.test")[0] == 404


def test_adding_asks_who_one_is_again(reseller: User) -> None:
    answer = browser(reseller, proved=False).get(
        "/admin/domains/add/", headers={"accept": "text/html"}
    )

    assert answer.headers["Location"].startswith("/login/confirm/")


# Many at once


def bulk(client: Client, act: str, *ids: object) -> str:
    values = {"act": act, "id": [str(one) for one in ids], "text": "e"}
    answer = client.post("/admin/domains/bulk/", values)
    assert answer.status_code == 302, answer.status_code
    assert answer.headers["Location"] == "/admin/domains/?text=e"
    return said(client, "/admin/domains/")


def states() -> dict[str, str]:
    return dict(Domain.objects.values_list("name", "state"))


def test_many_are_suspended_and_that_is_taken_back(
    reseller: User, domain: Domain, other_domain: Domain
) -> None:
    second = provisioning.add_domain("second.test", organization="A")
    third = provisioning.add_domain("third.test", organization="A")
    provisioning.suspend_domain("third.test", receives=True)
    client = browser(holder("boss@elsewhere.test", Role.OPERATOR))

    page = bulk(client, "suspend", second.pk, third.pk, second.pk, 999_999, "x", "9" * 30)

    assert "2 domains are suspended." in page
    assert states()["second.test"] == states()["third.test"] == State.SUSPENDED
    assert AuditRecord.objects.filter(action="domain.suspend").count() == 2
    kept = BulkAct.objects.get()
    answer = client.post("/admin/undo/", {"act": str(kept.pk), "next": "/admin/domains/"})
    assert answer.status_code == 302
    assert (states()["second.test"], states()["third.test"]) == (State.ACTIVE, State.LOCKED)
    assert "2 domains are as before." in said(client, "/admin/domains/")


def test_nothing_of_another_tenant_is_changed_by_many(reseller: User, other_domain: Domain) -> None:
    page = bulk(browser(reseller), "suspend", other_domain.pk)

    assert "No domain had to be changed." in page
    assert states()["other.test"] == State.ACTIVE


def test_who_may_not_suspend_is_told_so(admin: User, domain: Domain) -> None:
    client = browser(admin)
    assert 'value="suspend"' not in said(client, "/admin/domains/")

    page = bulk(client, "suspend", domain.pk)

    assert "Your role does not let you suspend" in page
    assert states()["example.test"] == State.ACTIVE
    assert not BulkAct.objects.exists()


def test_undoing_asks_the_powers_of_now(reseller: User, domain: Domain) -> None:
    second = provisioning.add_domain("second.test", organization="A")
    client = browser(reseller)
    bulk(client, "lock", second.pk)
    reseller.grants.all().delete()
    reseller.grants.create(role=Role.DOMAIN_ADMIN, domain=domain)

    client.post("/admin/undo/", {"act": str(BulkAct.objects.get().pk)})

    assert states()["second.test"] == State.LOCKED


def test_many_are_checked(helpdesk: User, domain: Domain, other_domain: Domain) -> None:
    page = bulk(browser(helpdesk), "check", domain.pk, other_domain.pk)

    assert "1 domain is being checked." in page
    assert not DomainCheck.objects.filter(domain=other_domain).exists()


def test_no_other_act_is_done_to_many(reseller: User, domain: Domain) -> None:
    client = browser(reseller)

    for act in ("", "remove", "locked"):
        answer = client.post("/admin/domains/bulk/", {"act": act, "id": str(domain.pk)})
        assert answer.status_code == 404
    answer = client.post(
        "/admin/domains/bulk/", {"act": "check", "id": domain.pk, "next": "//evil.test/"}
    )
    assert answer.headers["Location"] == "/admin/domains/"
