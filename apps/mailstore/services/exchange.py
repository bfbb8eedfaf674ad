"""Puts a message in the place of another within a transaction of the caller's, which decides with
it of more than mailboxes: a draft that goes to the queue and to Sent is one step.

`replace` and `append` are transactions of their own, and make room in a full account if need be;
what they remove for it no rollback of the caller could bring back.
"""

from typing import NamedTuple

from apps.mailstore.models import Fate
from apps.mailstore.services import expunge, filing
from apps.mailstore.services.deliver import Filed, Filing, deliver
from apps.mailstore.services.locks import lock


class Old(NamedTuple):
    """A message that is to go. `shared` octets of it stay in any case, as a part of the new one."""

    mailbox_id: int
    uid: int
    shared: int = 0


def exchange(old: Old | None, new: Filing) -> Filed:
    """Expunge a message of the same owner if it is (still) there, and file another, even if the
    owner is full: what goes has made room for about as much.

    The caller locks the users of its transaction first, if they are more than this one.

    Raises:
        NotFound: the new mailbox is not there, or not that user's.
    """
    mailboxes = {new.mailbox_id} | ({old.mailbox_id} if old is not None else set())
    lock(users=[new.user_id], mailboxes=mailboxes)
    if old is not None and _is_of(new.user_id, old.mailbox_id):
        leaving = expunge.pick(old.mailbox_id, [old.uid], only_deleted=False)
        if leaving is not None:
            shared = min(old.shared, leaving.size)
            expunge.let_go(leaving, new.user_id, new.origin, Fate.REPLACED, shared=shared)
    (filed,) = deliver([new], what="append")
    return filed


def _is_of(user_id: int, mailbox_id: int) -> bool:
    home = filing.homes([mailbox_id]).get(mailbox_id)
    return home is not None and home.user_id == user_id
