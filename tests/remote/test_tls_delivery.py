"""Mail over TLS, or not at all: every verdict on a real connection (threat 42).

A destination announces a policy by MTA-STS or DANE, and its server keeps to it or does not. What
counts is what the server got.
"""

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest
import uvloop
from pytest_django import Settings

from apps.remote.client import Carrier
from apps.remote.models import TlsMode, TlsResult
from apps.remote.policy import TlsPolicies, live_policies
from apps.remote.services import set_override
from apps.remote.stscache import live_sts
from apps.remote.types import HopUnreachableError, NextHop, Outcome, Result
from apps.resolver.live import live_resolver
from apps.runtime.db import in_db
from tests.remote.ground import SHORT, envelope, mx
from tests.support.dns_server import DnsServer
from tests.support.policy_host import PolicyHost
from tests.support.smtp_sink import EXTENSIONS, GARBAGE, SmtpSink
from tests.support.test_ca import Authority, ServerCertificate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("private")]

DOMAIN = "example.org"
HOST = "mx.example.org"
OPTIONAL = NextHop(f"mx-tls-optional/{DOMAIN}", "mx", DOMAIN, tls="optional")


@dataclass(frozen=True, slots=True)
class Ground:
    """The destination: its DNS, its policy's web server, its mail server."""

    dns: DnsServer
    web: PolicyHost
    authority: Authority
    settings: Settings

    def announce(self, mode: str, *patterns: str) -> None:
        """By MTA-STS."""
        self.dns.add(f"_mta-sts.{DOMAIN}", "TXT", '"v=STSv1; id=1;"')
        self.web.publish(mode, *patterns)

    def sign(self, record: str, host: str = HOST) -> None:
        """By DANE."""
        self.dns.secure("")
        self.dns.add(f"_{self.settings.SMTP_OUT_PORT}._tcp.{host}", "TLSA", record)


@pytest.fixture
def ground(dns: DnsServer, authority: Authority, settings: Settings) -> Iterator[Ground]:
    dns.mail(DOMAIN)
    dns.add(f"mta-sts.{DOMAIN}", "A", "127.0.0.1")
    settings.DNS_SERVERS = (dns.endpoint,)
    settings.EXTRA_CA = authority.file
    with PolicyHost(authority.server(f"mta-sts.{DOMAIN}").context) as web:
        settings.HTTPS_OUT_PORT = web.port
        yield Ground(dns, web, authority, settings)


@pytest.fixture
async def policies(ground: Ground) -> AsyncIterator[TlsPolicies]:
    made = live_policies(live_resolver())
    yield made
    await made.close()


async def send(
    policies: TlsPolicies, *, requires_tls: bool = False, hop: NextHop | None = None
) -> Result:
    """Hand over one message.

    Raises:
        HopUnreachableError: no server could be used.
    """
    carrier = Carrier(live_resolver(), policies, SHORT)
    try:
        lane = await carrier.connect(hop or mx(), requires_tls=requires_tls)
        (result,) = await lane.send(envelope(requires_tls=requires_tls))
        await lane.close()
    finally:
        await carrier.close()
    return result


async def counted(policies: TlsPolicies) -> list[tuple[str, str]]:
    """What a report would tell: policy and result of each kind of session."""
    await policies.close()
    rows = await in_db("read", lambda: list(TlsResult.objects.order_by("result")))
    assert all(one.sessions == 1 and one.domain == DOMAIN for one in rows)
    return [(one.policy_type, one.result) for one in rows]


def server(ground: Ground, what: str) -> SmtpSink:
    """The mail server, as one word has it; `settings` lead to it once it runs."""
    certificates: dict[str, Callable[[], ServerCertificate]] = {
        "good": lambda: ground.authority.server(HOST),
        "expired": lambda: ground.authority.server(HOST, is_expired=True),
        "misnamed": lambda: ground.authority.server("else.example.org"),
        "stranger": lambda: _stranger(ground),
    }
    make = certificates.get(what, certificates["good"])
    sink = SmtpSink(tls=None if what == "stripped" else make().context)
    if what == "garbage":
        sink.on("STARTTLS", GARBAGE)
    elif what == "refused":
        sink.on("STARTTLS", "454 4.7.0 TLS is not available")
    return sink


def _stranger(ground: Ground) -> ServerCertificate:
    return Authority(ground.authority.file.parent, "stranger").server(HOST)


WRONG = {
    "stripped": "starttls-not-supported",
    "refused": "starttls-not-supported",
    "garbage": "validation-failure",
    "expired": "certificate-expired",
    "misnamed": "certificate-host-mismatch",
    "stranger": "certificate-not-trusted",
}


@pytest.mark.parametrize("what", ["good", *WRONG])
async def test_it_sends_only_by_the_tls_that_an_enforced_policy_asks_for(
    ground: Ground, policies: TlsPolicies, what: str
) -> None:
    ground.announce("enforce", HOST)
    with server(ground, what) as sink:
        ground.settings.SMTP_OUT_PORT = sink.port
        if what == "good":
            result = await send(policies)
            assert result.outcome is Outcome.DELIVERED
            assert result.tls.endswith(" trusted")
            assert sink.messages[0].tls.startswith("TLS")
        else:
            with pytest.raises(HopUnreachableError) as caught:
                await send(policies)
            assert caught.value.status in {"4.7.4", "4.7.5"}
            assert not caught.value.is_permanent
            assert HOST in caught.value.reply
            assert sink.messages == []
            assert sink.count("MAIL") == 0
    assert await counted(policies) == [("sts", WRONG.get(what, ""))]


@pytest.mark.parametrize("what", ["good", *WRONG])
async def test_it_sends_all_the_same_where_a_policy_is_in_testing(
    ground: Ground, policies: TlsPolicies, what: str
) -> None:
    ground.announce("testing", HOST)
    with server(ground, what) as sink:
        ground.settings.SMTP_OUT_PORT = sink.port
        result = await send(policies)
        assert result.outcome is Outcome.DELIVERED
        is_plain = what in {"stripped", "refused", "garbage"}
        assert (sink.messages[0].tls == "") is is_plain
    assert await counted(policies) == [("sts", WRONG.get(what, ""))]


@pytest.mark.parametrize("what", ["good", *WRONG])
async def test_it_takes_what_it_gets_where_nothing_is_announced(
    ground: Ground, policies: TlsPolicies, what: str
) -> None:
    with server(ground, what) as sink:
        ground.settings.SMTP_OUT_PORT = sink.port
        result = await send(policies)
        assert result.outcome is Outcome.DELIVERED
        is_plain = what in {"stripped", "refused", "garbage"}
        assert (result.tls == "") is is_plain
        assert (sink.messages[0].tls == "") is is_plain
    failure = WRONG[what] if is_plain else ""  # whom it reached was nobody's demand
    assert await counted(policies) == [("no-policy-found", failure)]


@pytest.mark.parametrize("what", ["good", "other", "stripped", "garbage", "expired"])
async def test_it_sends_only_to_the_server_that_dane_names(
    ground: Ground, policies: TlsPolicies, what: str
) -> None:
    named = ground.authority.server(HOST, is_expired=what == "expired")
    shown = ground.authority.server(HOST) if what == "other" else named
    with SmtpSink(tls=None if what == "stripped" else shown.context) as sink:
        if what == "garbage":
            sink.on("STARTTLS", GARBAGE)
        ground.settings.SMTP_OUT_PORT = sink.port
        ground.sign(named.tlsa())
        if what in {"good", "expired"}:  # the key is named: its certificate's dates do not matter
            assert (await send(policies)).tls.endswith(" dane")
            assert len(sink.messages) == 1
        else:
            with pytest.raises(HopUnreachableError, match=r"4\.7\."):
                await send(policies)
            assert sink.messages == []
    failures = {"other": "validation-failure", "stripped": "starttls-not-supported"}
    failures["garbage"] = "validation-failure"
    assert await counted(policies) == [("tlsa", failures.get(what, ""))]


async def test_it_passes_over_hosts_that_are_not_in_the_policy(
    ground: Ground, policies: TlsPolicies
) -> None:
    ground.announce("enforce", HOST)
    evil = [f"{number} evil{number}.test." for number in range(20)]
    ground.dns.add(DOMAIN, "MX", *evil, f"90 {HOST}.")
    for number in range(20):
        ground.dns.add(f"evil{number}.test", "A", "127.0.0.2")
    good, bad = ground.authority.server(HOST), ground.authority.server("evil0.test")
    with (
        SmtpSink(tls=good.context) as sink,
        SmtpSink(tls=bad.context, host="127.0.0.2", port=sink.port) as trap,
    ):
        ground.settings.SMTP_OUT_PORT = sink.port
        assert (await send(policies)).host == HOST
        assert (len(sink.messages), trap.sessions) == (1, 0)
    assert ground.dns.count("evil0.test") == 0


async def test_it_takes_the_next_host_where_the_first_cannot_be_verified(
    ground: Ground, policies: TlsPolicies
) -> None:
    ground.announce("enforce", "*.example.org")
    ground.dns.add(DOMAIN, "MX", f"10 {HOST}.", "20 mx2.example.org.")
    ground.dns.add("mx2.example.org", "A", "127.0.0.2")
    second = ground.authority.server("mx2.example.org")
    with (
        server(ground, "misnamed") as first,
        SmtpSink(tls=second.context, host="127.0.0.2", port=first.port) as sink,
    ):
        ground.settings.SMTP_OUT_PORT = first.port
        assert (await send(policies)).host == "mx2.example.org"
        assert (first.messages, len(sink.messages)) == ([], 1)
    assert await counted(policies) == [("sts", ""), ("sts", "certificate-host-mismatch")]


@pytest.mark.parametrize(
    ("how", "is_sent"),
    [("nothing", False), ("sts", True), ("testing", True), ("dane", True), ("signed", True)],
)
async def test_it_requires_a_server_that_is_proved_for_requiretls(
    ground: Ground, policies: TlsPolicies, how: str, is_sent: bool
) -> None:
    """RFC 8689 section 4.2.1: a certificate is worth nothing for a name that anybody made up."""
    certificate = ground.authority.server(HOST)
    with SmtpSink(tls=certificate.context, extensions=(*EXTENSIONS, "REQUIRETLS")) as sink:
        ground.settings.SMTP_OUT_PORT = sink.port
        if how in {"sts", "testing"}:
            ground.announce("enforce" if how == "sts" else how, HOST)
        elif how == "dane":
            ground.sign(certificate.tlsa())
        elif how == "signed":
            ground.dns.secure("")
        if is_sent:
            assert (await send(policies, requires_tls=True)).outcome is Outcome.DELIVERED
            assert "REQUIRETLS" in sink.messages[0].mail_parameters
        else:
            with pytest.raises(HopUnreachableError):
                await send(policies, requires_tls=True)
            assert sink.messages == []


@pytest.mark.parametrize("what", ["good", *WRONG])
async def test_it_delivers_anyway_what_its_sender_wants_to_arrive(
    ground: Ground, policies: TlsPolicies, what: str
) -> None:
    """TLS-Required: No (RFC 8689 section 4.2.2), such as a report that TLS fails there."""
    ground.announce("enforce", HOST)
    with server(ground, what) as sink:
        ground.settings.SMTP_OUT_PORT = sink.port
        result = await send(policies, hop=OPTIONAL)
        assert result.outcome is Outcome.DELIVERED
        assert (result.tls != "") is (what not in {"stripped", "refused", "garbage"})
    assert await counted(policies) == [("sts", WRONG.get(what, ""))]


async def test_it_delivers_anyway_against_dane(ground: Ground, policies: TlsPolicies) -> None:
    with server(ground, "good") as sink:
        ground.settings.SMTP_OUT_PORT = sink.port
        ground.sign("3 1 1 " + "00" * 32)
        assert (await send(policies, hop=OPTIONAL)).tls.endswith(" untrusted")
        other = TlsPolicies(live_resolver(), live_sts(live_resolver()))
        ground.dns.fail(f"_{sink.port}._tcp.{HOST}")
        assert (await send(other, hop=OPTIONAL)).outcome is Outcome.DELIVERED
        with pytest.raises(HopUnreachableError):
            await send(other)
        await other.close()
        await in_db("write", set_override, domain=DOMAIN, mode=TlsMode.DANE)
        own = live_policies(live_resolver())
        with pytest.raises(HopUnreachableError):  # the administrator's word stands
            await send(own, hop=OPTIONAL)
        await own.close()


async def test_it_delivers_anyway_to_hosts_outside_the_policy(
    ground: Ground, policies: TlsPolicies
) -> None:
    ground.announce("enforce", "mx.else.test")
    with server(ground, "good") as sink:
        ground.settings.SMTP_OUT_PORT = sink.port
        assert (await send(policies, hop=OPTIONAL)).outcome is Outcome.DELIVERED
        with pytest.raises(HopUnreachableError):
            await send(policies)


async def test_it_does_as_the_administrator_says(ground: Ground, policies: TlsPolicies) -> None:
    ground.announce("enforce", "mx.else.test")
    await in_db("write", set_override, domain=DOMAIN, mode=TlsMode.NONE)
    with server(ground, "good") as sink:
        ground.settings.SMTP_OUT_PORT = sink.port
        assert (await send(policies)).tls == ""
        assert sink.count("STARTTLS") == 0
    assert await counted(policies) == []


async def test_it_speaks_old_tls_rather_than_none(ground: Ground, policies: TlsPolicies) -> None:
    context = ground.authority.server(HOST).context
    context.set_ciphers("ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # with a cipher that is not sound any more
    with SmtpSink(tls=context) as sink:
        ground.settings.SMTP_OUT_PORT = sink.port
        assert "SHA" in (await send(policies)).tls


def test_it_is_no_different_on_the_loop_of_the_workers(ground: Ground) -> None:
    """Workers run uvloop, whose TLS and sockets are its own."""

    async def run() -> Result:
        policies = live_policies(live_resolver())
        try:
            return await send(policies)
        finally:
            await policies.close()

    ground.announce("enforce", HOST)
    with server(ground, "good") as sink:
        ground.settings.SMTP_OUT_PORT = sink.port
        result = uvloop.run(run())
        assert result.tls.endswith(" trusted")
    with server(ground, "misnamed") as sink:
        ground.settings.SMTP_OUT_PORT = sink.port
        with pytest.raises(HopUnreachableError):
            uvloop.run(run())
        assert sink.messages == []
