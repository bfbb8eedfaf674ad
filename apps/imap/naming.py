"""From a mailbox name on the wire to a place: a mailbox, and what this user may do with it.

A name that cannot be, one that does not exist and one of another user that was not shared get the
same answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.imap.context import Context
from apps.imap.proto.patterns import DELIMITER
from apps.imap.proto.utf7 import MailboxNameError, decode_name
from apps.mailstore import queries
from apps.mailstore.queries import MailboxRow
from apps.mailstore.services.mailboxes import normal
from apps.runtime.glance import glance
from apps.wire.errors import InvalidName, NotFound

ALL_RIGHTS = frozenset("lrswipkxteacd")
"""What the owner of a mailbox may (RFC 4314 sections 2.1 and 2.1.1)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox as one user sees it.

    name: as this user spells it, with the namespace before it if it is another's.
    owner_id: the user whose mailbox it is, and whose quota what is filed there counts in.
    rights: letters of RFC 4314 that this user has on it.
    """

    row: MailboxRow
    name: str
    owner_id: int
    rights: frozenset[str] = ALL_RIGHTS

    @property
    def id(self) -> int:
        """The mailbox."""
        return self.row.id

    def may(self, right: str) -> bool:
        """Whether this user has a right, named by its letter."""
        return right in self.rights


def name_of(context: Context, raw: bytes) -> str:
    """Return the name as it is kept.

    Raises:
        InvalidName: not modified UTF-7, or no name that a mailbox can have.
    """
    try:
        name = decode_name(raw)
    except MailboxNameError:
        raise InvalidName(text="The name is not in modified UTF-7") from None
    if name.endswith(DELIMITER):  # only CREATE and RENAME may be told a level so
        raise InvalidName(repr(name), text="A mailbox name does not end in /")
    return normal(name)


async def mailbox_named(context: Context, raw: bytes) -> Place:
    """Return the mailbox of that name.

    Raises:
        NotFound: there is none, or not for this user.
    """
    try:
        return await target_named(context, raw)
    except InvalidName:
        raise NotFound(text="No such mailbox") from None


async def target_named(context: Context, raw: bytes) -> Place:
    """Return the mailbox that APPEND, COPY or MOVE fills.

    Raises:
        InvalidName: there can be none of that name, so creating it would not help.
        NotFound: there is none: answer TRYCREATE (RFC 3501 sections 6.3.11, 6.4.7).
    """
    name = name_of(context, raw)
    row = await glance(queries.mailbox_named, context.user_id, name)
    if row is None:
        raise NotFound(text="No such mailbox")
    return Place(row, name, context.user_id)
