"""DANE where DNS is really signed (Knot) and really validated (Unbound)."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.test import override_settings

from apps.remote import hosts
from apps.remote.demand import Demand, Failure, Level
from apps.remote.policy import Exchanger, TlsPolicies, live_policies
from apps.remote.types import HopUnreachableError
from apps.resolver.base import Resolver
from apps.resolver.live import live_resolver
from mailhost.env import Endpoint
from tests.support.dnssec import dnssec
from tests.support.handshake import handshake
from tests.support.test_ca import Authority, ServerCertificate

pytestmark = pytest.mark.django_db(transaction=True)

FORGED = "3 1 1 " + "00" * 32


@dataclass(frozen=True, slots=True)
class Ground:
    """The servers' certificates and the validating resolver."""

    endpoint: Endpoint
    authority: Authority
    right: ServerCertificate
    wrong: ServerCertificate


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder: Path = tmp_path_factory.mktemp("ca")
    authority = Authority(folder)
    right = authority.server("mx.signed.test")
    tlsa = right.tlsa()
    signed = [
        "@ MX 10 mx",
        "mx A 127.0.0.1",
        f"_25._tcp.mx TLSA {tlsa}",
        "alias MX 10 www",
        "www CNAME mx",
        "out MX 10 mx.plain.test.",
        "cross MX 10 hop",
        "hop CNAME mx.plain.test.",
        "none MX 10 bare",
        "bare A 127.0.0.1",
        "bad MX 10 mx.bogus.test.",
        "odd MX 10 odd",
        "odd A 127.0.0.1",
        "_25._tcp.odd CNAME tlsa.bogus.test.",
    ]
    plain = [
        "@ MX 10 mx",
        "mx A 127.0.0.1",
        f"_25._tcp.mx TLSA {FORGED}",
        "in MX 10 mx.signed.test.",
    ]
    bogus = ["@ MX 10 mx", "mx A 127.0.0.1", f"tlsa TLSA {FORGED}"]
    with dnssec(
        {"signed.test": signed}, plain={"plain.test": plain}, bogus={"bogus.test": bogus}
    ) as endpoint:
        yield Ground(endpoint, authority, right, authority.server("mx.signed.test"))


@pytest.fixture
def resolver(ground: Ground) -> Iterator[Resolver]:
    with override_settings(DNS_SERVERS=(ground.endpoint,), SMTP_OUT_PRIVATE=True, SMTP_LISTEN=None):
        yield live_resolver()


@pytest.fixture
async def policies(resolver: Resolver) -> AsyncIterator[TlsPolicies]:
    made = live_policies(resolver)
    yield made
    await made.close()


async def demand_of(resolver: Resolver, policies: TlsPolicies, domain: str) -> Demand:
    """As a delivery does it: MX records, the first host, its policy."""
    found = await hosts.exchangers(resolver, domain)
    host = await anext(hosts.usable(resolver, found))
    if host.problem is not None:
        raise host.problem
    policy = await policies.policy_for(domain)
    return await policy.demand(
        Exchanger(host.name, host.is_mx_secure, host.canonical, host.is_address_secure)
    )


@pytest.mark.parametrize("domain", ["signed.test", "alias.signed.test"])
async def test_it_holds_the_servers_of_a_signed_domain_to_their_records(
    ground: Ground, resolver: Resolver, policies: TlsPolicies, domain: str
) -> None:
    demand = await demand_of(resolver, policies, domain)
    assert demand.level is Level.DANE
    assert demand.server_name == "mx.signed.test"
    assert demand.is_host_authentic
    context = demand.context()
    assert demand.verify(handshake(ground.right.context, context, "mx.signed.test")).is_verified
    other = demand.verify(handshake(ground.wrong.context, context, "mx.signed.test"))
    assert (other.may_use, other.failure) == (False, Failure.VALIDATION)


@pytest.mark.parametrize(
    "domain",
    [
        "plain.test",  # nothing is signed
        "in.plain.test",  # an unsigned MX record could name anybody's signed host
        "out.signed.test",  # the host's address is not signed
        "cross.signed.test",  # nor is it behind a signed CNAME
        "none.signed.test",  # signed, and proved to have no TLSA records
    ],
)
async def test_it_asks_for_no_more_than_dns_can_prove(
    resolver: Resolver, policies: TlsPolicies, domain: str
) -> None:
    assert (await demand_of(resolver, policies, domain)).level is Level.MAY


async def test_it_does_not_use_a_server_whose_records_are_forged(
    resolver: Resolver, policies: TlsPolicies
) -> None:
    demand = await demand_of(resolver, policies, "odd.signed.test")
    assert demand.refusal is not None
    assert demand.refusal.failure is Failure.DNSSEC_INVALID


@pytest.mark.parametrize("domain", ["bogus.test", "bad.signed.test"])
async def test_it_goes_where_no_forged_record_leads(
    resolver: Resolver, policies: TlsPolicies, domain: str
) -> None:
    with pytest.raises(HopUnreachableError) as caught:
        await demand_of(resolver, policies, domain)
    assert not caught.value.is_permanent
