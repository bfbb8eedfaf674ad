"""A small internet: a resolver, two name servers of harbor.example, and this host's own zones."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.test import override_settings

from apps.directory.models import DkimAlgorithm, DkimKey, DkimState, Domain, Organization, StsMode
from apps.dnscheck import asking, expected, here, judging
from apps.dnscheck.answers import Answers
from apps.dnscheck.findings import Finding
from apps.dnscheck.records import Wanted
from apps.dnscheck.services.keeping import keep_addresses
from mailhost.env import Endpoint
from tests.support.zone_server import ZoneServer

ZONES = Path(__file__).parent / "zones"
DOMAIN = "harbor.example"
HOST = "mail.host.example"
ADDRESS = "192.0.2.25"
RSA = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwLpLm+tpF+A+WemZpV6MA06UmdlhUoqUzpniDwitdcZL"
    "xiVSBMHxWI9ugjMYqyy+u06iGRDzYZjaBvB0rMp7yG8Pl9qmM/LgsCJHxLvBPMdWLqSK4M9JnuWMC4752uEPTzdV"
    "8/Cl1ngzCcrX5RU2iTLuq4m1qKbS15TTauy6niNLsavmII4rbIzD/+17c6+SmVO0kn3KWXg2M732HdKHXebdanfz"
    "pLwDkmLVfQuzKBawVeVFRrOMmUsAFXS7sK4lpDBuy9hzWdZXcrVk7L7VQDzsJJWvwnJNxTwFE9wb4kpsbfyoyU9q"
    "jji28dlNt5Z2Q+4Ok9XNgDbPTkNc6aLAXQIDAQAB"
)
ED25519 = "cuMLnrrR4Q9nL1EYnKO0Xq9OVxCbNZq4DrbCz3yYa0o="
_SOA = "@ 300 SOA ns1.dns-host.example. hostmaster.dns-host.example. 1 3600 600 86400 60\n"
_ROOT = f"$ORIGIN .\n{_SOA}@ 300 NS ns1.dns-host.example.\n"
_EXAMPLE = f"""\
$ORIGIN example.
$TTL 300
{_SOA}
@ NS a
a A 127.0.0.4
harbor NS ns1.dns-host.example.
harbor NS ns2.dns-host.example.
ns1.dns-host A 127.0.0.2
ns2.dns-host A 127.0.0.3
"""
_HOST = f"""\
$ORIGIN host.example.
$TTL 300
{_SOA}
@ NS ns1.dns-host.example.
mail A {ADDRESS}
"""
_PTR = f"""\
$ORIGIN 2.0.192.in-addr.arpa.
$TTL 300
{_SOA}
@ NS ns1.dns-host.example.
25 PTR {HOST}.
"""
_ELSEWHERE = f"""\
$ORIGIN elsewhere.example.
$TTL 300
{_SOA}
@ NS ns1.dns-host.example.
mx A 198.51.100.7
www A 198.51.100.8
bare TXT "no address"
""" + "".join(f's{n} TXT "v=spf1 ip4:198.51.100.{n} ?all"\n' for n in range(1, 12))


@dataclass
class World:
    """Name servers: of everybody (`resolver`), of the zone above, and of harbor.example."""

    resolver: ZoneServer
    above: ZoneServer
    first: ZoneServer
    second: ZoneServer

    def load(self, text: str) -> None:
        """Everybody knows a zone, the newest copy of it."""
        for server in (self.resolver, self.first, self.second):
            server.load(text)

    def ask(self, domain: Domain) -> tuple[tuple[Wanted, ...], Answers]:
        """One check, nothing of it kept."""
        this = here.here()
        wanted = expected.of_domains([domain], this)[domain.pk]
        return wanted, asyncio.run(asking.ask(domain.name, wanted, this))

    def findings(self, domain: Domain) -> dict[str, Finding]:
        """What one check finds, by id."""
        wanted, answers = self.ask(domain)
        found = judging.judge(wanted, answers, host=HOST, authority="letsencrypt.org")
        return {one.wanted.id: one for one in found}


@contextmanager
def world() -> Iterator[World]:
    """Have it, and the settings that lead there."""
    with ExitStack() as stack:
        resolver = stack.enter_context(ZoneServer())
        first = stack.enter_context(ZoneServer("127.0.0.2", authoritative=True))
        second = stack.enter_context(ZoneServer("127.0.0.3", first.port, authoritative=True))
        above = stack.enter_context(ZoneServer("127.0.0.4", first.port, authoritative=True))
        found = World(resolver, above, first, second)
        for zone in (_ROOT, _EXAMPLE, _HOST, _PTR, _ELSEWHERE):
            resolver.load(zone)
        above.load(_EXAMPLE)
        found.load(zone_text("healthy"))
        stack.enter_context(
            override_settings(
                MAIL_HOSTNAME=HOST,
                DNS_SERVERS=(resolver.endpoint,),
                DNS_CHECK_RESOLVERS=(),
                DNS_OUT_PORT=first.port,
                SMTP_OUT_PRIVATE=True,
                SMTP_OUT_ADDRESS=(),
                SUBMISSIONS_LISTEN=Endpoint("127.0.0.1", 465),
                IMAPS_LISTEN=Endpoint("127.0.0.1", 993),
                SUBMISSION_LISTEN=None,
                IMAP_LISTEN=None,
                POP3_LISTEN=None,
                POP3S_LISTEN=None,
            )
        )
        yield found


def zone_text(name: str) -> str:
    """A zone of the folder beside this."""
    return (ZONES / f"{name}.zone").read_text()


def harbor(name: str = DOMAIN) -> Domain:
    """The domain, with two keys whose public halves stand in the zones."""
    domain = Domain.objects.create(
        name=name,
        organization=Organization.objects.get_or_create(name="Harbor")[0],
        sts_mode=StsMode.ENFORCE,
        sts_id="20261127a",
    )
    keep_addresses(HOST, [ADDRESS])
    for selector, algorithm, public in (
        ("r2026", DkimAlgorithm.RSA, RSA),
        ("e2026", DkimAlgorithm.ED25519, ED25519),
    ):
        DkimKey.objects.create(
            domain=domain,
            selector=selector,
            algorithm=algorithm,
            state=DkimState.ACTIVE,
            public=public,
        )
    return domain
