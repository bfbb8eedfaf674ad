"""`manage.py tls-policy`, as an administrator types it."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from apps.remote import services
from apps.remote.services import Sessions
from apps.runtime.clock import now
from tests.support.dns_server import DnsServer
from tests.support.policy_host import PolicyHost
from tests.support.test_ca import Authority

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("tls-policy", *words, stdout=out)
    return out.getvalue()


def test_it_sets_lists_and_removes() -> None:
    assert run("list") == ""
    assert run("set", "Example.ORG", "encrypt") == "encrypt is set for example.org.\n"
    run("set", ".bücher.test", "verify", "MX.Provider.test", "b.test")
    assert run("list").splitlines() == [
        ".xn--bcher-kva.test\tverify\tmx.provider.test,b.test",
        "example.org\tencrypt\t-",
    ]
    run("set", "example.org", "none")
    assert json.loads(run("list", "--json"))[1] == {
        "domain": "example.org",
        "mode": "none",
        "names": [],
    }
    told = json.loads(run("remove", "example.org", "--json"))
    assert told == {"domain": "example.org"}
    assert len(run("list").splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["set", "not a domain", "none"], "no domain name"),
        (["set", "[127.0.0.1]", "none"], "no domain name"),
        (["set", "..", "none"], "no domain name"),
        (["set", "example.org", "always"], "invalid choice"),
        (["set", "example.org", "encrypt", "mx.example.org"], "verify only"),
        (["set", "example.org", "verify", "a b"], "no domain name"),
        (["remove", "example.org"], "No TLS policy is set"),
        (["show", "."], "no domain name"),
    ],
)
def test_it_says_what_is_wrong(words: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        run(*words)


@pytest.fixture
def dns(tmp_path: Path) -> Iterator[DnsServer]:
    """A domain with MTA-STS, two good hosts and a bad one."""
    authority = Authority(tmp_path)
    context = authority.server("mta-sts.example.org").context
    with DnsServer() as made, PolicyHost(context) as web:
        made.add("example.org", "MX", "10 mx1.example.org.", "20 mx2.example.org.", "30 evil.test.")
        for name in ("mx1.example.org", "mx2.example.org", "evil.test"):
            made.add(name, "A", "192.0.2.1" if name == "evil.test" else "127.0.0.2")
        made.add("_mta-sts.example.org", "TXT", '"v=STSv1; id=7;"')
        made.add("mta-sts.example.org", "A", "127.0.0.1")
        made.add("_25._tcp.mx2.example.org", "TLSA", authority.tlsa())
        web.publish("enforce", "*.example.org")
        with override_settings(
            DNS_SERVERS=(made.endpoint,),
            HTTPS_OUT_PORT=web.port,
            EXTRA_CA=authority.file,
            SMTP_OUT_PRIVATE=True,
        ):
            yield made


def test_it_shows_what_each_server_must_have(dns: DnsServer) -> None:
    dns.secure("")
    assert run("show", "example.org").splitlines() == [
        "No policy is set here for example.org.",
        "MTA-STS policy 7: enforce, *.example.org.",
        "The MX records are proved by DNSSEC.",
        "mx1.example.org\tmta-sts\tTLS with a trusted certificate for mx1.example.org",
        "mx2.example.org\tdane\tTLS with a certificate that its TLSA records name",
        "evil.test\tmta-sts\tnot used: evil.test is not a mail server by the MTA-STS policy of"
        " example.org",
    ]
    run("set", ".org", "verify", "cluster.test")
    told = json.loads(run("show", "example.org", "--json"))
    assert (
        told["sources"][0] == "An administrator set: verify with the names cluster.test (for .org)."
    )
    assert {row["why"] for row in told["hosts"]} == {"override"}
    assert all(row["is_used"] for row in told["hosts"])


@pytest.mark.usefixtures("noon")
def test_it_lists_how_tls_went() -> None:
    today = now() // 86_400
    day = datetime.fromtimestamp(now(), UTC).date().isoformat()
    for domain, back, result, host in (
        ("a.test", 0, "", ""),
        ("a.test", 0, "certificate-expired", "mx.a.test"),
        ("b.test", 0, "", ""),
        ("a.test", 5, "", ""),
    ):
        row = Sessions(today - back, domain, "sts", (), (), result, host, "", "", "old", 3)
        services.add_sessions([row])
    assert run("results").splitlines() == [
        f"{day}\ta.test\tsts\tcertificate-expired\tmx.a.test\t3\told",
        f"{day}\ta.test\tsts\tsuccess\t-\t3\told",
        f"{day}\tb.test\tsts\tsuccess\t-\t3\told",
    ]
    assert len(json.loads(run("results", "a.test", "--days", "6", "--json"))) == 3


def test_it_shows_why_no_mail_can_be_sent(dns: DnsServer) -> None:
    assert "there is no domain none.test" in run("show", "none.test")
    dns.add("null.test", "MX", "0 .")
    assert "takes no mail" in run("show", "null.test")
    dns.fail("down.test")
    assert "could not be had" in run("show", "down.test")
