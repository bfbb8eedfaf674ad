"""Makes a message ready for filing, outside any transaction: bytes stored, everything derived once.

Parsing, hashing, compressing and writing objects all happen here, so that the transaction that
files the message only inserts rows. What is derived comes from the bytes as shown (prefix +
received bytes minus cuts); no text that is kept can upset a database: it is cut to its column, and
what is not Unicode text (lone surrogates, U+0000) is replaced.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from apps.blobs import services as blobs
from apps.blobs.services import PreparedBlob
from apps.mailstore.services.threads import digests
from apps.mailstore.shown import assemble, check_cuts
from apps.mime.derive import Derived, derive
from apps.mime.surrogate import slices, surrogate_edits

# A header block up to this size is kept in the row, where the header searches and fetches find it.
# A longer one is an attack or an accident: it is read from the blob.
HEADER_KEPT: Final = 256 * 1024
_SUBJECT, _NAME, _ADDRESS, _ID, _PREVIEW = 1_000, 300, 320, 998, 300
_LIST: Final = 32_000  # characters of recipients and of references
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class PreparedMessage:
    """A message ready for filing, any number of times within one transaction.

    Args:
        blob: the blob whose row is still to be inserted; None if it has one already.
        size: bytes as shown, without delivery head.
        derived: its values in the order of `MESSAGE_COLUMNS`, from `header_size` on.
        growth: (growth, ascii_growth) of its `LineSize`; None if it needs none.
        known: `threads.digests` of the Message-IDs that it names.
    """

    blob: PreparedBlob | None
    blob_id: UUID
    trace_id: UUID
    prefix: bytes
    cuts: str
    size: int
    derived: tuple[Any, ...]
    growth: tuple[int, int] | None
    known: tuple[int, ...]


MESSAGE_COLUMNS: Final = (
    "id, blob_id, trace_id, prefix, cuts, size, header_size, header, envelope, bodystructure,"
    " parts, subject, sender_name, sender_address, recipients, sent_at, sent_date, message_id,"
    ' in_reply_to, "references", preview, has_attachments, created_at'
)
MESSAGE_TYPES: Final = (
    "bigint uuid uuid bytea text bigint bigint bytea bytea bytea bytea"
    " text text text text timestamptz date text text text text boolean bigint"
)


def prepare(
    raw: bytes,
    *,
    trace_id: UUID,
    prefix: bytes = b"",
    cuts: Sequence[tuple[int, int]] = (),
    blob: PreparedBlob | None = None,
    blob_id: UUID | None = None,
) -> PreparedMessage:
    """Make a message ready.

    Args:
        raw: the bytes as received.
        prefix: our own trace fields, shown before them.
        cuts: byte ranges of `raw` that readers do not see; rising, not overlapping.
        blob: `raw` prepared earlier, whose row the filing shall insert.
        blob_id: `raw` is in the database under this id. With neither, the blob is prepared here.

    Raises:
        StorageFull, StorageUnavailable: a large blob could not be written.
    """
    kept_cuts = check_cuts(cuts, len(raw))
    shown = assemble(prefix, raw, kept_cuts)
    derived = derive(shown)
    if blob is None and blob_id is None:
        blob = blobs.prepare(raw)
    identity = blob.id if blob is not None else blob_id
    assert identity is not None
    return PreparedMessage(
        blob=blob,
        blob_id=identity,
        trace_id=trace_id,
        prefix=prefix,
        cuts=json.dumps(kept_cuts) if kept_cuts else "[]",
        size=len(shown),
        derived=_columns(shown, derived),
        growth=_growth(shown, derived.parts),
        known=_known(derived),
    )


def read_off(shown: bytes) -> tuple[tuple[Any, ...], tuple[int, int] | None]:
    """What `prepare` keeps of a message that is shown so: its `derived` and `growth`."""
    derived = derive(shown)
    return _columns(shown, derived), _growth(shown, derived.parts)


def _growth(shown: bytes, parts: bytes) -> tuple[int, int] | None:
    """How much longer it gets when it is sent by lines, as UTF-8 and as ASCII."""
    growth = shown.count(b"\n") - shown.count(b"\r\n")
    if shown and not shown.endswith(b"\n"):
        growth += 2
    edits = () if shown.isascii() else surrogate_edits(slices(shown), len(shown), parts)
    if not growth and not edits:
        return None
    return growth, growth + sum(edit.growth for edit in edits)


def _known(d: Derived) -> tuple[int, ...]:
    """From the texts as they are kept: what is made of old rows later has to agree."""
    return digests(_text(d.message_id, _ID), _text(d.in_reply_to, _ID), _text(d.references, _LIST))


def _columns(shown: bytes, d: Derived) -> tuple[Any, ...]:
    header = shown[: d.header_size] if d.header_size <= HEADER_KEPT else b""
    return (
        d.header_size,
        header,
        d.envelope,
        d.bodystructure,
        d.parts,
        _text(d.subject, _SUBJECT),
        _text(d.sender_name, _NAME),
        _text(d.sender_address, _ADDRESS),
        _text(d.recipients, _LIST),
        _moment(d.sent_at),
        _day(d.sent_date),
        _text(d.message_id, _ID),
        _text(d.in_reply_to, _ID),
        _text(d.references, _LIST),
        _text(d.preview, _PREVIEW),
        d.has_attachments,
    )


def _text(value: str, limit: int) -> str:
    return _NOT_TEXT.sub("\ufffd", value[:limit]) if value else ""


def _moment(value: datetime | None) -> Any:
    """As the database keeps it: SQLite has text without a zone, in UTC."""
    if value is None or connection.vendor != "sqlite":
        return value
    return str(value.astimezone(UTC).replace(tzinfo=None))


def _day(value: date | None) -> Any:
    return value.isoformat() if value is not None and connection.vendor == "sqlite" else value
