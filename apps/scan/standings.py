"""What each reader of a batch of messages wants: lists and thresholds of user, domain and server
weighed against each other, in the one order of precedence (docs/spam.md).

Of entries, the nearest scope decides: the user's before the domain's, that before the server's.
Within a scope the most exact one does, and among equals the one that blocks. "Off" is weaker than
every entry of its scope and stronger than all of the wider ones. Of thresholds the nearest counts.

Three statements for a batch, two if there are no lists; what an administrator changes holds for the
next message.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from apps.reception.judging import Judgement, is_role, parts
from apps.runtime.rows import Values, among, fetch, listed
from apps.scan.base import Case, Reader
from apps.scan.entries import Met, Named, Sender, key_of_entry, met_by, senders_of
from apps.scan.models.policies import NEVER, EntryKind, Verb
from apps.scan.scopes import SERVER, Scope
from apps.scan.verdict import ELSEWHERE, Standing

JUNK: Final = 5.0
REFUSE: Final = 15.0
HOLD: Final = 10.0
"""Thresholds where nobody has set any."""

_DOMAINS: Final = Values("wanted", "name text")
_THRESHOLDS: Final = """
SELECT 'server' AS whose, '' AS name, 0 AS id, junk, refuse, hold, is_off
FROM scan_threshold WHERE scope = 'server'
UNION ALL
SELECT 'domain', d.name, COALESCE(d.alias_of_id, d.id), t.junk, t.refuse, t.hold, t.is_off
FROM {domains} JOIN directory_domain d ON d.name = wanted.name
LEFT JOIN scan_threshold t ON t.domain_id = COALESCE(d.alias_of_id, d.id)
UNION ALL
SELECT 'user', COALESCE(d.name, ''), u.id, t.junk, t.refuse, t.hold, t.is_off
FROM directory_user u LEFT JOIN directory_domain d ON d.id = u.domain_id
LEFT JOIN scan_threshold t ON t.user_id = u.id WHERE {users}"""

# All lengths in use, one step of the index for each: there may be many entries, and few lengths.
_LENGTHS: Final = """
WITH RECURSIVE used(bits) AS (
  SELECT min(bits) FROM scan_listentry
  UNION ALL
  SELECT (SELECT min(e.bits) FROM scan_listentry e WHERE e.bits > used.bits)
  FROM used WHERE used.bits IS NOT NULL)
SELECT bits FROM used WHERE bits IS NOT NULL"""
_ENTRIES: Final = "SELECT key, verb, kind, value, bits FROM scan_listentry WHERE "


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds of one scope; None: as the next wider one has it."""

    junk: float | None = None
    refuse: float | None = None
    hold: float | None = None
    is_off: bool | None = None


@dataclass(frozen=True, slots=True)
class Supposed:
    """What shall be supposed in addition to what is set: to see what it would change.

    Args:
        limits: by scope; what they say counts instead of what is set there.
        entries: (scope, verb, name); one replaces what is set there for the same value.
    """

    limits: Mapping[Scope, Limits] = field(default_factory=dict)
    entries: Sequence[tuple[Scope, Verb, Named]] = ()


NOTHING: Final = Supposed()
USUAL: Final = Limits(JUNK, REFUSE, HOLD, is_off=False)


def of(
    cases: Sequence[Case],
    supposed: Supposed = NOTHING,
    senders: Callable[[Case], Iterable[Sender]] = senders_of,
) -> list[dict[int, Standing]]:
    """For each message what each of its readers wants, and those elsewhere under `ELSEWHERE`."""
    ground = _Ground(cases, supposed)
    met = [met_by(case, ground.lengths, senders(case)) if ground.lengths else [] for case in cases]
    chains = [_chains(case, ground) for case in cases]
    ground.find(zip(met, chains, strict=True))
    return [
        {reader: _standing(case, reader, chain, names, ground) for reader, chain in places.items()}
        for case, names, places in zip(cases, met, chains, strict=True)
    ]


Chain = tuple[Scope, ...]  # from the nearest to the server


class _Ground:
    """What the database says, for a batch."""

    def __init__(self, cases: Sequence[Case], supposed: Supposed) -> None:
        self.limits: dict[Scope, Limits] = {}
        self.domains: dict[str, Scope] = {}
        self.homes: dict[int, str] = {}
        self._read_limits(cases)
        for scope, limits in supposed.limits.items():
            self.limits[scope] = over(limits, self.limits.get(scope, Limits()))
        self._supposed = {
            key_of_entry(scope, named.value): (verb, named)
            for scope, verb, named in supposed.entries
        }
        self.lengths = {row[0] for row in fetch(_LENGTHS, [])}
        self.lengths.update(named.bits for _, named in self._supposed.values())
        self.entries: dict[int, tuple[Verb, Named]] = {}

    def _read_limits(self, cases: Sequence[Case]) -> None:
        users = {reader.user_id for case in cases for reader in case.readers}
        users.update(case.user_id for case in cases if case.user_id is not None)
        names = {reader.domain for case in cases for reader in case.readers}
        names.update(name for case in cases for name in _elsewhere(case))
        sql = _THRESHOLDS.format(domains=_DOMAINS.sql, users=among("u.id"))
        wanted = _DOMAINS.parameters([(name,) for name in sorted(names)] or [("",)])
        for whose, name, number, *limits in fetch(sql, [*wanted, listed(sorted(users))]):
            scope = _scope(whose, number)
            self.limits[scope] = _limits(*limits)
            if whose == "domain":
                self.domains[name] = scope
            elif whose == "user":
                self.homes[number] = name

    def find(self, questions: Iterable[tuple[list[Met], Mapping[int, Chain]]]) -> None:
        """Look for the entries that messages could meet."""
        keys: set[int] = set()
        for met, places in questions:
            scopes = {scope for chain in places.values() for scope in chain} if met else set()
            keys.update(key_of_entry(scope, one.named.value) for scope in scopes for one in met)
        if keys:
            for key, verb, kind, value, bits in fetch(
                _ENTRIES + among("key"), [listed(sorted(keys))]
            ):
                self.entries[key] = Verb(verb), Named(EntryKind(kind), value, bits)
        self.entries.update((key, found) for key, found in self._supposed.items() if key in keys)


def _scope(whose: str, number: int) -> Scope:
    if whose == "user":
        return Scope(user_id=number)
    return SERVER if whose == "server" else Scope(domain_id=number)


def _limits(junk: Any, refuse: Any, hold: Any, is_off: Any) -> Limits:
    return Limits(junk, refuse, hold, None if is_off is None else bool(is_off))


def over(nearer: Limits, wider: Limits) -> Limits:
    """The first, with what it does not say from the second."""

    def first(name: str) -> Any:
        value = getattr(nearer, name)
        return getattr(wider, name) if value is None else value

    return Limits(first("junk"), first("refuse"), first("hold"), first("is_off"))


def _elsewhere(case: Case) -> set[str]:
    """The domains of those recipients who are not ours, and for whom no user of ours decides."""
    if case.elsewhere is not None:
        return {parts(one)[1] for one in case.elsewhere}
    ours = {reader.address for reader in case.readers}
    return {parts(one)[1] for one in case.recipients if one not in ours}


def _chains(case: Case, ground: _Ground) -> dict[int, Chain]:
    """For each reader whose lists and thresholds count."""
    chains: dict[int, Chain] = {}
    for reader in case.readers:
        domain = ground.domains.get(reader.domain)
        chains[reader.user_id] = _chain(Scope(user_id=reader.user_id), domain)
    if case.user_id is not None:
        domain = ground.domains.get(ground.homes.get(case.user_id, ""))
        chains[ELSEWHERE] = _chain(Scope(user_id=case.user_id), domain)
    elif elsewhere := _elsewhere(case):
        # Domains that we only hand mail on for have wishes of their own, and so have those whose
        # aliases lead elsewhere.
        domains = {ground.domains.get(name) for name in elsewhere}
        chains[ELSEWHERE] = _chain(domains.pop()) if len(domains) == 1 else (SERVER,)
    return chains


def _chain(*scopes: Scope | None) -> Chain:
    return (*(scope for scope in scopes if scope is not None), SERVER)


def _standing(
    case: Case, place: int, chain: Chain, met: Sequence[Met], ground: _Ground
) -> Standing:
    limits = Limits()
    for scope in chain:
        limits = over(limits, ground.limits.get(scope, Limits()))
    if place == ELSEWHERE and case.is_outgoing:
        return Standing(junk=None, refuse=None, hold=_threshold(limits.hold, HOLD))
    readers = [reader for reader in case.readers if reader.user_id == place]
    allowed, blocked, unproven, is_off = _listed(chain, met, ground)
    return Standing(
        junk=_threshold(limits.junk, JUNK),
        refuse=_threshold(limits.refuse, REFUSE),
        allowed=allowed,
        blocked=blocked,
        unproven=unproven,
        is_off=is_off,
        is_role=any(is_role(parts(reader.written)[0]) for reader in readers),
        ruled=_ruled(case, readers),
    )


def _threshold(value: float | None, usual: float) -> float | None:
    found = usual if value is None else value
    return None if found >= NEVER else found


def _ruled(case: Case, readers: Sequence[Reader]) -> str:
    if not case.judgement.get("junk"):
        return ""
    judgement = Judgement.from_data(case.judgement)
    return next(filter(None, (judgement.junk_for(reader.written) for reader in readers)), "")


def _listed(chain: Chain, met: Sequence[Met], ground: _Ground) -> tuple[str, str, str, bool]:
    """Which entry allows, which one blocks, which one would allow if it were proven, and whether
    filtering is off."""
    unproven = ""
    is_on = False
    for scope in chain:
        for verb, one in _entries(scope, met, ground):
            words = f"{scope.whose} list {verb.value}s {one.named.value}: {one.words}"
            if verb is Verb.BLOCK:
                return "", words, unproven, False
            if one.is_proven:
                return words, "", unproven, False
            unproven = unproven or f"{words}, but nothing proves it"
        is_off = ground.limits.get(scope, Limits()).is_off
        if is_off and not is_on:
            return "", "", unproven, True
        is_on = is_on or is_off is False
    return "", "", unproven, False


def _entries(scope: Scope, met: Sequence[Met], ground: _Ground) -> list[tuple[Verb, Met]]:
    """The entries of a scope that a message meets, the most exact first, of equals the one that
    blocks."""
    found = []
    for one in met:
        entry = ground.entries.get(key_of_entry(scope, one.named.value))
        if entry is not None and entry[1].kind is one.named.kind:
            found.append((entry[0], one))
    return sorted(found, key=lambda pair: (pair[1].named.exactness, pair[0] is Verb.BLOCK))[::-1]
