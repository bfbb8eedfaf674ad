"""The hosts that a message to a next hop may be handed to, with the TLS that each must show.

Where DNS of the destination decides (`mx`), its TLS policy decides with it, and hosts that the
policy forbids do not count towards those that are tried. Where an administrator named the host, his
transport says what TLS it must be.
"""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Final

from apps.remote.demand import Demand, Verdict
from apps.remote.hosts import Host, exchangers, named, usable
from apps.remote.policy import Exchanger, Policy, TlsPolicies
from apps.remote.trail import Trail
from apps.remote.types import HopUnreachableError, NextHop
from apps.resolver.base import MxRecord, Resolver
from apps.wire.errors import MailError

OURS_IS_DOWN: Final = "4.3.0"


class Search:
    """One search for a host."""

    def __init__(
        self, resolver: Resolver, policies: TlsPolicies, hop: NextHop, trail: Trail
    ) -> None:
        self._resolver = resolver
        self._policies = policies
        self._hop = hop
        self._trail = trail

    async def candidates(self) -> AsyncGenerator[tuple[Host, Demand], None]:
        """Hosts to try, in order; those that may not be used are in the trail alone.

        Raises:
            HopUnreachableError: there can be none.
        """
        hop = self._hop
        if hop.kind != "mx" or hop.host.startswith("["):
            host = await named(self._resolver, hop)
            tls = hop.tls if hop.kind != "mx" else "opportunistic"
            if host.problem is not None:
                raise host.problem
            yield host, self._policies.for_transport(host.name, tls)
            return
        found = await exchangers(self._resolver, hop.host)
        policy = await self._policy()
        allowed = tuple(one for one in found.records if self._is_allowed(policy, one))
        async for host in usable(self._resolver, replace(found, records=allowed)):
            if host.problem is not None:
                self._trail.add(host.problem)
                continue
            demand = await policy.demand(_exchanger(host))
            if demand.refusal is None:
                yield host, demand
            else:
                self._refuse(demand, demand.refusal)

    async def _policy(self) -> Policy:
        try:
            policy = await self._policies.policy_for(self._hop.host)
            return policy.relaxed() if self._hop.tls == "optional" else policy
        except MailError as error:
            # A policy that may be there is not passed over because our database is down.
            reason = "the TLS policy of the destination could not be read here"
            raise HopUnreachableError(OURS_IS_DOWN, reason) from error

    def _is_allowed(self, policy: Policy, record: MxRecord) -> bool:
        forbidden = policy.refusal(record.host)
        if forbidden is None or forbidden.refusal is None:
            return True
        self._refuse(forbidden, forbidden.refusal)
        return False

    def _refuse(self, demand: Demand, verdict: Verdict) -> None:
        self._policies.record(demand, verdict)
        self._trail.add(HopUnreachableError(verdict.status, verdict.reason, host=demand.host))


def _exchanger(host: Host) -> Exchanger:
    return Exchanger(host.name, host.is_mx_secure, host.canonical, host.is_address_secure)
