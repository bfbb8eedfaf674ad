"""The check `bayes`: what users' own lessons say of a message.

`gather` looks the tokens up and keeps of them what will be combined, names and counts: the verdict
can be made again though the counts have moved on. One look-up tells how much each organisation and
reader has taught; then one for the tokens of all of them that have taught anything, of whom the
same messages are asked.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol

from apps.scan.base import Case, Finding, Given
from apps.scan.bayes.reckon import (
    HAM_POINTS,
    NOTHING,
    SPAM_POINTS,
    Clue,
    Tally,
    clues,
    evidence,
    is_taught,
    needed,
    points,
    strongest,
)
from apps.scan.bayes.tokens import Tokens, tokens
from apps.scan.rulebook import Rule

SPEAKS: Final = 0.5
"""Points below which nothing is said."""
SPAM: Final = Rule(
    "BAYES_SPAM",
    SPEAKS,
    "Words, links and header are like those of mail that users here marked as spam",
    most=SPAM_POINTS,
)
HAM: Final = Rule(
    "BAYES_HAM",
    -SPEAKS,
    "Words, links and header are like those of mail that users here wanted",
    most=HAM_POINTS,
)
RULES: Final = (SPAM, HAM)
SAID: Final = 5
"""Tokens that are named as the reason."""

Owner = int
"""A user's id; of an organisation the id with a minus before it."""


class Store(Protocol):
    """Where counts are."""

    def tallies(self, owners: Sequence[Owner]) -> Mapping[Owner, Tally]:
        """How many lessons each owner has; those that have none are left out. One query."""
        ...

    def counts(
        self, owners: Sequence[Owner], keys: Sequence[int]
    ) -> Mapping[Owner, Mapping[int, Tally]]:
        """How many lessons of each owner have each token; unknown ones are left out. A query for
        some dozens of owners."""
        ...

    def organisations(self, user_ids: Sequence[int]) -> Mapping[int, int]:
        """The organisation of each user. One query, none for none."""
        ...


class Bayes:
    """The check."""

    name: ClassVar[str] = "bayes"

    def __init__(self, store: Store) -> None:
        self._store = store

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        """For each case the views that its readers have of it, None where nobody has taught."""
        senders = [case.user_id for case in cases if case.user_id is not None]
        homes = self._store.organisations(senders) if senders else {}
        audiences = [_audience(case, homes) for case in cases]
        owners = {owner for audience in audiences for pair in audience for owner in pair}
        known = self._store.tallies(sorted(owners))
        seen = [
            self._tokens(case, audience, known)
            for case, audience in zip(cases, audiences, strict=True)
        ]
        found = self._look_up(audiences, seen, known)
        return [
            _views(audience, mine, known, found)
            for audience, mine in zip(audiences, seen, strict=True)
        ]

    def judge(self, case: Case, given: Given) -> Sequence[Finding]:
        """One finding for each reader whose lessons say something."""
        return [finding for view in given or () for finding in _findings(view)]

    def _tokens(
        self, case: Case, audience: "_Audience", known: Mapping[Owner, Tally]
    ) -> Tokens | None:
        """None if no reader has taught enough: most new installations, and they pay nothing."""
        speaks = any(_speaks(pair, known) for pair in audience)
        return tokens(case.letter) if speaks and not case.unscannable else None

    def _look_up(
        self,
        audiences: Sequence["_Audience"],
        seen: Sequence[Tokens | None],
        known: Mapping[Owner, Tally],
    ) -> Mapping[Owner, Mapping[int, Tally]]:
        asked: dict[Owner, list[int]] = {}
        for place, (audience, mine) in enumerate(zip(audiences, seen, strict=True)):
            for owner in {owner for pair in audience for owner in pair} if mine else ():
                if owner in known:
                    asked.setdefault(owner, []).append(place)
        # Together are asked those of whom the same is asked, and nobody is asked for more: the
        # readers of a list are one question, and those of sixteen letters are sixteen.
        alike: dict[tuple[int, ...], list[Owner]] = {}
        for owner, places in asked.items():
            alike.setdefault(tuple(places), []).append(owner)
        found: dict[Owner, Mapping[int, Tally]] = {}
        for same, owners in alike.items():
            keys = {key for place in same for key in seen[place] or ()}
            found.update(self._store.counts(sorted(owners), sorted(keys)))
        return found


_Audience = Mapping[tuple[Owner, Owner], list[int]]
"""Readers by (organisation, user): [0] for all of them, where one of ours is the sender."""


def _audience(case: Case, homes: Mapping[int, int]) -> _Audience:
    if case.user_id is not None:
        # What a sender has taught does not vouch for the sender.
        return {(-homes.get(case.user_id, 0), 0): [0]}
    found: dict[tuple[Owner, Owner], list[int]] = {}
    for reader in case.readers:
        pair = (-reader.organization_id, reader.user_id)
        if pair not in found:
            found[pair] = [reader.user_id]
    return found


def _speaks(pair: tuple[Owner, Owner], known: Mapping[Owner, Tally]) -> bool:
    return is_taught(known.get(pair[0], NOTHING), known.get(pair[1], NOTHING))


def _views(
    audience: _Audience,
    mine: Tokens | None,
    known: Mapping[Owner, Tally],
    found: Mapping[Owner, Mapping[int, Tally]],
) -> list[dict[str, Any]] | None:
    if mine is None:
        return None
    # Readers who have taught nothing themselves all see what their organisation sees.
    views: dict[tuple[Owner, Owner], list[int]] = {}
    for pair, readers in audience.items():
        if _speaks(pair, known):
            views.setdefault((pair[0], pair[1] if pair[1] in known else 0), []).extend(readers)
    return [_view(pair, readers, mine, known, found) for pair, readers in views.items()]


def _view(
    pair: tuple[Owner, Owner],
    readers: list[int],
    mine: Tokens,
    known: Mapping[Owner, Tally],
    found: Mapping[Owner, Mapping[int, Tally]],
) -> dict[str, Any]:
    every, own = known.get(pair[0], NOTHING), known.get(pair[1], NOTHING)
    to_all, to_one = found.get(pair[0], {}), found.get(pair[1], {})
    # Plain tuples: a message to a thousand readers has half a million of them.
    told = [
        (name, to_all.get(key, NOTHING), to_one.get(key, NOTHING))
        for key, name in mine.items()
        if key in to_all or key in to_one
    ]
    chosen = strongest(clues(told, every, own))
    names = {one.name for one in chosen}
    counts = {name: [*to_all, *to_own] for name, to_all, to_own in told if name in names}
    return {
        "readers": readers,
        "all": list(every),
        "own": list(own),
        "tokens": [[one.name, *counts[one.name]] for one in chosen],
    }


def _findings(view: Mapping[str, Any]) -> list[Finding]:
    every, own = Tally(*view["all"]), Tally(*view["own"])
    told = [
        (name, Tally(spam, ham), Tally(own_spam, own_ham))
        for name, spam, ham, own_spam, own_ham in view["tokens"]
    ]
    chosen = clues(told, every, own)
    found = evidence(chosen, every, own)
    worth = points(found, every, own)
    if abs(worth) < SPEAKS:
        return []
    rule = SPAM if worth > 0 else HAM
    words = _words(found, needed(every, own), chosen)
    return [rule.found(words, reader=one or None, points=worth) for one in view["readers"]]


def _words(found: float, enough: float, chosen: Sequence[Clue]) -> str:
    is_spam = found > 0
    telling = [clue.name for clue in chosen if (clue.probability > 0.5) == is_spam][:SAID]
    kind = "spam" if is_spam else "wanted mail"
    shown = ", ".join(f'"{name}"' for name in telling)
    much = f"{100 * abs(found) / enough:.0f} % of what is needed to be sure"
    return f"it is like what was marked as {kind} here, {much}, most by {shown}"
