"""What one address is in the domains of ours, aliases not followed: rules 1 to 6 of `routing`.

Any number of addresses is looked up together, one kind of thing after the other, by constant
statements. `tests/directory/test_matching.py` holds each against its ORM twin.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from django.db import connection
from django.db.models import Q, QuerySet

from apps.directory.models import Kind, PatternKind, Role, RoleGrant, State, User, UserState
from apps.mime.address import Address
from apps.runtime.rows import Values, among, listed

MAX_RESULTS: Final = 100  # addresses that one address becomes, on the way too
POSTMASTER: Final = "postmaster"
ROLES: Final = frozenset({POSTMASTER, "abuse"})  # RFC 5321 section 4.5.1, RFC 2142 section 4


class Status(Enum):
    """What became of an address."""

    LOCAL = "local"  # ours: goes to `users`, and to `remote` where an alias leads outside
    REMOTE = "remote"  # not a domain of ours: whether to relay is the caller's question
    UNKNOWN = "unknown"  # nobody here
    SUSPENDED = "suspended"  # somebody here, but user, alias, domain or organisation is suspended
    LOOP = "loop"  # aliases that lead nowhere but to each other, too deep or too many


@dataclass(frozen=True, slots=True)
class LocalUser:
    """A user who gets a copy; `address` as its owner writes it."""

    user_id: int
    address: str


# What follows asks for any number of names at once, with a text that does not depend on how many.
_NAMES: Final = Values("asked", "name text")
_LOCALS: Final = Values("asked", "domain_id bigint, local text")
_DOMAINS: Final = Values("domains", "domain_id bigint")

_HOMES: Final = """
SELECT d.name, d.state, o.state, t.state, COALESCE(t.id, d.id), COALESCE(t.name, d.name),
    COALESCE(t.detail_separator, d.detail_separator), d.organization_id
FROM {asked}
JOIN directory_domain d ON d.name = asked.name
JOIN directory_organization o ON o.id = d.organization_id
LEFT JOIN directory_domain t ON t.id = d.alias_of_id"""

_USERS: Final = """
SELECT u.key, u.id, u.address, u.state
FROM {asked}
JOIN directory_user u ON u.key = asked.name
WHERE u.kind <> 'shared' OR u.key NOT LIKE 'postmaster@%%'"""

_ALIASES: Final = """
SELECT a.domain_id, a.kind, a.id, a.local, a.state
FROM {asked}
JOIN directory_alias a ON a.domain_id = asked.domain_id AND a.local = asked.local
WHERE a.kind <> 'wildcard'
UNION ALL
SELECT a.domain_id, a.kind, a.id, a.local, a.state
FROM {domains}
JOIN directory_alias a ON a.domain_id = domains.domain_id
WHERE a.kind = 'wildcard'"""

_TARGETS: Final = """
SELECT alias_id, address FROM directory_aliastarget WHERE {among} ORDER BY id"""


@dataclass(slots=True)
class Answer:
    """What one address is, aliases not followed."""

    status: Status
    users: Sequence[LocalUser] = ()
    targets: Sequence[Address] = ()


@dataclass(frozen=True, slots=True)
class Home:
    """The domain that answers for an address, after alias domains."""

    domain_id: int
    name: str
    separator: str
    organization_id: int
    is_suspended: bool


@dataclass(frozen=True, slots=True)
class _Question:
    """An address in its home domain, under the local parts by which it may be found there:
    the whole one, then the one without detail."""

    address: Address
    home: Home
    names: tuple[str, ...]

    @classmethod
    def build(cls, address: Address, home: Home) -> "_Question":
        forms = [address]
        if home.separator:
            forms.append(address.without_detail(home.separator))
        names = (form.key.removesuffix(f"@{form.domain}") for form in forms)
        return cls(address, home, tuple(dict.fromkeys(names)))

    @property
    def keys(self) -> list[str]:
        return [f"{name}@{self.home.name}" for name in self.names]


@dataclass(frozen=True, slots=True)
class _Found:
    """An alias that a question may be about."""

    alias_id: int
    local: str
    is_suspended: bool

    def matches(self, local: str) -> bool:
        """Compare with the pattern's pieces from left to right: linear, unlike a regular
        expression with several wildcards."""
        first, *middle, last = self.local.split("*")
        if len(local) < len(first) + len(last):
            return False
        if not (local.startswith(first) and local.endswith(last)):
            return False
        at, end = len(first), len(local) - len(last)
        for piece in middle:
            found = local.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True


class Level:
    """The answers to a set of addresses: looked up together, one kind of thing after the other."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        self.answers: dict[Address, Answer] = {}
        questions = []
        homes = homes_of({address.domain for address in addresses})
        for address in addresses:
            home = homes.get(address.domain)
            if home is None:
                self.answers[address] = Answer(Status.REMOTE)
            elif home.is_suspended:
                self.answers[address] = Answer(Status.SUSPENDED)
                questions.append(_Question.build(address, home))
            else:
                questions.append(_Question.build(address, home))
        self._match([question for question in questions if question.address not in self.answers])
        self._ask_role_holders(questions)

    def _match(self, questions: list[_Question]) -> None:
        users = _users_by_key([key for question in questions for key in question.keys])
        # Who is found by the whole address needs no look at the aliases.
        aliases = _Aliases([question for question in questions if question.keys[0] not in users])
        chosen: dict[Address, _Found] = {}
        for question in questions:
            match = _first_match(question, users, aliases)
            if isinstance(match, _Found):
                chosen[question.address] = match
            self.answers[question.address] = (
                match if isinstance(match, Answer) else Answer(Status.UNKNOWN)
            )
        targets = _targets({found.alias_id for found in chosen.values()})
        for address, found in chosen.items():
            self.answers[address] = (
                Answer(Status.SUSPENDED)
                if found.is_suspended
                else Answer(Status.LOCAL, targets=targets.get(found.alias_id, ()))
            )

    def _ask_role_holders(self, questions: list[_Question]) -> None:
        open_ = [
            question
            for question in questions
            if question.names[-1] in ROLES
            and self.answers[question.address].status is not Status.LOCAL
        ]
        if not open_:
            return
        holders = role_holders([question.home for question in open_])
        for question in open_:
            users = holders[question.home.domain_id]
            if users:
                self.answers[question.address] = Answer(Status.LOCAL, users=users)


def homes_of(names: Iterable[str]) -> dict[str, Home]:
    """The home domain of every name that is hosted here."""
    homes = {}
    for name, *states, pk, home, separator, organization in _ask(
        _HOMES.format(asked=_NAMES.sql), _NAMES.parameters([(name,) for name in names])
    ):
        homes[name] = Home(pk, home, separator, organization, State.SUSPENDED in states)
    return homes


def _users_by_key(keys: Iterable[str]) -> dict[str, Answer]:
    """What each key's user is; the domains' own postmaster boxes are left out."""
    asked = [(key,) for key in keys]
    if not asked:
        return {}
    return {
        key: Answer(Status.LOCAL, users=[LocalUser(pk, address)])
        if state == UserState.ACTIVE
        else Answer(Status.SUSPENDED)
        for key, pk, address, state in _ask(
            _USERS.format(asked=_NAMES.sql), _NAMES.parameters(asked)
        )
    }


class _Aliases:
    """The aliases that some questions may be about."""

    def __init__(self, questions: list[_Question]) -> None:
        self._exact: dict[tuple[int, str], _Found] = {}
        self._wild: dict[int, list[_Found]] = {}
        if questions:
            self._load(questions)
        for found in self._wild.values():
            # The pattern with the most letters; then by name, so that it is always the same one.
            found.sort(key=lambda one: (one.local.count("*") - len(one.local), one.local))

    def _load(self, questions: list[_Question]) -> None:
        names = {
            (question.home.domain_id, name)
            for question in questions
            for name in ("", *question.names)
        }
        domains = {(domain_id,) for domain_id, _ in names}
        for domain_id, kind, pk, local, state in _ask(
            _ALIASES.format(asked=_LOCALS.sql, domains=_DOMAINS.sql),
            [*_LOCALS.parameters(list(names)), *_DOMAINS.parameters(list(domains))],
        ):
            found = _Found(pk, local, state != State.ACTIVE)
            if kind == PatternKind.WILDCARD:
                self._wild.setdefault(domain_id, []).append(found)
            else:
                self._exact[domain_id, local] = found

    def exact(self, home: Home, name: str) -> _Found | None:
        return self._exact.get((home.domain_id, name))

    def wild(self, home: Home, name: str) -> _Found | None:
        found = self._wild.get(home.domain_id, ())
        return next((one for one in found if one.matches(name)), None)


def _first_match(
    question: _Question, users: dict[str, Answer], aliases: _Aliases
) -> Answer | _Found | None:
    """Rules 2 to 6 of the module's list."""
    for name, key in zip(question.names, question.keys, strict=True):
        match = users.get(key) or aliases.exact(question.home, name)
        if match is not None:
            return match
    whole = question.names[0]
    return aliases.wild(question.home, whole) or aliases.exact(question.home, "")


def _targets(alias_ids: Iterable[int]) -> dict[int, list[Address]]:
    """The targets of some aliases, in the order in which they were written."""
    asked = sorted(alias_ids)
    found: dict[int, list[Address]] = {}
    if asked:
        for alias_id, address in _ask(_TARGETS.format(among=among("alias_id")), [listed(asked)]):
            found.setdefault(alias_id, []).append(Address.parse(address))
    return found


def role_holders(homes: list[Home]) -> dict[int, list[LocalUser]]:
    """Who gets the mail of a domain's postmaster when no rule says so."""
    holders = _domain_admins(homes)
    if all(holders.values()):
        return holders
    everywhere = operators()
    if not everywhere:
        keys = {f"{POSTMASTER}@{home.name}": home.domain_id for home in homes}
        boxes = User.objects.filter(_OWN_BOX, key__in=keys)
        for key, pk, address in boxes.values_list("key", "pk", "address"):
            holders[keys[key]] = holders[keys[key]] or [LocalUser(pk, address)]
    return {domain_id: users or everywhere for domain_id, users in holders.items()}


def _domain_admins(homes: list[Home]) -> dict[int, list[LocalUser]]:
    grants = RoleGrant.objects.filter(
        Q(domain__in={home.domain_id for home in homes})
        | Q(organization__in={home.organization_id for home in homes}),
        role=Role.DOMAIN_ADMIN,
    ).values_list("domain_id", "organization_id", "user_id")
    scopes: dict[tuple[int | None, int | None], set[int]] = {}
    for domain_id, organization_id, user_id in grants:
        scopes.setdefault((domain_id, organization_id), set()).add(user_id)
    everybody = set().union(*scopes.values())
    admins = _active(User.objects.filter(pk__in=everybody)) if everybody else []
    holders = {}
    for home in homes:
        own = scopes.get((home.domain_id, None), set())
        own = own | scopes.get((None, home.organization_id), set())
        holders[home.domain_id] = [user for user in admins if user.user_id in own]
    return holders


def operators() -> list[LocalUser]:
    """Those who run the installation."""
    return _active(User.objects.filter(grants__role=Role.OPERATOR))


def _active(users: QuerySet[User]) -> list[LocalUser]:
    """The active ones of them, each once."""
    rows = (
        users.filter(state=UserState.ACTIVE)
        .exclude(domain__state=State.SUSPENDED)
        .exclude(domain__organization__state=State.SUSPENDED)
        .order_by("pk")
        .distinct()
        .values_list("pk", "address")
    )
    return [LocalUser(*row) for row in rows[:MAX_RESULTS]]


_OWN_BOX: Final = Q(kind=Kind.SHARED, key__startswith=f"{POSTMASTER}@")


def _ask(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
