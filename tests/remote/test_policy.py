"""TLS policy as a delivery meets it: DNS, policy hosts and handshakes are real, on loopback."""

import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.test import override_settings

from apps.remote import services
from apps.remote.demand import Demand, Failure, Level, PolicyType, Verdict
from apps.remote.models import StsPolicy, TlsMode
from apps.remote.policy import Exchanger, TlsPolicies, live_policies
from apps.resolver.live import live_resolver
from apps.runtime.db import in_db
from tests.support.dns_server import DnsServer
from tests.support.handshake import handshake
from tests.support.policy_host import PolicyHost
from tests.support.test_ca import Authority, ServerCertificate

pytestmark = pytest.mark.django_db(transaction=True)

DOMAIN = "example.org"
HOST = "mx.example.org"
SECURE = Exchanger(HOST, is_mx_secure=True, canonical=HOST, is_address_secure=True)
PLAIN = Exchanger(HOST, canonical=HOST)


@dataclass(frozen=True, slots=True)
class Ground:
    """What there is around a delivery."""

    dns: DnsServer
    web: PolicyHost
    authority: Authority
    folder: Path

    def announce(self, identity: str, mode: str, *patterns: str, max_age: int = 86_400) -> None:
        """Have the domain announce and publish a policy."""
        self.dns.add(f"_mta-sts.{DOMAIN}", "TXT", f'"v=STSv1; id={identity};"', ttl=0)
        self.web.publish(mode, *patterns, max_age=max_age)

    def sign(self, *records: str) -> None:
        """Have the domain's DNS be signed, with TLSA records for its host."""
        self.dns.secure("")
        self.dns.add(f"_25._tcp.{HOST}", "TLSA", *records)

    def stranger(self, *names: str) -> ServerCertificate:
        """A certificate of an authority that nobody trusts."""
        return Authority(self.folder, "stranger").server(*names)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    authority = Authority(tmp_path)
    with DnsServer() as dns, PolicyHost(authority.server(f"mta-sts.{DOMAIN}").context) as web:
        dns.add(f"mta-sts.{DOMAIN}", "A", "127.0.0.1")
        with override_settings(
            DNS_SERVERS=(dns.endpoint,),
            HTTPS_OUT_PORT=web.port,
            EXTRA_CA=authority.file,
            SMTP_OUT_PRIVATE=True,
        ):
            yield Ground(dns, web, authority, tmp_path)


@pytest.fixture
async def policies(ground: Ground) -> AsyncIterator[TlsPolicies]:
    made = live_policies(live_resolver())
    yield made
    await made.close()


async def demand_of(policies: TlsPolicies, exchanger: Exchanger = PLAIN) -> Demand:
    policy = await policies.policy_for(DOMAIN)
    return await policy.demand(exchanger)


def judge(demand: Demand, server: ServerCertificate) -> Verdict:
    """Shake hands as the client does, and judge."""
    return demand.verify(handshake(server.context, demand.context(), demand.server_name))


# --- nothing announced


async def test_it_takes_any_tls_where_nothing_is_announced(
    ground: Ground, policies: TlsPolicies
) -> None:
    demand = await demand_of(policies)
    assert (demand.level, demand.policy_type) == (Level.MAY, PolicyType.NONE)
    assert demand.wants_tls
    assert not demand.must_tls
    verdict = judge(demand, ground.stranger("whoever.test"))
    assert verdict.may_use
    assert not verdict.is_verified
    assert verdict.failure is None
    assert verdict.tls.startswith("TLSv1.3 TLS_")
    assert verdict.tls.endswith(" untrusted")
    assert judge(demand, ground.authority.server(HOST)).is_verified


async def test_it_goes_in_the_clear_where_nothing_is_announced(
    ground: Ground, policies: TlsPolicies
) -> None:
    demand = await demand_of(policies)
    assert demand.not_offered() == Verdict(may_use=True, failure=Failure.STARTTLS_NOT_SUPPORTED)
    broken = demand.handshake_failed(ssl.SSLError(1, "wrong version number"))
    assert (broken.may_use, broken.try_plain) == (False, True)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "no answer in time"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
        (EOFError(), "the connection was closed"),
        (ssl.SSLError("odd"), "closed"),
    ],
)
async def test_it_says_in_words_what_a_handshake_died_of(
    policies: TlsPolicies, error: Exception, words: str
) -> None:
    demand = policies.for_transport("smart.example.org", "encrypt")
    verdict = demand.handshake_failed(error)
    assert words in verdict.reason
    assert "smart.example.org" in verdict.reason
    assert (verdict.may_use, verdict.try_plain, verdict.status) == (False, False, "4.7.5")


# --- MTA-STS


async def test_it_enforces_a_policy(ground: Ground, policies: TlsPolicies) -> None:
    ground.announce("1", "enforce", HOST)
    demand = await demand_of(policies)
    assert (demand.level, demand.policy_type) == (Level.VERIFY, PolicyType.STS)
    assert demand.must_tls
    assert demand.is_host_authentic
    assert demand.patterns == (HOST,)
    assert "mode: enforce" in demand.policy
    good = judge(demand, ground.authority.server(HOST))
    assert (good.may_use, good.is_verified, good.failure) == (True, True, None)
    assert good.tls.endswith(" trusted")
    (request,) = ground.web.requests
    assert (request.host, request.path) == (f"mta-sts.{DOMAIN}", "/.well-known/mta-sts.txt")


async def test_it_sends_nothing_where_an_enforced_policy_fails(
    ground: Ground, policies: TlsPolicies
) -> None:
    ground.announce("1", "enforce", HOST)
    demand = await demand_of(policies)
    server = ground.authority.server
    for verdict, failure in (
        (demand.not_offered(), Failure.STARTTLS_NOT_SUPPORTED),
        (demand.handshake_failed(TimeoutError()), Failure.VALIDATION),
        (judge(demand, ground.stranger(HOST)), Failure.NOT_TRUSTED),
        (judge(demand, server(HOST, is_expired=True)), Failure.EXPIRED),
        (judge(demand, server("else.example.org")), Failure.HOST_MISMATCH),
    ):
        assert (verdict.may_use, verdict.try_plain) == (False, False)
        assert verdict.failure is failure
        assert verdict.status in {"4.7.4", "4.7.5"}
        assert f"the MTA-STS policy of {DOMAIN}" in verdict.reason or "handshake" in verdict.reason


async def test_it_passes_over_hosts_that_an_enforced_policy_does_not_name(
    ground: Ground, policies: TlsPolicies
) -> None:
    ground.announce("1", "enforce", "*.good.test")
    policy = await policies.policy_for(DOMAIN)
    assert policy.refusal("mx.good.test") is None
    refused = policy.refusal("mx.evil.test")
    assert refused is not None
    assert refused.refusal is not None
    assert not refused.refusal.may_use
    assert "mx.evil.test" in refused.refusal.reason
    assert await policy.demand(Exchanger("mx.evil.test")) == refused


async def test_it_only_counts_the_failures_of_a_policy_in_testing(
    ground: Ground, policies: TlsPolicies
) -> None:
    ground.announce("1", "testing", HOST)
    policy = await policies.policy_for(DOMAIN)
    demand = await policy.demand(PLAIN)
    assert not demand.must_tls
    for verdict, failure in (
        (demand.not_offered(), Failure.STARTTLS_NOT_SUPPORTED),
        (judge(demand, ground.stranger(HOST)), Failure.NOT_TRUSTED),
    ):
        assert verdict.may_use
        assert verdict.failure is failure
    assert demand.handshake_failed(TimeoutError()).try_plain
    assert policy.refusal("mx.evil.test") is None
    other = await policy.demand(Exchanger("mx.evil.test"))
    assert other.refusal is None
    assert other.note is not None
    assert other.note.failure is Failure.VALIDATION


async def test_it_lets_a_domain_take_its_policy_back(ground: Ground, policies: TlsPolicies) -> None:
    ground.announce("1", "none")
    assert (await demand_of(policies)).level is Level.MAY


async def test_it_keeps_a_policy_when_dns_and_web_fall_silent(ground: Ground) -> None:
    """The downgrade of threat 42: who can silence a domain must not get its mail in the clear."""
    ground.announce("1", "enforce", HOST)
    for silence in ("nothing", "no record", "servfail", "new id, no web", "new id, no TLS"):
        if silence == "no record":
            ground.dns.remove(f"_mta-sts.{DOMAIN}")
        elif silence == "servfail":
            ground.dns.fail(f"_mta-sts.{DOMAIN}")
        elif silence == "new id, no web":
            ground.dns.remove(f"_mta-sts.{DOMAIN}")
            ground.announce("2", "none")
            ground.web.answer.status = 500
        elif silence == "new id, no TLS":
            ground.dns.add(f"mta-sts.{DOMAIN}", "A", "127.0.0.254")
        policies = live_policies(live_resolver())  # a worker that knows nothing yet
        assert (await demand_of(policies)).must_tls, silence
        await policies.close()


async def test_it_forgets_a_policy_that_expired(ground: Ground, policies: TlsPolicies) -> None:
    ground.announce("1", "enforce", HOST)
    await demand_of(policies)
    await in_db("write", lambda: StsPolicy.objects.update(expires_at=1))
    ground.dns.remove(f"_mta-sts.{DOMAIN}")
    other = live_policies(live_resolver())
    assert (await demand_of(other)).level is Level.MAY
    await other.close()


async def test_it_fetches_anew_when_the_id_changes(ground: Ground, policies: TlsPolicies) -> None:
    ground.announce("1", "testing", HOST)
    await demand_of(policies)
    await demand_of(policies)
    assert len(ground.web.requests) == 1
    ground.announce("2", "enforce", HOST)
    other = live_policies(live_resolver())
    assert (await demand_of(other)).must_tls
    assert len(ground.web.requests) == 2
    await other.close()


@pytest.mark.parametrize(
    ("what", "failure"),
    [
        ("status", Failure.STS_FETCH),
        ("redirect", Failure.STS_FETCH),
        ("endless", Failure.STS_FETCH),
        ("html", Failure.STS_INVALID),
        ("octets", Failure.STS_INVALID),
        ("nonsense", Failure.STS_INVALID),
        ("certificate", Failure.STS_WEBPKI),
        ("closed", Failure.STS_FETCH),
        ("nowhere", Failure.STS_FETCH),
    ],
)
async def test_it_takes_no_policy_from_a_host_that_misbehaves(
    ground: Ground, policies: TlsPolicies, what: str, failure: Failure
) -> None:
    ground.announce("1", "enforce", HOST)
    answer = ground.web.answer
    if what == "status":
        answer.status = 404
    elif what == "redirect":
        answer.status = 302
        answer.headers["Location"] = f"https://mta-sts.{DOMAIN}:{ground.web.port}/elsewhere"
    elif what == "endless":
        answer.body, answer.is_endless = b"mx: mx.example.org\n" * 1_000, True
    elif what == "html":
        answer.media_type = "text/html"
    elif what == "octets":
        answer.body = b"version: STSv1\nmode: enforce\nmx: \xff\xfe\nmax_age: 1\n"
    elif what == "nonsense":
        answer.body = b"<html>"
    elif what == "certificate":
        ground.dns.add("_mta-sts.other.test", "TXT", '"v=STSv1; id=1;"')
        ground.dns.add("mta-sts.other.test", "A", "127.0.0.1")
    elif what == "closed":
        ground.dns.add(f"mta-sts.{DOMAIN}", "A", "127.0.0.254")
    elif what == "nowhere":
        ground.dns.remove(f"mta-sts.{DOMAIN}")
    policy = await policies.policy_for("other.test" if what == "certificate" else DOMAIN)
    demand = await policy.demand(PLAIN)
    assert demand.level is Level.MAY
    assert demand.note is not None
    assert demand.note.failure is failure
    assert "mta-sts." in demand.note.reason
    assert len(ground.web.requests) <= 1  # no redirect was followed, and it was asked once
    assert not await in_db("read", StsPolicy.objects.exists)


async def test_it_fetches_from_no_private_address(ground: Ground, policies: TlsPolicies) -> None:
    ground.announce("1", "enforce", HOST)
    with override_settings(SMTP_OUT_PRIVATE=False):
        for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"):
            ground.dns.add(f"mta-sts.{DOMAIN}", "A", address, ttl=0)
            fresh = live_policies(live_resolver())
            demand = await demand_of(fresh)
            assert demand.note is not None
            assert "not to be connected to" in demand.note.reason, address
            await fresh.close()
    assert ground.web.requests == []


# --- DANE


async def test_it_holds_a_host_to_its_tlsa_records(ground: Ground, policies: TlsPolicies) -> None:
    server = ground.stranger(HOST)
    ground.sign(server.tlsa())
    demand = await demand_of(policies, SECURE)
    assert (demand.level, demand.policy_type) == (Level.DANE, PolicyType.TLSA)
    assert demand.is_host_authentic
    assert demand.policy == (server.tlsa(),)
    good = judge(demand, server)
    assert (good.may_use, good.is_verified, good.tls.split()[-1]) == (True, True, "dane")
    bad = judge(demand, ground.authority.server(HOST))
    assert (bad.may_use, bad.try_plain, bad.failure) == (False, False, Failure.VALIDATION)
    assert f"DANE of {DOMAIN}" in bad.reason
    assert not demand.not_offered().may_use


@pytest.mark.parametrize(
    "exchanger",
    [
        PLAIN,
        Exchanger(HOST, is_mx_secure=True, canonical=HOST),
        Exchanger(HOST, canonical=HOST, is_address_secure=True),
    ],
)
async def test_it_uses_dane_only_where_all_of_dns_is_secure(
    ground: Ground, policies: TlsPolicies, exchanger: Exchanger
) -> None:
    ground.sign(ground.stranger(HOST).tlsa())
    assert (await demand_of(policies, exchanger)).level is Level.MAY
    assert ground.dns.count(f"_25._tcp.{HOST}") == 0


async def test_it_uses_no_dane_where_the_name_server_is_not_trusted(ground: Ground) -> None:
    ground.sign(ground.stranger(HOST).tlsa())
    with override_settings(DNSSEC_TRUST="never"):
        policies = live_policies(live_resolver())
    assert (await demand_of(policies, SECURE)).level is Level.MAY
    await policies.close()


async def test_it_passes_over_a_host_whose_tlsa_records_cannot_be_had(
    ground: Ground, policies: TlsPolicies
) -> None:
    ground.sign()
    ground.dns.fail(f"_25._tcp.{HOST}")
    demand = await demand_of(policies, SECURE)
    assert demand.refusal is not None
    assert (demand.refusal.failure, demand.refusal.status) == (Failure.DNSSEC_INVALID, "4.7.5")


async def test_it_encrypts_to_whom_it_cannot_verify(ground: Ground, policies: TlsPolicies) -> None:
    ground.sign("1 1 1 " + "00" * 32)
    demand = await demand_of(policies, SECURE)
    assert (demand.level, demand.policy_type) == (Level.ENCRYPT, PolicyType.TLSA)
    assert demand.note is not None
    assert demand.note.failure is Failure.TLSA_INVALID
    assert not demand.not_offered().may_use
    assert judge(demand, ground.stranger("whoever.test")).may_use


async def test_it_asks_for_the_name_that_the_alias_leads_to(
    ground: Ground, policies: TlsPolicies
) -> None:
    server = ground.authority.server("real.example.net")
    ground.dns.secure("")
    ground.dns.add("_25._tcp.real.example.net", "TLSA", ground.authority.tlsa())
    exchanger = Exchanger(HOST, True, "real.example.net", True)
    demand = await demand_of(policies, exchanger)
    assert demand.server_name == "real.example.net"
    assert demand.names == ("real.example.net", HOST, DOMAIN)
    assert judge(demand, server).is_verified
    assert judge(demand, ground.authority.server(HOST)).is_verified
    assert not judge(demand, ground.authority.server("else.example.org")).may_use


async def test_it_prefers_dane_and_still_keeps_to_the_hosts_of_mta_sts(
    ground: Ground, policies: TlsPolicies
) -> None:
    server = ground.stranger(HOST)
    ground.sign(server.tlsa())
    ground.announce("1", "enforce", HOST)
    demand = await demand_of(policies, SECURE)
    assert demand.policy_type is PolicyType.TLSA
    assert judge(demand, server).may_use
    trusted_but_not_named = judge(demand, ground.authority.server(HOST))
    assert not trusted_but_not_named.may_use  # RFC 8461 section 2
    refused = await demand_of(policies, Exchanger("mx.evil.test", True, "mx.evil.test", True))
    assert refused.refusal is not None


# --- an administrator's word


async def test_it_does_as_the_administrator_says(ground: Ground) -> None:
    server = ground.stranger(HOST)
    ground.sign(server.tlsa())
    ground.announce("1", "enforce", "mx.else.test")
    cases: dict[TlsMode, tuple[Level, bool]] = {
        TlsMode.NONE: (Level.NONE, True),
        TlsMode.OPPORTUNISTIC: (Level.MAY, True),
        TlsMode.ENCRYPT: (Level.ENCRYPT, True),
        TlsMode.VERIFY: (Level.VERIFY, False),
        TlsMode.DANE: (Level.DANE, True),
    }
    for mode, (level, may_use) in cases.items():
        await _set(mode)
        policies = live_policies(live_resolver())
        policy = await policies.policy_for(DOMAIN)
        assert policy.refusal(HOST) is None
        demand = await policy.demand(SECURE)
        assert demand.level is level
        assert demand.wants_tls is (mode is not TlsMode.NONE)
        assert judge(demand, server).may_use is may_use
        await policies.close()


async def _set(mode: TlsMode, *names: str, domain: str = DOMAIN) -> None:
    await in_db("write", services.set_override, domain=domain, mode=mode, names=names)


async def test_it_accepts_the_names_that_the_administrator_gave(
    ground: Ground, policies: TlsPolicies
) -> None:
    await _set(TlsMode.VERIFY, "cluster.provider.test", domain=".org")
    demand = await demand_of(policies)
    assert demand.is_host_authentic
    assert judge(demand, ground.authority.server("cluster.provider.test")).is_verified
    assert not judge(demand, ground.authority.server(HOST)).may_use


async def test_it_sends_nothing_where_dane_is_required_and_missing(
    ground: Ground, policies: TlsPolicies
) -> None:
    await _set(TlsMode.DANE)
    for exchanger in (PLAIN, SECURE):
        demand = await demand_of(policies, exchanger)
        assert demand.refusal is not None
        assert demand.refusal.failure is Failure.DANE_REQUIRED
    ground.sign("1 1 1 " + "00" * 32)
    unusable = await demand_of(policies, SECURE)
    assert unusable.refusal is not None


@pytest.mark.parametrize(
    ("tls", "level"),
    [
        ("none", Level.NONE),
        ("opportunistic", Level.MAY),
        ("encrypt", Level.ENCRYPT),
        ("verify", Level.VERIFY),
        ("implicit", Level.VERIFY),
    ],
)
async def test_it_holds_a_transport_to_what_is_set_for_it(
    ground: Ground, policies: TlsPolicies, tls: str, level: Level
) -> None:
    demand = policies.for_transport("smart.example.org", tls)
    assert (demand.level, demand.domain, demand.server_name) == (level, "", "smart.example.org")
    assert policies.for_transport("192.0.2.1", tls).server_name is None
    assert judge(demand, ground.authority.server("smart.example.org")).is_verified
    stranger = judge(demand, ground.stranger("smart.example.org"))
    assert stranger.may_use is (level is not Level.VERIFY)
