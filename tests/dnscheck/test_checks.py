"""What a check leaves behind: alarms after the second failure, what is left on purpose, whose turn
it is."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.audit.models import AuditRecord
from apps.directory.models import Domain
from apps.dnscheck import queries
from apps.dnscheck.findings import Standing
from apps.dnscheck.models import DomainCheck, HostAddress
from apps.dnscheck.records import Kind
from apps.dnscheck.services import checks, inquiries, keeping
from apps.wire.errors import NotFound
from tests.dnscheck.ground import ADDRESS, HOST, World, harbor, zone_text

pytestmark = pytest.mark.django_db


def _row(domain: Domain) -> DomainCheck:
    return DomainCheck.objects.get(domain=domain)


def _alarming() -> list[str]:
    return [domain.name for domain in queries.alarming(Domain.objects.all())]


def _wait(domain: Domain) -> timedelta:
    """How long until it is due again."""
    return _row(domain).due_at - timezone.now()


def test_before_the_first_check_nothing_is_known(net: World) -> None:
    report = queries.report(harbor())
    assert {(one.standing, one.sentence) for one in report.findings} == {
        (Standing.UNKNOWN, "Not checked yet.")
    }
    assert (report.right, report.total, report.checked_at) == (0, 14, None)


def test_a_check_is_kept_and_reads_back(net: World) -> None:
    domain = harbor()
    report = checks.check(domain.pk)
    assert (report.right, report.total, report.trouble) == (14, 14, "")
    assert report.host == "dns-host.example"
    assert report.checked_at is not None
    assert not report.is_checking
    assert queries.report(domain) == report
    assert queries.summaries([domain.pk])[domain.pk].right == 14
    assert timedelta(hours=5) < _wait(domain) < timedelta(hours=7)


def test_what_was_mistyped_reads_back_in_pieces(net: World) -> None:
    net.load(zone_text("mx-mistyped"))
    (found,) = checks.check(harbor().pk).of(Kind.MX)
    assert [(one.text, one.mark) for one in found.pieces] == [
        ("10 m", ""),
        ("ia", "extra"),
        ("ai", "lacking"),
        ("l.host.example.", ""),
    ]


def test_one_failure_is_no_alarm_and_is_looked_at_again_soon(net: World) -> None:
    domain = harbor()
    net.load(zone_text("mx-missing"))
    (found,) = checks.check(domain.pk).of(Kind.MX)
    assert (found.standing, found.is_alarming, _alarming()) == (Standing.MISSING, False, [])
    assert _wait(domain) < timedelta(minutes=3)


def test_two_failures_in_a_row_are_one(net: World) -> None:
    domain = harbor()
    net.load(zone_text("mx-missing"))
    checks.check(domain.pk)
    report = checks.check(domain.pk)
    assert [one.wanted.id for one in report.findings if one.is_alarming] == ["mx"]
    assert _alarming() == ["harbor.example"]
    assert queries.summaries([domain.pk])[domain.pk].is_alarming
    assert timedelta(minutes=9) < _wait(domain) < timedelta(minutes=11)


def test_a_failure_two_checks_ago_is_not(net: World) -> None:
    domain = harbor()
    for zone in ("mx-missing", "healthy", "mx-missing"):
        net.load(zone_text(zone))
        checks.check(domain.pk)
    assert _alarming() == []


def test_a_check_that_could_not_ask_counts_for_nothing(net: World) -> None:
    domain = harbor()
    net.load(zone_text("mx-missing"))
    first = checks.check(domain.pk)
    net.resolver.fail("")

    away = checks.check(domain.pk)

    assert away.trouble.startswith("The name server of this host does not answer")
    assert (away.findings, away.checked_at) == (first.findings, first.checked_at)
    net.resolver.mend()
    assert _alarming() == []
    checks.check(domain.pk)
    assert _alarming() == ["harbor.example"]


def test_a_record_that_could_not_be_asked_for_is_neither_a_failure_nor_the_end_of_one(
    net: World,
) -> None:
    domain = harbor()
    net.load(zone_text("dmarc-missing"))
    checks.check(domain.pk)
    for server in (net.resolver, net.first, net.second):
        server.fail("_dmarc.harbor.example")
    (unknown,) = checks.check(domain.pk).of(Kind.DMARC)
    assert unknown.standing is Standing.UNKNOWN
    assert _alarming() == []
    for server in (net.resolver, net.first, net.second):
        server.mend()
    checks.check(domain.pk)
    assert _alarming() == ["harbor.example"]


def test_what_nobody_mends_is_asked_for_less_often(net: World) -> None:
    domain = harbor()
    net.load(zone_text("mx-missing"))
    checks.check(domain.pk)
    for days, least, most in ((2, 50, 70), (10, 300, 400)):
        DomainCheck.objects.update(trouble_since=timezone.now() - timedelta(days=days))
        checks.check(domain.pk)
        assert timedelta(minutes=least) < _wait(domain) < timedelta(minutes=most)


def test_a_domain_whose_dns_is_elsewhere_on_purpose_is_quiet(net: World) -> None:
    domain = harbor()
    net.load(zone_text("mx-elsewhere"))
    checks.check(domain.pk)
    checks.check(domain.pk)
    checks.leave_alone(domain.pk, is_elsewhere=True)
    report = queries.report(domain)
    assert report.is_elsewhere
    assert report.of(Kind.MX)[0].standing is Standing.WRONG
    assert _alarming() == []
    checks.leave_alone(domain.pk, is_elsewhere=False)
    assert _alarming() == ["harbor.example"]


def test_a_kind_that_is_left_so_is_quiet_and_counts_as_good(net: World) -> None:
    domain = harbor()
    net.load(zone_text("mx-elsewhere"))
    checks.check(domain.pk)
    checks.check(domain.pk)
    checks.leave(domain.pk, "mx", is_left=True)
    report = queries.report(domain)
    assert report.of(Kind.MX)[0].standing is Standing.ELSEWHERE
    assert (report.right, _alarming()) == (14, [])
    checks.leave(domain.pk, "mx", is_left=False)
    assert (queries.report(domain).right, _alarming()) == (13, ["harbor.example"])


def test_one_of_several_of_a_kind_is_left_so(net: World) -> None:
    domain = harbor()
    net.load(zone_text("mx-elsewhere"))
    checks.check(domain.pk)
    srv = [one.wanted.id for one in queries.report(domain).of(Kind.SRV)]
    assert len(srv) > 1

    def left() -> list[str]:
        found = queries.report(domain).findings
        return [one.wanted.id for one in found if one.standing is Standing.ELSEWHERE]

    checks.leave(domain.pk, srv[0], is_left=True)
    assert left() == srv[:1]
    # A whole kind was left so, once: the others stay so when one is watched again.
    DomainCheck.objects.update(left=["srv", "gone-1", "dkim-old"])
    assert left() == srv
    checks.leave(domain.pk, srv[1], is_left=False)
    assert left() == [srv[0], *srv[2:]]
    # What shall not be there any more is forgotten.
    assert DomainCheck.objects.get().left == sorted([srv[0], *srv[2:]])


@pytest.mark.parametrize("name", ["", "x", "srv", "dkim", "srv-", "mx\0", "x" * 9_000])
def test_a_record_that_it_shall_not_have_is_not_left_so(net: World, name: str) -> None:
    domain = harbor()
    with pytest.raises(NotFound):
        checks.leave(domain.pk, name, is_left=True)
    assert not AuditRecord.objects.filter(action="dns.leave").exists()


def test_who_leaves_something_so_is_recorded(net: World) -> None:
    domain = harbor()
    checks.leave(domain.pk, "spf", is_left=True)
    checks.leave(domain.pk, "caa", is_left=True)
    _, entry = AuditRecord.objects.filter(action="dns.leave").order_by("pk")
    assert (entry.subject, entry.domain_id) == ("harbor.example", domain.pk)
    assert entry.detail == {"records": ["caa", "spf"]}


def test_a_wish_is_heard_once_in_ten_seconds_and_comes_first(net: World) -> None:
    domain, other = harbor(), harbor("pier.example")
    keeping.enrol()
    DomainCheck.objects.update(due_at=timezone.now() - timedelta(days=30))
    checks.request(domain.pk)
    assert queries.report(domain).is_checking
    assert keeping.claim_due(1) == [domain.pk]
    inquiries.run([domain.pk])
    assert not queries.report(domain).is_checking
    checks.request(domain.pk)
    assert not queries.report(domain).is_checking
    assert not queries.report(other).is_checking


def test_a_wish_that_no_worker_hears_does_not_turn_for_ever(net: World) -> None:
    domain = harbor()
    checks.request(domain.pk)
    DomainCheck.objects.update(requested_at=timezone.now() - timedelta(minutes=3))
    assert not queries.report(domain).is_checking


def test_a_wish_costs_two_statements_at_most_when_repeated(
    net: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    domain = harbor()
    checks.request(domain.pk)
    with django_assert_max_num_queries(3):
        checks.request(domain.pk)


def test_two_workers_do_not_check_the_same_domain(net: World) -> None:
    domain = harbor()
    keeping.enrol()
    assert keeping.claim_due(10) == [domain.pk]
    assert keeping.claim_due(10) == []
    assert queries.report(domain).is_checking
    report = checks.check(domain.pk)  # somebody else does
    assert report.checked_at is None
    DomainCheck.objects.update(lease_until=timezone.now() - timedelta(seconds=1))  # who has died
    assert keeping.claim_due(10) == [domain.pk]


def test_the_worker_finds_new_domains_and_is_done(net: World) -> None:
    domain = harbor()
    assert inquiries.check_due() == 1
    assert inquiries.check_due() == 0
    assert queries.report(domain).right == 14


def test_a_record_that_shall_be_another_has_not_been_checked(net: World) -> None:
    domain = harbor()
    checks.check(domain.pk)
    Domain.objects.filter(pk=domain.pk).update(sts_id="20270101b")
    (found,) = queries.report(Domain.objects.get(pk=domain.pk)).of(Kind.MTA_STS)
    assert (found.standing, found.sentence) == (Standing.UNKNOWN, "Not checked yet.")
    assert queries.summaries([domain.pk])[domain.pk].right == 13


def test_the_first_check_finds_out_where_this_host_is(net: World) -> None:
    domain = harbor()
    HostAddress.objects.all().delete()
    assert queries.report(domain).of(Kind.PTR) == ()
    report = checks.check(domain.pk)
    assert report.of(Kind.PTR)[0].standing is Standing.RIGHT
    assert HostAddress.objects.get().address == ADDRESS


def test_a_host_that_has_moved_is_known_by_its_new_address(net: World) -> None:
    domain = harbor()
    keeping.keep_addresses(HOST, ["198.51.100.99"])
    checks.check(domain.pk)
    assert HostAddress.objects.get().address == ADDRESS


def test_a_domain_that_is_not_there(net: World) -> None:
    for act in (checks.check, checks.request):
        with pytest.raises(NotFound):
            act(987_654)
    with pytest.raises(NotFound):
        checks.leave(987_654, "mx", is_left=True)


def test_a_domain_that_goes_takes_its_row_along(net: World) -> None:
    domain = harbor()
    checks.check(domain.pk)
    Domain.objects.filter(pk=domain.pk).delete()
    assert not DomainCheck.objects.exists()


def test_what_is_kept_of_strangers_is_bounded(net: World) -> None:
    texts = "".join(f'_dmarc TXT "{number}{"<script>" * 30}"\n' for number in range(40))
    net.load(zone_text("dmarc-missing") + texts)
    (found,) = checks.check(harbor().pk).of(Kind.DMARC)
    assert len(found.found) == 5
    assert all(len(text) <= 500 for text in found.found)
    assert "<script>" not in found.sentence
