"""TLS policy of outgoing mail: what each destination, and each of its servers, must show.

In this order: an administrator's override; DANE, where DNS is signed (RFC 7672); MTA-STS
(RFC 8461); else TLS if it is offered and works. One `TlsPolicies` serves one event loop.

    policies = live_policies(resolver)            # once per loop
    policy = await policies.policy_for("example.org")
    policy.refusal("mx.example.org")              # a Verdict if MTA-STS forbids this host, else None
    demand = await policy.demand(Exchanger(...))  # asks for TLSA records
    demand.refusal                                # a Verdict: record it and take the next host
    if demand.wants_tls and STARTTLS is offered:
        handshake with demand.context(), server_hostname=demand.server_name
        verdict = demand.verify(ssl_object)       # or demand.handshake_failed(error)
    elif demand.wants_tls:
        verdict = demand.not_offered()
    policies.record(demand, verdict, sending_address=..., receiving_address=...)
    verdict.may_use | verdict.try_plain | verdict.reason, verdict.status
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.remote.demand import Demand, Failure, Level, PolicyType, Verdict

if TYPE_CHECKING:
    from apps.resolver.base import Resolver

__all__ = [
    "Demand",
    "Exchanger",
    "Failure",
    "Level",
    "Policy",
    "PolicyType",
    "TlsPolicies",
    "Verdict",
    "live_policies",
]


@dataclass(frozen=True, slots=True)
class Exchanger:
    """A server of a domain, as DNS told of it. Names are A-labels, lower case, no final dot.

    Args:
        name: as in the MX record, or the domain itself without MX records.
        is_mx_secure: the answer with the MX records (or the proof that there are none) was secure.
        canonical: where the CNAMEs of the address look-up led; `name` without CNAME.
        is_address_secure: that look-up, CNAMEs included, was secure.
    """

    name: str
    is_mx_secure: bool = False
    canonical: str = ""
    is_address_secure: bool = False


class Policy:
    """The policy of one destination."""

    domain: str

    def refusal(self, host: str) -> Verdict | None:
        """Why mail must not go to this MX host, or None. Cheap; before its address is asked for."""
        raise NotImplementedError

    async def demand(self, exchanger: Exchanger) -> Demand:
        """What TLS a connection to this server must have; look at `refusal` of it first."""
        raise NotImplementedError


class TlsPolicies:
    """The policies of all destinations, and the count of how TLS went."""

    async def policy_for(self, domain: str) -> Policy:
        """The policy of a domain whose MX hosts will be used. Never fails: a policy that cannot be
        fetched counts as none (RFC 8461 section 5.1), unless one is still cached."""
        raise NotImplementedError

    def for_transport(self, host: str, tls: str) -> Demand:
        """What a named host must show: `tls` is a value of `directory.TransportTls`. With
        `implicit`, the handshake comes first."""
        raise NotImplementedError

    def record(
        self,
        demand: Demand,
        verdict: Verdict,
        *,
        sending_address: str = "",
        receiving_address: str = "",
    ) -> None:
        """Count a connection for the daily report: once for each, when its TLS is judged, or when a
        refusal kept it from being made. Memory only; written in batches."""
        raise NotImplementedError

    async def close(self) -> None:
        """Write what was counted."""
        raise NotImplementedError


def live_policies(resolver: "Resolver") -> TlsPolicies:
    """The policies by the settings. Belongs to the running loop; `close()` at its end."""
    raise NotImplementedError
