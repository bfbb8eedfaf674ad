"""Which messages have the texts of a query: what the index knows, and what a scan finds out.

A message that the index has not seen is undecided until it is scanned; one that cannot be read, and
of which the rest does not decide, neither has a text nor lacks it. Messages are told apart by their
ids alone, whoever's they are: what is looked for here stands in the message itself, not in the head
of a delivery.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Final

from apps.mime.searchtext import folded
from apps.search.asking import ask
from apps.search.base import Field, Term
from apps.search.language.nodes import Text, Where
from apps.search.scanning import Place, judged, sights

_AT_ONCE: Final = 8
_FIELDS: Final = {
    Where.ANYWHERE: (
        *(Field.SENDER, Field.TO, Field.CC, Field.BCC),
        *(Field.SUBJECT, Field.BODY, Field.FILENAME),
    ),
    Where.FROM: (Field.SENDER,),
    Where.TO: (Field.TO, Field.CC, Field.BCC),
    Where.CC: (Field.CC,),
    Where.BCC: (Field.BCC,),
    Where.SUBJECT: (Field.SUBJECT,),
    Where.BODY: (Field.BODY,),
    Where.FILENAME: (Field.FILENAME,),
}


@dataclass(frozen=True, slots=True)
class Members:
    """Some messages by id, or all but these."""

    ids: Set[int]
    are_all_but: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Texts of which one message has all; or any, if one is enough."""

    texts: tuple[Text, ...]
    one_will_do: bool = False

    def terms(self) -> tuple[Term, ...]:
        """What the index is asked for: a message that has any of these. None at all: every message
        will do."""
        terms = [Term(folded(one.text), _FIELDS[one.where]) for one in self.texts]
        # Nothing is left of a text of accents alone, and that stands everywhere.
        told = [one for one in terms if one.text]
        if self.one_will_do:
            return tuple(told) if len(told) == len(terms) else ()
        return (Term(told[0].text, told[0].fields, tuple(told[1:])),) if told else ()


def together(texts: Iterable[Text]) -> list[Wanted]:
    """Texts that all must stand in a message, so many at once as an index is asked for."""
    rest = list(dict.fromkeys(texts))
    return [Wanted(tuple(rest[at : at + _AT_ONCE])) for at in range(0, len(rest), _AT_ONCE)]


def any_of(texts: Iterable[Text]) -> list[Wanted]:
    """Texts of which one is enough."""
    some = tuple(dict.fromkeys(texts))
    return [Wanted(some, one_will_do=len(some) > 1)] if some else []


class Texts:
    """The texts of one query among the mail of some owners."""

    def __init__(self, wanted: Iterable[Wanted], owners: Sequence[int]) -> None:
        terms = {one: one.terms() for one in wanted}
        self._terms = {one: told for one, told in terms.items() if told}
        self._has: dict[Wanted, set[int]] = {one: set() for one in self._terms}
        self._unread: dict[Wanted, set[int]] = {one: set() for one in self._terms}
        self._unsure: set[Wanted] = set()  # those of which the index cannot tell all
        self._unindexed: set[int] = set()
        self._scanned: set[int] = set()
        self.damaged: set[int] = set()
        """Messages of which the part that cannot be read would decide."""
        asked = [(one, term) for one, told in self._terms.items() for term in told]
        for owner_id in owners:
            # Some at a time: an answer may be all of an owner's messages for each term.
            for at in range(0, len(asked), _AT_ONCE):
                self._ask(owner_id, asked[at : at + _AT_ONCE])

    def _ask(self, owner_id: int, asked: Sequence[tuple[Wanted, Term]]) -> None:
        known = ask(owner_id, [term for _, term in asked])
        self._unindexed |= known.unindexed
        for (wanted, _), hits in zip(asked, known.hits, strict=True):
            if hits is None:
                self._unsure.add(wanted)
            else:
                self._has[wanted] |= hits

    @property
    def are_known(self) -> bool:
        """Whether no message is undecided that can be read."""
        return not self._unsure and self._unindexed <= self._scanned

    def surely(self, wanted: Wanted) -> Members:
        """Messages that have them."""
        if wanted not in self._terms:
            return Members(frozenset(), are_all_but=True)
        has = self._has[wanted]
        if wanted in self._unsure:
            return Members(has & self._scanned)
        return Members(has - self._unindexed | has & self._scanned if self._unindexed else has)

    def possibly(self, wanted: Wanted) -> Members:
        """Messages that have them or are undecided."""
        if wanted not in self._terms:
            return Members(frozenset(), are_all_but=True)
        has, unread = self._has[wanted], self._unread[wanted]
        if wanted in self._unsure:
            return Members(self._scanned - has - unread, are_all_but=True)
        if self._unindexed:
            return Members(has | unread | (self._unindexed - self._scanned))
        return Members(has | unread if unread else has)

    def undecided(self, message_ids: Iterable[int]) -> list[int]:
        """Those of which something is not known yet, in their order, each once."""
        if self.are_known:
            return []
        unsure = bool(self._unsure)
        return [
            one
            for one in dict.fromkeys(message_ids)
            if one not in self._scanned and (unsure or one in self._unindexed)
        ]

    def tail(self) -> Set[int]:
        """Undecided messages, if they can be told one by one; else nothing."""
        return frozenset() if self._unsure else self._unindexed - self._scanned

    def dismiss(self, message_ids: Set[int]) -> None:
        """Messages that cannot fulfil the query whatever is said in them: they are undecided no
        more."""
        self._scanned |= message_ids

    def scan(self, message_ids: Sequence[int]) -> None:
        """Look at messages: nothing that can be read of them is undecided afterwards.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        self._scanned.update(message_ids)
        for known in (*self._has.values(), *self._unread.values()):
            known.difference_update(message_ids)
        # Under any head: what is looked for does not stand in heads.
        for (message_id, _), sight in sights([Place(one, None) for one in message_ids]):
            for wanted, terms in self._terms.items():
                verdicts = [judged(message_id, sight, term) for term in terms]
                if True in verdicts:
                    self._has[wanted].add(message_id)
                elif None in verdicts:
                    self._unread[wanted].add(message_id)
                    self.damaged.add(message_id)
