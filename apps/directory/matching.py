"""What one address is in the domains of ours, nothing followed: the rules of `routing`.

Any number of addresses is looked up together, one kind of thing after the other, by constant
statements. `tests/directory/test_matching.py` holds each against its ORM twin.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from apps.directory import expressions, forwards
from apps.directory.forwards import Onward
from apps.directory.homes import NAMES, Home, LocalUser, homes_of
from apps.directory.models import PatternKind, RelayCheck, UserState
from apps.directory.postmasters import ROLES, role_holders
from apps.mailauth import srs
from apps.mime.address import Address
from apps.runtime import clock, sealing
from apps.runtime.rows import Values, among, fetch, listed


class Status(Enum):
    """What became of an address."""

    LOCAL = "local"  # ours: goes to `users`, and to `remote` where it leads outside
    REMOTE = "remote"  # not a domain of ours: whether to relay is the caller's question
    UNKNOWN = "unknown"  # nobody here
    SUSPENDED = "suspended"  # somebody here, but user, alias, domain or organisation is suspended
    LOOP = "loop"  # aliases that lead nowhere but to each other, too deep or too many


class Rule(Enum):
    """Which rule decided about an address; the words are for administrators."""

    OUTSIDE = "its domain is not one of ours"
    SUSPENDED = "its domain or organisation is suspended"
    USER = "a user has this address"
    ALIAS = "an alias has this address"
    RETURN = "it is a rewritten sender (SRS), for mail that comes back"
    RETURN_BROKEN = "it looks like a rewritten sender (SRS), but"
    WILDCARD = "a wildcard alias matches"
    EXPRESSION = "a regular expression of an alias matches"
    CATCH_ALL = "the domain's catch-all takes it"
    RELAY_LIST = "the domain's other server is known to have it"
    RELAY_ASKED = "the domain's other server is asked whether it has it"
    RELAY_ANY = "the domain's other server gets whatever is not known here"
    ROUTED = "it asks the domain's other server to send it on elsewhere, which is not relayed"
    ROLE = "no other rule reaches anybody, and this role always must"
    NONE = "no rule takes it"


_RECEIVING: Final = frozenset({UserState.ACTIVE.value, UserState.LOCKED.value})

_LOCALS: Final = Values("asked", "domain_id bigint, local text")
_DOMAINS: Final = Values("domains", "domain_id bigint")

_USERS: Final = """
SELECT u.key, u.id, u.address, u.state, u.forwarding
FROM {asked}
JOIN directory_user u ON u.key = asked.name
WHERE u.kind <> 'shared' OR u.key NOT LIKE 'postmaster@%%'"""

# The list of kinds as in the condition of the index alias_wildcards, which serves the second half.
_ALIASES: Final = """
SELECT a.domain_id, a.kind, a.id, a.local, a.state
FROM {asked}
JOIN directory_alias a ON a.domain_id = asked.domain_id AND a.local = asked.local
WHERE a.kind IN ('exact', 'catch_all')
UNION ALL
SELECT a.domain_id, a.kind, a.id, a.local, a.state
FROM {domains}
JOIN directory_alias a ON a.domain_id = domains.domain_id
WHERE a.kind IN ('wildcard', 'regex')"""

_TARGETS: Final = """
SELECT alias_id, address FROM directory_aliastarget WHERE {among} ORDER BY id"""

_RELAYED: Final = """
SELECT r.key FROM {asked} JOIN directory_relayrecipient r ON r.key = asked.name"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one address is, nothing followed.

    Args:
        targets: of an alias.
        onward: for each of `users` who forwards, where to.
        returns: whom mail to a rewritten sender is for.
        relay: the address as the domain's other server knows it.
        is_asked: whether that server must be asked for it first.
        detail: what `rule` found, for administrators.
    """

    status: Status
    rule: Rule
    users: Sequence[LocalUser] = ()
    targets: Sequence[Address] = ()
    onward: Mapping[int, Onward] = field(default_factory=dict)
    returns: Address | None = None
    relay: Address | None = None
    is_asked: bool = False
    detail: str = ""


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
class _User:
    """A user that a question may be about."""

    user: LocalUser
    is_suspended: bool
    forwarding: str


@dataclass(frozen=True, slots=True)
class _Alias:
    """An alias that a question may be about."""

    alias_id: int
    kind: PatternKind
    local: str
    is_suspended: bool

    @property
    def order(self) -> tuple[bool, int, str, int]:
        """Wildcards, the most letters first, then by name, so that it is always the same one;
        then expressions as they were added."""
        if self.kind is PatternKind.REGEX:
            return True, 0, "", self.alias_id
        return False, self.local.count("*") - len(self.local), self.local, self.alias_id

    def matches(self, local: str) -> bool:
        if self.kind is PatternKind.REGEX:
            return expressions.matches(self.local[1:-1], local)
        return wildcard_matches(self.local, local)


def wildcard_matches(pattern: str, local: str) -> bool:
    """Compare with the pattern's pieces from left to right: linear, unlike a regular expression
    with several wildcards."""
    first, *middle, last = pattern.split("*")
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


def look_up(addresses: Iterable[Address]) -> dict[Address, Answer]:
    """The answers to a set of addresses."""
    answers: dict[Address, Answer] = {}
    questions = []
    wanted = set(addresses)
    homes = homes_of({address.domain for address in wanted})
    for address in wanted:
        home = homes.get(address.domain)
        if home is None:
            answers[address] = Answer(Status.REMOTE, Rule.OUTSIDE)
            continue
        questions.append(_Question.build(address, home))
        if home.is_suspended:
            answers[address] = Answer(Status.SUSPENDED, Rule.SUSPENDED, detail=home.name)
    _match([question for question in questions if question.address not in answers], answers)
    _ask_role_holders(questions, answers)
    return answers


def _match(questions: list[_Question], answers: dict[Address, Answer]) -> None:
    """Rules 2 to 8 of routing's list."""
    users = _users_by_key([key for question in questions for key in question.keys])
    # Who is found by the whole address needs no look at the aliases.
    aliases = _Aliases([question for question in questions if question.keys[0] not in users])
    found: dict[Address, _User | _Alias] = {}
    left = []
    for question in questions:
        match = _first_match(question, users, aliases)
        if isinstance(match, Answer):
            answers[question.address] = match
        elif match is not None:
            found[question.address] = match
        elif question.home.relay is None:
            answers[question.address] = Answer(Status.UNKNOWN, Rule.NONE)
        else:
            left.append(question)
    answers.update(_matched(found))
    answers.update(_relayed(left))


def _first_match(
    question: _Question, users: dict[str, _User], aliases: "_Aliases"
) -> "_User | _Alias | Answer | None":
    """Rules 2 to 7."""
    for name, key in zip(question.names, question.keys, strict=True):
        match = users.get(key) or aliases.exact(question.home, name)
        if match is not None:
            return match
    if srs.is_srs(question.address):
        return _returned(question.address)
    whole = question.names[0]
    return aliases.pattern(question.home, whole) or aliases.exact(question.home, "")


def _returned(address: Address) -> Answer:
    """Whom a rewritten sender stands for. A broken one is nobody's, not even the catch-all's."""
    try:
        first = srs.reverse(address, keys=sealing.derived(srs.PURPOSE), now=clock.now())
    except srs.SrsError as error:
        return Answer(Status.UNKNOWN, Rule.RETURN_BROKEN, detail=str(error))
    return Answer(Status.LOCAL, Rule.RETURN, returns=first, detail=str(first))


def _matched(found: dict[Address, _User | _Alias]) -> dict[Address, Answer]:
    """What the users and aliases that were found say."""
    users = [match for match in found.values() if isinstance(match, _User)]
    onward = forwards.onward((match.user.user_id, match.forwarding) for match in users)
    targets = _targets({match.alias_id for match in found.values() if isinstance(match, _Alias)})
    return {
        address: _user_answer(match, onward)
        if isinstance(match, _User)
        else _alias_answer(match, address, targets.get(match.alias_id, []))
        for address, match in found.items()
    }


def _user_answer(match: _User, onward: Mapping[int, Onward]) -> Answer:
    user = match.user
    if match.is_suspended:
        return Answer(Status.SUSPENDED, Rule.USER, detail=user.address)
    own = {user.user_id: onward[user.user_id]} if user.user_id in onward else {}
    return Answer(Status.LOCAL, Rule.USER, users=[user], onward=own, detail=user.address)


_ALIAS_RULES: Final = {
    PatternKind.EXACT: Rule.ALIAS,
    PatternKind.WILDCARD: Rule.WILDCARD,
    PatternKind.REGEX: Rule.EXPRESSION,
    PatternKind.CATCH_ALL: Rule.CATCH_ALL,
}


def _alias_answer(match: _Alias, address: Address, targets: Sequence[Address]) -> Answer:
    status = Status.SUSPENDED if match.is_suspended else Status.LOCAL
    return Answer(
        status,
        _ALIAS_RULES[match.kind],
        targets=() if match.is_suspended else targets,
        detail=f"{match.local}@{address.domain}",
    )


def _relayed(questions: list[_Question]) -> dict[Address, Answer]:
    """Rule 8: whom the other server of a relay domain has."""
    listed_keys: set[str] = set()
    asked = [
        (key,)
        for question in questions
        if question.home.relay is RelayCheck.LIST
        for key in question.keys
    ]
    if asked:
        rows = fetch(_RELAYED.format(asked=NAMES.sql), NAMES.parameters(asked))
        listed_keys = {key for (key,) in rows}
    return {question.address: _relay_answer(question, listed_keys) for question in questions}


# Local parts such as victim%elsewhere.example: a server that trusts us might send them on, and we
# would have made it an open relay.
_ROUTING: Final = frozenset("%!@")


def _relay_answer(question: _Question, listed_keys: set[str]) -> Answer:
    home = question.home
    onward = replace(question.address, domain=home.name)
    if question.keys[0] in listed_keys:
        return Answer(Status.LOCAL, Rule.RELAY_LIST, relay=onward)
    if not _ROUTING.isdisjoint(onward.local):
        return Answer(Status.UNKNOWN, Rule.ROUTED)
    if home.relay is RelayCheck.ANY:
        return Answer(Status.LOCAL, Rule.RELAY_ANY, relay=onward)
    if home.relay is RelayCheck.LIST:
        if not listed_keys.isdisjoint(question.keys):
            return Answer(Status.LOCAL, Rule.RELAY_LIST, relay=onward)
        return Answer(Status.UNKNOWN, Rule.NONE)
    # The roles must reach somebody, whatever that server says: its word is not asked for.
    if question.names[-1] in ROLES:
        return Answer(Status.UNKNOWN, Rule.NONE)
    return Answer(Status.LOCAL, Rule.RELAY_ASKED, relay=onward, is_asked=True)


def _ask_role_holders(questions: list[_Question], answers: dict[Address, Answer]) -> None:
    open_ = [
        question
        for question in questions
        if question.names[-1] in ROLES and answers[question.address].status is not Status.LOCAL
    ]
    if not open_:
        return
    holders = role_holders([question.home for question in open_])
    everybody = {user.user_id for users in holders.values() for user in users}
    onward = forwards.onward_of(everybody)
    for question in open_:
        users = holders[question.home.domain_id]
        if users:
            answers[question.address] = Answer(
                Status.LOCAL, Rule.ROLE, users=users, onward=onward, detail=question.home.name
            )


def _users_by_key(keys: Iterable[str]) -> dict[str, _User]:
    """Each key's user; the domains' own postmaster boxes are left out."""
    asked = [(key,) for key in keys]
    if not asked:
        return {}
    rows = fetch(_USERS.format(asked=NAMES.sql), NAMES.parameters(asked))
    return {
        key: _User(LocalUser(pk, address), state not in _RECEIVING, forwarding)
        for key, pk, address, state, forwarding in rows
    }


class _Aliases:
    """The aliases that some questions may be about."""

    def __init__(self, questions: list[_Question]) -> None:
        self._exact: dict[tuple[int, str], _Alias] = {}
        self._patterns: dict[int, list[_Alias]] = {}
        if questions:
            self._load(questions)
        for found in self._patterns.values():
            found.sort(key=lambda one: one.order)

    def _load(self, questions: list[_Question]) -> None:
        names = {
            (question.home.domain_id, name)
            for question in questions
            for name in ("", *question.names)
        }
        domains = {(domain_id,) for domain_id, _ in names}
        for domain_id, kind, pk, local, state in fetch(
            _ALIASES.format(asked=_LOCALS.sql, domains=_DOMAINS.sql),
            [*_LOCALS.parameters(list(names)), *_DOMAINS.parameters(list(domains))],
        ):
            found = _Alias(pk, PatternKind(kind), local, state not in _RECEIVING)
            if found.kind in {PatternKind.WILDCARD, PatternKind.REGEX}:
                self._patterns.setdefault(domain_id, []).append(found)
            else:
                self._exact[domain_id, local] = found

    def exact(self, home: Home, name: str) -> _Alias | None:
        return self._exact.get((home.domain_id, name))

    def pattern(self, home: Home, name: str) -> _Alias | None:
        found = self._patterns.get(home.domain_id, ())
        return next((one for one in found if one.matches(name)), None)


def _targets(alias_ids: Iterable[int]) -> dict[int, list[Address]]:
    """The targets of some aliases, in the order in which they were written."""
    asked = sorted(alias_ids)
    found: dict[int, list[Address]] = {}
    if asked:
        for alias_id, address in fetch(_TARGETS.format(among=among("alias_id")), [listed(asked)]):
            found.setdefault(alias_id, []).append(Address.parse(address))
    return found
