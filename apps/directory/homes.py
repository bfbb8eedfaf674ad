"""The domains of ours as routing sees them, and the users in them who get a copy.

Nothing here follows an address: this is what `matching` and `postmasters` share.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from apps.directory.models import DomainKind, RelayCheck, State
from apps.runtime.rows import Values, among, fetch, listed


@dataclass(frozen=True, slots=True)
class LocalUser:
    """A user who gets a copy; `address` as its owner writes it."""

    user_id: int
    address: str


@dataclass(frozen=True, slots=True)
class Home:
    """The domain that answers for an address, after alias domains.

    relay: how recipients are known whom its other server has; None if it has none.
    """

    domain_id: int
    name: str
    separator: str
    organization_id: int
    is_suspended: bool
    relay: RelayCheck | None = None


NAMES: Final = Values("asked", "name text")

HOMES: Final = """
SELECT d.name, d.state, o.state, t.state, COALESCE(t.id, d.id), COALESCE(t.name, d.name),
    COALESCE(t.detail_separator, d.detail_separator), d.organization_id,
    COALESCE(t.kind, d.kind), COALESCE(t.relay_check, d.relay_check)
FROM {asked}
JOIN directory_domain d ON d.name = asked.name
JOIN directory_organization o ON o.id = d.organization_id
LEFT JOIN directory_domain t ON t.id = d.alias_of_id"""

_ORGANIZATIONS: Final = (
    "SELECT u.id, d.organization_id FROM directory_user u"
    " JOIN directory_domain d ON d.id = u.domain_id WHERE "
)


def homes_of(names: Iterable[str]) -> dict[str, Home]:
    """The home domain of every name that is one of ours; one statement."""
    asked = [(name,) for name in names]
    if not asked:
        return {}
    homes = {}
    for name, *states, pk, home, separator, organization, kind, check in fetch(
        HOMES.format(asked=NAMES.sql), NAMES.parameters(asked)
    ):
        homes[name] = Home(
            pk,
            home,
            separator,
            organization,
            State.SUSPENDED in states,
            RelayCheck(check) if kind == DomainKind.RELAY else None,
        )
    return homes


def organizations_of(user_ids: Iterable[int]) -> dict[int, int]:
    """The organisation of each user whose domain is one of ours; one statement."""
    asked = sorted(set(user_ids))
    if not asked:
        return {}
    return dict(fetch(_ORGANIZATIONS + among("u.id"), [listed(asked)]))
