"""What a letter is begun from, as its row keeps it."""

from dataclasses import dataclass

from apps.mailstore.models import FLAG_DRAFT, SpecialUse
from apps.mime.composing import letter
from apps.mime.headers import scan
from apps.webmail.models import DraftKind
from apps.webmail.writing import sources
from apps.webmail.writing.sources import Source
from apps.wire.errors import MailError, NotFound

_ANSWERS = frozenset({DraftKind.REPLY, DraftKind.REPLY_ALL})
_KINDS = frozenset(DraftKind.values)


@dataclass(frozen=True, slots=True)
class Begun:
    """What is kept of it; ids with their angle brackets.

    Args:
        message_id: for one that goes on under the id that it has.
        is_adopted: it is a draft of another program, in whose place the letter comes.
    """

    kind: str = DraftKind.NEW
    source: Source | None = None
    in_reply_to: str = ""
    references: str = ""
    message_id: str = ""
    is_adopted: bool = False

    @property
    def mailbox_id(self) -> int | None:
        return None if self.source is None else self.source.head.mailbox_id

    @property
    def uid(self) -> int | None:
        return None if self.source is None else self.source.head.uid


def find(user_id: int, kind: str, ref: str) -> Begun:
    """What a letter of this kind is begun from. A message that is not there (any more), or that
    the person may not read, is none: what was typed is saved all the same."""
    if kind not in _KINDS or not ref:
        return Begun()
    try:
        source = sources.find(user_id, ref)
    except NotFound:
        return Begun(kind)
    if kind == DraftKind.NEW:
        return _adopted(source)
    return of(kind, source)


def _adopted(source: Source) -> Begun:
    """A draft of another program goes on here. Only one's own: it is replaced."""
    if not is_draft(source):
        return Begun()
    try:
        block = scan(source.header())
    except MailError:
        return Begun()
    own, answered = _ids(block.last(b"message-id"))[:1], _ids(block.last(b"in-reply-to"))
    before = " ".join(_ids(block.last(b"references")))
    return Begun(DraftKind.NEW, source, " ".join(answered), before, "".join(own), is_adopted=True)


def is_draft(source: Source) -> bool:
    """Whether it is a letter of the person's that is not finished."""
    in_drafts = source.folder.special_use == SpecialUse.DRAFTS
    return not source.folder.owner and bool(in_drafts or source.head.flags & FLAG_DRAFT)


def of(kind: str, source: Source) -> Begun:
    """The same of a message that was found. Ids are of the answered message (RFC 5322 section
    3.6.4); a forwarded one is referred to, so that conversations show where it came from."""
    try:
        block = scan(source.header())
    except MailError:
        return Begun(kind, source)
    answered = _ids(block.last(b"message-id"))[:1]
    before = _ids(block.last(b"references")) or _ids(block.last(b"in-reply-to"))[:1]
    if kind == DraftKind.AGAIN:
        # The same letter once more: it stands where the first one stood.
        return Begun(kind, source, " ".join(_ids(block.last(b"in-reply-to"))), " ".join(before))
    one = "".join(answered)
    is_answer = kind in _ANSWERS
    return Begun(kind, source, one if is_answer else "", letter.references(before, one))


def _ids(value: bytes | None) -> list[str]:
    return letter.message_ids(value.decode("ascii", "replace")) if value else []
