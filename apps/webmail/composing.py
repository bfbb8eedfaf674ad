"""What the page of a letter shows: one that begins, or one that was begun before. Reads alone."""

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _

from apps.mime.composing import plain
from apps.mime.reading import File, Reading, read
from apps.runtime.ulid import new_ulid
from apps.webmail import preferences, sent, writers
from apps.webmail.folders import Folder
from apps.webmail.models import Draft, DraftKind
from apps.webmail.rows import moment
from apps.webmail.services import carrying, drafts
from apps.webmail.visitor import own, person
from apps.webmail.writers import Choice
from apps.webmail.writing import (
    answering,
    beginning,
    cleaning,
    files,
    importing,
    later,
    quoting,
    sources,
)
from apps.webmail.writing.answering import Beginning, Writer
from apps.webmail.writing.fields import Fields
from apps.webmail.writing.sources import Source
from apps.wire.errors import NotFound, SenderNotAllowed

_KINDS: Final = frozenset(DraftKind.values) - {DraftKind.NEW}


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as its form shows it; the fields are text, as typed."""

    id: UUID
    revision: int
    kind: str
    source: str
    fields: Fields
    saved: str = ""

    @property
    def title(self) -> str:
        """Of its page."""
        return self.fields.subject or str(_("New message"))

    @property
    def sender(self) -> str:
        return self.fields.sender

    @property
    def to(self) -> str:
        return self.fields.to

    @property
    def cc(self) -> str:
        return self.fields.cc

    @property
    def bcc(self) -> str:
        return self.fields.bcc

    @property
    def subject(self) -> str:
        return self.fields.subject

    @property
    def html(self) -> str:
        return self.fields.html

    @property
    def text(self) -> str:
        return self.fields.text

    @property
    def is_plain(self) -> bool:
        return self.fields.is_plain

    @property
    def has_receipt(self) -> bool:
        return self.fields.has_receipt


def begun(request: HttpRequest, kind: str, ref: str, typed: Fields) -> dict[str, Any]:
    """The context of a letter that begins.

    Args:
        kind, ref: what it is begun from; a ref that names nothing that the person may read begins
            a new one.
        typed: what the address said besides.

    Raises:
        NotFound: the message is not there (any more).
        SenderNotAllowed: the person has no address to write from.
        Damaged, StorageUnavailable
    """
    user = person(request)
    offered = writers.choices(user)
    writer = Writer(own(request), offered, preferences.asked(request).writes_plain)
    if kind not in _KINDS or not ref:
        made, source = answering.new(writer, typed), None
        kind, ref = DraftKind.NEW, ""
    else:
        source = sources.find(user.pk, ref)
        made = _answer(user.pk, kind, source, writer)
    letter = Letter(new_ulid(), 0, kind, ref, _both(_added(made.fields, typed)))
    carried = [_carried(one) for one in made.files]
    if source is not None and kind == DraftKind.FORWARD_ATTACHED:
        carried = [_whole(source)]
    return _context(request, letter, offered, made.choice, [], carried)


def adopted(request: HttpRequest, folder: Folder, uid: int) -> dict[str, Any]:
    """The context of a draft of another program; its message goes when it is saved here first.

    Raises:
        NotFound: it is not there, or no draft of the person's.
        SenderNotAllowed, Damaged, StorageUnavailable
    """
    user = person(request)
    source = sources.at(user.pk, folder, uid)
    if not beginning.is_draft(source):
        raise NotFound(f"no draft: {source.ref}")
    reading = read(source.raw())
    kept = importing.fields(reading, _pictures(source, reading))
    offered = writers.choices(user)
    choice = next((one for one in offered if one.key == kept.sender), writers.default(offered))
    fields = _both(replace(kept, sender=choice.key))
    letter = Letter(new_ulid(), 0, DraftKind.NEW, source.ref, fields)
    return _context(request, letter, offered, choice, [], [_carried(one) for one in reading.files])


def again(request: HttpRequest, draft: Draft) -> dict[str, Any]:
    """The context of a letter that was saved. Raises SenderNotAllowed."""
    kept = drafts.fields_of(draft)
    html = kept.html
    for there, here in files.moved(draft).items():
        html = html.replace(f'src="{there}"', f'src="{here}"')
    return typed(request, draft, replace(kept, html=html))


def typed(request: HttpRequest, draft: Draft, fields: Fields) -> dict[str, Any]:
    """The context of a letter that was saved, or is about to be, with what stands in its form.
    Raises SenderNotAllowed."""
    saved = ""
    if draft.revision:
        saved = time_format(timezone.localtime(moment(draft.saved_at)), "TIME_FORMAT")
    ref = ""
    if draft.source_mailbox_id is not None:
        ref = f"{draft.source_mailbox_id}.{draft.source_uid}"
    offered = writers.choices(person(request))
    try:
        choice = writers.find(offered, fields.sender)
    except SenderNotAllowed:
        choice = writers.default(offered)
    letter = Letter(draft.id, draft.revision, draft.kind, ref, _both(fields), saved)
    listed = [files.as_json(one) for one in files.listing(draft.id)]
    return _context(request, letter, offered, choice, listed, [])


def _context(
    request: HttpRequest,
    letter: Letter,
    offered: tuple[Choice, ...],
    choice: Choice,
    listed: list[dict[str, Any]],
    carried: list[dict[str, Any]],
) -> dict[str, Any]:
    now = timezone.localtime()
    return {
        "letter": letter,
        "choices": offered,
        "choice": choice,
        "files": listed,
        "carried": carried,
        "undo_seconds": preferences.asked(request).undo_seconds,
        "zone": timezone.get_current_timezone_name(),
        "times": later.choices(now),
        "earliest": later.earliest(now),
        "latest": later.latest(now),
        "can_archive": letter.kind in {DraftKind.REPLY, DraftKind.REPLY_ALL} and letter.source,
        "error": "",
        "error_field": "",
    }


def _answer(user_id: int, kind: str, source: Source, writer: Writer) -> Beginning:
    raw = source.raw()
    reading = read(raw)
    failed = sent.failed(user_id, raw) if kind == DraftKind.AGAIN else ()
    return answering.answer(kind, reading, _pictures(source, reading), writer, again=failed)


def _pictures(source: Source, reading: Reading) -> dict[str, str]:
    """Where the pictures of a message are to be seen, by Content-ID."""
    return {
        cid: reverse("inline", args=[source.folder.slug, source.head.uid, number])
        for cid, number in reading.inline.items()
    }


def _carried(file: File) -> dict[str, Any]:
    return {
        "number": file.number,
        "name": file.name,
        "size": file.size,
        "type": file.mime_type,
    }


def _whole(source: Source) -> dict[str, Any]:
    """The message itself, as a file; nobody is asked whether it goes along."""
    return {
        "number": carrying.WHOLE,
        "name": carrying.whole_name(source.head.subject),
        "size": source.head.size,
        "type": carrying.MESSAGE,
        "is_whole": True,
    }


def _added(fields: Fields, typed: Fields) -> Fields:
    """With what the address of the page says; whoever made a link fills fields, and sends nothing
    by it."""
    wanted = {name: getattr(typed, name) for name in ("to", "cc", "bcc", "subject")}
    return replace(fields, **{name: text for name, text in wanted.items() if text})


def _both(fields: Fields) -> Fields:
    """Its HTML and its text, each made of the other where it is missing: an editor that changes
    over shows what stood there, and a browser without script edits text."""
    if fields.is_plain:
        return replace(fields, html=fields.html or quoting.from_text(fields.text))
    # Cleaned first: of a form that was refused it is as it was sent, and tags that never end take
    # the reader of words the square of their number.
    html = cleaning.edited(fields.html)
    return replace(fields, html=html or quoting.EMPTY, text=fields.text or plain.worded(html))
