"""A message of a conversation that is open: all that its part of the page shows.

Each is read by itself, so that a damaged one says so alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from apps.directory.identities import Own
from apps.mailstore import queries
from apps.mailstore.conversations import Head
from apps.mailstore.models import FLAG_DRAFT, SpecialUse
from apps.mime.reading import Person, Reading, part_content, read
from apps.runtime.clock import now_us
from apps.webmail import bounces, codes, invitations, leaves, refs
from apps.webmail.attachments import Attachment, listing
from apps.webmail.body import Outline, outline
from apps.webmail.bounces import Report
from apps.webmail.folders import Folder
from apps.webmail.htmlwords import own_lines
from apps.webmail.invitations import Invitation
from apps.webmail.leaves import Leaves
from apps.webmail.pictures import Bar, bar
from apps.webmail.plaintext import Block, blocks, own_words
from apps.webmail.reported import reported
from apps.webmail.senders import Sender, judge, key_of
from apps.webmail.sent import Sent, sent
from apps.webmail.why.unsubscribing import Offer, offer
from apps.wire.errors import Damaged, MailError

_OURS = (SpecialUse.SENT, SpecialUse.DRAFTS, SpecialUse.SCHEDULED)
_TO_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, and under which addresses they are known."""

    user_id: int
    own: Own


@dataclass(frozen=True, slots=True)
class Trouble:
    """A message that cannot be shown, in words."""

    text: str
    is_damaged: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """What is shown of it.

    Args:
        is_closed: Junk: links and pictures are off.
        original: of a report, the address of the message that it is about; "" if that is not here.
        again: its ref, if it was sent from here and somebody did not get it.
    """

    reading: Reading
    sender: Sender
    outline: Outline
    pictures: Bar
    blocks: tuple[Block, ...]
    sent: Sent | None
    report: Report | None
    original: str
    code: str
    invitation: Invitation | None
    to: tuple[tuple[str, bool], ...]  # name, and whether it is the reader
    is_closed: bool
    attachments: tuple[Attachment, ...]
    unsubscribe: Offer | None = None
    leaves: Leaves | None = None
    again: str = ""

    @property
    def has_more_to(self) -> bool:
        return len(self.reading.to) + len(self.reading.cc) > len(self.to)


def opened(reader: Reader, folder: Folder, boxes: Sequence[Folder], head: Head) -> Opened | Trouble:
    """Read a message for the page; the only place where bytes of one are read.

    Args:
        boxes: the mailboxes in which the message that a report is about may lie.
    """
    try:
        shown = queries.shown(head.message_id, head.head_id)
        raw = shown.whole()
    except MailError as error:
        return Trouble(error.reply.text, isinstance(error, Damaged))
    reading = read(raw)
    author = reading.sender
    is_junk = folder.special_use == SpecialUse.JUNK
    is_kept = folder.special_use in _OURS
    frames = outline(raw) if reading.html else Outline()
    told = bounces.report(raw)
    original, again = _original(folder, boxes, told) if told else ("", "")
    return Opened(
        reading=reading,
        sender=judge(shown, author.name, author.address, reader.own, is_kept=is_kept),
        outline=frames,
        pictures=bar(reader.user_id, shown, frames, is_junk=is_junk),
        blocks=() if reading.html else _blocks(reading),
        sent=_fate(reader, folder, boxes, head, reading, raw) if told is None else None,
        report=told,
        original=original,
        again=again,
        code=_code(reading, head, raw) if not is_junk and not is_kept else "",
        invitation=_invitation(raw, reading),
        to=_to(reading, reader),
        is_closed=is_junk,
        attachments=listing(raw, reading.files),
        unsubscribe=_way_out(folder, shown, raw),
        leaves=leaves.of_message(reader.user_id, folder, head.uid),
    )


def _way_out(folder: Folder, shown: queries.Shown, raw: bytes) -> Offer | None:
    """How to leave the list it came by: for the owner alone, and never for junk, whose sender would
    only learn that somebody reads."""
    if folder.owner or folder.special_use in {*_OURS, SpecialUse.JUNK}:
        return None
    return offer(shown.trace, raw)


def _fate(
    reader: Reader,
    folder: Folder,
    boxes: Sequence[Folder],
    head: Head,
    reading: Reading,
    raw: bytes,
) -> Sent | None:
    """What became of a message that the reader sent: what we know, else what reports say. Nothing
    of a draft, which may have been sent and taken back."""
    if head.flags & FLAG_DRAFT:
        return None
    known = sent(reader.user_id, raw)
    if known is not None or folder.owner or folder.special_use != SpecialUse.SENT:
        return known
    is_own = key_of(reading.sender.address) in reader.own
    return reported(boxes, head, reading) if is_own else None


def _original(folder: Folder, boxes: Sequence[Folder], told: Report) -> tuple[str, str]:
    by_id = {one.id: one for one in boxes}
    found = bounces.original(folder.owner_id, list(by_id), told.message_key)
    if found is None:
        return "", ""
    place = by_id[found.mailbox_id]
    address = reverse("message", args=[place.slug, found.uid])
    is_lost = told.look == "bad" and place.special_use == SpecialUse.SENT and not place.owner
    return address, refs.write(place.id, found.uid) if is_lost else ""


def _blocks(reading: Reading) -> tuple[Block, ...]:
    return tuple(
        block
        for one in reading.texts
        for block in blocks(one.text, is_flowed=one.is_flowed, joins_words=one.joins_words)
    )


def _code(reading: Reading, head: Head, raw: bytes) -> str:
    """Of mail that is so new that a code in it may work."""
    if now_us() // 1_000_000 - head.internaldate > codes.FRESH:
        return ""
    if reading.html:
        text = own_lines(reading.html)
    else:
        text = own_words((reading.text or head.preview)[: codes.TEXT_MAX])
    return codes.find(reading.subject, text)


def _invitation(raw: bytes, reading: Reading) -> Invitation | None:
    if reading.calendar is None:
        return None
    found = part_content(raw, reading.calendar)
    return invitations.read(found[1]) if found is not None else None


def _to(reading: Reading, reader: Reader) -> tuple[tuple[str, bool], ...]:
    """The first of To and Cc, the reader before all others."""
    people = [*reading.to, *reading.cc]
    mine = [one for one in people if key_of(one.address) in reader.own][:1]
    others = [one for one in people if one not in mine]
    return tuple((_name(one), one in mine) for one in [*mine, *others][:_TO_SHOWN])


def _name(one: Person) -> str:
    return one.label[:100]
