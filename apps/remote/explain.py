"""What TLS mail to a domain would have now, and why, in words for an administrator.

It looks as a delivery does, and keeps what it fetched; nothing is connected to.
"""

from dataclasses import dataclass

from apps.remote import hosts
from apps.remote.demand import Demand, Level, PolicyType
from apps.remote.hosts import Host
from apps.remote.policy import Exchanger, Policy, live_policies
from apps.remote.types import HopUnreachableError
from apps.resolver.live import live_resolver

_LEVELS = {
    Level.NONE: "no TLS",
    Level.MAY: "TLS if it is offered and works, else in the clear",
    Level.ENCRYPT: "TLS, whoever answers",
    Level.VERIFY: "TLS with a trusted certificate for {names}",
    Level.DANE: "TLS with a certificate that its TLSA records name",
}


@dataclass(frozen=True, slots=True)
class HostTls:
    """A mail server: what its TLS must be, or why it is not used."""

    host: str
    is_used: bool
    level: str
    why: str
    words: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All of a domain. `sources` are sentences: what was found where."""

    domain: str
    sources: tuple[str, ...]
    hosts: tuple[HostTls, ...]


async def explain(domain: str) -> Explanation:
    """Look up all that bears on mail to a domain (A-label).

    Raises:
        MailError: the database does not answer.
    """
    resolver = live_resolver()
    policies = live_policies(resolver)
    try:
        policy = await policies.policy_for(domain)
        sources = list(_sources(policy))
        rows: list[HostTls] = []
        try:
            found = await hosts.exchangers(resolver, domain)
            sources.append(_signed(is_secure=found.is_secure))
            rows = [await _row(policy, host) async for host in hosts.usable(resolver, found)]
        except HopUnreachableError as error:
            sources.append(f"No mail can be sent there: {error.reply}.")
    finally:
        await policies.close()
    return Explanation(domain, tuple(sources), tuple(rows))


def _sources(policy: Policy) -> list[str]:
    if policy.override is not None:
        names = (
            f" with the names {', '.join(policy.override.names)}" if policy.override.names else ""
        )
        return [
            f"An administrator set: {policy.override.mode}{names} (for {policy.override.domain})."
        ]
    said = [f"No policy is set here for {policy.domain}."]
    announced = policy.announced
    if announced.failure is not None:
        said.append(f"MTA-STS is announced, and cannot be had: {announced.reason}.")
    if announced.policy is None:
        said.append("There is no MTA-STS policy.")
    else:
        patterns = ", ".join(announced.policy.patterns) or "no host"
        said.append(f"MTA-STS policy {announced.policy.id}: {announced.policy.mode}, {patterns}.")
    return said


def _signed(*, is_secure: bool) -> str:
    if is_secure:
        return "The MX records are proved by DNSSEC."
    return "The MX records are not proved by DNSSEC, so DANE is not looked for."


async def _row(policy: Policy, host: Host) -> HostTls:
    if host.problem is not None:
        return HostTls(host.name, False, "", "", host.problem.reply)
    exchanger = Exchanger(host.name, host.is_mx_secure, host.canonical, host.is_address_secure)
    demand = await policy.demand(exchanger)
    if demand.refusal is not None:
        return HostTls(host.name, False, demand.level, _why(policy, demand), demand.refusal.reason)
    words = _LEVELS[demand.level].format(names=" or ".join(demand.names))
    if not demand.is_enforced:
        words += "; this is being tested, and mail goes on without"
    if demand.note is not None:
        words += f" ({demand.note.reason})"
    return HostTls(host.name, True, demand.level, _why(policy, demand), words)


def _why(policy: Policy, demand: Demand) -> str:
    if policy.override is not None:
        return "override"
    return {PolicyType.TLSA: "dane", PolicyType.STS: "mta-sts"}.get(demand.policy_type, "default")
