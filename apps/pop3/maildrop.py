"""An INBOX as one POP3 session sees it: fixed numbers, and marks that count only at QUIT.

The functions that read and write are synchronous and run on database threads.
"""

from __future__ import annotations

import logging
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from apps.mailstore import bylines
from apps.mailstore.models import FLAG_SEEN
from apps.mailstore.origin import Origin
from apps.mailstore.queries import Shown, fetch_page, shown_page
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.filing import CHUNK as UIDS_AT_ONCE
from apps.mailstore.services.flags import FlagChange, store
from apps.pop3.proto.lines import DotStuffer, top_size
from apps.pop3.surrogate import surrogate
from apps.wire.errors import MailError, NotFound

logger = logging.getLogger(__name__)

LISTED: Final = 2_000
"""Messages listed at once: a listing of any length costs this much memory."""
CHUNK: Final = 256 * 1024
"""Octets of a message read and sent at once."""
AHEAD: Final = 32
"""Messages read ahead at most, and below the octets that they may have together."""
AHEAD_OCTETS: Final = 128 * 1024
AHEAD_SECONDS: Final = 0.5
"""How old what was read ahead may be: a message that was expunged elsewhere is soon seen to be."""


class Form(Protocol):
    """A message as it is sent, before its lines are made CRLF. Raises Damaged."""

    @property
    def header_size(self) -> int: ...

    @property
    def size(self) -> int: ...

    def part(self, start: int, end: int) -> bytes: ...


@dataclass(slots=True)
class Maildrop:
    """UIDs and sizes side by side; message 1 is the first. `deleted` and `read` are numbers.

    sizes: octets that RETR sends, line ends as CRLF, stuffed dots not counted.
    utf8: messages are sent as they are; else those with UTF-8 in their header as surrogates.
    changed: UIDs of those that may need one.
    """

    mailbox_id: int
    uids: array[int]
    sizes: array[int]
    traces: bytes
    utf8: bool
    changed: frozenset[int]
    deleted: set[int] = field(default_factory=set)
    read: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.uids)

    def uid(self, number: int) -> int | None:
        """Return the UID of a message, None if there is none or it is marked."""
        if not 0 < number <= len(self.uids) or number in self.deleted:
            return None
        return self.uids[number - 1]

    def unmarked(self) -> Iterator[Sequence[int]]:
        """The numbers of the messages that are not marked, rising, so many at once at most."""
        deleted = self.deleted
        for first in range(1, len(self.uids) + 1, LISTED):
            numbers = range(first, min(first + LISTED, len(self.uids) + 1))
            if not deleted:
                yield numbers
            elif left := [number for number in numbers if number not in deleted]:
                yield left

    def sizes_of(self, numbers: Sequence[int]) -> Sequence[int]:
        """The sizes of some messages of `unmarked`."""
        if isinstance(numbers, range):
            return self.sizes[numbers.start - 1 : numbers.stop - 1]
        return [self.sizes[number - 1] for number in numbers]

    def totals(self) -> tuple[int, int]:
        """How many messages are not marked, and their octets."""
        marked = sum(self.sizes[number - 1] for number in self.deleted)
        return len(self.uids) - len(self.deleted), sum(self.sizes) - marked

    def unique_id(self, number: int) -> str:
        """RFC 1939 section 7, UIDL: UID and trace id.

        The same in every session and wherever the store moves: a restored backup gives mailboxes
        another UIDVALIDITY, because UIDs that were given after it was made will be given again, but
        no two messages ever have the same trace id. The UID tells copies of a message apart.
        """
        return self.unique_ids(range(number, number + 1))[0].decode("ascii")

    def unique_ids(self, numbers: Sequence[int]) -> list[bytes]:
        """`unique_id` of some messages of `unmarked`."""
        uids: Sequence[int]
        if isinstance(numbers, range):
            uids = self.uids[numbers.start - 1 : numbers.stop - 1]
            octets = self.traces[16 * (numbers.start - 1) : 16 * (numbers.stop - 1)]
        else:
            uids = [self.uids[number - 1] for number in numbers]
            octets = b"".join(self.traces[16 * number - 16 : 16 * number] for number in numbers)
        traces = octets.hex(" ", 16).encode("ascii").split(b" ")
        return [b"%d.%b" % pair for pair in zip(uids, traces, strict=True)]

    def uids_of(self, numbers: set[int]) -> list[int]:
        """Their UIDs, rising."""
        return [self.uids[number - 1] for number in sorted(numbers)]


@dataclass(slots=True)
class Opened:
    """A message, or its top, ready to be sent: `first` is the beginning of the response's lines."""

    form: Form
    first: bytes
    end: int
    _stuffer: DotStuffer

    @classmethod
    def at(cls, form: Form, end: int) -> Opened:
        """Open it up to `end`; reads the first octets. Raises Damaged."""
        stuffer = DotStuffer()
        return cls(form, stuffer.feed(form.part(0, min(CHUNK, end))), end, stuffer)

    def piece(self, start: int) -> bytes:
        """Return the lines of the octets from `start` on; to be asked for in order. Reads."""
        return self._stuffer.feed(self.form.part(start, min(start + CHUNK, self.end)))

    def close(self) -> bytes:
        """Return what ends the response."""
        return self._stuffer.end()


class ReadAhead:
    """What a client that fetches message after message will want next, read with what it wants."""

    __slots__ = ("_kept", "_last", "_until")

    def __init__(self) -> None:
        self._kept: dict[int, Opened | MailError] = {}
        self._until = 0.0
        self._last = -1  # the first message alone is no habit yet

    def take(self, number: int) -> Opened | MailError | None:
        """Return the message if it was read ahead a moment ago."""
        if time.monotonic() > self._until:
            self._kept.clear()
        found = self._kept.pop(number, None)
        if found is not None:
            self._last = number
        return found

    def wanted(self, drop: Maildrop, number: int) -> list[int]:
        """Return the numbers to read now: this one, and the next ones if it follows the last."""
        numbers, octets = [number], drop.sizes[number - 1]
        if number == self._last + 1:
            for following in range(number + 1, min(number + AHEAD, len(drop) + 1)):
                octets += drop.sizes[following - 1]
                if octets > AHEAD_OCTETS:
                    break
                if following not in drop.deleted:
                    numbers.append(following)
        self._last = number
        return numbers

    def keep(self, found: dict[int, Opened | MailError]) -> None:
        """Keep what was read for a moment."""
        self._kept = found
        self._until = time.monotonic() + AHEAD_SECONDS


def open_maildrop(user_id: int, *, utf8: bool) -> Maildrop:
    """Read the user's INBOX; two queries.

    Raises:
        NotFound: there is none.
    """
    found = bylines.inbox(user_id, utf8=utf8)
    return Maildrop(found.mailbox_id, found.uids, found.octets, found.traces, utf8, found.changed)


def open_messages(drop: Maildrop, numbers: Sequence[int]) -> dict[int, Opened | MailError]:
    """Open messages, each by its number, with what went wrong where something did; one query."""
    uids = {number: drop.uids[number - 1] for number in numbers}
    page = shown_page(drop.mailbox_id, list(uids.values()))
    found: dict[int, Opened | MailError] = {}
    for number, uid in uids.items():
        try:
            form = _form(drop, uid, page)
            found[number] = Opened.at(form, form.size)
        except MailError as error:
            found[number] = error
    return found


def top(drop: Maildrop, number: int, lines: int) -> Opened:
    """Open the header and the first `lines` lines of the body.

    Raises:
        NotFound: it has been expunged elsewhere.
        Damaged: its blob is not there.
    """
    uid = drop.uids[number - 1]
    form = _form(drop, uid, shown_page(drop.mailbox_id, [uid]))
    end = form.header_size
    while lines and end < form.size:
        text = form.part(end, end + CHUNK)
        taken = top_size(text, lines)
        end += taken
        if taken < len(text):
            break
        lines -= text.count(b"\n")
    return Opened.at(form, end)


def _form(drop: Maildrop, uid: int, page: Mapping[int, Shown]) -> Form:
    """What is sent of a message; one more query for one that may need a surrogate."""
    shown = page.get(uid)
    if shown is None:
        raise NotFound(text="That message no longer exists")
    if drop.utf8:
        return shown
    parts = b""
    if uid in drop.changed:
        rows = fetch_page(drop.mailbox_id, [uid], ("parts",))
        parts = bytes(rows[0][1]) if rows else b""
    return surrogate(shown, parts)


def update(drop: Maildrop, origin: Origin) -> int | None:
    """The UPDATE state (RFC 1939 section 6): remove what is marked, mark what was read.

    Returns:
        None if all is done; else how many of the marked messages are gone. The others are as they
        were. That a message could not be marked as read is no failure: it will be read again.
    """
    try:
        read = drop.uids_of(drop.read - drop.deleted)
        if read:
            change = FlagChange("add", FLAG_SEEN)
            store(mailbox_id=drop.mailbox_id, uids=read, change=change, origin=origin)
    except MailError as error:
        logger.warning("not marked as read", extra={"detail": str(error)})
    marked = drop.uids_of(drop.deleted)
    for first in range(0, len(marked), UIDS_AT_ONCE):
        chunk = marked[first : first + UIDS_AT_ONCE]  # one transaction: all of it, or nothing
        try:
            expunge(mailbox_id=drop.mailbox_id, uids=chunk, marked=False, origin=origin)
        except MailError as error:
            logger.warning("not all was deleted", extra={"detail": str(error)})
            return first
    return None
