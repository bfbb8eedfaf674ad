"""The texts of messages as they are read from the store: for whoever fills an index, for what no
index has seen yet, and for whoever checks one.

Bounded: messages are read some at a time, and of each only what is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from itertools import islice
from typing import Final, NamedTuple

from apps.mailstore import queries
from apps.mailstore.queries import Shown
from apps.mime import searchtext
from apps.mime.headers import HeaderBlock, scan
from apps.mime.searchtext import SearchText
from apps.mime.sections import load_parts
from apps.mime.tree import Part
from apps.runtime.rows import among, fetch, listed
from apps.search import damage
from apps.search.backends.contract import Pair
from apps.search.base import Field, Term
from apps.wire.errors import Damaged, StorageUnavailable

CHUNK: Final = 32  # messages in one query: their rows may hold 32 KB each
WHOLE: Final = 1024 * 1024  # octets up to which a message is read at once, not part by part

_ADDRESSED: Final = {
    Field.SENDER: b"from",
    Field.TO: b"to",
    Field.CC: b"cc",
    Field.BCC: b"bcc",
    Field.SUBJECT: b"subject",
}
_TRACES: Final = (
    "SELECT b.user_id, t.message_id, t.head_id FROM {table} AS t"
    " JOIN mailstore_mailbox AS b ON b.id = t.mailbox_id WHERE {messages} AND {owners}"
)


class Place(NamedTuple):
    """A message as one mailbox shows it."""

    message_id: int
    head_id: int | None


class Unread(Enum):
    """Why a pair has no text."""

    GONE = "gone"  # the owner has no trace of the message
    APART = "apart"  # it has several heads, or cannot be read: no index can keep it
    AWAY = "away"  # the store does not answer just now


class _Letter:
    """What a message says under any head; each made once."""

    __slots__ = ("_body", "_filename", "_root", "_whole", "parts", "shown")

    def __init__(self, parts: bytes, shown: Shown) -> None:
        self.parts = parts
        self.shown = shown
        self._root: Part | None = None
        self._whole: bytes | None = None
        self._body: str | None = None
        self._filename: str | None = None

    def root(self) -> Part:
        if self._root is None:
            self._root = load_parts(self.parts)
        return self._root

    def body(self) -> str:
        if self._body is None:
            self._body = searchtext.body_text(self.root(), self._read)
            self._whole = None
        return self._body

    def filename(self) -> str:
        if self._filename is None:
            self._filename = searchtext.filename_text(self.root())
        return self._filename

    def _read(self, start: int, end: int) -> bytes:
        if self.shown.size > WHOLE:
            return self.shown.part(start, end)
        if self._whole is None:
            self._whole = self.shown.whole()
        return self._whole[start:end]


class Sight:
    """A message as one reader sees it, column by column."""

    __slots__ = ("_block", "_head", "_letter")

    def __init__(self, letter: _Letter, head: bytes) -> None:
        self._letter = letter
        self._head = head
        self._block: HeaderBlock | None = None

    @property
    def size(self) -> int:
        """Octets of all of it."""
        return len(self._head) + self._letter.shown.size

    def block(self) -> HeaderBlock:
        """Its header. Raises Damaged."""
        if self._block is None:
            self._block = scan(self._head + self._letter.shown.header())
        return self._block

    def column(self, field: Field) -> str:
        """A column of its `SearchText`. Raises Damaged, StorageUnavailable."""
        name = _ADDRESSED.get(field)
        if name is not None:
            return searchtext.field_text(self.block(), name)
        if field is Field.HEADER:
            return searchtext.header_text(self.block())
        return self._letter.body() if field is Field.BODY else self._letter.filename()

    def text(self) -> SearchText:
        """All of it. Raises Damaged, StorageUnavailable."""
        return SearchText(**{field.value: self.column(field) for field in Field})


def sights(places: Iterable[Place]) -> Iterator[tuple[Place, Sight | None]]:
    """Read messages in the order of their ids; two queries for 32. Those that are gone are left
    out; None where the row of the blob is missing."""
    rest = iter(sorted(set(places), key=lambda place: (place.message_id, place.head_id or 0)))
    while chunk := list(islice(rest, CHUNK)):
        heads = queries.heads(sorted({head for _, head in chunk if head is not None}))
        letters = {
            message_id: None if shown is None else _Letter(parts, shown)
            for message_id, parts, shown in queries.without_heads(
                sorted({place.message_id for place in chunk})
            )
        }
        for place in chunk:
            if place.message_id in letters:
                letter = letters[place.message_id]
                head = b"" if place.head_id is None else heads.get(place.head_id, b"")
                yield place, None if letter is None else Sight(letter, head)


def scanned(places: Iterable[Place], terms: Sequence[Term]) -> tuple[set[Place], ...]:
    """Read messages and return, for each term, those that have it, as far as they can be read.

    Raises:
        StorageUnavailable: the store does not answer.
    """
    hits: tuple[set[Place], ...] = tuple([set() for _ in terms])
    for place, sight in sights(places):
        for term, found in zip(terms, hits, strict=True):
            if judged(place.message_id, sight, term):
                found.add(place)
    return hits


def judged(message_id: int, sight: Sight | None, term: Term) -> bool | None:
    """Whether a message has a term; None if what cannot be read of it would decide, of which the
    log is told.

    Raises:
        StorageUnavailable: the store does not answer.
    """
    verdicts = [_stands(message_id, sight, one) for one in term.all()]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _stands(message_id: int, sight: Sight | None, term: Term) -> bool | None:
    if sight is None:
        damage.tell(message_id, Damaged("the row of its blob is missing"))
        return None
    answer: bool | None = False
    for field in term.fields:
        try:
            if term.text in sight.column(field):
                return True
        except Damaged as error:
            damage.tell(message_id, error)
            answer = None
    return answer


def readings(pairs: Sequence[Pair]) -> Iterator[tuple[Pair, SearchText | Unread, int]]:
    """Read what an index is to know of pairs; each of them once, in some order, with the octets
    that were looked at."""
    heads = heads_of(pairs)
    places: dict[Place, list[Pair]] = {}
    for pair in sorted(set(pairs), key=lambda pair: pair.message_id):
        found = heads.get(pair, ())
        if len(found) == 1:
            (head,) = found
            places.setdefault(Place(pair.message_id, head), []).append(pair)
        else:
            yield pair, Unread.APART if found else Unread.GONE, 0
    missing = set(places)
    for place, sight in sights(places):
        missing.discard(place)
        text = Unread.APART if sight is None else _text(sight)
        for pair in places[place]:
            yield pair, text, sight.size if sight and text is not Unread.AWAY else 0
    for place in missing:  # entries whose message's row is lost: fsck tells of them
        for pair in places[place]:
            yield pair, Unread.APART, 0


def texts_of(owner_id: int, message_ids: Sequence[int]) -> dict[int, SearchText | None]:
    """The texts of messages that an owner has, by id; None for one that cannot be read.

    Under several heads a message has the header of each.

    Raises:
        StorageUnavailable: the store does not answer.
    """
    heads = heads_of([Pair(owner_id, message_id) for message_id in message_ids])
    places = [Place(pair.message_id, head) for pair, found in heads.items() for head in found]
    texts = dict[int, SearchText | None].fromkeys([place.message_id for place in places])
    for place, sight in sights(places):
        if sight is None:
            continue
        with suppress(Damaged):
            before, text = texts[place.message_id], sight.text()
            if before is not None:
                text = replace(text, header=before.header + text.header)
            texts[place.message_id] = text
    return texts


def _text(sight: Sight) -> SearchText | Unread:
    try:
        return sight.text()
    except Damaged:
        return Unread.APART
    except StorageUnavailable:
        return Unread.AWAY


def heads_of(pairs: Sequence[Pair]) -> dict[Pair, set[int | None]]:
    """The delivery heads under which owners have messages, in their mailboxes or expunged from
    them; a pair without any trace is left out. Two queries."""
    wanted, found = frozenset(pairs), dict[Pair, set[int | None]]()
    messages = listed(sorted({pair.message_id for pair in pairs}))
    owners = listed(sorted({pair.owner_id for pair in pairs}))
    for table in ("mailstore_entry", "mailstore_expunged"):
        sql = _TRACES.format(table=table, messages=among("t.message_id"), owners=among("b.user_id"))
        for owner_id, message_id, head_id in fetch(sql, [messages, owners]):
            pair = Pair(owner_id, message_id)
            if pair in wanted:
                found.setdefault(pair, set()).add(head_id)
    return found
