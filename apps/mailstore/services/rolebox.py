"""The mailbox of a person that has a role, made when it is first needed."""

from typing import Final

from apps.mailstore import queries
from apps.mailstore.models import SpecialUse
from apps.mailstore.services import mailboxes, roles
from apps.wire.errors import AlreadyExists

_NAMES: Final = {
    SpecialUse.DRAFTS: "Drafts",
    SpecialUse.SENT: "Sent",
    SpecialUse.SCHEDULED: "Scheduled",
    SpecialUse.SNOOZED: "Snoozed",
}


def find(*, user_id: int, use: SpecialUse) -> int:
    """The id of the mailbox with this role; one query where there is one.

    Where there is none it is made, or the mailbox of that name gets the role.

    Raises:
        LimitReached: the person has too many mailboxes.
    """
    found = queries.boxes([user_id], use).get(user_id)
    if found is not None:
        return found
    name = _NAMES[use]
    try:
        made = mailboxes.create(user_id=user_id, name=name, special_use=use)
    except AlreadyExists:
        named = mailboxes.find(user_id, name)
        roles.assign(user_id=user_id, mailbox_id=named.pk, use=use)
        return named.pk
    mailboxes.subscribe(user_id=user_id, name=name)
    return made.pk
