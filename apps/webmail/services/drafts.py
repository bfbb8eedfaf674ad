"""Letters that are being written: saved, discarded, brought back.

Each save is a message in Drafts, which every mail program of the person sees, and a row, which
holds what was typed, finished or not. The row decides: of two tabs that save the same letter one
comes first, and the other is told so; a letter that was sent or discarded is never saved again.
"""

import secrets
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.blobs import services as blobs
from apps.directory.models import User
from apps.mailstore.models import FLAG_DRAFT, FLAG_SEEN, SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.services import exchange, expunge, purge, quota, rolebox
from apps.mailstore.services.deliver import Filing
from apps.mailstore.services.exchange import Old
from apps.mailstore.services.prepare import PreparedMessage, prepare
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.webmail import writers
from apps.webmail.models import Draft, DraftKind, DraftState
from apps.webmail.services import carrying, draftrows, tails
from apps.webmail.services.tails import Tail
from apps.webmail.writers import Choice
from apps.webmail.writing import beginning, cleaning, files, making, owncard
from apps.webmail.writing.beginning import Begun
from apps.webmail.writing.fields import Fields
from apps.wire.errors import Gone, MailError, MessageTooLarge, NotFound, Refused, SenderNotAllowed

_FLAGS: Final = FLAG_DRAFT | FLAG_SEEN


class Overtaken(Refused):
    """Another tab, or another device, has saved the letter since this one was opened."""

    http_status = 409

    def __init__(self, draft: Draft) -> None:
        text = _("This draft was changed in another tab or on another device")
        super().__init__(f"draft {draft.id} is at {draft.revision}", text=text)
        self.draft = draft


@dataclass(frozen=True, slots=True)
class Ready:
    """A letter as a message, prepared outside of any transaction."""

    message: PreparedMessage
    tail: Tail

    def discard(self) -> None:
        """Forget it: its transaction has failed."""
        if self.message.blob is not None:
            blobs.discard(self.message.blob)


def save(
    *,
    user: User,
    draft_id: UUID,
    revision: int,
    fields: Fields,
    origin: Origin,
    kind: str = DraftKind.NEW,
    source: str = "",
    carry: tuple[int, ...] = (),
) -> Draft:
    """Save a letter as it is typed now; it is made if there is none of this id.

    Saving what is saved already changes nothing, so that a browser may ask again where no answer
    came.

    Args:
        revision: what the one who saves has seen; 0 for a letter that was never saved.
        kind, source: what it was begun from, a ref; they count at the first save alone.
        carry: parts of the source whose files go along.

    Raises:
        NotFound: somebody else's.
        Gone: it was sent or discarded.
        Overtaken: it was saved since.
        QuotaExceeded, MessageTooLarge, LimitReached
    """
    draft = draftrows.ensure(user_id=user.pk, draft_id=draft_id)
    kept = _cleaned(fields)
    if draft.revision != revision:
        if draft.revision and fields_of(draft) == kept:
            return draft
        raise Overtaken(draft)
    choice = _choice(user, kept)
    if not revision:
        begun = beginning.find(user.pk, kind, source)
        _begin(draft, begun, choice, kept, carry)
    draft.fields = kept.as_json()
    known_tail = draft.tail_id
    with tails.room(draft):
        ready = _ready(draft, kept, choice)
        try:
            return purge.after_trim(user.pk, lambda: _store(draft, ready, known_tail, origin))
        except MailError:
            # Refused within the transaction. After any other failure it may have been committed all
            # the same (a connection that was lost at that moment): the collector finds what no row
            # names.
            ready.discard()
            raise


def find(user_id: int, draft_id: UUID) -> Draft:
    """A letter of a person, whatever became of it; one query. Raises NotFound."""
    draft = Draft.objects.filter(id=draft_id, user_id=user_id).first()
    if draft is None:
        raise NotFound(text=_("There is no such draft"))
    return draft


def of_message(user_id: int, mailbox_id: int, uid: int) -> Draft | None:
    """The letter that is being written whose message this is; None for that of another program. One
    query."""
    here = Draft.objects.filter(mailbox_id=mailbox_id, uid=uid)
    return here.filter(user_id=user_id, state=DraftState.OPEN).first()


def fields_of(draft: Draft) -> Fields:
    """What was typed."""
    return Fields.from_json(draft.fields)


def whole(draft: Draft, at: int) -> bytes:
    """The message of a letter as it is to be sent, with Bcc; outside any transaction.

    Args:
        at: Unix seconds, for its Date.

    Raises:
        SenderNotAllowed: the person may not write as that address (any more).
        Damaged, Overloaded, StorageUnavailable
    """
    fields = fields_of(draft)
    offered = writers.choices(draft.user)
    choice = writers.find(offered, fields.sender) if fields.sender else writers.default(offered)
    with tails.room(draft):
        before, tail = _made(draft, fields, choice, at)
        if tail.blob is not None:
            blobs.discard(tail.blob)
        return before + tail.raw


def ready(draft: Draft) -> Ready:
    """A letter prepared for `put_back`; outside any transaction. Raises as `whole`, but for who
    writes."""
    fields = fields_of(draft)
    return _ready(draft, fields, _choice(draft.user, fields))


def put_back(
    draft: Draft, prepared: Ready, *, instead: tuple[int, int] | None, origin: Origin
) -> None:
    """Put the message of a letter into Drafts, within the transaction of the caller, who has locked
    its row and says what state it is in; full or not.

    Args:
        instead: (mailbox id, UID) of the message that goes for it, if it is there.
    """
    old = None if instead is None else Old(*instead)
    _place(draft, prepared, old, origin)


def discard(*, user_id: int, draft_id: UUID, origin: Origin) -> None:
    """Discard a letter: its message goes, and for some days it can be had back.

    Raises:
        NotFound
        Gone: it was sent.
    """
    with transaction.atomic():
        find(user_id, draft_id)
        done = _is_open(draft_id).update(state=DraftState.DISCARDED, saved_at=now())
        # Again: a save that was under way has put another message into Drafts by now.
        draft = find(user_id, draft_id)
        if done:
            _let_go(draft, origin)
        elif draft.state != DraftState.DISCARDED:
            raise Gone(text=_("This message was sent already"))


def restore(*, user_id: int, draft_id: UUID, origin: Origin) -> Draft:
    """Take back that a letter was discarded.

    Raises:
        NotFound
        Gone: it was sent.
    """
    draft = find(user_id, draft_id)
    if draft.state == DraftState.OPEN:
        return draft
    prepared = ready(draft)
    with transaction.atomic():
        lost = Draft.objects.filter(id=draft_id, state=DraftState.DISCARDED)
        if not lost.update(state=DraftState.OPEN):
            raise Gone(text=_("This message was sent already"))
        _place(draft, prepared, None, origin)
    draft.state = DraftState.OPEN
    return draft


def _cleaned(fields: Fields) -> Fields:
    """As it is kept; see `cleaning.edited`."""
    if fields.is_plain:
        return fields
    html = cleaning.edited(fields.html)
    return replace(fields, html=html, text="")


def _choice(user: User, fields: Fields) -> Choice:
    """Who writes. A draft whose address the person has lost is saved as their own, so that nothing
    is lost with it; sending it is refused."""
    offered = writers.choices(user)
    try:
        return writers.find(offered, fields.sender)
    except SenderNotAllowed:
        return writers.default(offered)


def _begin(
    draft: Draft, begun: Begun, choice: Choice, fields: Fields, carry: tuple[int, ...]
) -> None:
    """What is settled at the first save, on the row in memory."""
    draft.kind = begun.kind
    draft.source_mailbox_id = begun.mailbox_id
    draft.source_uid = begun.uid
    draft.in_reply_to = begun.in_reply_to
    draft.references = begun.references
    draft.message_id = begun.message_id or making.new_id(secrets.token_bytes(12), now(), choice)
    if begun.source is None:
        return
    if begun.is_adopted:
        draft.mailbox_id, draft.uid = begun.mailbox_id, begun.uid
        raw = begun.source.raw()
        carrying.carry(draft=draft, raw=raw, numbers=carrying.all_parts(raw))
        return
    if begun.kind == DraftKind.FORWARD_ATTACHED:
        name = begun.source.head.subject or _("message")
        carrying.carry_message(draft=draft, raw=begun.source.raw(), name=name)
        return
    numbers = {*carry, *cleaning.inline_parts(fields.html, begun.source.folder.slug, begun.uid)}
    if numbers:
        carrying.carry(draft=draft, raw=begun.source.raw(), numbers=sorted(numbers))


def _made(draft: Draft, fields: Fields, choice: Choice, at: int) -> tuple[bytes, Tail]:
    sent = cleaning.Outgoing("", frozenset())
    if not fields.is_plain:
        sent = cleaning.outgoing(fields.html, files.addresses(draft))
    card = owncard.card(choice)
    tail = tails.tail(draft, cids=sent.cids, card=card, is_plain=fields.is_plain)
    thread = making.Thread(draft.message_id, draft.in_reply_to, draft.references)
    offset = timezone.localtime(timezone.now()).utcoffset()
    before = making.prefix(
        fields,
        thread,
        choice,
        at=at,
        offset=int(offset.total_seconds()) // 60 if offset else 0,
        html=sent.html,
        files=tail.raw,
    )
    if len(before) + len(tail.raw) > settings.MESSAGE_SIZE_LIMIT:
        raise MessageTooLarge(text=_("This message is larger than one may be: remove a file"))
    return before, tail


def _ready(draft: Draft, fields: Fields, choice: Choice) -> Ready:
    before, tail = _made(draft, fields, choice, now())
    if not tail.raw:
        return Ready(prepare(before, trace_id=new_ulid()), tail)
    known = None if tail.blob is not None else tail.blob_id
    made = prepare(tail.raw, trace_id=new_ulid(), prefix=before, blob=tail.blob, blob_id=known)
    return Ready(made, tail)


def _store(draft: Draft, prepared: Ready, known_tail: UUID | None, origin: Origin) -> Draft:
    """The row, and the message in the place of the one before; both or neither."""
    at, revision = now(), draft.revision
    with transaction.atomic():
        changed = (
            _is_open(draft.id)
            .filter(revision=revision)
            .update(
                revision=revision + 1,
                fields=draft.fields,
                saved_at=at,
                kind=draft.kind,
                source_mailbox_id=draft.source_mailbox_id,
                source_uid=draft.source_uid,
                message_id=draft.message_id,
                in_reply_to=draft.in_reply_to,
                references=draft.references,
            )
        )
        if not changed:
            # Locks the other's row no more: `find` says what became of it.
            raise Overtaken(draftrows.find(user_id=draft.user_id, draft_id=draft.id))
        shared = len(prepared.tail.raw) if prepared.tail.blob_id == known_tail else 0
        old = None
        if draft.mailbox_id is not None and draft.uid is not None:
            old = Old(draft.mailbox_id, draft.uid, shared)
        size = prepared.message.size
        _place(draft, prepared, old, origin)
        # What it takes is counted by now: it must have been less than full before.
        quota.require(draft.user_id, [-size, size])
        purge.trim_on_commit(draft.user_id)
    draft.revision, draft.saved_at = revision + 1, at
    return draft


def _place(draft: Draft, prepared: Ready, old: Old | None, origin: Origin) -> None:
    """File the message in Drafts, in place of `old` if that is there, and say so in the row. One
    that is gone was moved or changed by another program: both are kept then."""
    box = rolebox.find(user_id=draft.user_id, use=SpecialUse.DRAFTS)
    new = Filing(
        message=prepared.message,
        user_id=draft.user_id,
        mailbox_id=box,
        internaldate=now(),
        origin=origin,
        flags=_FLAGS,
    )
    filed = exchange.exchange(old, new)
    draft.mailbox_id, draft.uid = filed.mailbox_id, filed.uid
    draft.tail_id, draft.tail_made_of = prepared.tail.blob_id, prepared.tail.made_of
    Draft.objects.filter(id=draft.id).update(
        mailbox_id=draft.mailbox_id,
        uid=draft.uid,
        tail_id=draft.tail_id,
        tail_made_of=draft.tail_made_of,
    )


def _let_go(draft: Draft, origin: Origin) -> None:
    if draft.mailbox_id is None or draft.uid is None:
        return
    try:
        expunge.expunge(mailbox_id=draft.mailbox_id, uids=[draft.uid], marked=False, origin=origin)
    except NotFound:
        return  # the mailbox is gone, and the message with it


def _is_open(draft_id: UUID) -> QuerySet[Draft]:
    return Draft.objects.filter(id=draft_id, state=DraftState.OPEN)
