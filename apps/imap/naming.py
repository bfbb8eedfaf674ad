"""From a mailbox name on the wire to a mailbox of the user who signed in.

A name that cannot be, one that does not exist and one of another user get the same answer.
"""

from __future__ import annotations

from apps.imap.context import Context
from apps.imap.proto.patterns import DELIMITER
from apps.imap.proto.utf7 import MailboxNameError, decode_name
from apps.mailstore import queries
from apps.mailstore.queries import MailboxRow
from apps.mailstore.services.mailboxes import normal
from apps.runtime.glance import glance
from apps.wire.errors import InvalidName, NotFound


def name_of(raw: bytes) -> str:
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


async def mailbox_named(context: Context, raw: bytes) -> MailboxRow:
    """Return the user's mailbox of that name.

    Raises:
        NotFound: there is none, or not for this user.
    """
    try:
        return await target_named(context, raw)
    except InvalidName:
        raise NotFound(text="No such mailbox") from None


async def target_named(context: Context, raw: bytes) -> MailboxRow:
    """Return the mailbox that APPEND, COPY or MOVE fills.

    Raises:
        InvalidName: there can be none of that name, so creating it would not help.
        NotFound: there is none: answer TRYCREATE (RFC 3501 sections 6.3.11, 6.4.7).
    """
    name = name_of(raw)
    row = await glance(queries.mailbox_named, context.user_id, name)
    if row is None:
        raise NotFound(text="No such mailbox")
    return row
