"""What others have shared with a user, and who may do what in a mailbox (RFC 4314): reads.

Rights come of two rows at most, what was given to the user and what was given to anyone of the
owner's organisation, and are the union of both (section 2). The owner has all, without a row.
Nothing is ever shared beyond the owner's organisation: were a row left over from before one of the
two moved to another, it would give nothing. `services/sharing.py` is the door through which the
rows change.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from apps.directory.models import Kind
from apps.mailstore.queries import ALL_ROWS, Counters, MailboxRow
from apps.runtime.glance import Ask, ask_database
from apps.runtime.rows import fetch
from apps.wire.errors import NotFound

RIGHTS: Final = "lrswipkxtea"
"""All rights there are, in the order in which they are kept and told."""


class SharedRow(NamedTuple):
    """A mailbox of another, as one user may use it.

    owner_key: the owner's address, as `directory.User.key`.
    is_account: the owner is no person but a shared mailbox or a resource.
    rights: letters of `RIGHTS`.
    """

    row: MailboxRow
    owner_id: int
    owner_key: str
    is_account: bool
    rights: frozenset[str]


class Grant(NamedTuple):
    """One entry of an access control list. `key` is the address of the user, None for anyone of
    the organisation."""

    key: str | None
    rights: str


_COLUMNS: Final = (
    "b.id, b.name, b.special_use, b.uidvalidity, s.uidnext, s.highestmodseq, s.messages, s.unseen,"
    " s.size, s.recent_floor, s.expunged_floor, o.id, o.key, o.kind"
)
# `me` asks, `o` owns: both of one organisation, or both of none.
_OF_ONE_ORGANISATION: Final = (
    " JOIN directory_user AS o ON o.id = b.user_id"
    " LEFT JOIN directory_domain AS od ON od.id = o.domain_id"
    " JOIN directory_user AS me ON me.id = %s"
    " LEFT JOIN directory_domain AS md ON md.id = me.domain_id"
)
_ARE_ONE: Final = (
    " AND o.id <> me.id AND o.state <> 'removed'"
    " AND COALESCE(od.organization_id, 0) = COALESCE(md.organization_id, 0)"
)
_MINE: Final = (
    " LEFT JOIN mailstore_mailboxright AS g ON g.mailbox_id = b.id AND g.user_id = me.id"
    " LEFT JOIN mailstore_mailboxright AS a ON a.mailbox_id = b.id AND a.user_id IS NULL"
)
_RIGHTS: Final = "COALESCE(g.rights, '') || COALESCE(a.rights, '')"
_NAMED: Final = (
    f"SELECT {_COLUMNS}, {_RIGHTS} FROM mailstore_mailbox AS b"
    f" JOIN mailstore_mailboxstate AS s ON s.mailbox_id = b.id{_OF_ONE_ORGANISATION}{_MINE}"
    f" WHERE b.deleted_at IS NULL AND o.key = %s AND b.name = %s{_ARE_ONE}"
)
_RIGHTS_OF: Final = (
    f"SELECT {_RIGHTS} FROM mailstore_mailbox AS b{_OF_ONE_ORGANISATION}{_MINE}"
    f" WHERE b.deleted_at IS NULL AND b.id = %s{_ARE_ONE}"
)
# Two halves, each with an index of its own; OR would have the whole table read. They come first and
# by themselves: where hardly anything is shared, Postgres took the users' table for the way in.
_GIVEN: Final = "SELECT mailbox_id, rights FROM mailstore_mailboxright WHERE user_id"
_SHARED: Final = (
    f"WITH given AS MATERIALIZED ({_GIVEN} = %s UNION ALL {_GIVEN} IS NULL)"
    f" SELECT {_COLUMNS}, given.rights FROM given"
    " JOIN mailstore_mailbox AS b ON b.id = given.mailbox_id"
    f" JOIN mailstore_mailboxstate AS s ON s.mailbox_id = b.id{_OF_ONE_ORGANISATION}"
    f" WHERE b.deleted_at IS NULL{_ARE_ONE} LIMIT %s"
)
_GRANTS: Final = (
    "SELECT u.key, r.rights FROM mailstore_mailboxright AS r"
    " LEFT JOIN directory_user AS u ON u.id = r.user_id"
    " WHERE r.mailbox_id = %s AND (u.id IS NULL OR u.state <> 'removed')"
)
# `a` is the right to give rights: whoever has it answers for the mailbox.
_KEEPERS: Final = (
    "SELECT DISTINCT me.id, me.address FROM mailstore_mailbox AS b"
    " JOIN mailstore_mailboxright AS r ON r.mailbox_id = b.id"
    " JOIN directory_user AS o ON o.id = b.user_id"
    " LEFT JOIN directory_domain AS od ON od.id = o.domain_id"
    " JOIN directory_user AS me ON me.id = r.user_id"
    " LEFT JOIN directory_domain AS md ON md.id = me.domain_id"
    f" WHERE b.user_id = %s AND b.deleted_at IS NULL AND r.rights LIKE '%%a%%'{_ARE_ONE}"
    " AND me.state <> 'removed' ORDER BY me.id LIMIT %s"
)


def shared_with(user_id: int, ask: Ask = ask_database, most: int = ALL_ROWS) -> list[SharedRow]:
    """All mailboxes of others in which a user has any right, by owner and name; one query.

    To be listed is the right `l`: who lists looks for it.

    Args:
        most: the grants that are looked at; a mailbox may have two.
    """
    found: dict[int, SharedRow] = {}
    for row in ask(_SHARED, [user_id, user_id, most]):
        one = _shared(row)
        before = found.get(one.row.id)
        found[one.row.id] = one if before is None else _united(one, before)
    return sorted(found.values(), key=lambda one: (one.is_account, one.owner_key, one.row.name))


def shared_named(ask: Ask, user_id: int, owner_key: str, name: str) -> SharedRow | None:
    """The mailbox of another that has this name, also if the user has no right in it: whoever asks
    must not tell it from None then. One query, for `glance`."""
    rows = ask(_NAMED, [user_id, owner_key, name])
    return _shared(rows[0]) if rows else None


def rights_in(ask: Ask, user_id: int, mailbox_id: int) -> frozenset[str]:
    """What a user may do in a mailbox of another, now; nothing if it is gone. One query. For
    `glance`."""
    rows = ask(_RIGHTS_OF, [user_id, mailbox_id])
    return frozenset(rows[0][0]) if rows else frozenset()


def grants(mailbox_id: int) -> list[Grant]:
    """What was given in a mailbox, to users by address, then to anyone; one query. Users who were
    removed are left out: they have it again when they are restored."""
    rows = [Grant(*row) for row in fetch(_GRANTS, [mailbox_id])]
    return sorted(rows, key=lambda one: (one.key is None, one.key or ""))


def keepers(user_id: int, *, most: int) -> list[str]:
    """The addresses of up to `most` users who may administer a mailbox of this user; one query."""
    return [address for _, address in fetch(_KEEPERS, [user_id, most])]


def owner_key(user_id: int) -> str:
    """The address of a user as `directory.User.key`; one query. Raises NotFound."""
    rows = fetch("SELECT key FROM directory_user WHERE id = %s", [user_id])
    if not rows:
        raise NotFound(f"user {user_id}")
    return str(rows[0][0])


def _shared(row: Sequence[Any]) -> SharedRow:
    mailbox = MailboxRow(row[0], row[1], row[2], Counters(*row[3:11]))
    return SharedRow(mailbox, row[11], row[12], row[13] != Kind.PERSON, frozenset(row[14]))


def _united(one: SharedRow, other: SharedRow) -> SharedRow:
    return one._replace(rights=one.rights | other.rights)
