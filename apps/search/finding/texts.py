"""Which messages have the texts of a query: what the index knows, and what a scan finds out.

A message that the index has not seen is undecided until it is scanned. Messages are told apart by
their ids alone, whoever's they are: what is looked for here stands in the message itself, not in
the head of a delivery.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Final

from apps.mime.searchtext import folded
from apps.search.asking import ask
from apps.search.base import Field, Known, Term
from apps.search.language.nodes import Text, Where
from apps.search.scanning import Place, Sight, sights
from apps.wire.errors import Damaged

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


Together = tuple[Text, ...]
"""Texts that stand in one message, all of them: the index is asked for them at once."""


def together(texts: Iterable[Text]) -> list[Together]:
    """Texts that all must stand in a message, so many at once as an index is asked for."""
    rest = list(dict.fromkeys(texts))
    return [tuple(rest[start : start + _AT_ONCE]) for start in range(0, len(rest), _AT_ONCE)]


class Texts:
    """The texts of one query among the mail of some owners."""

    def __init__(self, wanted: Iterable[Together], owners: Sequence[int]) -> None:
        terms = {one: _term(one) for one in wanted}
        self._terms = {one: term for one, term in terms.items() if term is not None}
        self._has: dict[Together, set[int]] = {one: set() for one in self._terms}
        self._unsure: set[Together] = set()  # those of which the index can tell nothing
        self._unindexed: set[int] = set()
        self._scanned: set[int] = set()
        self.damaged: set[int] = set()
        """Messages that were to be scanned and cannot be read, all or in part."""
        if self._terms:
            for owner_id in owners:
                self._take(ask(owner_id, list(self._terms.values())))

    def _take(self, known: Known) -> None:
        self._unindexed |= known.unindexed
        for text, hits in zip(self._terms, known.hits, strict=True):
            if hits is None:
                self._unsure.add(text)
            else:
                self._has[text] |= hits

    @property
    def are_known(self) -> bool:
        """Whether no message is undecided."""
        return not self._unsure and self._unindexed <= self._scanned

    def surely(self, text: Together) -> Members:
        """Messages that have them."""
        if text not in self._terms:
            return Members(frozenset(), are_all_but=True)
        has = self._has[text]
        if text in self._unsure:
            return Members(has & self._scanned)
        return Members(has - self._unindexed | has & self._scanned if self._unindexed else has)

    def possibly(self, text: Together) -> Members:
        """Messages that have them or are undecided."""
        if text not in self._terms:
            return Members(frozenset(), are_all_but=True)
        has = self._has[text]
        if text in self._unsure:
            return Members(self._scanned - has, are_all_but=True)
        return Members(has | (self._unindexed - self._scanned) if self._unindexed else has)

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
        """Look at messages: nothing of them is undecided afterwards. What of one cannot be read has
        no text.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        self._scanned.update(message_ids)
        for has in self._has.values():
            has.difference_update(message_ids)
        # Under any head: what is looked for does not stand in heads.
        for place, sight in sights([Place(one, None) for one in message_ids]):
            for text, term in self._terms.items():
                if all(self._stands(one, place.message_id, sight) for one in term.all()):
                    self._has[text].add(place.message_id)

    def _stands(self, term: Term, message_id: int, sight: Sight | None) -> bool:
        """Whether a message has a term, as far as it can be read."""
        for field in term.fields:
            try:
                if sight is not None and term.text in sight.column(field):
                    return True
            except Damaged:
                self.damaged.add(message_id)
        if sight is None:
            self.damaged.add(message_id)
        return False


def _term(texts: Together) -> Term | None:
    """None if they stand in every message: nothing is left of a text of accents alone."""
    terms = [Term(folded(one.text), _FIELDS[one.where]) for one in texts]
    told = [one for one in terms if one.text]
    return Term(told[0].text, told[0].fields, tuple(told[1:])) if told else None
