"""What the files in messages are called, as their senders say: for lists, which read no message."""

from collections.abc import Collection
from typing import Final

from apps.mime.headers import clean
from apps.mime.sections import load_parts
from apps.runtime.rows import among, fetch, listed
from apps.wire.errors import Damaged

NAMES_MAX: Final = 20
"""Names of one message."""
_PARTS_MAX: Final = 64 * 1024  # octets of a tree that is read for its names
_LENGTH_MAX: Final = 200  # characters of a name

_PARTS: Final = (
    "SELECT m.id, m.parts FROM mailstore_message AS m"
    " WHERE m.has_attachments AND length(m.parts) <= %s AND "
)


def file_names(message_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The names of the attachments of messages, by id; those without any are left out. One query.

    A path in a name is left out: only its last component is shown.
    """
    if not message_ids:
        return {}
    rows = fetch(_PARTS + among("m.id"), [_PARTS_MAX, listed(sorted(set(message_ids)))])
    found = {number: _names(bytes(parts)) for number, parts in rows}
    return {number: names for number, names in found.items() if names}


def _names(parts: bytes) -> tuple[str, ...]:
    try:
        walked = load_parts(parts).walk()
    except Damaged:
        return ()
    names = (_last(part.filename) for part in walked if part.is_attachment)
    return tuple(filter(None, names))[:NAMES_MAX]


def _last(name: str) -> str:
    return clean(name).replace("\\", "/").rpartition("/")[2].strip(" .")[:_LENGTH_MAX]
