"""The tail of a letter's message, made anew only when its files are others.

A save of the text reads it and writes nothing of it. What it was made of is kept with the row, as a
digest: which files in which order, how each stands in the letter, and the card of the writer.
"""

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import F, Sum
from django.utils.translation import gettext as _

from apps.blobs import services as blobs
from apps.blobs.services import PreparedBlob
from apps.mime.composing.tail import Piece, build, encoded_size
from apps.ui.room import ROOM, SMALL
from apps.webmail.models import Draft, DraftFile
from apps.webmail.services import draftfiles

_CARD: Final = "text/vcard"


@dataclass(frozen=True, slots=True)
class Tail:
    """What stands behind the text.

    Args:
        raw: b"" without files; then nothing else is filled.
        blob: `raw` prepared, whose row is still to be inserted; None if it has one already.
        blob_id: for `Draft.tail_id`.
        made_of: for `Draft.tail_made_of`.
    """

    raw: bytes = b""
    blob: PreparedBlob | None = None
    blob_id: UUID | None = None
    made_of: str = ""


def tail(draft: Draft, *, cids: Collection[str], card: bytes = b"", is_plain: bool = False) -> Tail:
    """The tail of a letter as its files are now; outside any transaction, within `room`. Two
    queries, and one for each piece of a file if it has to be made.

    Args:
        cids: the Content-IDs that its HTML names. A picture that it does not name was taken out of
            the text: it is left out, and stays for an editor that takes that back.
        card: a vCard to attach if the letter has none yet, b"" for none.
        is_plain: it has no HTML: its pictures are attached.

    Raises:
        Damaged: bytes of a file cannot be had.
        StorageFull, StorageUnavailable
    """
    chosen = [
        (file, "" if is_plain else file.cid)
        for file in _complete(draft)
        if is_plain or not file.cid or file.cid in cids
    ]
    if any(file.media_type == _CARD for file, _cid in chosen):
        card = b""
    if not chosen and not card:
        return Tail()
    made_of = _digest(draft, chosen, card)
    if draft.tail_id is not None and draft.tail_made_of == made_of:
        return Tail(blobs.read(draft.tail_id), None, draft.tail_id, made_of)
    raw = build([*_pieces(chosen), *_card(card)], made_of)
    blob = blobs.prepare(raw)
    return Tail(raw, blob, blob.id, made_of)


@contextmanager
def room(draft: Draft) -> Iterator[None]:
    """Memory for a letter with its files, for as long as its message is made and kept; one query.

    Raises:
        Overloaded: too many large messages are under way.
    """
    size = DraftFile.objects.filter(draft_id=draft.id).aggregate(all=Sum("size"))["all"] or 0
    if size > SMALL and not connection.in_atomic_block:
        connection.close()  # who waits for room holds none
    # As a tail, as it is stored, and with its text in front.
    with ROOM.taken(draft.user_id, 3 * encoded_size(size)):
        yield


def _complete(draft: Draft) -> list[DraftFile]:
    """In the order in which they were begun; ids rise with time."""
    return list(DraftFile.objects.filter(draft_id=draft.id, received=F("size")).order_by("id"))


def _digest(draft: Draft, chosen: list[tuple[DraftFile, str]], card: bytes) -> str:
    """The ids of files have 80 bits that nobody knows before: so has what comes of them."""
    said = [f"{draft.id.hex}", hashlib.sha256(card).hexdigest() if card else ""]
    said += [f"{file.id.hex} {cid} {file.media_type} {file.name}" for file, cid in chosen]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _pieces(chosen: list[tuple[DraftFile, str]]) -> Iterator[Piece]:
    for file, cid in chosen:
        yield Piece(file.name, file.media_type, _Whole(file), cid)


def _card(card: bytes) -> Iterator[Piece]:
    if card:
        yield Piece(_("contact") + ".vcf", _CARD, lambda: card)


class _Whole:
    """Reads a file when it is wanted, not before."""

    def __init__(self, file: DraftFile) -> None:
        self._file = file

    def __call__(self) -> bytes:
        return b"".join(draftfiles.pieces(self._file))
