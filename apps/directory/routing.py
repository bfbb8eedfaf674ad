"""Where mail for an address goes: the one place that knows.

For an address in a domain of ours, the first that matches wins:

1. an alias domain stands for its target domain, with everything below;
2. a user with exactly this address;
3. an alias with exactly this address;
4. the same two without the detail: `alice+lists@` is `alice@` (the domain says which separator);
5. a wildcard alias, the one with the most letters first;
6. the domain's catch-all.

`postmaster@` and `abuse@` of every domain of ours always arrive (RFC 5321 section 4.5.1, RFC 2142):
what the rules find, else the domain's administrators, else the operators, else the domain's own
postmaster box. Aliases may lead to aliases, up to 10 deep and 100 addresses in all; a user that is
reached on two ways gets one copy. Targets outside are handed back; nothing here asks the DNS.

An address of a user, by far the most frequent question, costs one constant statement. The rest
costs a few small ones for each level of aliases, however many addresses are asked at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import connection

from apps.directory.matching import (
    MAX_RESULTS,
    POSTMASTER,
    ROLES,
    Answer,
    Level,
    LocalUser,
    Status,
    homes_of,
    operators,
    role_holders,
)
from apps.directory.models import Domain
from apps.mime.address import Address

__all__ = ["LocalUser", "Resolution", "Status", "resolve", "resolve_many", "resolve_postmaster"]

MAX_DEPTH: Final = 10  # aliases that lead to aliases


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where an address leads. Only LOCAL has users; LOCAL and REMOTE have remote addresses.

    `lost` are addresses that an alias names and nobody has (any more): the rest of the alias works.
    """

    status: Status
    users: tuple[LocalUser, ...] = ()
    remote: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


# The domain's own postmaster box is a last resort, never a match: see `role_holders`.
_EXACT: Final = """
SELECT u.id, u.address
FROM directory_user u
JOIN directory_domain d ON d.id = u.domain_id
JOIN directory_organization o ON o.id = d.organization_id
WHERE u.key = %s AND u.state = 'active' AND d.state = 'active' AND o.state = 'active'
AND (u.kind <> 'shared' OR u.key NOT LIKE 'postmaster@%%')"""


def resolve(address: Address) -> Resolution:
    """Say where mail for one address goes."""
    with connection.cursor() as cursor:
        cursor.execute(_EXACT, [address.key])
        row = cursor.fetchone()
    if row is not None:
        return Resolution(Status.LOCAL, (LocalUser(*row),))
    return resolve_many([address])[0]


def resolve_many(addresses: Sequence[Address]) -> list[Resolution]:
    """Say it for many, in their order, with no more statements than for one."""
    walks = [_Walk(address) for address in addresses]
    for _ in range(MAX_DEPTH + 1):
        asked = {address for walk in walks for address in walk.open}
        if not asked:
            break
        answers = Level(asked).answers
        for walk in walks:
            walk.take(answers)
    results = [walk.result() for walk in walks]
    return [
        result if result.users or result.remote else _last_resort(address) or result
        for address, result in zip(addresses, results, strict=True)
    ]


def _last_resort(address: Address) -> Resolution | None:
    """Where postmaster's mail goes when the rules found an alias, and the alias nobody."""
    if not address.key.startswith(tuple(f"{role}@" for role in ROLES)):
        return None
    home = homes_of({address.domain}).get(address.domain)
    if home is None:
        return None
    holders = role_holders([home])[home.domain_id]
    return Resolution(Status.LOCAL, tuple(holders)) if holders else None


def resolve_postmaster() -> Resolution:
    """Say where mail for `<postmaster>` without a domain goes (RFC 5321 section 4.5.1): to the
    operators, else to the postmaster of this host's own domain, else of the oldest domain."""
    everywhere = operators()
    if everywhere:
        return Resolution(Status.LOCAL, tuple(everywhere))
    name = _home_domain()
    return Resolution(Status.UNKNOWN) if name is None else resolve(Address(POSTMASTER, name))


def _home_domain() -> str | None:
    labels = settings.MAIL_HOSTNAME.split(".")
    parents = [".".join(labels[start:]) for start in range(len(labels))]
    hosted = Domain.objects.filter(name__in=parents).values_list("name", flat=True)
    nearest = max(hosted, key=len, default=None)
    if nearest is not None:
        return nearest
    return Domain.objects.order_by("pk").values_list("name", flat=True).first()


class _Walk:
    """One address on its way through the aliases."""

    def __init__(self, address: Address) -> None:
        self.open = [address]
        self._seen = {address.key}
        self._users: dict[int, LocalUser] = {}
        self._remote: list[str] = []
        self._lost: list[str] = []
        self._problems: set[Status] = set()
        self._root = address
        self._root_is_remote = False
        self._has_too_many = False

    def take(self, answers: dict[Address, Answer]) -> None:
        """Go one level on with what the open addresses turned out to be."""
        level, self.open = self.open, []
        for address in level:
            answer = answers[address]
            if answer.status is Status.REMOTE:
                self._root_is_remote = address is self._root
                self._remote.append(str(address))
            elif answer.status is not Status.LOCAL:
                self._problems.add(answer.status)
                if address is not self._root:
                    self._lost.append(str(address))
            for user in answer.users:
                self._users.setdefault(user.user_id, user)
            for target in answer.targets:
                self._open(target)

    def _open(self, target: Address) -> None:
        if target.key in self._seen:
            self._problems.add(Status.LOOP)
        elif len(self._seen) <= MAX_RESULTS:
            self._seen.add(target.key)
            self.open.append(target)
        else:
            self._has_too_many = True

    def result(self) -> Resolution:
        """Say where it led. What is too deep or too wide goes to nobody, rather than to some."""
        if self.open or self._has_too_many:
            return Resolution(Status.LOOP)
        if self._users or self._remote:
            return Resolution(
                Status.REMOTE if self._root_is_remote else Status.LOCAL,
                tuple(self._users.values()),
                tuple(self._remote),
                tuple(self._lost),
            )
        if Status.SUSPENDED in self._problems:
            return Resolution(Status.SUSPENDED)
        # One target met twice is a loop only if nothing else was met.
        return Resolution(Status.LOOP if self._problems == {Status.LOOP} else Status.UNKNOWN)
