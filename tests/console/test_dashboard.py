"""The dashboard: real figures of what is in sight, and what to act on."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.console import mailflow, overview
from apps.console.dearcounts import DearCounts, _Work
from apps.console.organizationlist import holding_now
from apps.directory.models import DkimKey, Domain, Role, User
from apps.directory.permissions import powers_of
from apps.dnscheck.models import DomainCheck
from apps.mailstore.models import QuotaNotice, Usage
from apps.provisioning import services as provisioning
from apps.provisioning.health import report
from apps.provisioning.health.checks import Check, Group, Report, State
from apps.runtime.clock import now
from tests.console.conftest import browser, holder

PART = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script> {{7*7}} %s"


@pytest.fixture(autouse=True)
def _ask_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(overview, "counts", DearCounts(cheap=1e6))
    monkeypatch.setattr(mailflow, "counts", DearCounts(cheap=1e6))
    report.forget()
    yield
    report.forget()


def said(client: Client, path: str = "/admin/", **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def main(page: str) -> str:
    return page.partition('id="main"')[2]


def totals_of(user: User) -> overview.Totals:
    found = overview.overview(powers_of(user), None).totals
    assert found is not None
    return found


def fill(user: User, percent: int) -> None:
    User.objects.filter(pk=user.pk).update(quota=1_000_000)
    Usage.objects.update_or_create(user=user, defaults={"size": percent * 10_000})
    QuotaNotice.objects.update_or_create(user=user, defaults={"level": 95, "told_at": 0})


def alarm(domain: Domain) -> None:
    DomainCheck.objects.update_or_create(
        domain=domain, defaults={"is_alarming": True, "checked_at": timezone.now()}
    )


def health(*checks: Check) -> Report:
    return Report(now(), (Group("All", checks),))


def test_each_sees_the_figures_of_what_is_in_sight(
    admin: User, operator: User, alice: User, eve: User, domain: Domain
) -> None:
    fill(alice, 50)
    fill(eve, 50)

    own, everything = totals_of(admin), totals_of(operator)

    assert (own.domains, own.users) == (1, 2)
    assert (own.used, own.given) == (500_000, 1_000_000)
    assert (everything.domains, everything.used) == (2, 1_000_000)
    assert overview.overview(powers_of(admin), None).waiting is None
    assert overview.overview(powers_of(operator), None).waiting == 0


def test_the_page_waits_for_no_count(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = DearCounts[overview._Known](patience=0.0)
    monkeypatch.setattr(overview, "counts", counts)
    counts._under_way[()] = _Work()  # somebody else is counting

    page = main(said(browser(operator)))
    part = said(browser(operator), **PART)

    assert "Still looking" in page
    for one in (page, part):
        assert "Counting" in one
        assert 'data-fresh="2"' in one
        assert "There is no domain yet" not in one  # nobody knows


STATEMENTS = 20  # of the part that many administrators ask for every 15 seconds


def test_the_part_that_is_asked_for_again_costs_the_same_however_much_there_is(
    operator: User, domain: Domain
) -> None:
    counts = []
    for more in (1, 30):
        for number in range(more):
            other = provisioning.add_domain(f"x{more}-{number}.test", organization=f"X{number}")
            alarm(other)
            fill(provisioning.add_user(f"full@{other.name}", "correct horse battery")[0], 99)
        client = browser(operator)
        said(client, **PART)
        with CaptureQueriesContext(connection) as found:
            said(client, **PART)
        counts.append(len(found))

    assert counts[1] <= counts[0] + 2  # what it does not name it counts
    assert counts[1] <= STATEMENTS


def test_nothing_of_another_tenant_is_told(
    admin: User, eve: User, other_domain: Domain, alice: User
) -> None:
    fill(eve, 99)
    alarm(other_domain)
    holder("chief@other.test", Role.DOMAIN_ADMIN, other_domain)
    client = browser(admin)

    for page in (said(client), said(client, **PART)):
        assert "other.test" not in page
        assert "mailbox above" not in page
        assert "Services" not in page


def test_what_needs_somebody(admin: User, alice: User, bob: User, domain: Domain) -> None:
    fill(alice, 97)
    fill(bob, 10)  # told once, and emptied since
    DkimKey.objects.create(domain=domain, selector="next", algorithm="rsa", public="x")
    alarm(domain)

    items = {item.title: item for item in overview.overview(powers_of(admin), None).items}

    assert items["1 mailbox above 95 %"].words == "alice@example.test"
    assert items["example.test: DNS is wrong"].url == "/admin/domains/?show=work"
    assert "1 administrator without a second factor" in items
    assert "DKIM keys of 1 domain wait for their record" in items


def test_what_is_well_needs_nobody(admin: User, domain: Domain) -> None:
    User.objects.filter(pk=admin.pk).update(has_factor=True)
    domain.dkim_keys.all().delete()

    assert "Nothing needs you at the moment." in said(browser(admin))


def test_operators_are_told_how_the_service_stands(operator: User, domain: Domain) -> None:
    bad = Check("door.imap", "IMAP, STARTTLS", State.BAD, "Nobody listens.", "Start it.")
    late = Check("backup", "Backup", State.WARNING, "The last one was long ago.", "Make one.")
    good = Check("worker.mail", "Worker for mail", State.OK, "It lives.")

    found = overview.overview(powers_of(operator), health(late, bad, good))

    assert [item.title for item in found.items[:2]] == ["IMAP, STARTTLS", "Backup"]
    assert found.items[0].url == "/admin/health/#door.imap"
    assert found.services == (bad, good)
    assert not found.all_run


def test_nobody_else_is(admin: User) -> None:
    bad = Check("door.imap", "IMAP, STARTTLS", State.BAD, "Nobody listens.", "Start it.")

    found = overview.overview(powers_of(admin), health(bad))

    assert found.services is None
    assert "IMAP, STARTTLS" not in {item.title for item in found.items}


def test_the_page_comes_at_once_and_its_part_looks(operator: User) -> None:
    client = browser(operator)

    first = said(client)
    assert "Not looked at yet" in first
    assert 'data-fresh="1"' in first
    part = said(client, **PART)
    assert part.startswith('<div class="stack" data-fresh="15"')
    assert "Worker for mail" in part
    assert "Not looked at yet" not in said(client)


def test_who_begins_is_led_to_the_wizard(operator: User) -> None:
    client = browser(operator)
    assert "There is no domain yet." in said(client)

    provisioning.add_domain("example.test", organization="A")
    assert "There are no users yet." in said(client)
    provisioning.add_user("alice@example.test", "correct horse battery")

    assert "There are no users yet." not in said(client)


def test_who_administers_a_domain_is_not(admin: User) -> None:
    User.objects.exclude(pk=admin.pk).delete()

    assert "yet.</b>" not in said(browser(admin))


def test_recent_acts_are_those_that_one_may_read(
    admin: User, helpdesk: User, operator: User, other_domain: Domain
) -> None:
    provisioning.add_user("new@other.test", "correct horse battery")
    provisioning.add_user("new@example.test", "correct horse battery", HOSTILE)

    own = main(said(browser(admin)))
    assert "new@example.test" in own
    assert "new@other.test" not in own
    assert "Recent acts" not in said(browser(helpdesk))
    assert "new@other.test" in main(said(browser(operator)))


def test_helpdesks_are_not_told_who_administers(helpdesk: User, admin: User) -> None:
    assert "without a second factor" not in said(browser(helpdesk))


def test_it_costs_the_same_however_much_there_is(
    admin: User, alice: User, domain: Domain, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    powers = powers_of(admin)
    fill(alice, 99)
    alarm(domain)
    with django_assert_max_num_queries(12) as before:
        overview.overview(powers, None)
    for number in range(40):
        user = User.objects.create(
            key=f"u{number}@example.test", address=f"u{number}@example.test", domain=domain
        )
        fill(user, 99)

    with django_assert_max_num_queries(len(before) + 1):  # counts what it no longer names
        found = overview.overview(powers, None)

    assert "41 mailboxes above 95 %" in {item.title for item in found.items}


def test_what_is_dear_is_counted_seldom(
    admin: User,
    domain: Domain,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for module in (overview, mailflow):
        monkeypatch.setattr(module, "counts", DearCounts(cheap=-1.0, kept=1e6))
    powers = powers_of(admin)
    overview.overview(powers, None)

    with django_assert_num_queries(1):  # the log
        overview.overview(powers, None)


def test_an_alarm_of_long_ago_is_still_one(admin: User, domain: Domain) -> None:
    alarm(domain)
    DomainCheck.objects.update(checked_at=timezone.now() - timedelta(days=3))

    assert "example.test: DNS is wrong" in said(browser(admin))


def test_what_is_given_out_is_what_the_organisation_has_given(
    operator: User, domain: Domain
) -> None:
    """A domain's own postmaster box has a quota, and takes none of what is given."""
    provisioning.add_user("new@example.test", "correct horse battery", quota=7 << 30)
    totals = totals_of(operator)

    assert totals.given == holding_now(domain.organization).given.held
