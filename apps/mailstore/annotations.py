"""Notes on mailboxes and on the account (RFC 5464): reads.

What a user may see of a mailbox: its own notes below /private, and those below /shared. Whether
the user may see the mailbox at all is for the caller to know. Each function is one query, whatever
the number of mailboxes.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from apps.runtime.rows import among, fetch, listed

# Not by comparing text: Postgres may do that by a language's rules, which pass over a slash.
_VISIBLE: Final = "(user_id = %s OR SUBSTR(entry, 1, 8) = '/shared/')"
_COLUMNS: Final = "SELECT id, mailbox_id, entry, LENGTH(value) FROM mailstore_annotation WHERE "


class Note(NamedTuple):
    """One note, without its value.

    id: another, larger one after each change.
    mailbox_id: None for a note on the account.
    size: octets of the value.
    """

    id: int
    mailbox_id: int | None
    entry: str
    size: int


def notes(user_id: int, mailbox_ids: Sequence[int]) -> list[Note]:
    """What a user may see of the notes on these mailboxes."""
    sql = f"{_COLUMNS}{among('mailbox_id')} AND {_VISIBLE}"
    return [Note(*row) for row in fetch(sql, [listed(mailbox_ids), user_id])]


def account_notes(user_id: int) -> list[Note]:
    """The notes on a user's account."""
    sql = f"{_COLUMNS}mailbox_id IS NULL AND user_id = %s"
    return [Note(*row) for row in fetch(sql, [user_id])]


def contents(ids: Sequence[int]) -> dict[int, bytes]:
    """The values of notes, by id; of those that are gone meanwhile none."""
    sql = f"SELECT id, value FROM mailstore_annotation WHERE {among('id')}"
    return {row[0]: bytes(row[1]) for row in fetch(sql, [listed(ids)])}


def stamps(user_id: int, mailbox_ids: Sequence[int]) -> dict[tuple[int | None, str], int]:
    """A number for each note on these mailboxes and on the account that a user may see: another
    one after each change. Two queries."""
    found = notes(user_id, mailbox_ids) + account_notes(user_id)
    return {(note.mailbox_id, note.entry): note.id for note in found}
