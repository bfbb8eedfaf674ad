"""Puts a message in the place of another, in one transaction (REPLACE, RFC 8508).

Nobody sees a state in between: not both messages, not none. The quota is asked when the old one has
gone, so a full user can replace a draft by one that is smaller (section 3.4).
"""

from typing import NamedTuple

from django.db import transaction

from apps.mailstore.models import Fate
from apps.mailstore.origin import Origin
from apps.mailstore.services import expunge, filing, marks, purge, quota
from apps.mailstore.services.append import Appending, AppendResult
from apps.mailstore.services.deliver import Filing, deliver
from apps.mailstore.services.locks import lock


class Replaced(NamedTuple):
    """What is there now, and the modseq of the expunge in the mailbox of the old message."""

    saved: AppendResult
    expunged: int


def replace(
    *,
    mailbox_id: int,
    uid: int,
    target_id: int,
    target_user_id: int,
    message: Appending,
    origin: Origin,
) -> Replaced | None:
    """Expunge a message, whatever its flags, and append another; both or nothing.

    Args:
        mailbox_id, uid: of the message that goes.
        target_id, target_user_id: the mailbox that the new one comes to, and whose it is.

    Returns:
        None if there is no such message: then nothing has changed.

    Raises:
        QuotaExceeded: the target's owner is full even without the old message.
        NotFound: one of the mailboxes is not there.
    """
    owner = filing.home(mailbox_id).user_id
    new = Filing(
        message=message.message,
        user_id=target_user_id,
        mailbox_id=target_id,
        internaldate=message.internaldate,
        internaldate_offset=message.internaldate_offset,
        flags=message.flags,
        keywords=message.keywords,
        origin=origin,
    )

    def carry() -> Replaced | None:
        with transaction.atomic():
            lock(users={owner, target_user_id}, mailboxes={mailbox_id, target_id})
            filing.home(mailbox_id)
            leaving = expunge.pick(mailbox_id, [uid], only_deleted=False)
            return None if leaving is None else _exchange(leaving, owner, new)

    replaced = purge.after_trim(target_user_id, carry)
    if replaced is not None:
        purge.trim_on_commit(owner)
    return replaced


def _exchange(leaving: expunge.Leaving, owner: int, new: Filing) -> Replaced:
    modseq = expunge.let_go(leaving, owner, new.origin, Fate.REPLACED)
    quota.require(new.user_id, [new.message.size])
    (filed,) = deliver([new], what="append")
    said = [(new.message.blob_id, new.keywords)]
    marks.note_appended(new.mailbox_id, new.user_id, said)
    return Replaced(AppendResult(filed.uidvalidity, filed.uid, filed.modseq), modseq)
