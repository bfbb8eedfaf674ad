"""Notes on mailboxes and on the account as IMAP shows them (RFC 5464): who may see which, values,
and `Annotating`, which tells a client of what others have changed.

Two entries are no notes: `/private/specialuse` of a mailbox is its role (RFC 6154 section 4), and
`/shared/admin` of the account (section 3.2.1.1) is the postmaster of its domain.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from apps.events.types import (
    EVERYBODY,
    AnnotationsChanged,
    Event,
    EventsMissed,
    MailboxesChanged,
)
from apps.imap.context import Context
from apps.imap.names.listing import USES
from apps.imap.names.naming import Place, places_of
from apps.imap.proto.metadata import GetMetadata
from apps.imap.proto.responses import metadata_names_line
from apps.mailstore.annotations import Note, account_notes, contents, notes, stamps
from apps.mime.address import Address
from apps.runtime.db import in_db
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

SPECIAL_USE = b"/private/specialuse"
ADMIN = b"/shared/admin"

LOOK_AGAIN = 20.0
"""Seconds after which the next command looks again although no event came: one may be lost."""

VALUES_MAX = 8 * 1024 * 1024
"""Octets of all values that one LIST tells (RFC 9590 section 3 lets a server leave out some): each
of many owners may have filled what is theirs."""

Values = list[tuple[bytes, bytes | None]]
Key = tuple[int | None, str]
"""Mailbox, None for the account, and entry."""


def may_annotate(place: Place, *, shared: bool = False) -> bool:
    """Whether this user may see and change notes on a mailbox (section 3.3). To change `shared`
    ones takes more than reading."""
    return place.may("l") and not place.rights.isdisjoint("swip" if shared else "rswip")


def special_use(place: Place, user_id: int) -> bytes | None:
    """The value of the entry /private/specialuse: one user's own (RFC 6154 section 2)."""
    return USES.get(place.row.special_use) if place.owner_id == user_id else None


def values_in(
    user_id: int, places: Sequence[Place], entries: Mapping[bytes, bytes]
) -> dict[int, Values]:
    """Return these entries of each mailbox, NIL those that are not there; two queries.

    Mailboxes are left out from where the values would be more than VALUES_MAX octets together.

    Args:
        entries: what the client called them, by their names in lower case.
    """
    found = [note for note in notes(user_id, [one.id for one in places]) if _name(note) in entries]
    sizes = Counter[int | None]()
    for note in found:
        sizes[note.mailbox_id] += note.size
    together = accumulate(sizes[place.id] for place in places)
    places = [place for place, sum_ in zip(places, together, strict=True) if sum_ <= VALUES_MAX]
    kept = {place.id for place in places}
    found = [note for note in found if note.mailbox_id in kept]
    texts = contents([note.id for note in found])
    known = {(note.mailbox_id, _name(note)): texts.get(note.id) for note in found}
    for place in places:
        known[place.id, SPECIAL_USE] = special_use(place, user_id)
    return {
        place.id: [(called, known.get((place.id, name))) for name, called in entries.items()]
        for place in places
    }


def _name(note: Note) -> bytes:
    return note.entry.encode("ascii")


@dataclass(frozen=True, slots=True)
class Looked:
    """What GETMETADATA answers. `longest` are the octets of the largest value that was asked for
    and is above MAXSIZE, 0 if none is."""

    values: Values
    longest: int


def look(user_id: int, address: str, place: Place | None, cmd: GetMetadata) -> Looked:
    """Read what GETMETADATA asks for, of a mailbox or of the account; two queries."""
    if place is None:
        found = account_notes(user_id)
        # A URI is ASCII: the domain is in A-labels there.
        fixed = {ADMIN: f"mailto:postmaster@{Address.parse(address).domain}".encode("ascii")}
    else:
        found = notes(user_id, [place.id])
        use = special_use(place, user_id)
        fixed = {} if use is None else {SPECIAL_USE: use}
    sizes = {_name(note): note.size for note in found}
    sizes |= {entry: len(value) for entry, value in fixed.items()}
    wanted = _wanted(cmd, sorted(sizes))
    too_long = [sizes[name] for name in wanted if cmd.most is not None and sizes[name] > cmd.most]
    kept = {name for name in wanted if cmd.most is None or sizes[name] <= cmd.most}
    ids = {_name(note): note.id for note in found if _name(note) in kept}
    texts = contents(list(ids.values())) if ids else {}
    values: Values = [
        (called, fixed[name] if name in fixed else texts.get(ids[name]))
        for name, called in wanted.items()
        if name in kept
    ]
    if cmd.depth == 0 or not wanted:
        # A response is required (section 4.2): it says NIL of what is not there.
        values += [(called, None) for name, called in cmd.entries.items() if name not in sizes]
    return Looked(values, max(too_long, default=0))


def _wanted(cmd: GetMetadata, known: Iterable[bytes]) -> dict[bytes, bytes]:
    """Of the entries that are there those that are asked for, as the client calls them."""
    names = list(known)
    found: dict[bytes, bytes] = {}
    for entry, called in cmd.entries.items():
        for name in names:
            if name == entry:
                found[name] = called
            elif name.startswith(entry + b"/"):
                below = name.count(b"/") - entry.count(b"/")
                if cmd.depth is None or below <= cmd.depth:
                    found.setdefault(name, name)
    return found


Wanted = Callable[[str], bool]
"""Whether the client wants to be told of the notes on a mailbox; of the account for no name."""


class Annotating:
    """Tells a client that enabled METADATA which entries are others now (section 4.4.2); with
    `wanted` one that gave NOTIFY, as soon as they are (RFC 5465 sections 5.6, 5.7).

    Events are hints: what it remembers is a number for each note, which is another after a change.
    """

    def __init__(self, context: Context, wanted: Wanted | None = None) -> None:
        self.at_any_time = wanted is not None
        self._wanted = wanted or (lambda _: True)
        self._user_id = context.user_id
        self._channel = context.channel
        self._listeners = context.mirrors.listeners
        self._known: dict[Key, int] = {}
        self._names: dict[int | None, str] = {}
        self._is_stale = False
        self._looked = time.monotonic()
        self._listeners.add(self._hear)

    def _hear(self, event: Event) -> None:
        if self._concerns(event):
            self.doubt()
            self._channel.poke()

    def doubt(self) -> None:
        """Look again when there is something to tell next."""
        self._is_stale = True

    def _concerns(self, event: Event) -> bool:
        mine = {EVERYBODY, self._user_id}
        match event:
            case AnnotationsChanged(user_id, mailbox_id):
                knows = not self._names or (mailbox_id or None) in self._names
                return user_id in mine and knows
            case MailboxesChanged(user_id):
                return user_id in mine
        return isinstance(event, EventsMissed)

    async def learn(self) -> dict[Key, int]:
        """Read what there is now and remember it.

        Returns:
            What was known before of the mailboxes that could be seen then and now.
        """
        self._is_stale = False
        self._looked = time.monotonic()
        names, known = await in_db("read", _everything, self._user_id)
        both = self._names.keys() & names.keys()
        before = {key: number for key, number in self._known.items() if key[0] in both}
        # Of mailboxes that were not in sight nothing has changed before the eyes of this client.
        before |= {key: number for key, number in known.items() if key[0] not in both}
        self._names, self._known = names, known
        return before

    async def tell(self, context: Context) -> None:
        """Write what others have changed."""
        if self._is_stale or time.monotonic() >= self._looked + LOOK_AGAIN:
            await self.look_again(context)

    async def look_again(self, context: Context, *, mine: Iterable[Key] = ()) -> None:
        """Read, and write what has changed; `mine` are changes of this client's own making."""
        try:
            before = await self.learn()
        except MailError as error:
            self._is_stale = True  # the next command tries again
            logger.info("no news of annotations for now", extra={"detail": str(error)})
            return
        known = self._known
        changed = {key for key in before.keys() | known.keys() if before.get(key) != known.get(key)}
        by_mailbox: dict[int | None, list[bytes]] = {}
        for mailbox_id, entry in sorted(changed.difference(mine), key=_order):
            by_mailbox.setdefault(mailbox_id, []).append(entry.encode("ascii"))
        for mailbox_id, entries in by_mailbox.items():
            name = self._names[mailbox_id]
            if self.wants(name) and not self._is_told_otherwise(context, name):
                context.write(metadata_names_line(name, entries, utf8=context.utf8))

    def wants(self, name: str) -> bool:
        """Whether notes on this mailbox are told here."""
        return self._wanted(name)

    def _is_told_otherwise(self, context: Context, name: str) -> bool:
        """Whether NOTIFY tells of it, and sooner."""
        if self.at_any_time:
            return False
        others = [one for one in context.news if isinstance(one, Annotating) and one.at_any_time]
        return any(one.wants(name) for one in others)

    def opened(self, context: Context) -> None:
        """Nothing depends on what is selected."""

    def closed(self, context: Context) -> None:
        """Nothing depends on what is selected."""

    def end(self) -> None:
        """Hear no more."""
        self._listeners.discard(self._hear)


def _order(key: Key) -> tuple[int, str]:
    return (key[0] or 0, key[1])


def _everything(user_id: int) -> tuple[dict[int | None, str], dict[Key, int]]:
    """Names of all mailboxes whose notes a user may see, and a number for each note."""
    places = [place for place in places_of(user_id) if may_annotate(place)]
    known = stamps(user_id, [place.id for place in places])
    roles = list(USES)
    for place in places:
        if special_use(place, user_id) is not None:
            known[place.id, SPECIAL_USE.decode("ascii")] = roles.index(place.row.special_use)
    names: dict[int | None, str] = {place.id: place.name for place in places}
    names[None] = ""
    return names, known


async def watch(context: Context) -> None:
    """Tell this client from now on what others change (ENABLE METADATA)."""
    if any(isinstance(one, Annotating) and not one.at_any_time for one in context.news):
        return
    annotating = Annotating(context)
    context.news.append(annotating)
    await annotating.learn()


async def pass_over(context: Context, mine: Iterable[Key]) -> None:
    """Take note of the client's own changes, which it is not told."""
    for one in context.news:
        if isinstance(one, Annotating):
            await one.look_again(context, mine=mine)
