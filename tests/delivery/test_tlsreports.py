"""Reports on TLS on their way: by mail through our own queue, by HTTPS to a real web server."""

import asyncio
import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from apps.blobs import queries as blobs
from apps.delivery import ownreports, process, tlsreports
from apps.directory.models import Domain, State, User
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.mime import headers
from apps.provisioning import services as provisioning
from apps.remote import services
from apps.remote.models import TlsReport
from apps.remote.services import DAY_SECONDS, Sessions
from apps.trace.models import TraceEvent
from apps.wire.errors import Overloaded
from tests.support.dns_server import DnsServer
from tests.support.policy_host import PolicyHost
from tests.support.test_ca import Authority

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 20_000
NOON = (DAY + 1) * DAY_SECONDS + DAY_SECONDS // 2


@dataclass(frozen=True, slots=True)
class Ground:
    """What there is around a run."""

    dns: DnsServer
    web: PolicyHost

    def wants(self, domain: str, *targets: str) -> None:
        """Have a domain ask for reports, with something to report."""
        self.dns.add(f"_smtp._tls.{domain}", "TXT", f'"v=TLSRPTv1; rua={",".join(targets)}"')
        count(domain)


@pytest.fixture
def ground(tmp_path: Path, domain: Domain) -> Iterator[Ground]:
    authority = Authority(tmp_path)
    context = authority.server("reports.elsewhere.test").context
    with DnsServer() as dns, PolicyHost(context) as web:
        dns.add("reports.elsewhere.test", "A", "127.0.0.1")
        web.answer.status = 201
        with override_settings(
            DNS_SERVERS=(dns.endpoint,), EXTRA_CA=authority.file, SMTP_OUT_PRIVATE=True
        ):
            yield Ground(dns, web)


def count(domain: str, day: int = DAY) -> None:
    services.add_sessions([Sessions(day, domain, "sts", ("a",), ("b",), "", "", "", "", "", 3)])


def run(at: int = NOON) -> int:
    return asyncio.run(tlsreports.send_due(at))


def report_in(raw: bytes) -> dict[str, Any]:
    """The report that a mail carries."""
    _, _, part = raw.partition(b"Content-Transfer-Encoding: base64\r\n\r\n")
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(part.partition(b"--")[0])))
    return found


def test_it_mails_a_report_once(ground: Ground) -> None:
    ground.wants("elsewhere.test", "mailto:tls@elsewhere.test", "mailto:also@elsewhere.test")
    assert run() == 1
    assert run() == 0
    TlsReport.objects.all().delete()  # as if another worker had not got that far yet
    run()
    message = QueuedMessage.objects.get()
    assert (message.sender, message.door) == ("", "tlsreport")
    addresses = QueuedRecipient.objects.order_by("id").values_list("address", flat=True)
    assert list(addresses) == ["tls@elsewhere.test", "also@elsewhere.test"]
    raw = blobs.read(message.blob_id)
    block = headers.scan(raw)
    assert block.first(b"from") == b"postmaster@example.test"
    assert report_in(raw)["policies"][0]["policy"]["policy-domain"] == "elsewhere.test"
    assert TraceEvent.objects.filter(trace_id=message.trace_id, kind="tlsreport.received").exists()
    assert "mailed" in TlsReport.objects.get().outcome


def test_it_signs_the_mail(ground: Ground) -> None:
    ground.wants("elsewhere.test", "mailto:tls@elsewhere.test")
    run()
    process.run_once()
    message = QueuedMessage.objects.get()
    assert message.state == "routed"
    signed = bytes(message.signatures)
    assert b"DKIM-Signature:" in signed
    assert b"d=example.test" in signed.replace(b" ", b"")


def test_it_delivers_a_report_to_one_of_ours(ground: Ground, alice: User) -> None:
    ground.wants("elsewhere.test", f"mailto:{alice.address}", "mailto:nobody@example.test")
    assert run() == 1
    recipient = QueuedRecipient.objects.get()
    assert recipient.user_id == alice.id


def test_it_posts_a_report(ground: Ground) -> None:
    url = f"https://reports.elsewhere.test:{ground.web.port}/v1/tls"
    ground.wants("elsewhere.test", url)
    assert run() == 1
    (request,) = ground.web.requests
    assert (request.method, request.path) == ("POST", "/v1/tls")
    assert request.headers["content-type"] == "application/tlsrpt+gzip"
    report = json.loads(gzip.decompress(request.body))
    assert report["policies"][0]["summary"]["total-successful-session-count"] == 3
    assert not QueuedMessage.objects.exists()
    assert run() == 0


def test_it_tries_again_what_could_not_be_posted(ground: Ground) -> None:
    ground.wants("elsewhere.test", f"https://reports.elsewhere.test:{ground.web.port}/v1/tls")
    ground.web.answer.status = 503
    assert run() == 0
    assert TlsReport.objects.get().outcome == "failed: status 503"
    ground.web.answer.status = 200
    assert run() == 1
    assert TlsReport.objects.get().outcome == "posted"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://127.0.0.1:{port}/", "not to be connected to"),
        ("https://[::1]:{port}/", "not to be connected to"),
        ("https://169.254.169.254/latest/meta-data/", "not to be connected to"),
        ("https://[::ffff:127.0.0.1]:{port}/", "not to be connected to"),
        ("https://internal.elsewhere.test:{port}/", "not to be connected to"),
        ("https://user:word@reports.elsewhere.test:{port}/", "no plain https URL"),
        ("https://2130706433:{port}/", "not a canonical IPv4 address"),
        ("https://0x7f.1:{port}/", "not found in DNS"),
        ("https://reports.elsewhere.test:99999/", "cannot be read"),
    ],
)
def test_it_posts_nothing_into_our_own_network(ground: Ground, url: str, words: str) -> None:
    ground.dns.add("internal.elsewhere.test", "A", "127.0.0.1")
    ground.wants("elsewhere.test", url.replace("{port}", str(ground.web.port)))
    with override_settings(SMTP_OUT_PRIVATE=False):
        assert run() == 0
    outcome = TlsReport.objects.get().outcome
    assert outcome.startswith("failed: ")
    assert words in outcome
    assert ground.web.requests == []


def test_it_reports_to_nobody_who_does_not_ask(ground: Ground) -> None:
    for number, record in enumerate(("", '"v=spf1 -all"', '"v=TLSRPTv1; rua=ftp://x.test/"')):
        if record:
            ground.dns.add(f"_smtp._tls.d{number}.test", "TXT", record)
        count(f"d{number}.test")
    assert run() == 0
    assert not QueuedMessage.objects.exists()
    outcomes = TlsReport.objects.values_list("outcome", flat=True)
    assert list(outcomes) == [tlsreports.NOT_WANTED] * 3


def test_it_waits_for_a_name_server_that_is_silent(ground: Ground) -> None:
    ground.wants("elsewhere.test", "mailto:tls@elsewhere.test")
    ground.dns.fail("_smtp._tls.elsewhere.test")
    assert run() == 0
    assert not TlsReport.objects.exists()
    ground.dns.remove("_smtp._tls.elsewhere.test")
    ground.wants("elsewhere.test", "mailto:tls@elsewhere.test")
    assert run() == 1


def test_it_reports_of_yesterday_and_spreads_over_the_night(ground: Ground) -> None:
    for number in range(12):
        ground.wants(f"d{number}.test", f"mailto:tls@d{number}.test")
    count("d0.test", DAY + 1)
    lots = sorted(tlsreports.lot(f"d{number}.test") for number in range(12))
    assert len(set(lots)) == 12
    assert lots[-1] < tlsreports.SPREAD_SECONDS
    midnight = (DAY + 1) * DAY_SECONDS
    assert run(midnight + lots[5]) == 6
    assert run(midnight + lots[-1]) == 6
    assert run(midnight + DAY_SECONDS - 1) == 0


def test_it_goes_on_when_one_domain_makes_trouble(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.test", "b.test"):
        ground.wants(name, f"mailto:tls@{name}")
    queue = tlsreports._queue

    def fail_for_one(heading: Any, to: Any, packed: bytes) -> str:
        if heading.domain == "a.test":
            raise Overloaded("no space")
        return queue(heading, to, packed)

    monkeypatch.setattr(tlsreports, "_queue", fail_for_one)
    assert run() == 1
    monkeypatch.undo()
    assert run() == 1
    assert QueuedMessage.objects.count() == 2


def test_it_chooses_the_domain_that_our_host_is_in(ground: Ground) -> None:
    Domain.objects.update(state=State.SUSPENDED)
    assert ownreports.reporting_domain() == ""
    assert run() == 0
    provisioning.add_domain("first.test")
    provisioning.add_domain("ours.test")
    provisioning.add_domain("notours.test")
    with override_settings(MAIL_HOSTNAME="mx1.ours.test"):
        assert ownreports.reporting_domain() == "ours.test"
    with override_settings(MAIL_HOSTNAME="mx1.else.test"):
        assert ownreports.reporting_domain() == "first.test"
