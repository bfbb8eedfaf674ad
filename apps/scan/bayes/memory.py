"""Counts in memory, of one owner: what trials of the filter learn into, and nobody keeps. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from apps.scan.bayes.reckon import Tally

ORGANIZATION: Final = 1
"""The one whose lessons they are."""


class Memory:
    """`check.Store` in memory."""

    def __init__(self) -> None:
        self._lessons = [0, 0]
        self._counts: dict[int, list[int]] = {}

    def learn(self, tokens: Iterable[int], *, is_spam: bool) -> None:
        """Count a message."""
        kind = 0 if is_spam else 1
        self._lessons[kind] += 1
        for token in tokens:
            self._counts.setdefault(token, [0, 0])[kind] += 1

    def tallies(self, owners: Sequence[int]) -> Mapping[int, Tally]:
        """Those of the one organisation, if it is asked for."""
        found = Tally(*self._lessons)
        return {-ORGANIZATION: found} if -ORGANIZATION in owners else {}

    def counts(
        self, owners: Sequence[int], keys: Sequence[int]
    ) -> Mapping[int, Mapping[int, Tally]]:
        """How many lessons have each token."""
        found = {key: Tally(*self._counts[key]) for key in keys if key in self._counts}
        return dict.fromkeys(owners, found)

    def organisations(self, user_ids: Sequence[int]) -> Mapping[int, int]:
        """All are of the one."""
        return dict.fromkeys(user_ids, ORGANIZATION)

    def __len__(self) -> int:
        return len(self._counts)
