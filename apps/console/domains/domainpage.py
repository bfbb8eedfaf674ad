"""What all tabs of a domain show: its name and state, what is in it, what may be done to it."""

from dataclasses import dataclass
from typing import Final

from apps.console.domains.domainlist import user_counts
from apps.directory import permissions
from apps.directory.models import Alias, Domain, DomainKind, Kind, State, User
from apps.directory.permissions import Ability, Powers
from apps.directory.services.names import POSTMASTER
from apps.dnscheck import queries as dns
from apps.dnscheck.findings import Summary
from apps.mime.address import display_domain

USERS: Final = 50  # on the tab


@dataclass(frozen=True, slots=True)
class Acts:
    """Which acts the page offers; the doors ask again."""

    changes: bool
    suspends: bool
    removes: bool
    renames: bool
    sets_limits: bool
    is_operator: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """A domain, as far as each of its tabs tells.

    Args:
        name: in its own letters.
        target: the name of the domain that it mirrors, in its own letters; "" if none.
        organization: whose it is, for who sees several; else "".
    """

    domain: Domain
    name: str
    target: str
    organization: str
    users: int
    summary: Summary | None
    acts: Acts

    @property
    def is_active(self) -> bool:
        return self.domain.state == State.ACTIVE

    @property
    def is_relay(self) -> bool:
        return self.domain.kind == DomainKind.RELAY

    @property
    def stored(self) -> str:
        """The name in A-labels, if it has others."""
        return self.domain.name if self.domain.name != self.name else ""


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes with a domain when it is removed; a shared mailbox is a user."""

    users: int
    aliases: int
    mirrors: list[str]


def overview(powers: Powers, domain: Domain) -> Overview:
    """What somebody with these powers is shown of a domain in sight."""
    target = domain.alias_of
    return Overview(
        domain=domain,
        name=display_domain(domain.name),
        target="" if target is None else display_domain(target.name),
        organization=domain.organization.name if powers.is_operator else "",
        users=user_counts([domain.pk]).get(domain.pk, 0),
        summary=dns.summaries([domain.pk]).get(domain.pk),
        acts=_acts(powers, domain),
    )


def _acts(powers: Powers, domain: Domain) -> Acts:
    adds = powers.may(Ability.ADD_DOMAINS, domain)
    removes = powers.may(Ability.REMOVE_DOMAINS, domain)
    return Acts(
        changes=powers.may(Ability.CHANGE_POLICIES, domain),
        suspends=powers.may(Ability.SUSPEND_DOMAINS, domain),
        removes=removes,
        renames=adds and removes and domain.alias_of_id is None,
        sets_limits=powers.may(Ability.SET_LIMITS, domain),
        is_operator=powers.is_operator,
    )


def first_users(powers: Powers, domain: Domain) -> list[User]:
    """The first users of a domain by address, without its own postmaster's box."""
    rows = permissions.users(powers).filter(domain=domain)
    rows = rows.exclude(kind=Kind.SHARED, key__startswith=f"{POSTMASTER}@")
    return list(rows.order_by("key")[:USERS])


def contents(domain: Domain) -> Contents:
    """What a removal takes; three statements."""
    mirrors = Domain.objects.filter(alias_of=domain).order_by("name").values_list("name", flat=True)
    return Contents(
        users=user_counts([domain.pk]).get(domain.pk, 0),
        aliases=Alias.objects.filter(domain=domain).count(),
        mirrors=[display_domain(name) for name in mirrors[:USERS]],
    )
