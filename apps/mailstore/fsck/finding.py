"""What a check tells, and what it is told: `Finding` and `Scope`.

A finding is told once it is certain: every check looks within one statement, or looks again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from apps.runtime.rows import among, fetch, listed

NAMED_AT_MOST: Final = 20
"""Messages of one finding that are listed by name."""

_WHO: Final = """
SELECT o.address, b.name, e.uid FROM mailstore_entry AS e
JOIN mailstore_mailbox AS b ON b.id = e.mailbox_id
JOIN directory_user AS o ON o.id = b.user_id
WHERE {messages} AND b.deleted_at IS NULL
ORDER BY o.address, b.name, e.uid LIMIT %s"""

Mend = Callable[[], str]
"""Does what can be done, in transactions of its own, which look again; says what it did, nothing if
nothing was to be done any more. What it takes out of the way is kept (`models.SetAside`)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Args:
        kind: a word; docs/fsck.md lists them.
        where: whom or what it concerns, such as `alice@example.org INBOX 7`.
        messages: `address mailbox uid` of messages that are hurt by it, some of them if many are.
        is_harmless: nobody's mail suffers from it.
        mend: None if nothing can be done.
        blob_id: of a blob that is damaged or missing, which others than mailboxes may name too.
    """

    kind: str
    where: str
    detail: str
    messages: tuple[str, ...] = ()
    is_harmless: bool = False
    mend: Mend | None = None
    blob_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """How far to look, and whom to tell how far that has come.

    Args:
        user_id: only this user's mail; None for all.
        tell: called with a stage, how much of it is done, and how much there is.
    """

    user_id: int | None = None
    tell: Callable[[str, int, int], None] = lambda _stage, _done, _total: None


def hurt(message_ids: Sequence[int]) -> tuple[str, ...]:
    """Where these messages are seen, by name; one query."""
    sql = _WHO.format(messages=among("e.message_id"))
    rows = fetch(sql, [listed(message_ids), NAMED_AT_MOST])
    return tuple(f"{address} {name} {uid}" for address, name, uid in rows)


def octets(value: Any) -> Any:
    """A value of a column as Python has it: Postgres gives octets as a memoryview."""
    return bytes(value) if isinstance(value, memoryview) else value
