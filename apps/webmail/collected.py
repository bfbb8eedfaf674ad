"""Whom a person wrote to, and who is in no card of theirs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from apps.contacts import queries as contacts
from apps.directory import identities
from apps.reception.queries import written_lately
from apps.webmail import calledby

MOST: Final = 200  # the newest of them


@dataclass(frozen=True, slots=True)
class Collected:
    """`name` may be empty; `messages`: how many letters went there."""

    name: str
    address: str
    last: datetime
    messages: int


def collected(user_id: int) -> list[Collected]:
    """The newest of them first; as many statements for any number."""
    rows = written_lately(user_id, limit=MOST)
    known = contacts.names_of(user_id, [row.address for row in rows])
    own = identities.own_of(user_id)
    names = calledby.names(user_id)
    return [
        Collected(
            names.get(row.address, ""),
            row.address,
            datetime.fromtimestamp(row.last_at, UTC),
            row.messages,
        )
        for row in rows
        if row.address not in known and row.address not in own
    ]
