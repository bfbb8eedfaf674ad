"""What open pages are told of a user's mail: how much of it there is in each mailbox, and a mark by
which two such states are told apart."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from apps.mailstore import labelled, queries, shares
from apps.mailstore.models import SpecialUse
from apps.mailstore.queries import Counters, MailboxRow

# What waits there is no news.
_QUIET: Final = frozenset({SpecialUse.JUNK, SpecialUse.TRASH, SpecialUse.DRAFTS})


class Place(NamedTuple):
    """A mailbox, as a page shows it; `modseq` grows with every change in it."""

    unseen: int
    messages: int
    modseq: int


@dataclass(frozen=True, slots=True)
class State:
    """All mailboxes that a user may read, by id.

    Args:
        shape: changes when the list of them does: names, roles, rights.
        counted: those of which the unread messages count in all.
        labels: unread messages by keyword in small letters, without those that have none.
    """

    places: Mapping[int, Place]
    shape: str
    counted: frozenset[int]
    labels: Mapping[str, int]

    @property
    def total(self) -> int:
        """Unread messages in the user's own mailboxes."""
        return sum(place.unseen for box, place in self.places.items() if box in self.counted)

    @property
    def cursor(self) -> str:
        """A mark: of two states with the same one a page needs to know only one."""
        return f"{self.shape}-{_digest(sorted(self.places.items()))}"

    def with_news(self, places: Mapping[int, Place], labels: Mapping[str, int]) -> "State":
        """The same with newer places, and what holds of labels now."""
        return State({**self.places, **places}, self.shape, self.counted, labels)


def read(user_id: int) -> State:
    """Three queries."""
    own = queries.mailboxes(user_id)
    shared = [one for one in shares.shared_with(user_id) if "r" in one.rights]
    rows = own + [one.row for one in shared]
    shape = [(row.id, row.name, row.special_use) for row in own]
    theirs = [(one.row.id, one.row.name, one.owner_key, sorted(one.rights)) for one in shared]
    counted = frozenset(row.id for row in own if row.special_use not in _QUIET)
    places = {row.id: _of(row) for row in rows}
    return State(places, _digest([shape, theirs]), counted, labelled.unread(user_id))


def some(mailbox_ids: Sequence[int]) -> dict[int, Place]:
    """Those of these mailboxes that are there; one query. Whoever asks knows that they may be
    told."""
    return {box: _place(counters) for box, counters in queries.status(mailbox_ids).items()}


def told(places: Mapping[int, Place], total: int, labels: Mapping[str, int]) -> dict[str, Any]:
    """What is sent to pages."""
    return {
        "counts": {str(box): place._asdict() for box, place in places.items()},
        "total": total,
        "labels": dict(labels),
    }


def _of(row: MailboxRow) -> Place:
    return _place(row.counters)


def _place(counters: Counters) -> Place:
    return Place(counters.unseen, counters.messages, counters.highestmodseq)


def _digest(what: object) -> str:
    return blake2b(json.dumps(what).encode(), digest_size=8).hexdigest()
