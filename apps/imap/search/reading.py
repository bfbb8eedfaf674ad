"""Reads the columns that messages are searched, sorted and threaded by, once for each message.

What is read stays on the shelf of the process (`apps.imap.selected.columns`), so that the next
search or sort reads only what has come since. Pages are read on database threads; between two of
them others are served.
"""

from __future__ import annotations

import datetime
import re
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from apps.imap.context import Context
from apps.imap.proto.addresses import CC, FROM, TO, Address, first_addresses
from apps.imap.proto.dates import local_day
from apps.imap.proto.objectid import email_id, thread_id
from apps.imap.proto.subject import base_subject
from apps.imap.search.progress import Progress
from apps.imap.selected.columns import Column, Columns, Values
from apps.imap.selected.view import View
from apps.mailstore import queries
from apps.mime.collation import collated
from apps.mime.headers import decode_text
from apps.runtime.db import in_db

PAGE: Final = 1_000
"""Messages in one read: some milliseconds."""

NO_TOPIC: Final = 0
NO_IDENTITY: Final = 0

_MESSAGE_ID: Final = re.compile(r"<([^<>]+)>")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"')
_UNESCAPE: Final = re.compile(r"\\(.)")
_BLANKS: Final = re.compile(r"\s+")


async def columns_of(
    context: Context, view: View, uids: array[int], wanted: Collection[Column]
) -> Columns:
    """Return these columns of messages of a mailbox, and perhaps of others behind them.

    Messages that are gone from the database have nothing: 0, or an empty text.

    Args:
        uids: the first ones of the mailbox as its mirror had it, rising.
    """
    shelf, mirror = context.mirrors.shelf, view.mirror
    kept = shelf.get(mirror)
    if kept.serve(uids, wanted):
        return kept
    whole = mirror.uids[:]
    if whole[: len(uids)] != uids:  # some of them have been expunged meanwhile
        whole = uids
    reading = _Reading(context, mirror.mailbox_id)
    kept = await in_db("read", kept.only, whole)
    new = [one for one in wanted if one not in kept.values]
    tail = whole[len(kept.uids) :] if kept.values else array("Q")
    reading.goal = len(tail) + (len(whole) if new else 0)
    if tail:
        kept = await in_db("read", kept.joined, tail, await reading.read(list(kept.values), tail))
    if new:
        more = await reading.read(new, whole)
        kept = kept.beside(more) if kept.values else Columns(whole, more)
    shelf.put(mirror, kept)
    return kept


@dataclass(slots=True)
class _Reading:
    """Reads pages and tells how far it is. goal: messages to be read, columns read in two goes
    counted twice."""

    context: Context
    mailbox_id: int
    goal: int = 0
    done: int = 0

    async def read(self, columns: Sequence[Column], uids: array[int]) -> dict[Column, Values]:
        """Return the columns of these messages."""
        progress = Progress(self.context)
        found = {one: _KINDS[one].none() for one in columns}
        for start in range(0, len(uids), PAGE):
            page = uids[start : start + PAGE].tolist()
            values = await in_db("read", read_columns, self.mailbox_id, page, columns)
            for one, some in values.items():
                found[one].extend(some)
            self.done += len(page)
            await progress.note(self.done, self.goal)
        return found


def read_columns(
    mailbox_id: int, uids: Sequence[int], columns: Sequence[Column]
) -> dict[Column, list[Any]]:
    """Return columns of some messages (rising). On a database thread."""
    names = tuple(dict.fromkeys([name for one in columns for name in _KINDS[one].needs]))
    rows = queries.fetch_page(mailbox_id, uids, names)
    raw: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * (len(names) + 1)
    place = {name: number for number, name in enumerate(names, 1)}
    found = {
        one: list(_KINDS[one].make(*(raw[place[name]] for name in _KINDS[one].needs)))
        for one in columns
    }
    if len(rows) < len(uids):
        there = dict(zip(raw[0], range(len(rows)), strict=True))
        for one, values in found.items():
            values.append(_KINDS[one].nothing)
            found[one] = [values[there.get(uid, -1)] for uid in uids]
    return found


# -- what is made of rows -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of column.

    needs: columns of the database. make: gets the values of each, returns those of the column.
    nothing: the value of a message that is gone: 0 for numbers.
    """

    needs: tuple[str, ...]
    make: Callable[..., Iterable[Any]]
    nothing: Any = 0

    def none(self) -> Values:
        """A column of no messages."""
        return array("q") if self.nothing == 0 else []


def _same(values: Iterable[Any]) -> Iterable[Any]:
    return values


def _sent(sent: Iterable[int | None], arrived: Iterable[int]) -> list[int]:
    return [other if one is None else one for one, other in zip(sent, arrived, strict=True)]


def _sent_days(sent: Sequence[Any], arrived: Iterable[int], offsets: Iterable[int]) -> list[int]:
    """The day of the Date field; a message without one is searched by its arrival."""
    known: dict[Any, int | None] = {one: _ordinal(one) for one in set(sent)}
    return [
        local_day(seconds, offset) if (day := known[one]) is None else day
        for one, seconds, offset in zip(sent, arrived, offsets, strict=True)
    ]


def _ordinal(day: Any) -> int | None:
    if isinstance(day, str):  # SQLite keeps days as text
        day = datetime.date.fromisoformat(day)
    return None if day is None else int(day.toordinal())


def _subjects(subjects: Iterable[str]) -> list[str]:
    return [collated(base_subject(one).text) for one in subjects]


def _addresses(field: int, text: Callable[[Address], str]) -> Callable[..., list[str]]:
    """RFC 5256 and RFC 5957 sort by the first address of the ENVELOPE."""
    fields = frozenset([field])

    def make(envelopes: Iterable[Any]) -> list[str]:
        return [text(first_addresses(bytes(one), fields)[field]) for one in envelopes]

    return make


def _mailbox(address: Address) -> str:
    return collated(decode_text(address.mailbox))


def _shown(address: Address) -> str:
    name = decode_text(address.name)
    if name:
        return collated(name)
    whole = address.mailbox + b"@" + address.host if address.host else address.mailbox
    return collated(decode_text(whole))


def _topics(subjects: Iterable[str]) -> list[int]:
    """Hashes of base subjects, keyed by the process: nobody can make two that are alike."""
    topics: list[int] = []
    for one in subjects:
        base, is_reply = base_subject(one)
        topic = hash(collated(base)) & ~1 or 2 if base else NO_TOPIC
        topics.append(topic | is_reply)
    return topics


def _identities(message_ids: Iterable[str]) -> list[int]:
    return [_first_id(one) for one in message_ids]


def _references(references: Iterable[str], in_reply_to: Iterable[str]) -> list[bytes]:
    """All of References, else the first of In-Reply-To (RFC 5256, REFERENCES)."""
    found: list[bytes] = []
    for all_of_them, other in zip(references, in_reply_to, strict=True):
        hashes = [_hashed(one) for one in _MESSAGE_ID.findall(all_of_them)]
        if not hashes and (first := _first_id(other)) != NO_IDENTITY:
            hashes = [first]
        found.append(array("q", hashes).tobytes() if hashes else b"")
    return found


def _first_id(text: str) -> int:
    found = _MESSAGE_ID.search(text)
    return _hashed(found[1]) if found is not None else NO_IDENTITY


def _hashed(message_id: str) -> int:
    """The number of a Message-ID, which may be quoted in several ways: case counts, quotes and
    blanks do not. Keyed by the process."""
    if '"' in message_id or "\\" in message_id:
        message_id = _QUOTED.sub(lambda found: _UNESCAPE.sub(r"\1", found[1]), message_id)
    return hash(_BLANKS.sub("", message_id)) or 1


_DAY: Final = ("internaldate", "internaldate_offset")
_KINDS: Final = {
    Column.MESSAGE: _Kind(("message_id",), _same),
    Column.ARRIVED: _Kind(("internaldate",), _same),
    Column.ARRIVED_DAY: _Kind(_DAY, lambda *values: map(local_day, *values)),
    Column.SENT: _Kind(("sent_seconds", "internaldate"), _sent),
    Column.SENT_DAY: _Kind(("sent_date", *_DAY), _sent_days),
    Column.SAVED_DAY: _Kind(("saved_at",), lambda values: [local_day(one, 0) for one in values]),
    Column.SIZE: _Kind(("size",), _same),
    Column.SUBJECT: _Kind(("subject",), _subjects, ""),
    Column.FROM: _Kind(("envelope",), _addresses(FROM, _mailbox), ""),
    Column.TO: _Kind(("envelope",), _addresses(TO, _mailbox), ""),
    Column.CC: _Kind(("envelope",), _addresses(CC, _mailbox), ""),
    Column.DISPLAYFROM: _Kind(("envelope",), _addresses(FROM, _shown), ""),
    Column.DISPLAYTO: _Kind(("envelope",), _addresses(TO, _shown), ""),
    Column.EMAIL: _Kind(("message_id", "head_id"), lambda *ids: map(email_id, *ids), b""),
    Column.THREAD: _Kind(
        ("thread_id",), lambda ids: [b"" if one is None else thread_id(one) for one in ids], b""
    ),
    Column.TOPIC: _Kind(("subject",), _topics),
    Column.IDENTITY: _Kind(("rfc822_message_id",), _identities),
    Column.REFERENCES: _Kind(("references", "in_reply_to"), _references, b""),
}
