"""A conversation as one reads it: its messages from all folders of their owner, the read ones
folded.

Folded ones cost nothing but their row. What is open is read by `opened`.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.utils import timezone

from apps.mailstore import conversations
from apps.mailstore.conversations import Head
from apps.mailstore.models import FLAG_DRAFT, FLAG_FLAGGED, FLAG_SEEN, SpecialUse
from apps.webmail import folders as boxes
from apps.webmail.folders import Folder
from apps.webmail.opened import Opened, Reader, Trouble, opened
from apps.webmail.rows import moment, short
from apps.webmail.senders import key_of
from apps.wire.errors import NotFound

SHOWN: Final = 100  # the newest messages of a conversation that a page has
MOST_SHOWN: Final = 500  # when older ones are asked for
MOST_OPEN: Final = 20  # messages whose bytes one page reads
OPEN_OCTETS: Final = 32 * 1024 * 1024
"""Of all that are open together; the one that was asked for is open however large it is."""
SECONDS: Final = 2.0
"""After which no further one is opened: each may be made to take its time."""
_APART: Final = {SpecialUse.JUNK, SpecialUse.TRASH}


@dataclass(frozen=True, slots=True)
class Message:
    """One message, folded unless `opened` or `trouble` is set."""

    head: Head
    folder: Folder
    name: str
    is_mine: bool
    when: str
    at: datetime
    opened: Opened | None = None
    trouble: Trouble | None = None

    @property
    def uid(self) -> int:
        return self.head.uid

    @property
    def slug(self) -> str:
        return self.folder.slug

    @property
    def ref(self) -> str:
        return f"{self.head.mailbox_id}.{self.head.uid}"

    @property
    def is_open(self) -> bool:
        return self.opened is not None or self.trouble is not None

    @property
    def is_unread(self) -> bool:
        return not self.head.flags & FLAG_SEEN

    @property
    def is_starred(self) -> bool:
        return bool(self.head.flags & FLAG_FLAGGED)

    @property
    def is_draft(self) -> bool:
        return bool(self.head.flags & FLAG_DRAFT) or self.folder.special_use == SpecialUse.DRAFTS


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation. `older` says how many messages of it are not on the page, `is_more` that
    there are more than were counted."""

    id: int | None
    subject: str
    messages: tuple[Message, ...]
    older: int
    is_more: bool
    current: Message

    @property
    def unread(self) -> list[Message]:
        """Those that are open here and were unread."""
        return [one for one in self.messages if one.is_open and one.is_unread]

    @property
    def is_starred(self) -> bool:
        return any(one.is_starred for one in self.messages)

    @property
    def answered_to(self) -> Message | None:
        """The message that an answer under the conversation is to; None: there are drafts alone."""
        return next((one for one in reversed(self.messages) if not one.is_draft), None)


def located(user_id: int, slug: str) -> tuple[Folder, list[Folder]]:
    """The mailbox of an address, and those that its conversations may lie in: of the same owner,
    and the person may read them; Junk and Trash only if it is there. Two queries at most.

    Raises:
        NotFound: the person has no such mailbox.
    """
    found = boxes.folders(user_id)
    folder = next((one for one in found if one.slug == slug), None)
    if folder is None:
        if not slug.isdecimal():
            raise NotFound(f"no mailbox {slug!r}")
        found = boxes.shared(user_id)
        folder = boxes.pick(found, slug)
    return folder, [
        one
        for one in found
        if one.owner_id == folder.owner_id
        and (one.special_use not in _APART or one.id == folder.id)
    ]


def gather(
    reader: Reader,
    folder: Folder,
    found: Sequence[Folder],
    head: Head,
    *,
    asked: Collection[str] = (),
    with_older: bool = False,
    opens_all: bool = False,
) -> Thread:
    """The conversation that a message is in, opened at it.

    Args:
        found: where it may lie, as `located` says.
        asked: refs of further messages that are to be open.
        with_older: more than the newest ones.
        opens_all: none is folded (for print), as far as there is time and room.
    """
    by_id = {one.id: one for one in found}
    heads, older, is_more = _heads(folder, head, list(by_id), with_older=with_older)
    shown: dict[str, Message] = {}
    room, deadline = OPEN_OCTETS, time.monotonic() + SECONDS
    for one in _wanted(heads, head, asked, opens_all=opens_all):
        if shown and (one.size > room or time.monotonic() > deadline):
            continue
        room -= one.size
        box = by_id.get(one.mailbox_id, folder)
        shown[_ref(one)] = message(reader, box, found, one, is_open=True)
    messages = tuple(
        shown.get(_ref(one))
        or message(reader, by_id.get(one.mailbox_id, folder), found, one, is_open=False)
        for one in heads
    )
    current = next(one for one in messages if _is_same(one.head, head))
    subject = next((one.subject for one in heads if one.subject), "")
    return Thread(head.thread_id, head.subject or subject, messages, older, is_more, current)


def message(
    reader: Reader, folder: Folder, found: Sequence[Folder], head: Head, *, is_open: bool
) -> Message:
    """One message of a conversation."""
    at = moment(head.internaldate)
    one = Message(
        head=head,
        folder=folder,
        name=head.sender_name or head.sender_address,
        is_mine=key_of(head.sender_address) in reader.own
        and folder.special_use in (SpecialUse.SENT, SpecialUse.DRAFTS, SpecialUse.SCHEDULED),
        when=short(timezone.localtime(at), timezone.localdate()),
        at=at,
    )
    if not is_open:
        return one
    shown = opened(reader, folder, found, head)
    if isinstance(shown, Trouble):
        return replace(one, trouble=shown)
    return replace(one, opened=shown)


def _heads(
    folder: Folder, head: Head, box_ids: list[int], *, with_older: bool
) -> tuple[list[Head], int, bool]:
    """The messages of the page, oldest first; how many older ones there are, and if even more."""
    if head.thread_id is None:
        return [head], 0, False
    found = _each_once(
        conversations.of_thread(box_ids, head.thread_id, MOST_SHOWN + 1), folder, head
    )
    is_more = len(found) > MOST_SHOWN
    shown = found[-(MOST_SHOWN if with_older else SHOWN) :]
    older = len(found) - len(shown)
    if not any(_is_same(one, head) for one in shown):
        shown = [head, *shown]  # an old one was asked for by its own address
        older = max(0, older - 1)
    return shown, older, is_more


def _each_once(heads: list[Head], folder: Folder, current: Head) -> list[Head]:
    """Of copies of one message that which is read, or lies in the folder. Only the very same bytes
    are copies: a Message-ID anybody can write, and hide another message behind it."""
    best: dict[int, Head] = {}
    for one in heads:
        before = best.get(one.message_id)
        if (
            before is None
            or _is_same(one, current)
            or (one.mailbox_id == folder.id and not _is_same(before, current))
        ):
            best[one.message_id] = one
    return [one for one in heads if best[one.message_id] is one]


def _wanted(
    heads: list[Head], current: Head, asked: Collection[str], *, opens_all: bool
) -> list[Head]:
    """Those that are to be open: the one that was asked for, the last, and the newest unread."""
    order = [_ref(current), *asked, _ref(heads[-1])]
    unread = [_ref(one) for one in reversed(heads) if opens_all or not one.flags & FLAG_SEEN]
    there = {_ref(one): one for one in heads}
    most = SHOWN if opens_all else MOST_OPEN
    return [there[ref] for ref in dict.fromkeys([*order, *unread]) if ref in there][:most]


def _ref(head: Head) -> str:
    return f"{head.mailbox_id}.{head.uid}"


def _is_same(one: Head, other: Head) -> bool:
    return (one.mailbox_id, one.uid) == (other.mailbox_id, other.uid)
