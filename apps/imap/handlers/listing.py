"""LIST and LSUB (RFC 3501 sections 6.3.8, 6.3.9; RFC 5258, 5819, 6154, 8440, 9590).

A whole LIST is one job of a database thread: ten thousand mailboxes matched by many patterns must
not hold up the event loop; a short one is answered at once. It takes the same number of queries
whatever the number of mailboxes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from unicodedata import normalize

from apps.imap.context import Context, Reply
from apps.imap.handlers.registry import command
from apps.imap.names.annotating import may_annotate, values_in
from apps.imap.names.listing import Box, Listed, Wanted, list_all, list_subscribed
from apps.imap.names.naming import ManyError, Place, places_of
from apps.imap.names.statuses import COUNTED, count, values_of
from apps.imap.proto.acl import myrights_line
from apps.imap.proto.names import List, parse_list, parse_lsub
from apps.imap.proto.patterns import Pattern
from apps.imap.proto.responses import list_line, mailbox_name, metadata_line, status_line
from apps.imap.proto.utf7 import MailboxNameError, read_name
from apps.imap.telling import enable_condstore
from apps.mailstore import queries
from apps.mailstore.tallies import NOTHING, Tally
from apps.runtime.db import in_db, is_sqlite
from apps.runtime.glance import Ask, ask_database, glance

FEW = 64
"""Mailboxes that are listed in less time than a thread takes to be woken: half a millisecond."""
SHORT = 64
"""Octets of patterns that are matched as quickly."""

_WORDS = "CHILDREN LIST-EXTENDED LIST-METADATA LIST-MYRIGHTS LIST-STATUS SPECIAL-USE"


@command("LIST", parse=parse_list, capability=_WORDS)
async def list_(context: Context, cmd: List) -> Reply:
    """Mailboxes whose names match; an empty pattern asks for the delimiter only."""
    if cmd.patterns == (b"",) and not cmd.extended:
        context.write(b'* LIST (\\Noselect) "/" ""\r\n')
        return Reply("Listed")
    if b"HIGHESTMODSEQ" in cmd.status:  # RFC 7162 section 3.1.2.1
        enable_condstore(context)
    lister = Lister(
        cmd,
        context.user_id,
        context.limits.message_size,
        utf8=context.utf8,
        extended=cmd.extended or context.rev2,
    )
    context.write(await _answer(lister))
    return Reply("Listed")


async def _answer(lister: Lister) -> bytes:
    """Most users have few mailboxes, and most clients ask for what stands in their rows: that is
    quicker than a thread."""
    if is_sqlite() and lister.is_short:
        try:
            return await glance(lister.answer, FEW)
        except ManyError:
            pass
    return await in_db("read", lister.answer, ask_database)


@dataclass(frozen=True, slots=True)
class _Told:
    """What RETURN asks for beside the names, read for all mailboxes at once."""

    tallies: Mapping[int, Tally]
    values: Mapping[int, Sequence[tuple[bytes, bytes | None]]]


@dataclass(frozen=True, slots=True)
class Lister:
    """One LIST, answered on a thread."""

    cmd: List
    user_id: int
    append_limit: int
    utf8: bool
    extended: bool

    @property
    def is_short(self) -> bool:
        """Whether nothing is asked for that must be counted, or is read from elsewhere."""
        cmd = self.cmd
        patterns = len(cmd.reference) * len(cmd.patterns) + sum(map(len, cmd.patterns))
        return patterns <= SHORT and not cmd.entries and COUNTED.isdisjoint(cmd.status)

    def answer(self, ask: Ask, most: int = queries.ALL_ROWS) -> bytes:
        """Return all lines.

        Raises:
            ManyError: there are at least so many mailboxes, or names subscribed to.
        """
        patterns = [Pattern(text) for text in _texts(self.cmd, utf8=self.utf8)]
        if not patterns:
            return b""
        subscribed: list[str] = []
        if self._tells_subscribed:
            subscribed = queries.subscriptions(self.user_id, ask, most)
            if len(subscribed) >= most:
                raise ManyError
        places = {place.name: place for place in places_of(self.user_id, ask, most)}
        found = self._find(patterns, places, subscribed)
        told = self._read([places[one.name] for one in found if one.name in places])
        return b"".join(line for one in found for line in self._lines(one, places, told))

    @property
    def _tells_subscribed(self) -> bool:
        return b"SUBSCRIBED" in self.cmd.returns | self.cmd.selects

    def _find(
        self, patterns: Sequence[Pattern], places: Mapping[str, Place], subscribed: Sequence[str]
    ) -> list[Listed]:
        cmd = self.cmd
        wanted = Wanted(
            patterns,
            cmd.criteria,
            recursive=b"RECURSIVEMATCH" in cmd.selects,
            tells_subscribed=self._tells_subscribed,
            extended=self.extended,
        )
        boxes = {name: box_of(place, self.user_id) for name, place in places.items()}
        return list_all(boxes, wanted, subscribed)

    def _read(self, places: Sequence[Place]) -> _Told:
        cmd = self.cmd
        counted: Mapping[int, Tally] = {}
        if cmd.status:
            counted = count((place.row for place in places if place.may("r")), cmd.status)
        values: Mapping[int, Sequence[tuple[bytes, bytes | None]]] = {}
        if cmd.entries:
            noted = [place for place in places if may_annotate(place)]
            values = values_in(self.user_id, noted, cmd.entries)
        return _Told(counted, values)

    def _lines(self, one: Listed, places: Mapping[str, Place], told: _Told) -> Iterator[bytes]:
        extended = b""
        if one.has_selected:
            quoted = b" ".join(b'"%b"' % option for option in self.cmd.criteria)
            extended = b'"CHILDINFO" (%b)' % quoted
        yield list_line(b"LIST", one.attributes, one.name, utf8=self.utf8, extended=extended)
        place = places.get(one.name)
        if place is None or not one.is_selected:
            return
        # RFC 5819 section 2, RFC 8440 section 3: only of what meets the criteria itself.
        if self.cmd.status and place.may("r"):
            tally = told.tallies.get(place.id, NOTHING)
            numbers = values_of(place.row, self.cmd.status, tally, append_limit=self.append_limit)
            yield status_line(one.name, numbers, utf8=self.utf8)
        if b"MYRIGHTS" in self.cmd.returns:
            yield myrights_line(mailbox_name(one.name, utf8=self.utf8), place.rights)
        if place.id in told.values:
            yield metadata_line(one.name, told.values[place.id], utf8=self.utf8)


def box_of(place: Place, user_id: int) -> Box:
    """What LIST looks at. A special use is one user's own (RFC 6154 section 2)."""
    use = place.row.special_use if place.owner_id == user_id else ""
    return Box(use, is_open=place.may("r"))


@command("LSUB", parse=parse_lsub)
async def lsub(context: Context, cmd: List) -> Reply:
    """As LIST, of the names subscribed to."""
    context.write(await in_db("read", _subscribed, context.user_id, cmd, utf8=context.utf8))
    return Reply("Listed")


def _subscribed(user_id: int, cmd: List, *, utf8: bool) -> bytes:
    lines = []
    for text in _texts(cmd, utf8=utf8):
        names = queries.subscriptions(user_id)
        known = {place.name for place in places_of(user_id)}
        for one in list_subscribed(names, known, Pattern(text), text=text):
            lines.append(list_line(b"LSUB", one.attributes, one.name, utf8=utf8))
    return b"".join(lines)


def _texts(cmd: List, *, utf8: bool) -> list[str]:
    """Return reference and each pattern as one text, without those that can match no name: empty
    ones (RFC 5258 section 3) and those that are no text."""
    found: dict[str, None] = {}
    for pattern in filter(None, cmd.patterns):
        with suppress(MailboxNameError):
            text = read_name(cmd.reference + pattern, utf8=utf8)
            found[normalize("NFC", text)] = None  # as names are kept (RFC 9051 section 5.1)
    return list(found)
