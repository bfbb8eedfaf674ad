"""What tests of the client stand on: a carrier with short patience, and policies without rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from apps.remote.client import Carrier
from apps.remote.demand import Demand, Verdict
from apps.remote.patience import Patience
from apps.remote.policy import Policy, TlsPolicies
from apps.remote.types import Envelope, NextHop, Recipient
from apps.resolver.base import Resolver
from apps.resolver.stub import StubResolver
from tests.support.dns_server import DnsServer

TEXT = b"From: alice@example.test\r\nSubject: hello\r\n\r\nHow are you?\r\n"
# Long enough for a busy machine; who tests silence sets what he waits for.
SHORT = Patience(
    connect=10,
    head_start=0.1,
    greeting=10,
    hello=10,
    handshake=10,
    auth=10,
    mail=10,
    recipient=10,
    data=10,
    block=10,
    end=10,
    quit=1,
    hop=30,
    envelope=20,
    text=30,
)


class Policies(TlsPolicies):
    """Policies by DNS alone: no override, no MTA-STS. Keeps what is recorded."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.recorded: list[tuple[Demand, Verdict, str]] = []

    async def policy_for(self, domain: str) -> Policy:
        return Policy(domain, self.resolver)

    def record(
        self,
        demand: Demand,
        verdict: Verdict,
        *,
        sending_address: str = "",
        receiving_address: str = "",
    ) -> None:
        self.recorded.append((demand, verdict, receiving_address))

    async def close(self) -> None:
        return


@asynccontextmanager
async def carrying(
    dns: DnsServer, patience: Patience = SHORT, policies: type[Policies] = Policies
) -> AsyncIterator[Carrier]:
    """A carrier that asks `dns`."""
    resolver = StubResolver([(dns.host, dns.port)], is_trusted=True)
    carrier = Carrier(resolver, policies(resolver), patience)
    try:
        yield carrier
    finally:
        await carrier.close()


def mx(domain: str = "example.org", port: int = 0) -> NextHop:
    """The hop of a domain."""
    return NextHop(f"mx/{domain}", "mx", domain, port)


def envelope(
    *addresses: str,
    sender: str = "alice@example.test",
    text: bytes = TEXT,
    smtputf8: bool = False,
    requires_tls: bool = False,
) -> Envelope:
    """An envelope to `addresses` (bob@example.org by default), their refs from 1."""
    to = addresses or ("bob@example.org",)
    recipients = tuple(Recipient(ref, one) for ref, one in enumerate(to, 1))
    return Envelope(sender, recipients, text, smtputf8, requires_tls)
