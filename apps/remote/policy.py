"""TLS policy of outgoing mail: what each destination, and each of its servers, must show.

In this order: an administrator's override; DANE, where DNS is signed (RFC 7672); MTA-STS
(RFC 8461); else TLS if it is offered and works. One `TlsPolicies` serves one event loop.

    policies = live_policies(resolver)            # once per loop
    policy = await policies.policy_for("example.org")
    policy.refusal("mx.example.org")              # a Demand with `refusal` if MTA-STS forbids it
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

from dataclasses import dataclass, replace
from typing import Final

from django.conf import settings

from apps.remote import certificates, dane
from apps.remote.dane import Found
from apps.remote.demand import NOT_VERIFIED, Demand, Failure, Level, PolicyType, Verdict
from apps.remote.overrides import Overrides
from apps.remote.queries import Override
from apps.remote.results import Results
from apps.remote.stscache import Announced, StsCache, live_sts
from apps.resolver.base import DnsUnavailableError, Resolver, TlsaData

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

_LEVELS: Final = {
    "none": Level.NONE,
    "opportunistic": Level.MAY,
    "encrypt": Level.ENCRYPT,
    "verify": Level.VERIFY,
    "implicit": Level.VERIFY,
    "dane": Level.DANE,
}


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

    def __init__(
        self,
        domain: str,
        resolver: Resolver,
        *,
        override: Override | None = None,
        announced: Announced | None = None,
        is_optional: bool = False,
    ) -> None:
        self.domain = domain
        self._resolver = resolver
        self.override = override
        self.announced = announced or Announced()
        self._is_optional = is_optional

    def relaxed(self) -> "Policy":
        """The same for mail whose sender puts its arrival before the domain's own policy: that is
        followed where it can be, and counted, and never stands in the way (RFC 8689 section 4.2.2).
        An administrator's word stands."""
        if self.override is not None:
            return self
        return Policy(self.domain, self._resolver, announced=self.announced, is_optional=True)

    def refusal(self, host: str) -> Demand | None:
        """Why mail must not go to this MX host (a Demand whose `refusal` is set), or None. Cheap;
        to be asked before the host's address is."""
        policy = self.announced.policy
        if policy is None or policy.mode != "enforce" or policy.allows(host) or self._is_optional:
            return None
        return replace(self._by_sts(Exchanger(host)), refusal=self._not_in_policy(host))

    async def demand(self, exchanger: Exchanger) -> Demand:
        """What TLS a connection to this server must have; look at `refusal` of it first."""
        if self.override is not None:
            return await self._by_override(exchanger, self.override)
        forbidden = self.refusal(exchanger.name)
        if forbidden is not None:
            return forbidden
        demand = await self._by_dane(exchanger) or self._by_sts(exchanger)
        if self._is_optional:
            return replace(
                demand, is_enforced=False, refusal=None, note=demand.refusal or demand.note
            )
        return demand

    async def _by_override(self, exchanger: Exchanger, override: Override) -> Demand:
        level = _LEVELS[override.mode]
        if level is Level.DANE:
            found = await self._by_dane(exchanger)
            if found is not None and (found.refusal is not None or found.tlsa):
                return found
            return replace(found or self._plain(exchanger), refusal=_without_dane(exchanger.name))
        return replace(
            self._plain(exchanger),
            level=level,
            names=override.names or (exchanger.name,),
            is_host_authentic=exchanger.is_mx_secure or bool(override.names),
        )

    async def _by_dane(self, exchanger: Exchanger) -> Demand | None:
        """None: the host has no DANE."""
        if not (exchanger.is_mx_secure and exchanger.is_address_secure):
            return None
        bases = [exchanger.canonical or exchanger.name, exchanger.name]
        demand = replace(self._plain(exchanger), level=Level.DANE, policy_type=PolicyType.TLSA)
        try:
            found = await dane.find(self._resolver, bases, settings.SMTP_OUT_PORT)
        except DnsUnavailableError as error:
            reason = f"the TLSA records of {exchanger.name} could not be had: {error.reason}"
            return replace(demand, refusal=_refused(Failure.DNSSEC_INVALID, reason))
        return None if found is None else self._held(demand, found)

    def _held(self, demand: Demand, found: Found) -> Demand:
        records = dane.usable(found.records)
        demand = replace(
            demand,
            policy=tuple(map(_shown, found.records)),
            names=tuple(dict.fromkeys((found.base, demand.host, self.domain))),
            server_name=found.base,
            tlsa=records,
        )
        if records:
            return demand
        reason = f"none of the TLSA records of {demand.host} can be used"
        note = Verdict(may_use=True, failure=Failure.TLSA_INVALID, reason=reason)
        return replace(demand, level=Level.ENCRYPT, note=note)

    def _by_sts(self, exchanger: Exchanger) -> Demand:
        announced = self.announced
        demand = self._plain(exchanger)
        if announced.failure is not None:
            note = Verdict(may_use=True, failure=announced.failure, reason=announced.reason)
            demand = replace(demand, policy_type=PolicyType.STS, note=note)
        policy = announced.policy
        if policy is None or policy.mode == "none":
            return demand
        allowed = policy.allows(exchanger.name)
        return replace(
            demand,
            level=Level.VERIFY,
            policy_type=PolicyType.STS,
            policy=policy.lines,
            patterns=policy.patterns,
            is_enforced=policy.mode == "enforce",
            is_host_authentic=allowed,
            note=demand.note if allowed else self._not_in_policy(exchanger.name),
        )

    def _plain(self, exchanger: Exchanger) -> Demand:
        name = exchanger.name
        return Demand(
            domain=self.domain,
            host=name,
            is_host_authentic=exchanger.is_mx_secure,
            names=(name,),
            server_name=None if certificates.is_address(name) else name,
        )

    def _not_in_policy(self, host: str) -> Verdict:
        reason = f"{host} is not a mail server by the MTA-STS policy of {self.domain}"
        return _refused(Failure.VALIDATION, reason)


class TlsPolicies:
    """The policies of all destinations, and the count of how TLS went.

    Args:
        sts: closed with this object.
    """

    def __init__(self, resolver: Resolver, sts: StsCache) -> None:
        self._resolver = resolver
        self._sts = sts
        self._overrides = Overrides()
        self._results = Results()

    async def policy_for(self, domain: str) -> Policy:
        """The policy of a domain (A-label) whose MX hosts will be used. A policy that cannot be
        fetched counts as none, unless one that still holds was fetched before.

        Raises:
            MailError: the database does not answer; what it keeps must not be passed over.
        """
        override = await self._overrides.find(domain)
        if override is not None:
            return Policy(domain, self._resolver, override=override)
        return Policy(domain, self._resolver, announced=await self._sts.find(domain))

    def for_transport(self, host: str, tls: str) -> Demand:
        """What a named host must show: `tls` is a value of `directory.TransportTls`. With
        `implicit`, the handshake comes first."""
        return Demand(
            domain="",
            host=host,
            level=_LEVELS[tls],
            is_host_authentic=True,
            names=(host,),
            server_name=None if certificates.is_address(host) else host,
        )

    def record(
        self,
        demand: Demand,
        verdict: Verdict,
        *,
        sending_address: str = "",
        receiving_address: str = "",
    ) -> None:
        """Count a connection for the daily report: once for each, when its TLS is judged, or when a
        refusal kept it from being made. Memory only; written in batches.

        Args:
            sending_address: IP address, without a port; so is `receiving_address`.
        """
        self._results.add(demand, verdict, sending_address, receiving_address)

    async def close(self) -> None:
        """Write what was counted, end what is being fetched."""
        await self._sts.close()
        await self._results.close()


def live_policies(resolver: Resolver) -> TlsPolicies:
    """The policies by the settings. Belongs to the running loop; `close()` at its end."""
    return TlsPolicies(resolver, live_sts(resolver))


def _refused(failure: Failure, reason: str) -> Verdict:
    return Verdict(may_use=False, failure=failure, reason=reason, status=NOT_VERIFIED)


def _without_dane(host: str) -> Verdict:
    reason = f"DANE is required here, and {host} has no TLSA records that can be used"
    return _refused(Failure.DANE_REQUIRED, reason)


def _shown(record: TlsaData) -> str:
    return f"{record.usage} {record.selector} {record.mtype} {record.cert.hex()}"[:600]
