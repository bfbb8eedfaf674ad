"""The mark on the message that a letter answers or sends on (RFC 9051 section 2.3.2, RFC 5788):
set when the letter leaves, taken off when that is undone."""

from typing import Final, Literal

from apps.mailstore import queries, shares
from apps.mailstore.models import FLAG_ANSWERED
from apps.mailstore.origin import Origin
from apps.mailstore.services import flags
from apps.mailstore.services.flags import FlagChange
from apps.runtime.glance import ask_database
from apps.webmail.models import Draft, DraftKind
from apps.wire.errors import NotFound

FORWARDED: Final = "$Forwarded"
_ANSWERS: Final = frozenset({DraftKind.REPLY, DraftKind.REPLY_ALL})
_FORWARDS: Final = frozenset({DraftKind.FORWARD, DraftKind.FORWARD_ATTACHED})


def mark(draft: Draft, origin: Origin) -> bool:
    """Mark the message that a letter was begun from, if that is there and the person may; whether
    it was not so before."""
    return _store(draft, origin, "add")


def unmark(draft: Draft, origin: Origin) -> None:
    """Take off what `mark` has set."""
    _store(draft, origin, "remove")


def owners(draft: Draft) -> set[int]:
    """Whose account it is that the message lies in; none, if there is nothing to mark."""
    if draft.source_mailbox_id is None or draft.source_uid is None:
        return set()
    owner = queries.owner_of(draft.source_mailbox_id)
    return set() if owner is None else {owner}


def _store(draft: Draft, origin: Origin, mode: Literal["add", "remove"]) -> bool:
    change, mailbox_id, uid = _change(draft, mode), draft.source_mailbox_id, draft.source_uid
    if change is None or mailbox_id is None or uid is None or not _may(draft.user_id, mailbox_id):
        return False
    try:
        result = flags.store(mailbox_id=mailbox_id, uids=[uid], change=change, origin=origin)
    except NotFound:
        return False  # the mailbox is gone
    return bool(result.modseqs)


def _may(user_id: int, mailbox_id: int) -> bool:
    """Whether the person may mark messages there: in a mailbox of their own, or one that is shared
    with them for it (RFC 4314 section 2.1)."""
    if queries.owner_of(mailbox_id) == user_id:
        return True
    return shares.rights_in(ask_database, user_id, mailbox_id).issuperset("rw")


def _change(draft: Draft, mode: Literal["add", "remove"]) -> FlagChange | None:
    if draft.kind in _ANSWERS:
        return FlagChange(mode, FLAG_ANSWERED)
    return FlagChange(mode, 0, (FORWARDED,)) if draft.kind in _FORWARDS else None
