"""What administrators do to aliases.

A target may be anybody's address: mail may be sent anywhere, and gives its sender no right to
speak for who gets it (`directory.authority`).
"""

from collections.abc import Sequence

from apps.directory.models import Alias, PatternKind, State
from apps.directory.permissions import Ability, Powers
from apps.directory.services import aliases
from apps.directory.services.aliases import Pattern
from apps.provisioning.administration.sight import demand, find_alias, find_named


def add(*, powers: Powers, pattern: str, targets: Sequence[str]) -> Alias:
    """Add an alias in a domain in sight.

    Raises:
        NotFound, NotPermitted, InvalidAddress, AlreadyExists, InUse, LimitReached
    """
    wanted = Pattern.parse(pattern)
    demand(powers, Ability.CHANGE_ALIASES, find_named(powers, wanted.domain))
    return aliases.create(pattern=wanted, targets=targets)


def add_targets(*, powers: Powers, alias_id: int, targets: Sequence[str]) -> list[str]:
    """Add targets to an alias; return all it has.

    Raises:
        NotFound, NotPermitted, InvalidAddress, LimitReached
    """
    return aliases.add_targets(pattern=_pattern(powers, alias_id), targets=targets)


def remove_targets(*, powers: Powers, alias_id: int, targets: Sequence[str]) -> list[str]:
    """Remove targets of an alias; return what is left.

    Raises:
        NotFound, NotPermitted, InvalidAddress, InUse
    """
    return aliases.remove_targets(pattern=_pattern(powers, alias_id), targets=targets)


def set_targets(*, powers: Powers, alias_id: int, targets: Sequence[str]) -> list[str]:
    """Give an alias these targets and no others; return them.

    Raises:
        NotFound, NotPermitted, InvalidAddress, LimitReached
    """
    return aliases.set_targets(pattern=_pattern(powers, alias_id), targets=targets)


def set_state(*, powers: Powers, alias_id: int, state: State) -> Alias:
    """Suspend an alias, or let it work again.

    Raises:
        NotFound, NotPermitted, InvalidName
    """
    return aliases.set_state(pattern=_pattern(powers, alias_id), state=state)


def remove(*, powers: Powers, alias_id: int) -> None:
    """Remove an alias.

    Raises:
        NotFound, NotPermitted
    """
    aliases.delete(_pattern(powers, alias_id))


def _pattern(powers: Powers, alias_id: int) -> Pattern:
    found = find_alias(powers, alias_id)
    demand(powers, Ability.CHANGE_ALIASES, found.domain)
    return Pattern(PatternKind(found.kind), found.local, found.domain.name)
