"""Counts as the database has them. Constant SQL; every function says how many queries it takes."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from apps.runtime.rows import among, fetch, listed
from apps.scan.bayes.reckon import Tally

_TALLIES: Final = "SELECT owner, spam, ham FROM scan_taught WHERE "
_COUNTS: Final = "SELECT owner, token, spam, ham FROM scan_token WHERE "
_OWNERS: Final = 64
"""Owners of one statement: whoever asks for a thousand must not have all their rows at once."""
_ORGANISATIONS: Final = (
    "SELECT u.id, d.organization_id FROM directory_user AS u"
    " JOIN directory_domain AS d ON d.id = u.domain_id WHERE "
)


class Stored:
    """`check.Store` on the database."""

    def tallies(self, owners: Sequence[int]) -> Mapping[int, Tally]:
        """How many lessons each of these owners has, if any; one query."""
        rows = fetch(_TALLIES + among("owner"), [listed(owners)]) if owners else []
        return {row[0]: Tally(row[1], row[2]) for row in rows}

    def counts(
        self, owners: Sequence[int], keys: Sequence[int]
    ) -> Mapping[int, Mapping[int, Tally]]:
        """By owner, how many lessons have each of these tokens, if any; one query for `_OWNERS`."""
        found: dict[int, dict[int, Tally]] = {owner: {} for owner in owners}
        sql, wanted = f"{_COUNTS}{among('owner')} AND {among('token')}", listed(keys)
        for first in range(0, len(owners) if keys else 0, _OWNERS):
            asked = listed(owners[first : first + _OWNERS])
            for owner, token, spam, ham in fetch(sql, [asked, wanted]):
                found[owner][token] = _tally(spam, ham)
        return found

    def organisations(self, user_ids: Sequence[int]) -> Mapping[int, int]:
        """The organisation of each of these users; one query."""
        rows = fetch(_ORGANISATIONS + among("u.id"), [listed(user_ids)]) if user_ids else []
        return dict(row[:2] for row in rows)


@lru_cache(maxsize=1_024)
def _tally(spam: int, ham: int) -> Tally:
    """Most are of one or two lessons, and a thousand readers have half a million of them."""
    return Tally(spam, ham)
