"""Reports that come with the mail: filed like any mail, read apart, kept once, or told why not."""

import json
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError
from django.test import override_settings

from apps.blobs import services as blobs
from apps.blobs.models import Blob
from apps.delivery import story
from apps.delivery.accept import accept
from apps.directory.models import Domain, Role, RoleGrant, User
from apps.mailauth.types import Authentication, Dmarc, Result
from apps.mailqueue.models import QueuedMessage
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.mailstore.models import Entry, Message
from apps.provisioning import services as provisioning
from apps.reception.judging import Case, Judgement
from apps.reports import arriving, queries, reading, tasks
from apps.reports.models import Arrival, ReceivedDmarc, ReceivedReport, ReceivedTls
from apps.reports.services import received
from apps.reports.services.arrivals import TRIES_MAX
from apps.runtime.clock import now
from apps.trace import queries as trace
from apps.wire.errors import StorageUnavailable
from tests.reports.samples import (
    DAY_SECONDS,
    bare_mail,
    gzipped,
    mail,
    named,
    tls_json,
    tls_mail,
    xml,
    zipped,
)
from tests.support.mail import drain, local, submission

pytestmark = pytest.mark.django_db


def judged(result: Result = Result.PASS, author: str = "big.example") -> str:
    dmarc = Dmarc(result, author=author, domain=author, record="v=DMARC1; p=reject")
    return json.dumps(Judgement(Case(Authentication(dmarc=dmarc))).as_data())


def deliver(raw: bytes, *users: User, judgement: str | None = None) -> Submission:
    item = replace(
        submission(local(*users), raw), judgement=judged() if judgement is None else judgement
    )
    accept([item])
    drain()
    return item


def told(item: Submission) -> list[str]:
    """What the trace says of reading it, in words."""
    found = trace.events_of(item.trace_id)
    return [story.sentence(one) for one in found if one.kind.startswith("report.")]


@pytest.mark.parametrize(
    "raw",
    [
        mail(gzipped(xml())),
        bare_mail(zipped(xml())),
        mail(xml(), kind="text/xml", subject="DMARC Aggregate Report Domain: example.test"),
        mail(gzipped(xml()), subject="=?utf-8?B?UmVwb3J0?="),  # the file's name tells
    ],
    ids=named,
)
def test_it_reads_a_dmarc_report(alice: User, raw: bytes) -> None:
    item = deliver(raw, alice)
    assert Entry.objects.count() == 1  # its reader gets it like any mail
    assert Arrival.objects.count() == 1
    tasks.read()
    report = ReceivedReport.objects.get()
    assert (report.kind, report.about, report.domain.name) == ("dmarc", *["example.test"] * 2)
    assert (report.reporter, report.report_id) == ("big.example", "report-1")
    assert (report.sender, report.is_genuine) == ("big.example", True)
    assert (report.passed, report.failed, report.trace_id) == (40, 7, item.trace_id)
    good, bad = ReceivedDmarc.objects.order_by("-messages")
    assert (good.address, good.dkim, good.spf) == ("192.0.2.1", True, True)
    assert json.loads(good.results) == {
        "dkim": [["example.test", "s1", "pass"]],
        "spf": [["example.test", "mfrom", "pass"]],
    }
    assert (bad.address, bad.messages, bad.disposition) == ("203.0.113.9", 7, "reject")
    assert not Arrival.objects.exists()
    assert Entry.objects.count() == 1
    assert told(item) == [
        "Read as a report on mail in the name of example.test by big.example, 2 rows."
    ]


@pytest.mark.parametrize(
    "raw",
    [tls_mail(gzipped(tls_json())), tls_mail(tls_json(), kind="application/tlsrpt+json")],
    ids=named,
)
def test_it_reads_a_report_on_tls(alice: User, raw: bytes) -> None:
    item = deliver(raw, alice, judgement=judged(author="company-x.example"))
    tasks.read()
    report = ReceivedReport.objects.get()
    assert (report.kind, report.about, report.is_genuine) == ("tls", "example.test", True)
    assert (report.passed, report.failed) == (5326, 303)
    results = ReceivedTls.objects.order_by("-sessions").values_list("result", "sessions")
    assert list(results) == [
        *(("", 5326), ("starttls-not-supported", 203), ("certificate-expired", 100)),
    ]
    assert told(item) == [
        "Read as a report on TLS with the servers of example.test by Company-X, 3 rows."
    ]


def test_it_keeps_a_report_once(alice: User, bob: User) -> None:
    for _ in range(3):
        item = deliver(mail(gzipped(xml())), alice, bob)
    tasks.read()
    assert ReceivedReport.objects.count() == 1
    assert ReceivedDmarc.objects.count() == 2
    assert "it is known already" in told(item)[0]


def test_a_forged_one_keeps_no_true_one_out(alice: User) -> None:
    deliver(mail(gzipped(xml())), alice, judgement=judged(Result.FAIL))
    deliver(mail(gzipped(xml())), alice)
    tasks.read()
    found = ReceivedReport.objects.order_by("is_genuine").values_list("sender", "is_genuine")
    assert list(found) == [("big.example", False), ("big.example", True)]
    assert [row.messages for row in queries.sources("example.test", days=2)] == [7, 40]


@pytest.mark.parametrize("judgement", ["", judged(author="other.test")])
def test_nothing_proves_a_sender_that_was_not_asked_about(alice: User, judgement: str) -> None:
    deliver(mail(gzipped(xml())), alice, judgement=judgement)
    tasks.read()
    assert ReceivedReport.objects.get().is_genuine is False


def test_it_takes_reports_on_names_below_and_on_other_domains_of_the_organisation(
    alice: User, domain: Domain
) -> None:
    provisioning.add_domain("second.test", organization=domain.organization.name)
    for name in ("news.example.test", "second.test", "sub.second.test"):
        deliver(mail(gzipped(xml(name))), alice)
    tasks.read()
    found = ReceivedReport.objects.order_by("id").values_list("about", "domain__name")
    assert list(found) == [
        ("news.example.test", "example.test"),
        ("second.test", "second.test"),
        ("sub.second.test", "second.test"),
    ]


@pytest.mark.parametrize("about", ["other.test", "elsewhere.example", "test", "notexample.test"])
def test_it_takes_no_report_on_what_its_reader_does_not_own(alice: User, about: str) -> None:
    provisioning.add_domain("other.test", organization="Elsewhere")
    item = deliver(mail(gzipped(xml(about))), alice)
    tasks.read()
    assert not ReceivedReport.objects.exists()
    assert told(item) == [
        f"Not kept as a report on mail in the name of {about}: it is about a domain that is not"
        " its readers' own."
    ]
    assert Entry.objects.filter(mailbox__user=alice).count() == 1


def test_an_operator_may_read_for_all(alice: User) -> None:
    other = provisioning.add_domain("other.test", organization="Elsewhere")
    RoleGrant.objects.create(user=alice, role=Role.OPERATOR)
    deliver(mail(gzipped(xml("other.test"))), alice)
    tasks.read()
    assert ReceivedReport.objects.get().domain == other


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + xml()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (gzipped(LAUGHS), "it has a DTD, entities or references to elsewhere"),
        (gzipped(b"<feedback>" + b" " * (25 << 20)), "it is too large, or packed too well"),
        (zipped(*[b"x"] * 30), "its zip has too many files"),
        (gzipped(xml())[:50], "its gzip is cut off"),
        (gzipped(b"<svg/>"), "it is no DMARC report"),
        (b"%PDF", "it carries no report"),
        (b"{}", "it does not say which domain it is about"),
        (gzipped(xml(begin=5, end=6)), "it is of a time that no report can be of"),
        (gzipped(xml(end=now() + 30 * DAY_SECONDS)), "it is of a time that no report can be of"),
    ],
    ids=named,
)
def test_what_is_none_is_mail_like_any_other(alice: User, content: bytes, why: str) -> None:
    item = deliver(mail(content), alice)
    tasks.read()
    assert not ReceivedReport.objects.exists()
    assert not Arrival.objects.exists()
    assert Entry.objects.filter(mailbox__user=alice).count() == 1
    assert told(item) == [f"Not kept as a report: {why}."]


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: Hello\r\n\r\nThe report on our domain.\r\n",
        b"Subject: hi\r\nContent-Type: application/zip; name=photos.zip\r\n\r\nx",
    ],
    ids=named,
)
def test_it_looks_into_nothing_else(alice: User, raw: bytes) -> None:
    deliver(raw, alice)
    assert not Arrival.objects.exists()


def test_mail_that_only_passes_through_is_not_read(alice: User) -> None:
    away = EnvelopeRecipient("dmarc@elsewhere.example", "dmarc@elsewhere.example", None)
    accept([submission([away], mail(gzipped(xml())))])
    drain()
    assert not Arrival.objects.exists()


def test_it_is_switched_off_by_its_setting(alice: User) -> None:
    with override_settings(REPORTS_DAYS=0):
        deliver(mail(gzipped(xml())), alice)
    assert not Arrival.objects.exists()


def test_what_waits_keeps_its_octets(alice: User) -> None:
    deliver(mail(gzipped(xml())), alice)
    Entry.objects.all().delete()
    Message.objects.all().delete()  # as if its reader had no use for it
    QueuedMessage.objects.all().delete()
    ids = list(Blob.objects.values_list("pk", flat=True))
    assert blobs.release(ids) == 0
    tasks.read()
    assert ReceivedReport.objects.count() == 1
    assert blobs.release(ids) == 1


def test_a_report_that_kills_its_reader_is_given_up(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    deliver(mail(gzipped(xml())), alice)
    deliver(mail(gzipped(xml("news.example.test"))), alice)
    real = reading.read

    def read(raw: bytes, **given: Any) -> reading.Reading:
        found = real(raw, **given)
        if "'news.example.test'" in repr(found):
            raise MemoryError
        return found

    monkeypatch.setattr(reading, "read", read)
    for _ in range(TRIES_MAX + 1):
        tasks.read()
        Arrival.objects.update(lease_until=0)
    assert not Arrival.objects.exists()
    assert ReceivedReport.objects.get().about == "example.test"
    assert "a report cannot be read" in caplog.text


@pytest.mark.parametrize("error", [OperationalError("gone"), StorageUnavailable("gone")])
def test_it_waits_for_a_database_that_is_away(
    alice: User, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    deliver(mail(gzipped(xml())), alice)

    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("apps.trace.services.record", fail)
        with pytest.raises(StorageUnavailable):
            arriving.read_all(5, seconds=60)
    assert not ReceivedReport.objects.exists()
    Arrival.objects.update(lease_until=0)
    assert arriving.read_all(5, seconds=-1) == 0
    assert arriving.read_all(5, seconds=60) == 1
    assert ReceivedReport.objects.count() == 1


def test_a_damaged_message_is_done_with(alice: User) -> None:
    item = deliver(mail(gzipped(xml())), alice)
    Blob.objects.update(sha256=b"\0" * 32)
    tasks.read()
    assert told(item) == ["Not kept as a report: the message is damaged."]


def test_reports_of_a_domain_are_bounded(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received, "OTHERS_PER_DAY", 2)
    for number in range(4):
        content = gzipped(xml(id=f"forged-{number}"))
        item = deliver(mail(content), alice, judgement=judged(Result.FAIL))
    tasks.read()
    assert ReceivedReport.objects.count() == 2
    assert "there are too many" in told(item)[0]
    deliver(mail(gzipped(xml())), alice)
    tasks.read()
    assert ReceivedReport.objects.filter(is_genuine=True).count() == 1


def test_a_flood_does_not_pile_up(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.reports.services.arrivals.MOST_WAITING", 2)
    for _ in range(4):
        deliver(mail(gzipped(xml())), alice)
    assert Arrival.objects.count() == 2
    assert Entry.objects.filter(mailbox__user=alice).count() == 4


def test_reports_go_with_their_domain(alice: User, domain: Domain) -> None:
    deliver(mail(gzipped(xml())), alice)
    tasks.read()
    provisioning.add_domain("second.test")
    for number in range(25):
        deliver(mail(gzipped(xml("second.test", id=f"report-{number}"))), alice)
    tasks.read()
    assert ReceivedReport.objects.count() == 26
    provisioning.remove_domain("second.test")
    assert ReceivedReport.objects.get().domain == domain
    assert ReceivedDmarc.objects.count() == 2


def test_it_prunes_what_is_old(alice: User) -> None:
    deliver(mail(gzipped(xml())), alice)
    tasks.read()
    with override_settings(REPORTS_DAYS=30):
        ReceivedReport.objects.update(received_at=now() - 29 * DAY_SECONDS)
        tasks.prune()
        assert ReceivedReport.objects.count() == 1
        ReceivedReport.objects.update(received_at=now() - 31 * DAY_SECONDS)
        tasks.prune()
    assert not ReceivedReport.objects.exists()
    assert not ReceivedDmarc.objects.exists()
