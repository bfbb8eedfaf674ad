"""Messages as they are shown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from apps.api.messages.forms import (
    FLAGS,
    DeletedMessageShown,
    MarkedShown,
    MessageRowShown,
    MessageShown,
)
from apps.api.moments import of_seconds
from apps.mailstore.queries import ListRow
from apps.mailstore.recoverable import Message
from apps.mailstore.services.flags import Flagged
from apps.mime.headers import HeaderBlock, decode_text, scan
from apps.mime.reading import Person, plain_text, read

TAG: Final = "Messages"
HEADERS: Final = 300  # fields of one message that are shown
ROW: Final[dict[str, Any]] = {
    "mailbox": 41,
    "uid": 132,
    "subject": "Quarterly figures",
    "sender": {"name": "Carol Clark", "address": "carol@example.com"},
    "recipients": "Ann Archer",
    "preview": "The figures are attached.",
    "received_at": "2026-11-28T10:00:00Z",
    "size": 48_211,
    "has_attachments": True,
    "is_seen": False,
    "is_answered": False,
    "is_flagged": False,
    "is_draft": False,
    "is_deleted": False,
    "keywords": [],
    "modseq": 512,
}
EXAMPLE: Final = {
    **ROW,
    "to": [{"name": "Ann Archer", "address": "ann@example.org"}],
    "cc": [],
    "bcc": [],
    "reply_to": [],
    "sent_at": "2026-11-28T09:59:58Z",
    "message_id": "<q3@example.com>",
    "text": "The figures are attached.\n",
    "html": "",
    "attachments": [
        {"part": 2, "name": "figures.pdf", "media_type": "application/pdf", "size": 35_000}
    ],
    "headers": [{"name": "subject", "value": "Quarterly figures"}],
}
_NOT_TEXT: Final = str.maketrans(dict.fromkeys(range(55296, 57344), "�"))


def flags(bits: int) -> dict[str, bool]:
    """Each flag by its name."""
    return {name: bool(bits & bit) for name, bit in FLAGS.items()}


def words(bits: int, names: Sequence[str]) -> list[str]:
    """Keywords of these bits."""
    return [name for bit, name in enumerate(names) if name and bits >> bit & 1]


def row(mailbox_id: int, one: ListRow, keywords: Iterable[str]) -> dict[str, Any]:
    """A message in a list."""
    return dict(MessageRowShown(_row(mailbox_id, one, keywords)).data)


def _row(mailbox_id: int, one: ListRow, keywords: Iterable[str]) -> dict[str, Any]:
    return {
        "mailbox": mailbox_id,
        "uid": one.uid,
        "subject": one.subject,
        "sender": {"name": one.sender_name, "address": one.sender_address},
        "recipients": one.recipients,
        "preview": one.preview,
        "received_at": of_seconds(one.internaldate),
        "size": one.size,
        "has_attachments": one.has_attachments,
        **flags(one.flags),
        "keywords": list(keywords),
        "modseq": one.modseq,
    }


def message(mailbox_id: int, one: ListRow, keywords: Iterable[str], raw: bytes) -> dict[str, Any]:
    """A whole one."""
    reading, block = read(raw), scan(raw)
    values: Mapping[str, Any] = {
        **_row(mailbox_id, one, keywords),
        "to": _people(reading.to),
        "cc": _people(reading.cc),
        "bcc": _people(reading.bcc),
        "reply_to": _people(reading.reply_to),
        "sent_at": reading.sent_at,
        "message_id": block.text(b"message-id"),
        "text": "".join(part.text for part in reading.texts) or plain_text(raw),
        "html": reading.html,
        "attachments": [
            {
                "part": one.number,
                "name": one.name,
                "media_type": one.mime_type,
                "size": one.size,
            }
            for one in reading.files
        ],
        "headers": list(_headers(block)),
    }
    return {name: _sound(value) for name, value in MessageShown(values).data.items()}


def _people(people: Iterable[Person]) -> list[dict[str, str]]:
    return [{"name": one.name, "address": one.address} for one in people]


def _headers(block: HeaderBlock) -> Iterable[dict[str, str]]:
    for field in block.fields[:HEADERS]:
        yield {"name": field.name.decode("ascii"), "value": decode_text(block.value(field))}


def _sound(value: Any) -> Any:
    """The same without halves of characters, which no JSON in UTF-8 can carry."""
    if isinstance(value, str):
        return value.translate(_NOT_TEXT) if not value.isascii() else value
    if isinstance(value, dict):
        return {name: _sound(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_sound(inner) for inner in value]
    return value


def marked(one: Flagged, names: Sequence[str]) -> dict[str, Any]:
    """How a message is marked."""
    values = {
        "uid": one.uid,
        "modseq": one.modseq,
        **flags(one.flags),
        "keywords": words(one.keywords, names),
    }
    return dict(MarkedShown(values).data)


def deleted(one: Message) -> dict[str, Any]:
    """A deleted message."""
    values = {
        "mailbox": one.mailbox_id,
        "uid": one.uid,
        "subject": one.subject,
        "sender": {"name": one.sender_name, "address": one.sender_address},
        "recipients": one.recipients,
        "received_at": of_seconds(one.internaldate),
        "deleted_at": of_seconds(one.at),
        "size": one.size,
    }
    return dict(DeletedMessageShown(values).data)
