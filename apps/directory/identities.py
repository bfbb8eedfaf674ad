"""The addresses under which one person is known: what a reader calls "me"."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from apps.directory.models import PatternKind, State, User
from apps.mime.address import Address, AddressError, take_apart
from apps.runtime.rows import among, among_texts, fetch, listed, listed_texts
from apps.wire.errors import NotFound

MOST: Final = 50  # aliases of one person that are looked at
_SECOND_NAMES_MOST: Final = 20
_DOMAIN: Final = 0  # the part of the statement that is of the domain itself

# One statement: the names of the person's domain, and the exact aliases that lead to this person
# and to nobody else. Only of the own organisation: a stranger's alias to somebody says nothing
# about them, and what its owner writes must not be taken for their own words. The cross join is for
# SQLite, which would walk all aliases of the organisation.
_KNOWN: Final = """
SELECT 0 AS part, d.id, d.detail_separator, d.name FROM directory_domain d
WHERE d.id = %s
UNION ALL
SELECT * FROM (SELECT 1, d.id, '', d.name FROM directory_domain d
    WHERE d.alias_of_id = %s ORDER BY d.id LIMIT %s) AS second_names
UNION ALL
SELECT * FROM (SELECT 2, a.id, a.local, d.name
    FROM directory_aliastarget t
    CROSS JOIN directory_alias a
    JOIN directory_domain d ON d.id = a.domain_id
    WHERE lower(t.address) IN (%s, %s) AND a.id = t.alias_id AND a.kind = %s AND a.state = %s
        AND d.organization_id = (SELECT organization_id FROM directory_domain WHERE id = %s)
        AND NOT EXISTS (SELECT 1 FROM directory_aliastarget o
            WHERE o.alias_id = a.id AND o.id <> t.id)
    ORDER BY a.id LIMIT %s) AS aliases
ORDER BY 1, 2"""

# The exact aliases of the own organisation that lead to a person, alone or with others.
_REACHING: Final = """
SELECT a.local, d.name FROM directory_aliastarget t
    CROSS JOIN directory_alias a
    JOIN directory_domain d ON d.id = a.domain_id
    WHERE lower(t.address) IN (%s, %s) AND a.id = t.alias_id AND a.kind = %s AND a.state = %s
        AND d.organization_id = (SELECT organization_id FROM directory_domain WHERE id = %s)
    ORDER BY a.id LIMIT %s"""


@dataclass(frozen=True, slots=True)
class Own(Collection[str]):
    """The addresses of a person as `Address.key`, the main one first. What has a detail after the
    separator of their domain (`ann+shop@`) is in it too, and stands in no list."""

    keys: tuple[str, ...]
    separator: str = ""

    def __contains__(self, key: object) -> bool:
        if key in self.keys:
            return True
        if not self.separator or not isinstance(key, str) or self.separator not in key:
            return False
        local, host = take_apart(key)
        head = local.partition(self.separator)[0]
        return bool(head) and f"{head}@{host}" in self.keys

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys)

    def __len__(self) -> int:
        return len(self.keys)


def own(user: User) -> Own:
    """The addresses of a user; one query, none for who has no domain here.

    An alias counts where it leads to this user alone: whoever shares one with others did not write
    all that it wrote. Patterns and catch-alls are no names of anybody.
    """
    if user.domain_id is None:
        return Own((user.key,))
    parameters = (
        *(user.domain_id, user.domain_id, _SECOND_NAMES_MOST),
        *(user.key, _as_target(user.address)),
        *(PatternKind.EXACT, State.ACTIVE, user.domain_id, MOST),
    )
    rows = fetch(_KNOWN, parameters)
    local = take_apart(user.key)[0]
    separator = next((text for part, _, text, _ in rows if part == _DOMAIN), "")
    names = [f"{text or local}@{name}" for part, _, text, name in rows if part != _DOMAIN]
    return Own(tuple(dict.fromkeys([user.key, *names])), separator)


def own_of(user_id: int) -> Own:
    """The same by id; two queries. Raises NotFound."""
    user = User.objects.living().filter(pk=user_id).first()
    if user is None:
        raise NotFound(f"user {user_id}")
    return own(user)


def reaching(user: User) -> tuple[str, ...]:
    """The aliases that lead to a user, shared with others or not, as `Address.key`; one statement.

    They are no names of the user, who may write as them all the same (`authority`).
    """
    if user.domain_id is None:
        return ()
    parameters = (
        *(user.key, _as_target(user.address), PatternKind.EXACT, State.ACTIVE),
        *(user.domain_id, MOST),
    )
    return tuple(f"{local}@{name}" for local, name in fetch(_REACHING, parameters))


_DOMAINS: Final = (
    "SELECT d.id, d.organization_id, d.detail_separator, d.name FROM directory_domain d WHERE "
)
_SECOND_NAMES: Final = (
    "SELECT d.alias_of_id, d.name FROM directory_domain d WHERE {among} ORDER BY d.id LIMIT %s"
)
_ALIASES: Final = """
SELECT lower(t.address), d.organization_id, a.local, d.name
FROM directory_aliastarget t
CROSS JOIN directory_alias a
JOIN directory_domain d ON d.id = a.domain_id
WHERE {among} AND a.id = t.alias_id AND a.kind = %s AND a.state = %s
    AND NOT EXISTS (SELECT 1 FROM directory_aliastarget o
        WHERE o.alias_id = a.id AND o.id <> t.id)
ORDER BY a.id LIMIT %s"""


def own_many(users: Sequence[User]) -> dict[int, Own]:
    """`own` for many users, by id; three queries however many there are."""
    at_home = {user.pk: user.domain_id for user in users if user.domain_id is not None}
    if not at_home:
        return {user.pk: Own((user.key,)) for user in users}
    ids = listed(sorted(set(at_home.values())))
    domains = {pk: rest for pk, *rest in fetch(_DOMAINS + among("d.id"), [ids])}
    seconds: dict[int, list[str]] = {}
    text = _SECOND_NAMES.format(among=among("d.alias_of_id"))
    for pk, name in fetch(text, [ids, _SECOND_NAMES_MOST * len(users)]):
        seconds.setdefault(pk, []).append(name)
    aliases = _aliases(users)
    found = {}
    for user in users:
        organization, separator, _ = domains.get(at_home.get(user.pk), (None, "", ""))
        local = take_apart(user.key)[0]
        names = [f"{local}@{name}" for name in seconds.get(at_home.get(user.pk, 0), [])]
        for target in {user.key, _as_target(user.address)}:
            names += [name for home, name in aliases.get(target, []) if home == organization]
        found[user.pk] = Own(tuple(dict.fromkeys([user.key, *names])), separator)
    return found


def _aliases(users: Sequence[User]) -> dict[str, list[tuple[int, str]]]:
    """The exact aliases that lead to one target alone: (organisation, key) by target."""
    targets = {name for user in users for name in (user.key, _as_target(user.address))}
    found: dict[str, list[tuple[int, str]]] = {}
    rows = fetch(
        _ALIASES.format(among=among_texts("lower(t.address)")),
        [listed_texts(sorted(targets)), PatternKind.EXACT, State.ACTIVE, MOST * len(users)],
    )
    for target, organization, local, name in rows:
        found.setdefault(target, []).append((organization, f"{local}@{name}"))
    return found


def _as_target(address: str) -> str:
    """As a target of an alias is kept, quoted if need be; in small letters."""
    try:
        return str(Address.parse(address)).lower()
    except AddressError:
        return address
