"""The files of letters that are being written: begun, received in pieces, removed.

A file comes in pieces, each kept before it is acknowledged, in order and without a gap: whoever
was cut off asks how much is here and goes on there. What a file is called, how much it may be and
whose letter it belongs to is decided when it is begun.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.blobs import services as blobs
from apps.mailstore import queries
from apps.mime.composing import filename
from apps.mime.composing.tail import MOST_OVERHEAD, encoded_size
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.webmail import imagehead
from apps.webmail.models import Draft, DraftChunk, DraftFile, DraftState
from apps.webmail.services import draftrows
from apps.wire.errors import LimitReached, MessageTooLarge, NotFound, QuotaExceeded, Refused

PIECE: Final = 1024 * 1024
"""Octets of one piece."""
MOST: Final = 100
"""Files of one letter."""
PILE: Final = 10
"""Messages of the largest size that the files of all letters of a person may add up to: they are
in no quota before they are in a message."""
_TEXT: Final = 64 * 1024  # octets that are left for the text of the letter
_HEAD: Final = 256 * 1024  # octets of a picture in which its size is told


class Received(NamedTuple):
    """How much of a file is here. `is_placed` is false for a piece that does not follow on what
    is: then nothing has changed."""

    received: int
    is_done: bool
    is_placed: bool


class Upload(Protocol):
    """A file of a form, as Django hands it in."""

    @property
    def name(self) -> str | None:
        """As its sender says."""

    @property
    def size(self) -> int | None:
        """Octets."""

    @property
    def content_type(self) -> str | None:
        """As its sender says."""

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Its bytes in pieces."""


def begin(
    *,
    user_id: int,
    draft_id: UUID,
    name: str,
    size: int,
    media_type: str,
    is_inline: bool = False,
) -> DraftFile:
    """Begin a file of a letter, which is made if there is none of this id.

    Args:
        size: octets that are to come.
        is_inline: a picture that stands within the text; it gets a Content-ID.

    Raises:
        NotFound, Gone: of the letter, as `draftrows.ensure`.
        MessageTooLarge: the letter would be larger than a message may be.
        QuotaExceeded: there is no room for it in the person's mailbox.
        LimitReached: too many files.
        Refused: it is no picture.
    """
    kind = filename.normal_type(media_type)
    if is_inline and not kind.startswith("image/"):
        raise Refused(text=_("Only pictures can stand within the text: attach it instead"))
    if size < 0:
        raise Refused(f"size {size}", text=_("This is no size of a file"))
    draft = draftrows.ensure(user_id=user_id, draft_id=draft_id)
    require(draft, [size])
    identity = new_ulid()
    return DraftFile.objects.create(
        id=identity,
        draft=draft,
        name=filename.normal(name, otherwise=_("file")),
        media_type=kind,
        size=size,
        cid=content_id(identity) if is_inline else "",
        created_at=now(),
    )


def content_id(file_id: UUID) -> str:
    """The Content-ID of a picture, without brackets: nobody's address, and ours alone (RFC 2392
    section 2 wants it to be unique in the world)."""
    return f"{file_id.hex}@inline.invalid"


def require(draft: Draft, sizes: Sequence[int]) -> None:
    """Ask whether a letter may have more files of these sizes, as many octets each; three queries.

    Raises: MessageTooLarge, QuotaExceeded, LimitReached.
    """
    here = list(draft.files.values_list("size", flat=True))
    if len(here) + len(sizes) > MOST:
        raise LimitReached(
            text=ngettext(
                "A message can have %(count)s file", "A message can have %(count)s files", MOST
            )
            % {"count": MOST}
        )
    most = settings.MESSAGE_SIZE_LIMIT
    more = sum(encoded_size(size) + MOST_OVERHEAD for size in sizes)
    whole = more + _TEXT + sum(encoded_size(size) + MOST_OVERHEAD for size in here)
    if whole > most:
        # What people know is the size of the file, which mail makes larger by a third.
        said = {"most": filesizeformat(max(most - _TEXT, 0) * 3 // 4)}
        raise MessageTooLarge(text=_("All files of a message can have %(most)s together") % said)
    usage = queries.usage(draft.user_id)
    if usage.quota and usage.size + usage.reserved + more > usage.quota:
        raise QuotaExceeded(text=_("Your mailbox is full: there is no room for this file"))
    of_all = DraftFile.objects.filter(draft__user_id=draft.user_id)
    piled = of_all.exclude(draft__state=DraftState.SENT).aggregate(all=Sum("size"))["all"] or 0
    if piled + sum(sizes) > PILE * most:
        raise LimitReached(
            text=_("The files of your drafts take too much room: send or discard some")
        )


def find(*, user_id: int, draft_id: UUID, file_id: UUID) -> DraftFile:
    """A file of a letter that is being written; one query. Raises NotFound, and Gone if the letter
    was sent or discarded."""
    file = (
        DraftFile.objects.select_related("draft")
        .filter(id=file_id, draft_id=draft_id, draft__user_id=user_id)
        .first()
    )
    if file is None:
        raise NotFound(text=_("There is no such file"))
    draftrows.require_open(file.draft)
    return file


def receive(*, file: DraftFile, at: int, octets: bytes) -> Received:
    """Keep a piece that follows on what is here; of two that come at once one does.

    Args:
        at: how many octets come before it.

    Raises:
        Refused: it is empty, or more than was announced, or no picture that can be shown.
        NotFound: the file was removed meanwhile.
    """
    if at != file.received:
        return Received(file.received, file.received == file.size, is_placed=False)
    if not octets:
        raise Refused(text=_("Nothing came"))
    if at + len(octets) > file.size:
        raise Refused(f"{at} + {len(octets)} of {file.size}", text=_("More came than announced"))
    blob = blobs.prepare(octets)
    with transaction.atomic():
        same = DraftFile.objects.filter(id=file.id, received=at)
        is_placed = bool(same.update(received=F("received") + len(octets)))
        if is_placed:
            blobs.insert([blob])
            DraftChunk.objects.create(file_id=file.id, offset=at, blob_id=blob.id)
    if is_placed:
        return _placed(file)
    # Only now, that it is certain that no row names it: a transaction that has failed may have been
    # committed all the same. What such a one leaves is collected.
    blobs.discard(blob)
    return _not_placed(file)


def _not_placed(file: DraftFile) -> Received:
    here = DraftFile.objects.filter(id=file.id).values_list("received", flat=True).first()
    if here is None:
        raise NotFound(text=_("There is no such file"))
    return Received(here, here == file.size, is_placed=False)


def _placed(file: DraftFile) -> Received:
    file.refresh_from_db(fields=["received"])
    is_done = file.received == file.size
    if is_done and file.cid:
        _look(file)
    return Received(file.received, is_done, is_placed=True)


def _look(file: DraftFile) -> None:
    """A picture is what its octets are; one that nobody could see does not stay."""
    picture = imagehead.look(head(file))
    if picture is None or not picture.is_bearable:
        file.delete()
        raise Refused(text=_("This is no picture that can be shown: attach it instead"))
    DraftFile.objects.filter(id=file.id).update(media_type=picture.mime_type)


def head(file: DraftFile) -> bytes:
    """The first octets of a file."""
    found = b""
    for piece in pieces(file):
        found += piece[:_HEAD]
        if len(found) >= _HEAD:
            break
    return found


def pieces(file: DraftFile) -> Iterator[bytes]:
    """What is here of a file, one piece in memory at a time; a query for each. Raises Damaged."""
    for blob_id in list(file.chunks.order_by("offset").values_list("blob_id", flat=True)):
        yield blobs.read(blob_id)


def attach(*, user_id: int, draft_id: UUID, uploads: Sequence[Upload]) -> None:
    """Attach files that came with a form, all or none.

    Raises: as `begin`.
    """
    if not uploads:
        return
    draft = draftrows.ensure(user_id=user_id, draft_id=draft_id)
    require(draft, [one.size or 0 for one in uploads])
    for one in uploads:
        file = begin(
            user_id=user_id,
            draft_id=draft_id,
            name=one.name or "",
            size=one.size or 0,
            media_type=one.content_type or "",
        )
        for octets in one.chunks(PIECE):
            if octets:
                receive(file=file, at=file.received, octets=octets)


def remove(*, user_id: int, draft_id: UUID, file_id: UUID) -> bool:
    """Remove a file from a letter; false if it is not there (any more).

    Raises: Gone.
    """
    try:
        find(user_id=user_id, draft_id=draft_id, file_id=file_id).delete()
    except NotFound:
        return False
    return True
