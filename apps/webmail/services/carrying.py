"""Takes files of another message along into a letter: what is forwarded, the pictures of what is
quoted, a whole message, all that a draft of another program has.

Each part of the message comes once, whoever asks how often. The bytes are copied: the message may
be deleted before the letter is sent.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.blobs import services as blobs
from apps.mime import decode
from apps.mime.composing import filename
from apps.mime.reading import read
from apps.mime.tree import Part, scan_tree
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.ui.room import ROOM
from apps.webmail import imagehead
from apps.webmail.models import Draft, DraftChunk, DraftFile
from apps.webmail.services import draftfiles

WHOLE: Final = -1
"""The number of a message that is carried as one file (`DraftFile.carried`)."""
MESSAGE: Final = "message/rfc822"


@dataclass(frozen=True, slots=True)
class _Found:
    """A part that is to be carried."""

    number: int
    name: str
    media_type: str
    octets: bytes
    is_inline: bool = False


def all_parts(raw: bytes) -> list[int]:
    """The numbers of all files of a message and of the pictures within its text."""
    reading = read(raw)
    return sorted({file.number for file in reading.files} | set(reading.inline.values()))


def carry(*, draft: Draft, raw: bytes, numbers: Collection[int]) -> None:
    """Take along those parts of a message that are files; other numbers are passed over.

    Args:
        draft: a letter of whoever may read that message.
        raw: the message as it is shown.

    Raises:
        MessageTooLarge, QuotaExceeded, LimitReached: then nothing is carried.
        Overloaded, StorageFull, StorageUnavailable
    """
    wanted = set(numbers) - _known(draft)
    if wanted:
        with ROOM.taken(draft.user_id, 2 * len(raw)):
            _keep(draft, list(_parts(raw, wanted)))


def carry_message(*, draft: Draft, raw: bytes, name: str) -> None:
    """Take along a whole message as one file.

    Args:
        name: of the file without its ending: the message's subject. A slash in it divides words.

    Raises: as `carry`.
    """
    if WHOLE in _known(draft):
        return
    _keep(draft, [_Found(WHOLE, whole_name(name), MESSAGE, raw)])


def whole_name(subject: str) -> str:
    """The name of the file that a message of this subject is carried as."""
    called = filename.normal(subject.replace("/", "-").replace("\\", "-")[:190], otherwise="")
    return f"{called or _('message')}.eml"


def _known(draft: Draft) -> set[int]:
    carried = draft.files.values_list("carried", flat=True)
    return {number for number in carried if number is not None}


def _parts(raw: bytes, wanted: set[int]) -> Iterator[_Found]:
    """A picture that the text shows stands within it, whatever its own fields say: many programs
    call such a one an attachment."""
    reading = read(raw)
    parts = scan_tree(raw).walk()
    names = {file.number: file.name for file in reading.files}
    shown = {number for cid, number in reading.inline.items() if cid and cid in reading.html}
    for number in sorted(names.keys() | reading.inline.values()):
        if number in wanted:
            octets = decode.body(_encoded(raw, parts[number]), parts[number].encoding)
            named = names.get(number) or parts[number].filename
            yield _found(number, parts[number], named, octets, is_shown=number in shown)


def _encoded(raw: bytes, part: Part) -> bytes:
    return raw[part.body_start : part.body_end]


def _found(number: int, part: Part, name: str, octets: bytes, *, is_shown: bool) -> _Found:
    if part.is_message:
        return _Found(number, filename.normal(name), MESSAGE, octets)
    kind = filename.normal_type(part.mime_type)
    picture = imagehead.look(octets) if is_shown else None
    if picture is None:
        return _Found(number, filename.normal(name), kind, octets)
    named = filename.normal(name, otherwise=f"picture.{picture.mime_type.partition('/')[2]}")
    return _Found(number, named, picture.mime_type, octets, is_inline=picture.is_bearable)


def _keep(draft: Draft, found: list[_Found]) -> None:
    """In one transaction, by constant statements; parts that another carried meanwhile stay as
    they are."""
    if not found:
        return
    draftfiles.require(draft, [len(one.octets) for one in found])
    prepared = [blobs.prepare(one.octets) for one in found]
    # Files stand in the order of their ids, and those of one moment are in none.
    identities = sorted(new_ulid() for _one in found)
    files = [_file(draft, one, new) for one, new in zip(found, identities, strict=True)]
    with transaction.atomic():
        DraftFile.objects.bulk_create(files, ignore_conflicts=True)
        ids = [file.id for file in files]
        here = set(DraftFile.objects.filter(id__in=ids).values_list("id", flat=True))
        kept = [
            (file, blob)
            for file, blob in zip(files, prepared, strict=True)
            if file.id in here and file.size
        ]
        blobs.insert([blob for _file, blob in kept])
        DraftChunk.objects.bulk_create(
            DraftChunk(file_id=file.id, offset=0, blob_id=blob.id) for file, blob in kept
        )
    # Objects of parts that another was quicker with, and of a transaction that has failed, have no
    # row: they are collected.


def _file(draft: Draft, one: _Found, identity: UUID) -> DraftFile:
    return DraftFile(
        id=identity,
        draft=draft,
        name=one.name,
        media_type=one.media_type,
        size=len(one.octets),
        received=len(one.octets),
        cid=draftfiles.content_id(identity) if one.is_inline else "",
        carried=one.number,
        created_at=now(),
    )
