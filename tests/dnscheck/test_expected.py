"""Which records a domain should have."""

import pytest
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries

from apps.directory.models import DkimKey, DkimState, Domain, DomainKind, StsMode
from apps.dnscheck import queries
from apps.dnscheck.records import Kind, Wanted
from mailhost.env import Endpoint
from tests.dnscheck.ground import World, harbor

pytestmark = pytest.mark.django_db


def _ids(domain: Domain) -> list[str]:
    return [one.id for one in queries.wanted(domain)]


def _of(domain: Domain, name: str) -> Wanted:
    return next(one for one in queries.wanted(domain) if one.id == name)


def test_a_hosted_domain_gets_all_of_them(net: World) -> None:
    assert _ids(harbor()) == [
        "mx",
        "spf",
        "dkim-r2026",
        "dkim-e2026",
        "dmarc",
        "ptr",
        "mta-sts",
        "policy-host",
        "tls-rpt",
        "autoconfig",
        "autodiscover",
        "srv-submissions",
        "srv-imaps",
        "caa",
    ]


def test_mail_suffers_without_five_kinds(net: World) -> None:
    needed = {one.kind for one in queries.wanted(harbor()) if one.is_required}
    assert needed == {Kind.MX, Kind.SPF, Kind.DKIM, Kind.DMARC, Kind.PTR}


def test_names_are_as_a_form_wants_them_typed(net: World) -> None:
    domain = harbor()
    assert (_of(domain, "mx").host, _of(domain, "mx").name) == ("@", "harbor.example")
    assert _of(domain, "dkim-e2026").host == "e2026._domainkey"
    assert _of(domain, "dmarc").name == "_dmarc.harbor.example"
    assert _of(domain, "srv-imaps").values == ("0 1 993 mail.host.example.",)


def test_only_doors_that_are_open_get_srv_records(net: World) -> None:
    domain = harbor()
    with override_settings(IMAPS_LISTEN=None, POP3S_LISTEN=Endpoint("0.0.0.0", 995)):
        kinds = [one for one in _ids(domain) if one.startswith("srv")]
    assert kinds == ["srv-submissions", "srv-pop3s"]


def test_mail_that_leaves_by_another_address_is_allowed_to(net: World) -> None:
    with override_settings(SMTP_OUT_ADDRESS=("192.0.2.26", "2001:db8::26")):
        domain = harbor()
        (text,) = _of(domain, "spf").values
        names = [one.title for one in queries.wanted(domain) if one.kind is Kind.PTR]
    assert text == "v=spf1 a:mail.host.example ip4:192.0.2.26 ip6:2001:db8::26 ~all"
    assert names == ["Reverse DNS of 192.0.2.26", "Reverse DNS of 2001:db8::26"]


def test_keys_that_wait_or_retire_are_told_of_and_not_required(net: World) -> None:
    domain = harbor()
    DkimKey.objects.filter(selector="r2026").update(state=DkimState.PENDING)
    DkimKey.objects.filter(selector="e2026").update(state=DkimState.RETIRED)
    (key,) = [one for one in queries.wanted(domain) if one.kind is Kind.DKIM]
    assert (key.id, key.is_required) == ("dkim-r2026", False)


def test_an_alias_domain_has_no_doors_of_its_own(net: World) -> None:
    domain = harbor()
    other = Domain.objects.create(
        name="quay.example", organization=domain.organization, alias_of=domain
    )
    assert _ids(other) == ["mx", "spf", "dmarc", "ptr", "mta-sts", "policy-host", "tls-rpt", "caa"]
    assert _of(other, "mta-sts").values == ("v=STSv1; id=20261127a;",)


def test_of_a_relay_domain_only_mx_and_reverse_dns_are_required(net: World) -> None:
    domain = harbor()
    Domain.objects.filter(pk=domain.pk).update(kind=DomainKind.RELAY)
    found = queries.wanted(Domain.objects.get(pk=domain.pk))
    assert [one.id for one in found if one.is_required] == ["mx", "ptr"]
    assert not [one for one in found if one.kind in {Kind.SRV, Kind.AUTOCONFIG}]


def test_where_there_never_was_a_policy_none_is_told_of(net: World) -> None:
    domain = harbor()
    domain.sts_id, domain.sts_mode = "", StsMode.NONE
    assert "mta-sts" not in _ids(domain)


def test_lists_cost_the_same_for_three_domains_and_for_sixty(
    net: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = harbor()
    for number in range(60):
        Domain.objects.create(name=f"d{number}.example", organization=first.organization)
    ids = list(Domain.objects.order_by("pk").values_list("pk", flat=True))
    with django_assert_num_queries(4):
        few = queries.summaries(ids[:3])
    with django_assert_num_queries(4):
        many = queries.summaries(ids)
    assert (len(few), len(many)) == (3, 61)
    assert few[first.pk].total == 14
    with django_assert_num_queries(3):
        queries.report(first)
