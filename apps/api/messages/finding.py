"""One message of a mailbox, found and read."""

from collections.abc import Iterator
from contextlib import contextmanager

from apps.api.matching import tag_of
from apps.api.messages.forms import LARGEST_UID
from apps.mailstore import queries
from apps.mailstore.queries import ListRow
from apps.mailstore.reach import Place
from apps.ui.room import ROOM, Hold
from apps.wire.errors import Damaged, NotFound


def find(place: Place, uid: int) -> ListRow:
    """A message as a list has it; one statement. Raises NotFound."""
    found = queries.list_row(place.id, uid) if uid <= LARGEST_UID else None
    if found is None:
        raise NotFound(f"{uid} in mailbox {place.id}", text="There is no such message")
    return found


def keywords_of(place: Place, row: ListRow) -> tuple[str, ...]:
    """Names of keywords by bit; a statement where the message has any."""
    return queries.keyword_names(place.id) if row.keywords else ()


def tag(place: Place, row: ListRow) -> str:
    """Its ETag: a message itself never changes, and how it is marked raises its modseq."""
    return tag_of({"mailbox": place.id, "uid": row.uid, "modseq": row.modseq})


@contextmanager
def octets(user_id: int, row: ListRow) -> Iterator[tuple[bytes, Hold]]:
    """All of it, with the memory that it takes (`ui.room`).

    Raises:
        Overloaded: there was no memory in time.
        NotFound: it is damaged.
        StorageUnavailable
    """
    # As it came, and taken apart.
    with ROOM.taken(user_id, 2 * row.size) as hold:
        try:
            raw = queries.shown_bytes(row.message_id, row.head_id)
        except Damaged as error:  # it is there no more, as far as anybody can read
            raise NotFound(error.detail, text=error.reply.text) from None
        yield raw, hold
