"""What a reader, or an administrator for one, says of a copy that was set aside: the one door for
Junk and quarantine.

Each act asks where the copy is (`scan.copies`) and does what is right there; done twice, or by two
at once, it is done once. What it says of the message is noted for the filter as if the reader had
moved it in a mail program.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Final
from uuid import UUID

from django.db import transaction

from apps.audit.services import record
from apps.directory import subjects
from apps.mailstore import queries as mailstore
from apps.mailstore.models import Judged, SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.services import copy as carrying
from apps.mailstore.services import flags, marks
from apps.mailstore.services.flags import FlagChange
from apps.scan import copies, shelf
from apps.scan.copies import Copy, Place, find
from apps.scan.models import DANGEROUS, Quarantined, Verb
from apps.scan.scopes import Scope
from apps.scan.services import lists, quarantine
from apps.scan.services.lists import Added
from apps.wire.errors import NotFound, NotPermitted

ONLY_ADMINISTRATORS: Final = "This message can do harm: only an administrator can release it"

NOT_KEPT: Final = "It is not in quarantine any more"
NO_SENDER: Final = "This message names no sender whom you could block"


def release(found: Copy, *, origin: Origin, is_admin: bool = False) -> Copy:
    """Let a reader have a copy: from quarantine by the queue, from Junk into the inbox; anywhere
    else it is already. The filter learns that it was wanted, but not from what can do harm.

    Args:
        origin: who does it.

    Returns:
        The copy as it is now.

    Raises:
        NotPermitted: only an administrator may.
    """
    if found.place is Place.QUARANTINE:
        if found.is_dangerous and not is_admin:
            raise NotPermitted(f"release of {found.trace_id}", text=ONLY_ADMINISTRATORS)
        with transaction.atomic():
            blobs = _blobs(found)
            # Who has lost against somebody who deletes it has said nothing of it either.
            if quarantine.release(found.kept, by=origin.door) and not found.is_dangerous:
                _teach(found, blobs, Judged.HAM)
    elif found.place is Place.JUNK:
        _move(found, SpecialUse.INBOX, origin)
    return find(found.user_id, found.trace_id)


def delete(found: Copy, *, origin: Origin) -> Copy:
    """Do away with a copy that was set aside: from quarantine for good, from Junk into Trash. One
    that is in another mailbox stays there, and nothing is learned."""
    if found.place is Place.QUARANTINE:
        quarantine.delete(found.kept, by=origin.door)
    elif found.place is Place.JUNK:
        _move(found, SpecialUse.TRASH, origin)
    return find(found.user_id, found.trace_id)


def train(found: Copy, *, is_spam: bool, origin: Origin) -> Copy:
    """Say what a copy is: the filter learns it, and the copy goes where such mail belongs. One in
    quarantine stays there: `release` and `delete` are other words."""
    if found.place is Place.QUARANTINE:
        _teach(found, _blobs(found), Judged.SPAM if is_spam else Judged.HAM)
    elif is_spam == (found.place is Place.JUNK):
        # It is where it belongs: the keyword alone says so.
        word = "$Junk" if is_spam else "$NotJunk"
        for mailbox_id, uids in _by_mailbox(found):
            change = FlagChange("add", keywords=(word,))
            flags.store(mailbox_id=mailbox_id, uids=uids, change=change, origin=origin)
    else:
        _move(found, SpecialUse.JUNK if is_spam else SpecialUse.INBOX, origin)
    return find(found.user_id, found.trace_id)


def block(found: Copy, *, origin: Origin) -> Copy:
    """Block the sender of a copy for its reader. The filter learns that it is spam, and it goes:
    from quarantine for good, from elsewhere into Junk.

    Raises:
        NotFound: it names no sender, or only addresses of the reader's own organisation.
        InvalidName, LimitReached: see `lists.add`.
    """
    if not found.blockable:
        raise NotFound(f"sender of {found.trace_id}", text=NO_SENDER)
    note = f"by {origin.door}, for the message {found.subject[:100]!r}"
    with transaction.atomic():
        lists.block_sender(found.user_id, found.blockable, note=note)
        if found.place is Place.QUARANTINE:
            blobs = _blobs(found)
            if quarantine.delete(found.kept, by=origin.door) and not found.is_dangerous:
                _teach(found, blobs, Judged.SPAM)
    if found.place in {Place.JUNK, Place.MAILBOX}:
        return train(found, is_spam=True, origin=origin)
    return find(found.user_id, found.trace_id)


@transaction.atomic
def release_number(
    number: int, *, origin: Origin, even_harmful: bool = False, teaches: bool = True
) -> None:
    """Let what is kept under a number go, also what no reader has: an administrator's word.

    Args:
        teaches: the filter learns that it was wanted; never from what can do harm.

    Raises:
        NotFound: there is no such number, or it was let go or deleted before.
        NotPermitted: it can do harm, and `even_harmful` was not said.
    """
    row = shelf.one(number)
    if row.reason in DANGEROUS and not even_harmful:
        raise NotPermitted(f"release of {number}", text=f"It can do harm ({row.rule})")
    if teaches and row.reason not in DANGEROUS:
        _teach_row(row, Judged.HAM)
    if not quarantine.release([number], by=origin.door):
        raise _gone(number)
    learned = {"learned": "wanted" if teaches and row.reason not in DANGEROUS else "nothing"}
    record("quarantine.release", **_about(row), detail=_told(row) | learned)


@transaction.atomic
def block_number(number: int, *, origin: Origin) -> None:
    """Block the sender of what is kept under a number for its reader, and delete it: an
    administrator's word. Raises: as `block`."""
    row = shelf.one(number)
    block(shelf.of_number(number), origin=origin)
    record("quarantine.block", **_about(row), detail=_told(row))


@transaction.atomic
def block_for(number: int, *, scope: Scope, ours: int | None, origin: Origin) -> Added:
    """Block the sender of what is kept under a number for a whole domain or the installation, and
    delete it; the filter learns that it is spam. `unblock` takes it back for a while.

    Args:
        ours: the organisation whose own addresses are not blocked.

    Raises:
        NotFound: there is no such number, it was let go or deleted before, or it names no sender.
        InvalidName, LimitReached: see `lists.add`.
    """
    row = shelf.one(number)
    sender = copies.blockable(row.author_address, row.sender, ours)
    if not sender:
        raise NotFound(f"sender of {number}", text=NO_SENDER)
    note = f"by {origin.door}, for the message {row.subject[:100]!r}"
    added = lists.blocked(sender, scope) or lists.add(Verb.BLOCK, sender, scope, note=note)
    if not quarantine.delete([number], by=origin.door, is_restorable=True):
        raise _gone(number)
    if row.reason not in DANGEROUS:
        _teach_row(row, Judged.SPAM)
    record("quarantine.block", **_about(row), detail=_told(row) | {"blocked": added.value})
    return added


@transaction.atomic
def delete_number(number: int, *, origin: Origin, is_restorable: bool = False) -> None:
    """Delete what is kept under a number.

    Args:
        is_restorable: `restore_number` can take it back for a while.

    Raises:
        NotFound: as `release_number`.
    """
    row = shelf.one(number)
    if not quarantine.delete([number], by=origin.door, is_restorable=is_restorable):
        raise _gone(number)
    record("quarantine.delete", **_about(row), detail=_told(row))


@transaction.atomic
def restore_number(number: int, *, origin: Origin, unlearns: bool = False) -> None:
    """Keep again what was deleted under a number.

    Args:
        unlearns: what the filter learned of it when its sender was blocked no longer holds.

    Raises:
        NotFound: there is no such number, or it is too late.
    """
    if not quarantine.restore([number], by=origin.door):
        raise NotFound(f"restoring {number}", text="It is too late to take that back")
    row = shelf.one(number)
    if unlearns and row.reason not in DANGEROUS:
        _teach_row(row, Judged.UNSPAM)
    record("quarantine.restore", **_about(row), detail=_told(row))


def note_look(row: Quarantined) -> None:
    """Record that an administrator looks into somebody's message."""
    record("quarantine.read", **_about(row), detail=_told(row))


def _gone(number: int) -> NotFound:
    """Somebody else was quicker, or it was long ago: with what they did."""
    state = shelf.one(number).state
    return NotFound(f"{number} is {state}", text=f"{NOT_KEPT}: it was {state}")


def _teach_row(row: Quarantined, judged: Judged) -> None:
    """Whatever no user of ours has teaches nobody's filter."""
    if row.user_id is not None and row.blob_id is not None:
        marks.mark([(row.user_id, row.blob_id, judged)])


def _about(row: Quarantined) -> subjects.Subject:
    if row.user_id is None:
        return subjects.of_address(row.original)
    return subjects.of_user_id(row.user_id, row.original)


def _told(row: Quarantined) -> dict[str, object]:
    return {"number": row.pk, "reason": row.reason, "author": row.author or row.sender}


def _blobs(found: Copy) -> list[UUID]:
    """Of what is kept: its row names them no more once it was let go or deleted."""
    kept = Quarantined.objects.filter(pk__in=found.kept, user=found.user_id).exclude(blob=None)
    return sorted({one for one in kept.values_list("blob_id", flat=True) if one is not None})


@transaction.atomic
def _teach(found: Copy, blobs: Sequence[UUID], judged: Judged) -> None:
    marks.mark([(found.user_id, blob_id, judged) for blob_id in blobs])


def _move(found: Copy, use: SpecialUse, origin: Origin) -> None:
    """Into the mailbox of that use; where the reader has removed it, the copy stays."""
    target = mailstore.boxes([found.user_id], use).get(found.user_id)
    if target is None:
        return
    for mailbox_id, uids in _by_mailbox(found):
        if mailbox_id != target:
            carrying.move(mailbox_id=mailbox_id, uids=uids, target_id=target, origin=origin)


def _by_mailbox(found: Copy) -> Sequence[tuple[int, list[int]]]:
    return [
        (mailbox_id, [uid for _, uid in pairs])
        for mailbox_id, pairs in groupby(found.entries, key=lambda entry: entry[0])
    ]
