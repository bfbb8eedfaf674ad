"""Mailboxes as they are shown."""

from typing import Any, Final

from apps.api.mailboxes.forms import MailboxShown
from apps.directory.models import User
from apps.mailstore import queries, shares
from apps.mailstore.queries import MailboxRow
from apps.wire.errors import NotFound

TAG: Final = "Mailboxes"
EXAMPLE: Final = {
    "id": 41,
    "name": "Projects/Harbour",
    "special_use": "",
    "owner": "ann@example.org",
    "is_shared": False,
    "rights": shares.RIGHTS,
    "messages": 120,
    "unread": 3,
    "size": 8_100_000,
    "uid_validity": 77,
    "uid_next": 133,
    "modseq": 512,
}


def reachable(user: User) -> list[dict[str, Any]]:
    """All mailboxes that somebody can read, by id; two statements."""
    mine = [_shown(row, user.key, frozenset(shares.RIGHTS)) for row in queries.mailboxes(user.pk)]
    others = [
        _shown(one.row, one.owner_key, one.rights, is_shared=True)
        for one in shares.shared_with(user.pk)
        if "r" in one.rights
    ]
    return sorted([*mine, *others], key=lambda one: int(one["id"]))


def one_of(user: User, mailbox_id: int) -> dict[str, Any]:
    """One of them; raises NotFound."""
    for one in reachable(user):
        if one["id"] == mailbox_id:
            return one
    raise NotFound(f"mailbox {mailbox_id} of {user.pk}", text="There is no such mailbox")


def _shown(
    row: MailboxRow, owner: str, rights: frozenset[str], *, is_shared: bool = False
) -> dict[str, Any]:
    values = {
        "id": row.id,
        "name": row.name,
        "special_use": row.special_use,
        "owner": owner,
        "is_shared": is_shared,
        "rights": "".join(one for one in shares.RIGHTS if one in rights),
        "messages": row.counters.messages,
        "unread": row.counters.unseen,
        "size": row.counters.size,
        "uid_validity": row.counters.uidvalidity,
        "uid_next": row.counters.uidnext,
        "modseq": row.counters.highestmodseq,
    }
    return dict(MailboxShown(values).data)
