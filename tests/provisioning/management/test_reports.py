"""`manage.py reports`, as an administrator types it."""

import json
import unicodedata
from collections.abc import Iterator

import pytest
from django.test import override_settings

from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailqueue.models import QueuedMessage
from apps.reports import services
from apps.reports.services import Kind
from apps.runtime.clock import now
from tests.provisioning.management.running import run
from tests.reports.samples import gzipped, mail, tls_json, tls_mail, xml
from tests.support.dns_server import DnsServer
from tests.support.mail import drain, local, submission

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("noon")]


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer() as server, override_settings(DNS_SERVERS=(server.endpoint,)):
        server.text("_dmarc.bank.test", "v=DMARC1; p=reject; rua=mailto:dmarc@bank.test")
        yield server


@pytest.fixture
def came(alice: User) -> User:
    for raw in (mail(gzipped(xml())), tls_mail(tls_json())):
        accept([submission(local(alice), raw)])
    drain()
    assert run("reports", "read").out == "2 messages were looked into.\n"
    return alice


def today() -> int:
    return now() // 86_400


def count(day: int) -> None:
    kind = Kind(
        *(day, "bank.test", "bank.test", "192.0.2.7", "reject", False, False, "", ""),
        *("bank.test", "bank.test", "{}"),
    )
    services.add_counts([(kind, 3)], {kind.place: "v=DMARC1; p=reject; rua=mailto:x@bank.test"})


def test_it_lists_and_shows_what_came(came: User) -> None:
    rows = run("reports", "list", "--json").json
    assert {row["kind"] for row in rows} == {"dmarc", "tls"}
    (row,) = run("reports", "list", "--kind", "dmarc", "--domain", "EXAMPLE.test", "--json").json
    assert (row["about"], row["reporter"], row["sender"]) == (
        *("example.test", "big.example", "big.example"),
    )
    assert (row["is_genuine"], row["passed"], row["failed"]) == (False, 40, 7)
    line = run("reports", "list", "--kind", "dmarc").out.split("\t")
    assert line[:4] == [str(row["id"]), "dmarc", "example.test", "big.example"]
    shown = run("reports", "show", str(row["id"]), "--json").json
    assert [one["address"] for one in shown["rows"]] == ["192.0.2.1", "203.0.113.9"]
    assert shown["policy"]["p"] == "reject"
    text = run("reports", "show", str(row["id"])).out
    assert "203.0.113.9" in text
    assert "dkim example.test s1 pass" in text
    (tls,) = (one for one in rows if one["kind"] == "tls")
    assert "starttls-not-supported" in run("reports", "show", str(tls["id"])).out
    assert run("reports", "list", "--domain", "other.test", "--json").json == []


def test_it_sums_up_who_sends_by_genuine_reports(alice: User) -> None:
    item = submission(local(alice), mail(gzipped(xml())), door="dmarcreport")
    accept([item])
    drain()
    run("reports", "read")
    lines = run("reports", "sources", "example.test").out.splitlines()
    assert [line.split("\t")[:6] for line in lines] == [
        ["203.0.113.9", "7", "0", "7", "7", "1"],
        ["192.0.2.1", "40", "40", "0", "0", "1"],
    ]


def test_it_previews_and_sends_ours(alice: User, dns: DnsServer) -> None:
    count(today() - 1)
    day = run("reports", "sent", "--json").json
    assert [(row["domain"], row["messages"], row["outcome"]) for row in day] == [
        ("bank.test", 3, "waits")
    ]
    assert "nothing" not in run("reports", "preview", "bank.test").out
    assert run("reports", "preview", "bank.test").code == 1
    preview = run("reports", "preview", "bank.test", "--day", day[0]["day"])
    assert "<source_ip>192.0.2.7</source_ip>" in preview.out
    done = run("reports", "send", "--json").json
    assert done == {"day": day[0]["day"], "due": 1, "sent": 1}
    (row,) = run("reports", "sent", "--domain", "bank.test", "--json").json
    assert row["outcome"] == "mailed to dmarc@bank.test"
    assert row["sent_at"]
    assert run("reports", "send").out.startswith("0 of 0 ")
    assert QueuedMessage.objects.count() == 1


def test_it_sends_of_today_only_when_asked_to(alice: User, dns: DnsServer) -> None:
    count(today())
    day = run("reports", "sent", "--json").json[0]["day"]
    refused = run("reports", "send", "--day", day)
    assert (refused.code, "not over" in refused.err) == (1, True)
    assert run("reports", "send", "--early", "--domain", "other.test").out.startswith("0 of 0 ")
    assert run("reports", "send", "--early", "--json").json["sent"] == 1


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["show", "7"], 1, "There is no report 7."),
        (["show", "x"], 2, "invalid int value"),
        (["list", "--days", "0"], 2, "from 1 on"),
        (["list", "--days", "٣"], 2, "from 1 on"),
        (["sources", "no domain"], 2, "is no domain name"),
        (["preview", "[192.0.2.1]"], 2, "is no domain name"),
        (["preview", "bank.test", "--day", "2026-13-01"], 2, "such as 2026-01-31"),
        (["preview", "bank.test"], 1, "No mail in the name of bank.test"),
        (["list", "--kind", "spam"], 2, "invalid choice"),
    ],
)
def test_it_says_what_is_wrong(
    words: list[str], code: int, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run("reports", *words)
    assert done.code == code
    assert complaint in done.err + capsys.readouterr().err


def test_nothing_of_a_stranger_drives_a_terminal(alice: User) -> None:
    evil = xml(organization="\u202e\x1b[2Jbig", contact="\x07bell", errors=("\x9b31m",))
    accept([submission(local(alice), mail(gzipped(evil)))])
    tls = json.loads(tls_json())
    tls["organization-name"] = tls["policies"][0]["failure-details"][0]["result-type"] = "\x1b[2J"
    accept([submission(local(alice), tls_mail(json.dumps(tls).encode()))])
    drain()
    run("reports", "read")
    rows = run("reports", "list", "--json").json
    assert len(rows) == 2
    for row in rows:
        for out in (run("reports", "show", str(row["id"])).out, run("reports", "list").out):
            assert {char for char in out if unicodedata.category(char) == "Cc"} <= {"\n", "\t"}
