"""Counts as the database has them. Constant SQL; every function says how many queries it takes."""

from collections.abc import Mapping, Sequence
from typing import Final

from apps.runtime.rows import among, fetch, listed
from apps.scan.bayes.reckon import Tally

_TALLIES: Final = "SELECT owner, spam, ham FROM scan_taught WHERE "
_COUNTS: Final = "SELECT token, spam, ham FROM scan_token WHERE owner = %s AND "
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

    def counts(self, owner: int, keys: Sequence[int]) -> Mapping[int, Tally]:
        """How many lessons of the owner have each of these tokens, if any; one query."""
        rows = fetch(_COUNTS + among("token"), [owner, listed(keys)]) if keys else []
        return {row[0]: Tally(row[1], row[2]) for row in rows}

    def organisations(self, user_ids: Sequence[int]) -> Mapping[int, int]:
        """The organisation of each of these users; one query."""
        rows = fetch(_ORGANISATIONS + among("u.id"), [listed(user_ids)]) if user_ids else []
        return dict(row[:2] for row in rows)
