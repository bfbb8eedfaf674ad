"""The MTA-STS policy of a domain of ours (RFC 8461): what other servers read before they send to
it. `services.stspolicies` changes it."""

import hashlib
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from apps.directory.models import Domain, State, StsMode

# Seconds that a sender keeps a policy. RFC 8461 s3.2 wants weeks of one that is enforced: whoever
# can cut a sender off from the policy host has to keep that up for so long. One that is tried out,
# or withdrawn (s8.3), is to be gone soon.
MAX_AGE: Final = {
    StsMode.ENFORCE: 14 * 86400,
    StsMode.TESTING: 86400,
    StsMode.NONE: 86400,
}
_DIGEST: Final = 8  # characters of an id that come of what the policy says


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """A policy.

    Args:
        domain: the one that was asked for, which may be an alias domain.
        id: of the TXT record at `_mta-sts.<domain>` (RFC 8461 s3.1).
        text: as it is served: ASCII, CRLF.
    """

    domain: str
    mode: StsMode
    id: str
    text: str


def text_of(mode: StsMode) -> str:
    """What a policy of this host says (RFC 8461 s3.2)."""
    fields = (
        ("version", "STSv1"),
        ("mode", str(mode)),
        ("mx", str(settings.MAIL_HOSTNAME)),
        ("max_age", str(MAX_AGE[mode])),
    )
    return "".join(f"{key}: {value}\r\n" for key, value in fields)


def digest_of(mode: StsMode) -> str:
    """The end of an id: another one whenever the policy says something else."""
    return hashlib.sha256(text_of(mode).encode()).hexdigest()[:_DIGEST]


def policy_of(domain: Domain) -> StsPolicy | None:
    """The policy of a domain; an alias domain has that of the domain it stands for, which is to be
    selected with it. None: it never had one."""
    source = domain.alias_of or domain
    if not source.sts_id:
        return None
    mode = StsMode(source.sts_mode)
    return StsPolicy(domain.name, mode, source.sts_id, text_of(mode))


def published(name: str) -> StsPolicy | None:
    """The policy of a domain that receives mail, by its name in A-labels; one statement.

    Returns:
        None: the domain is not ours, is suspended, or never had a policy. One that was switched off
        is still published, with mode none: senders that kept it would else hold us to it until it
        expires (RFC 8461 s8.3).
    """
    receiving = (State.ACTIVE, State.LOCKED)
    found = (
        Domain.objects.select_related("alias_of")
        .filter(name=name, state__in=receiving, organization__state__in=receiving)
        .first()
    )
    if found is None or (found.alias_of is not None and found.alias_of.state not in receiving):
        return None
    return policy_of(found)
