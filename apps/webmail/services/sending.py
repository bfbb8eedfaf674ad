"""A letter leaves: once, whoever presses the button how often; or it is still being written.

One transaction has it all: the row of the letter, which two tabs cannot both find open; the queue's
row, which is the promise to send it; its copy in Sent, or in Scheduled until it leaves; the mark on
the message that it answers. If any of it fails nothing has changed, and the letter is in Drafts.

The order of locks is: the letter, the queue, accounts, mailboxes.
"""

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.blobs import services as blobs
from apps.blobs.services import PreparedBlob
from apps.delivery import posting, recall
from apps.delivery.accept import accept
from apps.delivery.posting import TooLate
from apps.directory.models import User
from apps.events import bell
from apps.mailqueue.services import Recall, Submission
from apps.mailstore.models import FLAG_SEEN, SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.services import rolebox
from apps.mailstore.services.deliver import Filing
from apps.mailstore.services.exchange import Old, exchange
from apps.mailstore.services.locks import lock
from apps.mailstore.services.prepare import PreparedMessage
from apps.mime.address import Address
from apps.runtime.clock import now_us
from apps.webmail import writers
from apps.webmail.models import Draft, DraftState
from apps.webmail.services import answered, drafts
from apps.webmail.services.drafts import Overtaken
from apps.webmail.writing import outgoing
from apps.wire.errors import Gone, MailError, MessageTooLarge

SECOND_US: Final = 1_000_000
DOOR: Final = "webmail"
LEFT: Final = frozenset({DraftState.SENT, DraftState.SCHEDULED})


@dataclass(frozen=True, slots=True)
class Leaving:
    """A letter made ready to leave, outside any transaction.

    Args:
        state: SENT, which may still be held back for the time of undo, or SCHEDULED.
        until_us: it is held back until then, Unix microseconds; 0: not at all.
        mailbox_id: where its copy goes.
        date: Unix seconds, of the copy; that of a scheduled one is when it leaves.
    """

    draft: Draft
    state: DraftState
    until_us: int
    date: int
    mailbox_id: int
    blob: PreparedBlob
    message: PreparedMessage
    submission: Submission


def send(
    *,
    user: User,
    draft_id: UUID,
    revision: int,
    origin: Origin,
    at: int = 0,
    undo_seconds: int = 0,
) -> Draft:
    """Send a letter as it was saved. One that was sent already is not sent again: it is what the
    second of two clicks gets as its answer.

    Args:
        revision: what the person has seen of it.
        at: when it shall leave, Unix seconds; 0: at once.
        undo_seconds: how long it is held back, so that the person may think again.

    Raises:
        NotFound, Gone
        Overtaken: it was saved in another tab since.
        FieldRefused: a recipient cannot be, in words.
        SenderNotAllowed, MessageTooLarge, SendLimitReached, TooManyRecipients, QuotaExceeded
    """
    draft = drafts.find(user.pk, draft_id)
    if draft.state in LEFT:
        return draft
    if draft.state == DraftState.DISCARDED:
        raise Gone(text=_("This draft was discarded"))
    if draft.revision != revision:
        raise Overtaken(draft)
    return _carry(_prepared(user, draft, at, undo_seconds), origin, DraftState.OPEN)


def change(*, user: User, draft_id: UUID, origin: Origin, at: int, undo_seconds: int = 0) -> Draft:
    """Have a scheduled letter leave at another time. It is made anew: its Date is when it leaves.

    Args:
        at: Unix seconds; 0: now, after `undo_seconds`.

    Raises:
        NotFound
        TooLate: it is not scheduled any more.
        As `send`.
    """
    draft = drafts.find(user.pk, draft_id)
    if draft.state != DraftState.SCHEDULED:
        raise _too_late()
    return _carry(_prepared(user, draft, at, undo_seconds), origin, DraftState.SCHEDULED)


def undo(*, user: User, draft_id: UUID, origin: Origin) -> Draft:
    """Take a letter back that has not left yet: it is open again, in Drafts.

    Raises:
        NotFound
        Gone: it was discarded.
        TooLate: it has left.
    """
    draft = drafts.find(user.pk, draft_id)
    if draft.state == DraftState.OPEN:
        return draft
    if draft.state == DraftState.DISCARDED:
        raise Gone(text=_("This draft was discarded"))
    ready = drafts.ready(draft)
    try:
        with transaction.atomic():
            draft = _lock(draft)
            if draft.state == DraftState.OPEN:
                ready.discard()
                return draft
            _recall(draft)
            lock(mailboxes=_mailboxes(draft))
            lies = _lies(draft)
            drafts.put_back(
                draft, ready, instead=lies and (lies.mailbox_id, lies.uid), origin=origin
            )
            if draft.marks_source:
                answered.unmark(draft, origin)
            _note(draft, state=DraftState.OPEN, queue_id=None, hold_until=0, marks_source=False)
    except MailError:
        ready.discard()  # not after other failures: of a commit that was cut off nobody knows
        raise
    return draft


def _prepared(user: User, draft: Draft, at: int, undo_seconds: int) -> Leaving:
    """Make a letter ready; all that may refuse it for what it is does so here."""
    fields = drafts.fields_of(draft)
    people = outgoing.recipients(fields)
    start_us = now_us()
    state = DraftState.SCHEDULED if at else DraftState.SENT
    until_us = at * SECOND_US if at else undo_seconds and start_us + undo_seconds * SECOND_US
    date = at or start_us // SECOND_US
    offered = writers.choices(user)
    choice = writers.find(offered, fields.sender) if fields.sender else writers.default(offered)
    raw = drafts.whole(draft, date)
    if len(raw) > settings.MESSAGE_SIZE_LIMIT:
        raise MessageTooLarge(text=_("This message is larger than one may be: remove a file"))
    use = SpecialUse.SCHEDULED if at else SpecialUse.SENT
    mailbox_id = rolebox.find(user_id=user.pk, use=use)
    letter = posting.ready(
        raw,
        user=user,
        sender=Address.parse(choice.address),
        recipients=people,
        door=DOOR,
        until_us=until_us,
    )
    return Leaving(
        draft=draft,
        state=state,
        until_us=until_us,
        date=date,
        mailbox_id=mailbox_id,
        blob=letter.submission.blob,
        message=letter.message,
        submission=letter.submission,
    )


def _carry(leaving: Leaving, origin: Origin, expected: DraftState) -> Draft:
    """Do it, and wake whoever sends.

    The bytes go again where nothing was kept for certain. A commit that was cut off may have been
    one: then they stay, and if nothing names them they are collected.
    """
    browser = {"address": origin.address, "agent": origin.client}
    submitted = replace(leaving.submission, traced={**leaving.submission.traced, **browser})
    try:
        done = _depart(replace(leaving, submission=submitted), origin, expected)
    except MailError:
        blobs.discard(leaving.blob)
        raise
    if isinstance(done, MailError):
        blobs.discard(leaving.blob)
        raise done
    if done.queue_id != leaving.submission.id:
        blobs.discard(leaving.blob)  # another click was first
    elif not leaving.until_us:
        bell.ring()
    return done


@transaction.atomic
def _depart(leaving: Leaving, origin: Origin, expected: DraftState) -> Draft | MailError:
    """The letter into the queue and its copy into place.

    What the queue refuses is returned, not raised: nothing has changed by then but that an
    administrator is told of a limit, and that is to stay.
    """
    draft = _lock(leaving.draft)
    if draft.state != expected:
        if expected == DraftState.OPEN and draft.state in LEFT:
            return draft
        raise _too_late()
    if draft.revision != leaving.draft.revision:
        raise Overtaken(draft)
    if expected == DraftState.SCHEDULED:
        _recall(draft)
    (answer,) = accept([leaving.submission], accounts=_accounts(draft))
    if isinstance(answer, MailError):
        if expected == DraftState.SCHEDULED:
            raise answer  # what was cancelled for it is to go on waiting
        return answer
    lock(mailboxes=_mailboxes(draft) | {leaving.mailbox_id})
    filed = exchange(_lies(draft), _filing(leaving, origin))
    marks = expected == DraftState.OPEN and answered.mark(draft, origin)
    _note(
        draft,
        state=leaving.state,
        queue_id=leaving.submission.id,
        hold_until=leaving.until_us,
        mailbox_id=filed.mailbox_id,
        uid=filed.uid,
        marks_source=draft.marks_source or marks,
    )
    return draft


def _filing(leaving: Leaving, origin: Origin) -> Filing:
    return Filing(
        message=leaving.message,
        user_id=leaving.draft.user_id,
        mailbox_id=leaving.mailbox_id,
        internaldate=leaving.date,
        origin=origin,
        flags=FLAG_SEEN,
    )


def _lock(draft: Draft) -> Draft:
    """The row as it is now, for this transaction alone. Raises Gone."""
    found = Draft.objects.select_for_update().filter(pk=draft.pk).first()
    if found is None or found.state == DraftState.DISCARDED:
        raise Gone(text=_("This draft was discarded"))
    return found


def _recall(draft: Draft) -> None:
    """Raises TooLate."""
    assert draft.queue_id is not None
    done = recall.cancel(draft.queue_id, draft.user_id, accounts=_accounts(draft))
    if done not in {Recall.CANCELLED, Recall.ALREADY}:
        raise _too_late()


def _accounts(draft: Draft) -> set[int]:
    """Whose mailboxes are changed by it."""
    return {draft.user_id} | answered.owners(draft)


def _mailboxes(draft: Draft) -> set[int]:
    """In which something is changed by it: where it lies, and what it answers."""
    both = (draft.mailbox_id, draft.source_mailbox_id)
    return {one for one in both if one is not None}


def _lies(draft: Draft) -> Old | None:
    if draft.mailbox_id is None or draft.uid is None:
        return None
    return Old(draft.mailbox_id, draft.uid)


def _note(draft: Draft, **changed: object) -> None:
    Draft.objects.filter(pk=draft.pk).update(**changed)
    for name, value in changed.items():
        setattr(draft, name, value)


def _too_late() -> TooLate:
    return TooLate(text=_("It is too late: the message has left"))
