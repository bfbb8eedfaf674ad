"""What a domain's other name changes that nobody has asked for, told before and afterwards.

Counted is what the role of who asks reaches: of other tenants nothing is told.
"""

from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet

from apps.directory import permissions
from apps.directory.models import AliasTarget, Domain, Forward, StsMode, User
from apps.directory.permissions import Powers
from apps.dnscheck import queries as dns
from apps.mime.address import display_domain

_STS: Final = {StsMode.TESTING: "tested", StsMode.ENFORCE: "enforced"}


@dataclass(frozen=True, slots=True)
class Follows:
    """What there is that names the domain, as it is called now.

    Args:
        own: people of its organisation whose recovery address is in it; it is proved.
        strangers: the same of others.
        forwards: people elsewhere whose mail is sent on into it.
        targets: aliases of other organisations that lead into it.
        sts: what its MTA-STS policy is, in a word; "" for none.
        is_unwatched: somebody said of its DNS, or of records, that they are so on purpose.
    """

    name: str
    own: int
    strangers: int
    forwards: int
    targets: int
    sts: str
    is_unwatched: bool

    @property
    def recovery_words(self) -> list[str]:
        """What becomes of recovery addresses in it, in sentences."""
        words = []
        if self.own:
            who = people(self.own)
            words.append(
                f"{who} one in {self.name}: it works on with the mirror, and ends without it."
            )
        if self.strangers:
            who = people(self.strangers, "of another organisation")
            words.append(f"{who} one in {self.name}: it ends.")
        return words or [f"Nobody in your sight has one in {self.name}."]


def people(count: int, which: str = "") -> str:
    """`1 person has`, `3 people of another organisation have`."""
    noun, verb = ("person", "has") if count == 1 else ("people", "have")
    return " ".join(filter(None, [str(count), noun, which, verb]))


def follows(powers: Powers, domain: Domain) -> Follows:
    """What another name of a domain is about; six statements."""
    people = _recovering(powers, domain.name)
    own = people.filter(domain__organization=domain.organization_id).count()
    within = f"@{domain.name}"
    forwards = Forward.objects.filter(
        user__in=permissions.users(powers), address__iendswith=within
    ).exclude(user__domain=domain)
    targets = AliasTarget.objects.filter(
        alias__in=permissions.aliases(powers), address__iendswith=within
    ).exclude(alias__domain__organization=domain.organization_id)
    report = dns.report(domain)
    return Follows(
        name=display_domain(domain.name),
        own=own,
        strangers=people.count() - own,
        forwards=forwards.values("user").distinct().count(),
        targets=targets.values("alias").distinct().count(),
        sts=_STS.get(StsMode(domain.sts_mode), ""),
        is_unwatched=report.is_elsewhere or dns.has_left(domain),
    )


def ending(powers: Powers, domain: Domain, new: str, *, keeps_old: bool) -> int:
    """How many people's recovery addresses end with that name (`provisioning.recovery`).

    With the old name as a mirror those of its own organisation go on to work. Whoever else has
    proved one under the old name or the new one did so when other people read it.

    Args:
        new: as it is stored.
    """
    if new == domain.name:
        return 0
    of = Q(domain__organization=domain.organization_id)
    mirror = Domain.objects.filter(name=new, alias_of=domain).first()
    old = _recovering(powers, domain.name)
    if keeps_old:
        old = old.exclude(of)
        if mirror is not None:  # it has the old name then, and is as old as it was
            old = old.filter(recovery_confirmed_at__lt=mirror.created_at)
    return old.count() + _recovering(powers, new).exclude(of).count()


def _recovering(powers: Powers, name: str) -> QuerySet[User]:
    """People in sight with a proved recovery address in a domain."""
    people = permissions.users(powers)
    return people.filter(
        recovery_address__iendswith=f"@{name}", recovery_confirmed_at__isnull=False
    )
