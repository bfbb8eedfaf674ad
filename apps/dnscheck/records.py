"""The records that a domain should have in the DNS, as values: nothing here asks anybody."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a record is for."""

    MX = "mx"
    SPF = "spf"
    DKIM = "dkim"
    DMARC = "dmarc"
    MTA_STS = "mta-sts"  # the TXT record; the host of the policy is POLICY_HOST
    POLICY_HOST = "policy-host"
    TLS_RPT = "tls-rpt"
    AUTOCONFIG = "autoconfig"
    AUTODISCOVER = "autodiscover"
    SRV = "srv"
    TLSA = "tlsa"  # of this host
    CAA = "caa"
    PTR = "ptr"  # of this host's addresses


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record as it should be.

    Args:
        id: its name within the domain's list, fit for an HTML id: "mx", "dkim-s2026a".
        kind: what it is for.
        type: of the record: "MX", "TXT", "SRV", …
        host: its owner as DNS hosts want it typed: relative to the domain, "@" for itself.
        name: the same in full, without a final dot.
        values: what stands there, one for each record, in zone-file form but for TXT, whose text
            is given as it is to be read.
        title: what people call it: "MX", "DKIM key s2026a".
        why: what it is good for, a sentence.
        is_required: whether mail suffers without it.
    """

    id: str
    kind: Kind
    type: str
    host: str
    name: str
    values: tuple[str, ...]
    title: str
    why: str
    is_required: bool
