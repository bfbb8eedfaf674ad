"""The console's pages of one domain: what each tab tells, and what is done to the domain."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.models import AuditRecord
from apps.directory.models import (
    Demand,
    DkimKey,
    DkimState,
    Domain,
    DomainKind,
    Role,
    SendLimit,
    State,
    Sternness,
    StsMode,
    Transport,
    User,
)
from apps.directory.services import dkim
from apps.dnscheck import kept, queries
from apps.dnscheck.findings import Finding, Piece, Standing
from apps.dnscheck.models import DomainCheck
from apps.dnscheck.records import Kind
from apps.provisioning import services as provisioning
from tests.console.conftest import PASSWORD, browser, holder
from tests.console.test_users import said


@pytest.fixture
def reseller(domain: Domain) -> User:
    return holder("seller@example.test", Role.RESELLER, domain.organization)


def post(client: Client, path: str, **values: Any) -> int:
    status: int = client.post(path, values).status_code
    return status


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


# The DNS


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

    assert post(client, f"{path}leave/", kind="spf", is_left="1") == 302
    assert post(client, f"{path}leave/", kind="dmarc", is_left="1") == 302
    assert post(client, f"{path}leave/", kind="spf", is_left="0") == 302

    assert DomainCheck.objects.get().left == ["dmarc"]
    assert "Watch it again" in said(client, path)
    assert post(client, f"{path}leave/", kind="nonsense", is_left="1") == 404
    assert post(browser(helpdesk), f"{path}leave/", kind="mx", is_left="1") == 403
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


# All tabs


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


# Keys and limits


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


# Policies


GOOD = {
    "dmarc_policy": "junk",
    "list_policy": "report",
    "greylists": "on",
    "separator": "-",
    "space": "1.5",
    "factor_demand": "everybody",
    "factor_due": "2030-01-31",
    "password_length": "14",
}


def test_policies_are_changed(admin: User, domain: Domain) -> None:
    client, path = browser(admin), f"/admin/domains/{domain.pk}/policies/"

    assert post(client, path, **GOOD) == 302

    domain.refresh_from_db()
    assert (domain.dmarc_policy, domain.list_policy) == (Sternness.JUNK, Sternness.REPORT)
    assert (domain.greylists, domain.adds_sender) == (True, False)
    assert (domain.detail_separator, domain.default_quota) == ("-", 1.5 * 2**30)
    assert (domain.factor_demand, domain.password_length) == (Demand.EVERYBODY, 14)
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
        *(("password_length", "7"), ("password_length", "65"), ("space", "9" * 400)),
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
