"""The list of a place, ready for the page: which rows, and what each says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.directory.identities import Own
from apps.mailstore import conversations, labelled, marked
from apps.mailstore.conversations import EXAMINED, Head, Member
from apps.mailstore.filenames import file_names
from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN, SpecialUse
from apps.webmail import cursor, leaves, sent, snoozed
from apps.webmail.folders import Folder, Side
from apps.webmail.labels import LabelView
from apps.webmail.people import Voice, is_mine, named, who
from apps.webmail.rows import Row, moment, short

PAGE: Final = 50
FILES_SHOWN: Final = 2
LABELS_SHOWN: Final = 4
_WE_WROTE: Final = {SpecialUse.SENT, SpecialUse.DRAFTS, SpecialUse.SCHEDULED}
_OUT_OF_SIGHT: Final = {SpecialUse.JUNK, SpecialUse.TRASH}
"""What lies there is in no list of many mailboxes."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a list is of: a mailbox, all that is starred, or a label. As `Folder` where pages ask
    both.

    here: as `Side.here`. folder: the mailbox, None for one of many.
    """

    here: str
    name: str
    icon: str
    slug: str
    folder: Folder | None = None
    label: LabelView | None = None
    special_use: str = ""
    id: int = 0
    messages: int = 0
    unseen: int = 0
    owner: str = ""
    rights: frozenset[str] = frozenset()

    def may(self, letters: str) -> bool:
        """Whether the person has all these rights in it; of many mailboxes each has its own."""
        return self.folder is None or self.folder.may(letters)


@dataclass(frozen=True, slots=True)
class Wish:
    """How a person wants to see it."""

    only_unread: bool = False
    newest_first: bool = True
    threaded: bool = True
    before: str = ""
    current: tuple[int, int | None, int] | None = None  # mailbox, conversation, UID


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of it. `older` begins the next page, "" if there is none."""

    rows: list[Row]
    older: str = ""


def of_folder(folder: Folder) -> Place:
    """The list of a mailbox."""
    return Place(
        here=folder.slug,
        name=folder.name,
        icon=folder.icon,
        slug=folder.slug,
        folder=folder,
        special_use=folder.special_use,
        id=folder.id,
        messages=folder.messages,
        unseen=folder.unseen,
        owner=folder.owner,
        rights=folder.rights,
    )


def of_stars() -> Place:
    """All that is starred."""
    return Place("starred", _("Starred"), "star", "starred")


def of_label(label: LabelView) -> Place:
    """All that has a label."""
    return Place(f"label:{label.keyword}", label.name, "tag", "label", label=label)


def listing(user_id: int, own: Own, side: Side, place: Place, wish: Wish) -> Listing:
    """A page of a place; five queries at most, however much there is.

    Args:
        own: the person's addresses, to say "me".
    """
    heads = _heads(user_id, side, place, wish)
    more = len(heads) > PAGE
    heads = heads[:PAGE]
    older = cursor.write(_key(place, heads[-1])) if more else ""
    rows = _rows(heads, own, side, place, wish)
    if place.special_use == SpecialUse.SNOOZED:
        rows = snoozed.told(place.id, rows)
    elif place.special_use == SpecialUse.SCHEDULED:
        rows = leaves.told(place.id, rows)
    elif place.special_use == SpecialUse.SENT:
        fates = sent.marks(user_id, [head.message_key for head in heads])
        rows = [
            replace(row, fate=fates.get(head.message_key))
            for row, head in zip(rows, heads, strict=True)
        ]
    return Listing(rows, older)


def is_first(place: Place, wish: Wish) -> bool:
    """Whether a page is the first of its place; what is no cursor is no other page."""
    parse = cursor.parse if place.folder else cursor.parse_across
    return parse(wish.before) is None


def _key(place: Place, head: Head) -> tuple[int, ...]:
    return head.place if place.folder else (head.internaldate, head.mailbox_id, head.uid)


def _heads(user_id: int, side: Side, place: Place, wish: Wish) -> list[Head]:
    if place.folder is not None:
        return conversations.page(
            place.folder.id,
            limit=PAGE + 1,
            beyond=cursor.parse(wish.before),
            newest_first=wish.newest_first,
            only_unread=wish.only_unread,
            threaded=wish.threaded,
        )
    after = cursor.parse_across(wish.before)
    boxes = [one.id for one in _own(side) if one.special_use not in _OUT_OF_SIGHT]
    if place.label is None:
        return marked.starred(boxes, limit=PAGE + 1, beyond=after, threaded=wish.threaded)
    masks = labelled.holding(user_id, place.label.keyword)
    bits = [marked.Bit(box, masks[box]) for box in boxes if box in masks]
    return marked.labelled(bits, limit=PAGE + 1, beyond=after, threaded=wish.threaded)


def _own(side: Side) -> Iterable[Folder]:
    return (one for one in side.all if not one.owner)


def _rows(heads: Sequence[Head], own: Own, side: Side, place: Place, wish: Wish) -> list[Row]:
    boxes = {one.id: one for one in side.all}
    sent = next((one.id for one in _own(side) if one.special_use == SpecialUse.SENT), 0)
    by_head = _members(heads, sent, boxes) if wish.threaded else {}
    known = marked.keywords(sorted({head.mailbox_id for head in heads}))
    files = file_names([head.message_id for head in heads if head.has_attachments])
    me = pgettext("who wrote", "me")
    writer = _Writer(side, boxes, sent, own, known, wish, timezone.localdate(), me)
    return [
        writer.row(head, by_head.get(head, ()), files.get(head.message_id, ())) for head in heads
    ]


def _members(
    heads: Sequence[Head], sent: int, boxes: Mapping[int, Folder]
) -> dict[Head, list[Member]]:
    """What each row is of: the conversation in its mailbox, and what the person answered."""
    pairs: dict[tuple[int, int], list[Member]] = {}
    for head in heads:
        if head.thread_id is not None:
            pairs[head.mailbox_id, head.thread_id] = []
            if sent and not boxes[head.mailbox_id].owner:
                pairs[sent, head.thread_id] = []
    for one in conversations.members(pairs):
        pairs[one.mailbox_id, one.thread_id].append(one)
    found: dict[Head, list[Member]] = {}
    for head in heads:
        if head.thread_id is None:
            continue
        here = pairs[head.mailbox_id, head.thread_id]
        answers = [] if head.mailbox_id == sent else pairs.get((sent, head.thread_id), [])
        # Who writes to a list that they read has the same message twice.
        seen = {one.message_key for one in here if one.message_key}
        both = [*here, *(one for one in answers if one.message_key not in seen)]
        found[head] = sorted(both, key=lambda one: one.internaldate)
    return found


@dataclass(frozen=True, slots=True)
class _Writer:
    """What all rows of a page are written with."""

    side: Side
    boxes: Mapping[int, Folder]
    sent: int
    mine: Own
    keywords: Mapping[int, Mapping[str, int]]
    wish: Wish
    today: date
    me: str

    def row(self, head: Head, members: Sequence[Member], files: Sequence[str]) -> Row:
        """One of them."""
        folder = self.boxes[head.mailbox_id]
        here = [one for one in members if one.mailbox_id == head.mailbox_id]
        flags = [head.flags, *(one.flags for one in here)]
        at = moment(head.internaldate)
        people, face, is_to = self._people(head, members, folder)
        return Row(
            mailbox_id=head.mailbox_id,
            uid=head.uid,
            slug=folder.slug,
            thread_id=head.thread_id,
            who=people,
            face=face,
            subject=head.subject or _("(no subject)"),
            preview=head.preview,
            at=at,
            when=short(at, self.today),
            count=len(members) if len(members) > 1 else 0,
            has_more=len(here) >= EXAMINED,
            is_to=is_to,
            is_unread=any(not one & FLAG_SEEN for one in flags),
            is_starred=any(one & FLAG_FLAGGED for one in flags),
            is_current=self._is_current(head),
            has_attachments=bool(head.has_attachments) or any(one.has_attachments for one in here),
            files=tuple(files[:FILES_SHOWN]),
            more_files=max(len(files) - FILES_SHOWN, 0),
            labels=self._labels(head, here),
        )

    def _people(
        self, head: Head, members: Sequence[Member], folder: Folder
    ) -> tuple[tuple[str, ...], str, bool]:
        if folder.special_use in _WE_WROTE and head.recipients:
            return (head.recipients[:200],), head.recipients, True
        spoken: Sequence[Head | Member] = members or [head]
        voices = [
            Voice(
                one.sender_name,
                one.sender_address,
                one.mailbox_id == self.sent or is_mine(one.sender_address, self.mine),
            )
            for one in spoken
        ]
        # The face is of who wrote last and is somebody else.
        others = [one for one in voices if not one.is_mine]
        return who(voices, self.me), named((others or voices)[-1], self.me), False

    def _labels(self, head: Head, here: Sequence[Member]) -> tuple[LabelView, ...]:
        mask = head.keywords
        for one in here:
            mask |= one.keywords
        known = self.keywords.get(head.mailbox_id, {})
        found = (self.side.label_of(name) for name, bit in known.items() if mask & bit)
        return tuple([one for one in found if one is not None][:LABELS_SHOWN])

    def _is_current(self, head: Head) -> bool:
        if self.wish.current is None:
            return False
        mailbox_id, thread_id, uid = self.wish.current
        if head.mailbox_id != mailbox_id:
            return False
        together = self.wish.threaded and thread_id is not None
        return head.thread_id == thread_id if together else head.uid == uid
