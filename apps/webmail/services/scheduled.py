"""What has become of letters that leave later: those that left go to Sent, and one that somebody
took out of Scheduled, with whatever program, is not sent.

The mailbox is the person's to change by IMAP, so it is looked at, again and again; the queue's row
alone says whether a message leaves. What is moved about within the mailbox (a move to Trash that is
undone gives it another UID) is known by its Message-ID.
"""

import logging
from collections.abc import Callable
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.delivery import recall
from apps.mailqueue import queries as queue
from apps.mailqueue.services import Recall
from apps.mailstore.models import Entry, SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.services import copy, rolebox
from apps.runtime.clock import now_us
from apps.webmail.models import Draft, DraftState
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

PAGE: Final = 200  # letters of one look; the rest is looked at the next time
_ORIGIN: Final = Origin("queue", None)


def sweep() -> int:
    """Look at all of them; how many were cancelled or went to Sent. A constant number of statements
    if there is nothing to do."""
    waiting = Draft.objects.filter(state=DraftState.SCHEDULED)
    there = Entry.objects.filter(
        mailbox=OuterRef("mailbox"), uid=OuterRef("uid"), mailbox__deleted_at=None
    )
    lost = waiting.filter(~Exists(there)).order_by("hold_until")[:PAGE]
    done = sum(_each(_settle_lost, one) for one in lost)
    due = list(waiting.filter(hold_until__lte=now_us()).order_by("hold_until")[:PAGE])
    still = queue.unprocessed([one.queue_id for one in due if one.queue_id is not None])
    return done + sum(_each(_settle_left, one) for one in due if one.queue_id not in still)


def _each(settle: Callable[[Draft], bool], draft: Draft) -> bool:
    """One that fails does not keep the others."""
    try:
        with transaction.atomic():
            locked = Draft.objects.select_for_update().get(pk=draft.pk)
            return locked.queue_id == draft.queue_id and settle(locked)
    except MailError:
        logger.exception("a scheduled letter could not be settled", extra={"draft": str(draft.pk)})
        return False


def _settle_lost(draft: Draft) -> bool:
    """It is not where it was: elsewhere in Scheduled, or not to be sent."""
    if draft.state != DraftState.SCHEDULED or draft.queue_id is None:
        return False
    again = _again(draft)
    if again is not None:
        _note(draft, mailbox_id=again.mailbox_id, uid=again.uid)
        return False
    done = recall.cancel(draft.queue_id, draft.user_id, accounts=[draft.user_id])
    is_cancelled = done in {Recall.CANCELLED, Recall.ALREADY}
    state = DraftState.DISCARDED if is_cancelled else DraftState.SENT
    _note(draft, state=state, mailbox_id=None, uid=None)
    return True


def _settle_left(draft: Draft) -> bool:
    """It has left: its copy goes to Sent."""
    if draft.state != DraftState.SCHEDULED:
        return False
    if draft.mailbox_id is None or draft.uid is None:
        _note(draft, state=DraftState.SENT)
        return True
    sent = rolebox.find(user_id=draft.user_id, use=SpecialUse.SENT)
    moved = copy.move(mailbox_id=draft.mailbox_id, uids=[draft.uid], target_id=sent, origin=_ORIGIN)
    if moved.uids:
        _note(draft, state=DraftState.SENT, mailbox_id=sent, uid=moved.uids[0][1])
    else:
        _note(draft, state=DraftState.SENT, mailbox_id=None, uid=None)
    return True


def _again(draft: Draft) -> Entry | None:
    """Its message in Scheduled under another UID."""
    if not draft.message_id:
        return None
    inside = Entry.objects.filter(
        mailbox__user_id=draft.user_id,
        mailbox__special_use=SpecialUse.SCHEDULED,
        mailbox__deleted_at=None,
        message__message_id=draft.message_id,
    )
    return inside.order_by("-uid").first()


def _note(draft: Draft, **changed: object) -> None:
    Draft.objects.filter(pk=draft.pk).update(**changed)
