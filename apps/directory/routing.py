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

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from apps.directory.models import (
    Alias,
    AliasTarget,
    Domain,
    Kind,
    PatternKind,
    Role,
    RoleGrant,
    State,
    User,
    UserState,
)
from apps.mime.address import Address

T = TypeVar("T")

MAX_DEPTH: Final = 10  # aliases that lead to aliases
MAX_RESULTS: Final = 100  # addresses that one address becomes, on the way too
POSTMASTER: Final = "postmaster"
ROLES: Final = frozenset({POSTMASTER, "abuse"})
_CHUNK: Final = 400  # values of one IN (…)


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


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where an address leads. Only LOCAL has users; LOCAL and REMOTE have remote addresses.

    `lost` are addresses that an alias names and nobody has (any more): the rest of the alias works.
    """

    status: Status
    users: tuple[LocalUser, ...] = ()
    remote: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


# The domain's own postmaster box is a last resort, never a match: see `_role_holders`.
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
        answers = _Level(asked).answers
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
    home = _homes({address.domain}).get(address.domain)
    if home is None:
        return None
    holders = _role_holders([home])[home.domain_id]
    return Resolution(Status.LOCAL, tuple(holders)) if holders else None


def resolve_postmaster() -> Resolution:
    """Say where mail for `<postmaster>` without a domain goes (RFC 5321 section 4.5.1): to the
    operators, else to the postmaster of this host's own domain, else of the oldest domain."""
    operators = _users(_operators())
    if operators:
        return Resolution(Status.LOCAL, tuple(operators))
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

    def take(self, answers: "dict[Address, _Answer]") -> None:
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
            return
        self._seen.add(target.key)
        self.open.append(target)
        if len(self._seen) > MAX_RESULTS + 1:
            self._give_up()

    def _give_up(self) -> None:
        """Deliver to nobody rather than to the first hundred."""
        self.open = []
        self._users.clear()
        self._remote.clear()
        self._lost.clear()
        self._problems = {Status.LOOP}

    def result(self) -> Resolution:
        if self.open:
            self._give_up()
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


@dataclass(slots=True)
class _Answer:
    """What one address is, aliases not followed."""

    status: Status
    users: Sequence[LocalUser] = ()
    targets: Sequence[Address] = ()


@dataclass(frozen=True, slots=True)
class _Home:
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
    home: _Home
    names: tuple[str, ...]

    @classmethod
    def build(cls, address: Address, home: _Home) -> "_Question":
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


class _Level:
    """The answers to a set of addresses: looked up together, one kind of thing after the other."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        self.answers: dict[Address, _Answer] = {}
        questions = []
        homes = _homes({address.domain for address in addresses})
        for address in addresses:
            home = homes.get(address.domain)
            if home is None:
                self.answers[address] = _Answer(Status.REMOTE)
            elif home.is_suspended:
                self.answers[address] = _Answer(Status.SUSPENDED)
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
                match if isinstance(match, _Answer) else _Answer(Status.UNKNOWN)
            )
        targets = _targets({found.alias_id for found in chosen.values()})
        for address, found in chosen.items():
            self.answers[address] = (
                _Answer(Status.SUSPENDED)
                if found.is_suspended
                else _Answer(Status.LOCAL, targets=targets.get(found.alias_id, ()))
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
        holders = _role_holders([question.home for question in open_])
        for question in open_:
            users = holders[question.home.domain_id]
            if users:
                self.answers[question.address] = _Answer(Status.LOCAL, users=users)


def _homes(names: set[str]) -> dict[str, _Home]:
    """The home domain of every name that is hosted here."""
    homes = {}
    for some in _chunks(names):
        for row in Domain.objects.filter(name__in=some).values_list(
            "name",
            "state",
            "organization__state",
            "alias_of__state",
            *(
                Coalesce(f"alias_of__{column}", column)
                for column in ("pk", "name", "detail_separator", "organization_id")
            ),
        ):
            name, *states, pk, home, separator, organization = row
            homes[name] = _Home(pk, home, separator, organization, State.SUSPENDED in states)
    return homes


def _users_by_key(keys: Iterable[str]) -> dict[str, _Answer]:
    """What each key's user is; the domains' own postmaster boxes are left out."""
    found = {}
    for some in _chunks(keys):
        rows = User.objects.filter(key__in=some).exclude(_OWN_BOX)
        for key, pk, address, state in rows.values_list("key", "pk", "address", "state"):
            found[key] = (
                _Answer(Status.LOCAL, users=[LocalUser(pk, address)])
                if state == UserState.ACTIVE
                else _Answer(Status.SUSPENDED)
            )
    return found


class _Aliases:
    """The aliases that some questions may be about."""

    def __init__(self, questions: list[_Question]) -> None:
        self._exact: dict[tuple[int, str], _Found] = {}
        self._wild: dict[int, list[_Found]] = {}
        domains = {question.home.domain_id for question in questions}
        names = {"", *(name for question in questions for name in question.names)}
        for some in _chunks(names) if questions else ():
            self._load(domains, some)
        for found in self._wild.values():
            # The pattern with the most letters; then by name, so that it is always the same one.
            found.sort(key=lambda one: (one.local.count("*") - len(one.local), one.local))

    def _load(self, domains: set[int], names: list[str]) -> None:
        rows = Alias.objects.filter(
            Q(local__in=names) | Q(kind=PatternKind.WILDCARD), domain_id__in=domains
        )
        for domain_id, kind, pk, local, state in rows.values_list(
            "domain_id", "kind", "pk", "local", "state"
        ):
            found = _Found(pk, local, state != State.ACTIVE)
            if kind != PatternKind.WILDCARD:
                self._exact[domain_id, local] = found
            elif found not in self._wild.setdefault(domain_id, []):
                self._wild[domain_id].append(found)

    def exact(self, home: _Home, name: str) -> _Found | None:
        return self._exact.get((home.domain_id, name))

    def wild(self, home: _Home, name: str) -> _Found | None:
        found = self._wild.get(home.domain_id, ())
        return next((one for one in found if one.matches(name)), None)


def _first_match(
    question: _Question, users: dict[str, _Answer], aliases: _Aliases
) -> _Answer | _Found | None:
    """Rules 2 to 6 of the module's list."""
    for name, key in zip(question.names, question.keys, strict=True):
        match = users.get(key) or aliases.exact(question.home, name)
        if match is not None:
            return match
    whole = question.names[0]
    return aliases.wild(question.home, whole) or aliases.exact(question.home, "")


def _targets(alias_ids: set[int]) -> dict[int, list[Address]]:
    """The targets of some aliases, in the order in which they were written."""
    found: dict[int, list[Address]] = {}
    for some in _chunks(alias_ids):
        rows = AliasTarget.objects.filter(alias_id__in=some).order_by("pk")
        for alias_id, address in rows.values_list("alias_id", "address"):
            found.setdefault(alias_id, []).append(Address.parse(address))
    return found


def _role_holders(homes: list[_Home]) -> dict[int, list[LocalUser]]:
    """Who gets the mail of a domain's postmaster when no rule says so."""
    holders = _domain_admins(homes)
    if all(holders.values()):
        return holders
    operators = _users(_operators())
    if not operators:
        keys = {f"{POSTMASTER}@{home.name}": home.domain_id for home in homes}
        boxes = User.objects.filter(_OWN_BOX, key__in=keys)
        for key, pk, address in boxes.values_list("key", "pk", "address"):
            holders[keys[key]] = holders[keys[key]] or [LocalUser(pk, address)]
    return {domain_id: users or operators for domain_id, users in holders.items()}


def _domain_admins(homes: list[_Home]) -> dict[int, list[LocalUser]]:
    grants = RoleGrant.objects.filter(
        Q(domain__in={home.domain_id for home in homes})
        | Q(organization__in={home.organization_id for home in homes}),
        role=Role.DOMAIN_ADMIN,
    ).values_list("domain_id", "organization_id", "user_id")
    scopes: dict[tuple[int | None, int | None], set[int]] = {}
    for domain_id, organization_id, user_id in grants:
        scopes.setdefault((domain_id, organization_id), set()).add(user_id)
    everybody = set().union(*scopes.values())
    admins = _users(User.objects.filter(pk__in=everybody)) if everybody else []
    holders = {}
    for home in homes:
        own = scopes.get((home.domain_id, None), set())
        own = own | scopes.get((None, home.organization_id), set())
        holders[home.domain_id] = [user for user in admins if user.user_id in own]
    return holders


def _operators() -> "QuerySet[User]":
    return User.objects.filter(grants__role=Role.OPERATOR)


def _users(users: "QuerySet[User]") -> list[LocalUser]:
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


def _chunks(values: Iterable[T]) -> Iterator[list[T]]:
    waiting = list(values)
    for start in range(0, len(waiting), _CHUNK):
        yield waiting[start : start + _CHUNK]
