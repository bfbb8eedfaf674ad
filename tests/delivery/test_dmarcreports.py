"""Reports on mail in others' names on their way: where they may go, once, and what they say."""

import asyncio
import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.test import override_settings

from apps.blobs import queries as blobs
from apps.delivery import dmarcreports, dmarcrpt, ownreports, process
from apps.directory.models import Domain, State, User
from apps.mailauth import aggregate, aggregate_reading
from apps.mailauth.aggregate import Published, Routed, Row, Signed
from apps.mailauth.dmarc.record import parse
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.mime.address import Address
from apps.reports import queries, services, tasks
from apps.reports.models import DmarcCount, DmarcDay, ReceivedReport
from apps.reports.services import Kind
from apps.runtime.clock import now
from apps.trace.models import TraceEvent
from apps.wire.errors import NotFound, Overloaded
from tests.support.dns_server import DnsServer

pytestmark = pytest.mark.django_db(transaction=True)

DAY_SECONDS = 86_400
DAY = 20_000
EVENING = (DAY + 2) * DAY_SECONDS - 1


@pytest.fixture
def dns(domain: Domain) -> Iterator[DnsServer]:
    with DnsServer() as server, override_settings(DNS_SERVERS=(server.endpoint,)):
        yield server


def count(domain: str, *, day: int = DAY, messages: int = 3, **fields: Any) -> None:
    given: dict[str, Any] = {
        "family": domain,
        "address": "192.0.2.7",
        "disposition": "reject",
        "dkim": False,
        "spf": False,
        "override": "",
        "comment": "",
        "header_from": domain,
        "envelope_from": f"bounce.{domain}",
        "results": f'{{"dkim":[["{domain}","s1","fail"]],"spf":[["x.test","mfrom","softfail"]]}}',
        **fields,
    }
    kind = Kind(day=day, domain=domain, **given)
    record = "v=DMARC1; p=none; rua=mailto:x@y.test"
    services.add_counts([(kind, messages)], {kind.place: record})


def wants(
    dns: DnsServer, domain: str, rua: str, *, more: str = "p=reject; ", **count_: Any
) -> None:
    """Have a domain ask for reports, with something to report."""
    dns.text(f"_dmarc.{domain}", f"v=DMARC1; {more}rua={rua}")
    count(domain, **count_)


def run(at: int = EVENING) -> int:
    return asyncio.run(dmarcreports.send_due(at))


def outcome(domain: str = "bank.test") -> str:
    return DmarcDay.objects.get(domain=domain).outcome


def addresses() -> list[str]:
    return list(QueuedRecipient.objects.order_by("id").values_list("address", flat=True))


def mailed() -> EmailMessage:
    found = message_from_bytes(
        blobs.read(QueuedMessage.objects.get().blob_id), policy=policy.default
    )
    assert isinstance(found, EmailMessage)
    assert not found.defects
    return found


def report_in(mail: EmailMessage) -> aggregate.Report:
    _, part = mail.iter_parts()
    packed = part.get_payload(decode=True)
    assert isinstance(packed, bytes)
    return aggregate_reading.parse(gzip.decompress(packed))


def test_it_mails_a_report_once(dns: DnsServer) -> None:
    wants(dns, "bank.test", "mailto:dmarc@bank.test, mailto:also@sub.bank.test")
    assert run() == 1
    assert run() == 0
    DmarcDay.objects.update(sent_at=0)  # as if another worker had not got that far yet
    run()
    message = QueuedMessage.objects.get()
    assert (message.sender, message.door) == ("", "dmarcreport")
    assert addresses() == ["dmarc@bank.test", "also@sub.bank.test"]
    assert set(QueuedRecipient.objects.values_list("notify", flat=True)) == {"NEVER"}
    assert TraceEvent.objects.filter(
        trace_id=message.trace_id, kind="dmarcreport.received"
    ).exists()
    assert outcome() == "mailed before"


def test_the_report_of_a_day_is_made_and_read_back(dns: DnsServer) -> None:
    wants(
        *(dns, "bank.test", "mailto:dmarc@bank.test"),
        more="p=quarantine; sp=reject; pct=50; adkim=s; ",
        messages=5,
    )
    count("bank.test", address="2001:db8::7", dkim=True, disposition="none", messages=90)
    count("bank.test", override="local_policy", comment="<&>", disposition="none", messages=1)
    count("other.test")
    count("bank.test", day=DAY + 1)
    run()
    mail = mailed()
    assert mail["From"] == "postmaster@example.test"
    assert mail["To"] == "dmarc@bank.test"
    assert mail["Auto-Submitted"] == "auto-generated"
    key = mail["Message-ID"].removeprefix("<").partition("@")[0]
    assert mail["Subject"] == (
        f"Report Domain: bank.test Submitter: example.test Report-ID: <{key}@example.test>"
    )
    _, part = mail.iter_parts()
    begin = DAY * DAY_SECONDS
    assert part.get_content_type() == "application/gzip"
    assert part.get_filename() == (
        f"example.test!bank.test!{begin}!{begin + DAY_SECONDS - 1}!{key}.xml.gz"
    )
    found = report_in(mail)
    assert (found.organization, found.contact) == ("example.test", "postmaster@example.test")
    assert (found.begin, found.end) == (begin, begin + DAY_SECONDS - 1)
    assert found.id == f"{key}@example.test"
    assert found.published == Published("bank.test", "s", "r", "quarantine", "reject", "50")
    assert [(row.address, row.messages, row.disposition) for row in found.rows] == [
        ("2001:db8::7", 90, "none"),
        ("192.0.2.7", 5, "reject"),
        ("192.0.2.7", 1, "none"),
    ]
    assert found.rows[1] == Row(
        *("192.0.2.7", 5, "reject"),
        dkim=False,
        spf=False,
        header_from="bank.test",
        envelope_from="bounce.bank.test",
        signed=(Signed("bank.test", "s1", "fail"),),
        routed=(Routed("x.test", "mfrom", "softfail"),),
    )
    assert found.rows[2].reasons == (("local_policy", "<&>"),)
    assert (found.passed, found.failed, found.errors) == (90, 6, ())


def test_it_tells_what_it_does_not_tell(dns: DnsServer) -> None:
    wants(dns, "bank.test", "mailto:dmarc@bank.test")
    DmarcDay.objects.update(left_out=77)
    run()
    assert report_in(mailed()).errors == ("77 more messages are not told here",)


def test_it_signs_the_mail(dns: DnsServer) -> None:
    wants(dns, "bank.test", "mailto:dmarc@bank.test")
    run()
    process.run_once()
    message = QueuedMessage.objects.get()
    assert message.state == "routed"
    assert b"d=example.test" in bytes(message.signatures).replace(b" ", b"")


def test_its_lines_and_characters_are_fit_for_any_server() -> None:
    heading = dmarcreports._heading("ours.test", DAY, "a" * 60 + ".bank.test")
    document = dmarcrpt.document(heading, parse(b"v=DMARC1; p=none"), [])
    raw = dmarcrpt.mail(
        *(heading, [Address.parse(f"{'r' * 60}@{n}.bank.test") for n in range(5)]),
        *(dmarcrpt.pack(document), datetime(2026, 1, 2, tzinfo=UTC)),
    )
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_a_report_to_one_of_ours_is_read_like_any_other(dns: DnsServer, alice: User) -> None:
    day = now() // DAY_SECONDS - 1
    wants(dns, "example.test", f"mailto:{alice.address}", day=day)
    assert run((day + 2) * DAY_SECONDS - 1) == 1
    while process.run_once():
        pass
    tasks.read()
    report = ReceivedReport.objects.get()
    assert (report.about, report.sender, report.is_genuine) == (*["example.test"] * 2, True)
    assert (report.passed, report.failed) == (0, 3)


CONFIRMATION = "bank.test._report._dmarc.collector.test"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=DMARC1", ["dmarc@collector.test"]),
        ("v=DMARC1;", ["dmarc@collector.test"]),
        ("V=DMARC1 ; rua=mailto:other@collector.test", ["other@collector.test"]),
        ("v=DMARC1; rua=mailto:victim@innocent.test", ["dmarc@collector.test"]),
        ("v=spf1 -all", []),
        ("v=DMARC2", []),
        (" DMARC1", []),
        ("", []),
    ],
)
def test_an_address_elsewhere_must_be_confirmed_there(
    dns: DnsServer, record: str, expected: list[str]
) -> None:
    wants(dns, "bank.test", "mailto:dmarc@collector.test")
    if record:
        dns.text(CONFIRMATION, record)
    assert run() == bool(expected)
    assert addresses() == expected
    if not expected:
        assert outcome() == "failed: dmarc@collector.test: not confirmed by its domain"
        assert DmarcDay.objects.get().sent_at  # and it is not asked for again
    assert dns.count(CONFIRMATION) == 1


def test_a_confirmation_for_all_counts(dns: DnsServer) -> None:
    wants(dns, "bank.test", "mailto:dmarc@collector.test")
    dns.text("*._report._dmarc.collector.test", "v=DMARC1")
    dns.text(CONFIRMATION, "v=DMARC1")  # what a wildcard answers
    assert run() == 1


def test_two_customers_of_one_host_are_strangers(dns: DnsServer) -> None:
    """The public suffix list says that anybody may have a name below github.io."""
    wants(dns, "alice.github.io", "mailto:dmarc@bob.github.io")
    run()
    assert addresses() == []
    assert "not confirmed" in outcome("alice.github.io")


def test_it_sends_where_it_may_and_tells_where_not(dns: DnsServer) -> None:
    rua = "mailto:a@bank.test,mailto:b@collector.test,mailto:c@silent.test,https://bank.test/"
    wants(dns, "bank.test", rua)
    dns.fail("bank.test._report._dmarc.silent.test")
    assert run() == 1
    assert addresses() == ["a@bank.test"]
    assert outcome() == (
        "mailed to a@bank.test; b@collector.test: not confirmed by its domain;"
        " c@silent.test: its DNS does not answer"
    )


def test_it_goes_to_a_few_addresses_only(dns: DnsServer) -> None:
    wants(dns, "bank.test", ",".join(f"mailto:r{number}@bank.test" for number in range(9)))
    run()
    assert len(addresses()) == dmarcreports.MOST_TARGETS


@pytest.mark.parametrize(
    ("limit", "goes"),
    [
        ("!10m", True),
        ("!1g", True),
        ("!9999", True),
        ("!1k", False),
        ("!200", False),
        ("!0", False),
    ],
)
def test_it_sends_nothing_larger_than_is_taken(dns: DnsServer, limit: str, goes: bool) -> None:
    wants(dns, "bank.test", f"mailto:small@bank.test{limit},mailto:any@bank.test")
    assert run() == 1
    assert addresses() == (["small@bank.test"] if goes else []) + ["any@bank.test"]
    assert ("small@bank.test: takes no report so large" in outcome()) is not goes
    assert ("small" in mailed()["To"]) is goes


def test_it_fails_where_all_are_too_small(dns: DnsServer) -> None:
    wants(dns, "bank.test", "mailto:small@bank.test!1k")
    assert run() == 0
    assert outcome() == "failed: small@bank.test: takes no report so large"


@pytest.mark.parametrize(
    "records",
    [
        [],
        ["v=DMARC1; p=reject"],
        ["v=DMARC1; p=reject; rua="],
        ["v=DMARC1; p=reject; rua=https://bank.test/"],
        ["v=DMARC1; p=reject; rua=mailto:a@bank.test"] * 2 + ["v=DMARC1; p=none"],
        ["v=spf1 -all"],
        ["v=DMARC1; p=reject; rua=mailto:a@bank.test%0d%0aBcc:b@c.test"],
    ],
)
def test_it_reports_to_nobody_who_does_not_ask(dns: DnsServer, records: list[str]) -> None:
    if records:
        dns.text("_dmarc.bank.test", *records)
    count("bank.test")
    assert run() == 0
    assert not QueuedMessage.objects.exists()
    assert outcome() == dmarcreports.NOT_WANTED


def test_it_reports_to_the_domain_whose_record_it_was(dns: DnsServer) -> None:
    """A record that is gone since is not its organisation's record."""
    dns.text("_dmarc.bank.test", "v=DMARC1; p=reject; rua=mailto:dmarc@bank.test")
    count("news.bank.test")
    assert run() == 0
    assert outcome("news.bank.test") == dmarcreports.NOT_WANTED


@pytest.mark.parametrize("name", ["_dmarc.bank.test", CONFIRMATION])
def test_it_waits_for_a_name_server_that_is_silent(dns: DnsServer, name: str) -> None:
    wants(dns, "bank.test", "mailto:dmarc@collector.test")
    dns.text(CONFIRMATION, "v=DMARC1")
    dns.fail(name)
    assert run() == 0
    assert outcome() == dmarcreports.WAITS
    dns.mend()
    assert run() == 1


def test_it_reports_of_yesterday_and_spreads_over_the_day(dns: DnsServer) -> None:
    for number in range(12):
        wants(dns, f"d{number}.test", f"mailto:dmarc@d{number}.test")
    count("d0.test", day=DAY + 1)
    lots = sorted(dmarcreports.lot(f"d{number}.test") for number in range(12))
    assert len(set(lots)) == 12
    assert lots[-1] < dmarcreports.SPREAD_SECONDS
    midnight = (DAY + 1) * DAY_SECONDS
    assert run(midnight + lots[5]) == 6
    assert run(midnight + lots[-1]) == 6
    assert run(midnight + DAY_SECONDS - 1) == 0


@pytest.mark.parametrize("error", [Overloaded("no space"), ValueError("nobody knows why")])
def test_it_goes_on_when_one_domain_makes_trouble(
    dns: DnsServer, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    for name in ("a.test", "b.test"):
        wants(dns, name, f"mailto:dmarc@{name}")
    queue = ownreports.queue

    def fail_for_one(raw: bytes, *rest: Any, **more: Any) -> str:
        if b"a.test" in raw:
            raise error
        return queue(raw, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(ownreports, "queue", fail_for_one)
        assert run() == 1
    assert run() == 1
    assert QueuedMessage.objects.count() == 2


def test_slow_name_servers_hold_up_no_other_work(
    dns: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(dmarcreports.AT_ONCE + 5):
        wants(dns, f"d{number:02}.test", f"mailto:dmarc@d{number:02}.test")
    monkeypatch.setattr(dmarcreports, "RUN_SECONDS", -1.0)
    assert run() == 0
    monkeypatch.undo()
    dns.fail("_dmarc.d00.test")
    assert run() == dmarcreports.AT_ONCE + 4
    wants(dns, "z.test", "mailto:dmarc@z.test")
    assert [one.domain for one in queries.due(DAY)] == ["z.test", "d00.test"]


def test_it_sends_nothing_when_switched_off_or_without_a_name(dns: DnsServer) -> None:
    wants(dns, "bank.test", "mailto:dmarc@bank.test")
    with override_settings(DMARC_REPORTS=False):
        assert run() == 0
    Domain.objects.update(state=State.SUSPENDED)
    assert run() == 0
    assert not QueuedMessage.objects.exists()


def test_it_shows_a_report_before_it_is_sent(dns: DnsServer) -> None:
    count("bank.test")
    found = aggregate_reading.parse(dmarcreports.preview(DAY, "bank.test"))
    assert (found.published.domain, found.failed) == ("bank.test", 3)
    with pytest.raises(NotFound):
        dmarcreports.preview(DAY, "other.test")
    DmarcDay.objects.update(record="v=DMARC1; p=?")
    with pytest.raises(NotFound):
        dmarcreports.preview(DAY, "bank.test")


def test_a_large_report_is_made_in_time(dns: DnsServer) -> None:
    wants(dns, "bank.test", "mailto:dmarc@bank.test")
    first = Kind(
        day=DAY,
        domain="bank.test",
        family="bank.test",
        address="",
        disposition="none",
        dkim=True,
        spf=True,
        override="",
        comment="",
        header_from="bank.test",
        envelope_from="bank.test",
        results="{}",
    )
    kinds = [
        replace(first, address=f"192.0.{number // 250}.{number % 250}")
        for number in range(services.MOST_OF_A_DOMAIN - 1)
    ]
    services.add_counts([(one, 1) for one in kinds], {kinds[0].place: "v=DMARC1; p=none"})
    run()
    assert len(report_in(mailed()).rows) == services.MOST_OF_A_DOMAIN
    assert DmarcCount.objects.count() == services.MOST_OF_A_DOMAIN
    assert QueuedMessage.objects.get().size < 200_000
