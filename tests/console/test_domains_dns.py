"""The console's page of a domain's records."""

import re
from datetime import timedelta

from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.directory.models import (
    Domain,
    User,
)
from apps.dnscheck import kept, queries
from apps.dnscheck.findings import Finding, Piece, Standing
from apps.dnscheck.hostname import NAMING
from apps.dnscheck.models import DomainCheck
from apps.dnscheck.records import Kind
from tests.console.conftest import browser
from tests.console.test_domains_page import post
from tests.console.test_users import said


def keep(domain: Domain, *findings: Finding) -> None:
    """As a check does."""
    DomainCheck.objects.update_or_create(
        domain=domain,
        defaults={
            "checked_at": timezone.now(),
            "standings": {
                one.wanted.id: kept.Short(one.standing, 0, kept.digest(one.wanted)).as_json()
                for one in findings
            },
            "findings": {one.wanted.id: kept.write(one) for one in findings},
        },
    )


def test_before_the_first_check_nothing_is_known(admin: User, domain: Domain) -> None:
    page = said(browser(admin), f"/admin/domains/{domain.pk}/")

    assert "not checked yet" in page
    assert "Nobody has looked yet." in page
    for one in queries.wanted(domain):
        assert f'id="dns-{one.id}"' in page
    assert "data-fresh" in page  # somebody may have it looked at elsewhere


def test_a_typing_error_is_marked_with_words(admin: User, domain: Domain) -> None:
    wanted = next(one for one in queries.wanted(domain) if one.kind is Kind.SPF)
    pieces = (Piece("v=spf1 "), Piece("<b>", "extra"), Piece("mx", "lacking"))
    found = Finding(wanted, Standing.WRONG, "Two letters differ.", ("v=spf1 <b>",), pieces, 2, 4)
    keep(domain, found)

    page = said(browser(admin), f"/admin/domains/{domain.pk}/")

    assert (
        '<del><span class="vh">[too much: </span>&lt;b&gt;<span class="vh">]</span></del>' in page
    )
    assert '<ins><span class="vh">[lacking: </span>mx<span class="vh">]</span></ins>' in page
    assert "Two letters differ." in page
    assert "seen by 2 of 4" in page


def test_what_strangers_publish_is_never_read_as_anything_else(admin: User, domain: Domain) -> None:
    hostile = "<script>alert(1)</script>{{7*7}}"
    findings = [
        Finding(one, Standing.WRONG, hostile, (hostile, hostile)) for one in queries.wanted(domain)
    ]
    keep(domain, *findings)
    DomainCheck.objects.update(host=hostile, trouble=hostile)
    client = browser(admin)

    assert "<script>alert" not in said(client, f"/admin/domains/{domain.pk}/")
    assert "49" not in said(client, f"/admin/domains/{domain.pk}/records/")


def test_the_end_of_an_old_record_is_counted_down(admin: User, domain: Domain) -> None:
    wanted = queries.wanted(domain)[0]
    ends = timezone.now() + timedelta(minutes=11, seconds=30)
    keep(domain, Finding(wanted, Standing.WAITING, "Changed.", ("old",), expires_at=ends))

    page = said(browser(admin), f"/admin/domains/{domain.pk}/")

    assert "The old one ends in 11\xa0minutes." in page
    assert 'data-fresh="60"' in page


def test_checking_now_is_asked_for_and_the_part_says_so(helpdesk: User, domain: Domain) -> None:
    client = browser(helpdesk)

    assert post(client, f"/admin/domains/{domain.pk}/check/") == 302

    answer = client.get(f"/admin/domains/{domain.pk}/", headers={"hx-request": "true"})
    part = answer.content.decode()
    assert part.lstrip().startswith('<div class="grid-21" id="records" data-fresh="3"')
    assert "being checked" in part
    assert "<html" not in part


def test_all_is_well_and_the_page_rests(admin: User, domain: Domain) -> None:
    keep(domain, *(Finding(one, Standing.RIGHT, "") for one in queries.wanted(domain)))
    client = browser(admin)

    page = said(client, f"/admin/domains/{domain.pk}/")

    assert "Nothing is left to do." in page
    assert "data-fresh" not in page
    assert "All set" in said(client, "/admin/domains/")


def test_records_are_left_as_they_are(admin: User, helpdesk: User, domain: Domain) -> None:
    keep(domain, *(Finding(one, Standing.MISSING, "Not there.") for one in queries.wanted(domain)))
    client, path = browser(admin), f"/admin/domains/{domain.pk}/"
    assert "Leave it so" not in said(browser(helpdesk), path)

    assert post(client, f"{path}leave/", record="spf", is_left="1") == 302
    assert post(client, f"{path}leave/", record="dmarc", is_left="1") == 302
    assert post(client, f"{path}leave/", record="spf", is_left="0") == 302

    assert DomainCheck.objects.get().left == ["dmarc"]
    assert said(client, path).count("Watch it again") == 1
    for wrong in ("", "srv", "dkim", "x" * 5_000, "<b>", "\0"):
        assert post(client, f"{path}leave/", record=wrong, is_left="1") == 404
    assert post(client, f"{path}leave/", record="nonsense", is_left="1") == 404
    assert post(browser(helpdesk), f"{path}leave/", record="mx", is_left="1") == 403
    assert post(client, f"{path}elsewhere/", is_elsewhere="1") == 302
    assert DomainCheck.objects.get().is_elsewhere
    assert "nobody is alarmed" in said(client, path)
    assert post(client, f"{path}elsewhere/", is_elsewhere="0") == 302
    assert not DomainCheck.objects.get().is_elsewhere


def test_the_list_is_handed_over_in_files(admin: User, domain: Domain) -> None:
    client = browser(admin)

    zone = client.get(f"/admin/domains/{domain.pk}/zone/")
    text = client.get(f"/admin/domains/{domain.pk}/records/")

    assert zone["Content-Disposition"] == 'attachment; filename="example.test.zone"'
    assert text["Content-Disposition"] == 'attachment; filename="example.test.txt"'
    assert "v=DMARC1" in zone.content.decode()
    for one in queries.wanted(domain):
        assert f"  Value: {one.values[0]}\n" in text.content.decode()


def test_a_host_that_nobody_finds_is_said_on_top(
    admin: User, operator: User, domain: Domain, settings: Settings
) -> None:
    path = f"/admin/domains/{domain.pk}/"
    assert "lost-host" not in said(browser(admin), path)
    assert "Cannot work" not in said(browser(admin), path)
    settings.MAIL_HOSTNAME = "vm"
    keep(domain, *(Finding(one, Standing.RIGHT, "There.") for one in queries.wanted(domain)))

    page = said(browser(admin), path)

    assert "Nobody can find this server as vm." in page
    assert "Ask who runs this service" in page
    assert "MAIL_HOSTNAME" not in page
    naming = [one for one in queries.wanted(domain) if one.kind in NAMING]
    assert page.count("Cannot work") == len(naming) > 3
    assert page.count("It names a host that nobody can find.") == len(naming)
    mine = said(browser(operator), path)
    assert "Set MAIL_HOSTNAME to a full name, such as mail.example.test" in text_of(mine)


def test_what_cannot_work_is_handed_over_as_such(
    admin: User, domain: Domain, settings: Settings
) -> None:
    settings.MAIL_HOSTNAME = "server.local"
    client = browser(admin)

    zone = client.get(f"/admin/domains/{domain.pk}/zone/").content.decode()
    listed = client.get(f"/admin/domains/{domain.pk}/records/").content.decode()

    assert "; server.local is no name that others can find" in zone
    assert "; cannot work: @ IN MX 10 server.local." in zone
    live = [line for line in zone.splitlines() if not line.startswith((";", "$"))]
    assert live
    assert not any("server.local" in line for line in live)
    assert "MX: cannot work" in listed
    assert "records that name it cannot" in listed


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", "", page).split())
