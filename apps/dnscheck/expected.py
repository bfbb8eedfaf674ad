"""All records that a domain should have, from its rows and the settings. Nobody is asked.

A hosted domain gets all of them. An alias domain has no users of its own, so that no mail program
looks for its doors. A relay domain's mailboxes are elsewhere, and perhaps its outgoing mail too:
of it we know that we are its MX, and no more.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Final

from apps.directory import dkim, stspolicies
from apps.directory.models import DkimKey, DkimState, Domain, DomainKind
from apps.dnscheck.here import Here
from apps.dnscheck.records import Kind, Wanted

PREFERENCE: Final = 10
LIVE: Final = (DkimState.PENDING, DkimState.ACTIVE, DkimState.RETIRING)
_WHY: Final = {
    Kind.MX: "Where other servers bring mail for this domain.",
    Kind.SPF: "Which servers may send mail in the domain's name.",
    Kind.DKIM: "Others check the signatures of your mail with it.",
    Kind.DMARC: "What others do with mail that only pretends to be yours.",
    Kind.MTA_STS: "Tells other servers that there is a policy for mail to you over TLS.",
    Kind.POLICY_HOST: "Where other servers fetch that policy.",
    Kind.TLS_RPT: "Where others report when they cannot reach you over TLS.",
    Kind.AUTOCONFIG: "Thunderbird and others set accounts up by it.",
    Kind.AUTODISCOVER: "Outlook and others set accounts up by it.",
    Kind.SRV: "Mail programs find the server by it.",
    Kind.TLSA: "Other servers know this host's certificate by it, where the DNS is signed (DANE).",
    Kind.CAA: "Only this authority may make certificates for names below the domain.",
    Kind.PTR: "Many servers take no mail from an address without a name that leads back to it.",
}


def of_domains(domains: Collection[Domain], here: Here) -> dict[int, tuple[Wanted, ...]]:
    """The records of each of the domains, by its id; one statement for them all. `alias_of` is to
    be selected with them.
    """
    keys: dict[int, list[DkimKey]] = {domain.pk: [] for domain in domains}
    found = DkimKey.objects.filter(domain__in=keys, state__in=LIVE).select_related("domain")
    for key in found.defer("secret").order_by("pk"):
        keys[key.domain_id].append(key)
    return {domain.pk: tuple(_all(domain, keys[domain.pk], here)) for domain in domains}


def _all(domain: Domain, keys: Collection[DkimKey], here: Here) -> Iterator[Wanted]:
    is_relay = domain.kind == DomainKind.RELAY
    make = _maker(domain)
    yield make("mx", Kind.MX, "MX", "", f"{PREFERENCE} {here.host}.", "MX", True)
    yield make("spf", Kind.SPF, "TXT", "", here.spf, "SPF", not is_relay)
    for key in keys:
        yield _dkim(domain, key, make)
    text = f"v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain.name}"
    yield make("dmarc", Kind.DMARC, "TXT", "_dmarc", text, "DMARC", not is_relay)
    yield from here.reverse(_WHY[Kind.PTR])
    yield from _sts(domain, here, make)
    text = f"v=TLSRPTv1; rua=mailto:postmaster@{domain.name}"
    yield make("tls-rpt", Kind.TLS_RPT, "TXT", "_smtp._tls", text, "TLS reports", False)
    if not is_relay and domain.alias_of_id is None:
        yield from _programs(here, make)
    yield from here.tlsa(_WHY[Kind.TLSA])
    if here.authority:
        value = f'0 issue "{here.authority}"'
        yield make("caa", Kind.CAA, "CAA", "", value, "CAA", False)


Make = Callable[[str, Kind, str, str, str, str, bool], Wanted]


def _maker(domain: Domain) -> Make:
    def make(
        name: str, kind: Kind, of: str, host: str, value: str, title: str, is_required: bool
    ) -> Wanted:
        return Wanted(
            id=name,
            kind=kind,
            type=of,
            host=host or "@",
            name=f"{host}.{domain.name}" if host else domain.name,
            values=(value,),
            title=title,
            why=_WHY[kind],
            is_required=is_required,
        )

    return make


def _dkim(domain: Domain, key: DkimKey, make: Make) -> Wanted:
    """One that waits to sign harms no mail; one that is retiring is to stay in the DNS until the
    last mail that it signed has arrived."""
    row = dkim.row_of(key)
    host = row.record.removesuffix(f".{domain.name}")
    is_required = key.state == DkimState.ACTIVE and domain.kind != DomainKind.RELAY
    title = f"DKIM key {key.selector}"
    return make(f"dkim-{key.selector}", Kind.DKIM, "TXT", host, row.text, title, is_required)


def _sts(domain: Domain, here: Here, make: Make) -> Iterator[Wanted]:
    """Where there never was a policy, there is nothing to tell of. One that was withdrawn is told
    of too: who has kept it learns of that by a new id (RFC 8461 section 8.3).
    """
    policy = stspolicies.policy_of(domain)
    if policy is None:
        return
    text = f"v=STSv1; id={policy.id};"
    yield make("mta-sts", Kind.MTA_STS, "TXT", "_mta-sts", text, "MTA-STS", False)
    host = f"{here.host}."
    yield make("policy-host", Kind.POLICY_HOST, "CNAME", "mta-sts", host, "MTA-STS host", False)


def _programs(here: Here, make: Make) -> Iterator[Wanted]:
    host = f"{here.host}."
    title = "Autoconfig"
    yield make("autoconfig", Kind.AUTOCONFIG, "CNAME", "autoconfig", host, title, False)
    title = "Autodiscover"
    yield make("autodiscover", Kind.AUTODISCOVER, "CNAME", "autodiscover", host, title, False)
    for service in here.services:
        value = f"{service.priority} 1 {service.port} {host}"
        yield make(
            f"srv-{service.name}",
            Kind.SRV,
            "SRV",
            f"_{service.name}._tcp",
            value,
            f"SRV {service.name}",
            False,
        )
