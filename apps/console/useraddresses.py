"""The addresses whose mail reaches a user, as far as they are in sight."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Count
from django.db.models.functions import Lower

from apps.directory import permissions
from apps.directory.models import Alias, AliasTarget, PatternKind, State, User
from apps.directory.permissions import Ability, Powers
from apps.directory.services.aliases import Pattern
from apps.mime.address import take_apart

MOST: Final = 200  # aliases that are shown
_SECOND_NAMES: Final = 20


@dataclass(frozen=True, slots=True)
class Leading:
    """An alias that leads to a user.

    Args:
        targets: how many it has; more than one make it a group.
        is_mine: whether who looks may change it.
    """

    id: int
    pattern: str
    kind: str
    targets: int
    is_asleep: bool
    is_mine: bool

    @property
    def is_group(self) -> bool:
        """Whether others get its mail too."""
        return self.targets > 1


def leading_to(powers: Powers, user: User) -> list[Leading]:
    """The aliases in sight with this user among their targets; three statements."""
    written = {user.key, user.address.lower()}
    rows = AliasTarget.objects.annotate(folded=Lower("address")).filter(folded__in=written)
    ids = list(rows.values_list("alias", flat=True)[: 2 * MOST])
    found = permissions.aliases(powers).filter(pk__in=ids).select_related("domain")
    counts = dict(
        AliasTarget.objects.filter(alias__in=ids)
        .order_by()
        .values_list("alias")
        .annotate(Count("pk"))
    )
    return [
        Leading(
            id=one.pk,
            pattern=str(Pattern(PatternKind(one.kind), one.local, one.domain.name)),
            kind=one.kind,
            targets=counts.get(one.pk, 1),
            is_asleep=one.state != State.ACTIVE,
            is_mine=powers.may(Ability.CHANGE_ALIASES, one.domain),
        )
        for one in found.order_by("kind", "local", "domain__name")[:MOST]
    ]


def second_names(user: User) -> list[str]:
    """The user's address in alias domains of its domain; one statement."""
    if user.domain is None:
        return []
    local = take_apart(user.address)[0]
    names = user.domain.alias_domains.order_by("name").values_list("name", flat=True)
    return [f"{local}@{name}" for name in names[:_SECOND_NAMES]]


def free_addresses(address: str, name: str) -> list[str]:
    """Some addresses like a taken one that nobody has; two statements. The domain is in sight of
    who asks: what is taken in it is no secret there."""
    local, domain = take_apart(address)
    words = [word for word in name.casefold().split() if word.isascii() and word.isalnum()]
    ideas = [local + str(number) for number in range(2, 5)]
    if words:
        first, last = words[0], words[-1]
        ideas = [first, f"{first}.{last}", f"{first[0]}{last}", f"{last}.{first}", *ideas]
    wanted = {f"{idea}@{domain}": idea for idea in dict.fromkeys(ideas) if idea != local}
    taken = set(User.objects.filter(key__in=list(wanted)).values_list("key", flat=True))
    aliases = Alias.objects.filter(domain__name=domain, local__in=list(wanted.values()))
    locals_taken = set(aliases.values_list("local", flat=True))
    free = [key for key, idea in wanted.items() if key not in taken and idea not in locals_taken]
    return free[:3]


def written_in(alias_id: int, user: User) -> str:
    """How an alias writes this user among its targets."""
    written = {user.key, user.address.lower()}
    rows = AliasTarget.objects.annotate(folded=Lower("address"))
    found = rows.filter(alias=alias_id, folded__in=written).values_list("address", flat=True)
    return found.first() or user.address
