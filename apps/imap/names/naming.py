"""From a mailbox name on the wire to a place: a mailbox, and what this user may do with it.

Three namespaces (RFC 2342): the user's own mailboxes at the root, those of other people below
`Other Users/<address>/`, those of shared mailboxes below `Shared/<address>/`. The levels above are
no mailboxes. Only a second level with an @ makes a name foreign: mailboxes of one's own that were
named so before stay what they were.

A name that cannot be, one that does not exist and one of another user in which this user has no
right get the same answer (RFC 4314 section 6).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple
from unicodedata import normalize

from apps.imap.context import Context
from apps.imap.proto.patterns import DELIMITER, INBOX
from apps.imap.proto.responses import untagged
from apps.imap.proto.utf7 import MailboxNameError, read_name
from apps.mailstore import queries, shares
from apps.mailstore.models import (
    FLAG_ANSWERED,
    FLAG_DELETED,
    FLAG_DRAFT,
    FLAG_FLAGGED,
    FLAG_SEEN,
)
from apps.mailstore.namespaces import NAMESPACES, OTHERS, QUOTED, SHARED, level
from apps.mailstore.queries import MailboxRow
from apps.mailstore.services.mailboxes import normal
from apps.mailstore.shares import SharedRow
from apps.mime.address import take_apart
from apps.runtime.db import in_db
from apps.runtime.glance import Ask, ask_database, glance
from apps.wire.errors import InvalidName, NotFound, NotPermitted

ALL_RIGHTS = frozenset(shares.RIGHTS)
"""What the owner of a mailbox may (RFC 4314 section 2.1)."""

ALL_FLAGS = (FLAG_SEEN, FLAG_ANSWERED, FLAG_FLAGGED, FLAG_DELETED, FLAG_DRAFT)


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox as one user sees it.

    row: `row.name` is the name that its owner knows it by.
    name: as this user spells it, with the namespace before it if it is another's.
    owner_id: the user whose mailbox it is, and whose quota what is filed there counts in.
    rights: letters of RFC 4314 section 2.1 that this user has on it.
    owner_key: the owner's address, empty for one's own.
    """

    row: MailboxRow
    name: str
    owner_id: int
    rights: frozenset[str] = ALL_RIGHTS
    owner_key: str = ""

    @property
    def id(self) -> int:
        """The mailbox."""
        return self.row.id

    def may(self, right: str) -> bool:
        """Whether this user has a right, named by its letter."""
        return right in self.rights

    def require(self, rights: str) -> None:
        """Insist on rights, named by their letters.

        Raises:
            NotFound: one is missing, and the user may not even know that the mailbox exists.
            NotPermitted: one is missing.
        """
        if self.rights.issuperset(rights):
            return
        if self.rights.isdisjoint("lr"):
            raise NotFound(text="No such mailbox")
        raise NotPermitted(text=f"You have no {_listed(rights, self.rights)} right here")


FLAG_RIGHTS = {FLAG_SEEN: "s", FLAG_DELETED: "t"}
"""Rights that let a user set and clear a system flag; for all others, keywords too, it is `w`."""


def settable(rights: Collection[str]) -> int:
    """The system flags that a user with these rights may set and clear (RFC 4314 section 4)."""
    return sum(bit for bit in ALL_FLAGS if FLAG_RIGHTS.get(bit, "w") in rights)


def _listed(wanted: str, rights: frozenset[str]) -> str:
    return " and no ".join(letter for letter in wanted if letter not in rights)


class Foreign(NamedTuple):
    """A name in the namespace of others, taken apart. `name` is empty for the level of an owner."""

    namespace: str
    owner_key: str
    name: str

    @property
    def whole(self) -> str:
        """The name as the client spells it."""
        return DELIMITER.join(filter(None, (self.namespace, level(self.owner_key), self.name)))


def foreign(name: str) -> Foreign | None:
    """Take a name apart; None for one of the user's own.

    Raises:
        InvalidName: no mailbox can have the name that is left.
    """
    levels = name.split(DELIMITER, 2)
    if levels[0] not in NAMESPACES or not levels[1:] or not take_apart(levels[1])[0]:
        return None
    key = normalize("NFC", levels[1].casefold())
    for letter, quoted in reversed(QUOTED.items()):
        key = key.replace(quoted.casefold(), letter)
    return Foreign(levels[0], key, normal(levels[2]) if levels[2:] else "")


def is_reserved(name: str) -> bool:
    """Whether no mailbox of one's own can be made with this name: it would hide, or be hidden."""
    return name.split(DELIMITER, 1)[0] in NAMESPACES


def place_of(shared: SharedRow) -> Place:
    """Return a mailbox of another under the name that its users see."""
    namespace = SHARED if shared.is_account else OTHERS
    whole = Foreign(namespace, shared.owner_key, shared.row.name).whole
    return Place(shared.row, whole, shared.owner_id, shared.rights, shared.owner_key)


async def foreign_places(context: Context) -> list[Place]:
    """Return all mailboxes of others in which this user has any right, whether `l` or not, in the
    order of their names; one query."""
    return [place_of(one) for one in await in_db("read", shares.shared_with, context.user_id)]


class ManyError(Exception):
    """More mailboxes than were asked for."""


def places_of(user_id: int, ask: Ask = ask_database, most: int = queries.ALL_ROWS) -> list[Place]:
    """Every mailbox that LIST may show a user: the user's own, INBOX first, then those of others
    in which the user has the right `l`; two queries, on a database thread, or for `glance`.

    Raises:
        ManyError: there are at least `most`.
    """
    rows = queries.mailboxes(user_id, ask, most)
    others = shares.shared_with(user_id, ask, most)
    if len(rows) >= most or len(others) >= most // 2:  # each may have been granted twice
        raise ManyError
    own = [Place(row, row.name, user_id) for row in rows]
    return own + [place_of(one) for one in others if "l" in one.rights]


async def all_places(context: Context) -> list[Place]:
    """Return `places_of` the user who signed in."""
    return await in_db("read", places_of, context.user_id)


def name_of(context: Context, raw: bytes) -> str:
    """Return the name as it is kept: of one's own mailbox, or whole with the namespace.

    Raises:
        InvalidName: not in the encoding of names, or no name that a mailbox can have.
    """
    return _name(raw, utf8=context.utf8)


@lru_cache(maxsize=512)  # a client names the same few again and again
def _name(raw: bytes, *, utf8: bool) -> str:
    try:
        name = read_name(raw, utf8=utf8)
    except MailboxNameError:
        encoding = "UTF-8" if utf8 else "modified UTF-7"
        raise InvalidName(text=f"The name is not in {encoding}") from None
    if name.endswith(DELIMITER):  # only CREATE and RENAME may be told a level so
        raise InvalidName(repr(name), text="A mailbox name does not end in /")
    apart = foreign(name)
    return normal(name) if apart is None else apart.whole


def readable_name(context: Context, raw: bytes) -> str:
    """Return `name_of` a mailbox that should be there. Raises NotFound."""
    try:
        return name_of(context, raw)
    except InvalidName:
        raise NotFound(text="No such mailbox") from None


async def mailbox_named(context: Context, raw: bytes, needs: str = "") -> Place:
    """Return the mailbox of that name.

    Args:
        needs: letters of the rights that the command takes.

    Raises:
        NotFound: there is none, or not for this user.
        NotPermitted: a right is missing.
    """
    place = await place_named(context, readable_name(context, raw))
    place.require(needs)
    if place.rights.isdisjoint("lr") and not needs:
        raise NotFound(text="No such mailbox")
    return place


async def target_named(context: Context, raw: bytes) -> Place:
    """Return the mailbox that APPEND, COPY or MOVE fills.

    Raises:
        InvalidName: there can be none of that name, so creating it would not help.
        NotFound: there is none: answer TRYCREATE (RFC 3501 sections 6.3.11, 6.4.7).
        NotPermitted: without the right `i`.
    """
    place = await place_named(context, name_of(context, raw))
    place.require("i")
    return place


class NoLongerError(NotFound):
    """The right to read the selected mailbox was taken away: it is left, the connection ends."""


async def renew(context: Context) -> None:
    """Read again what the user may do in the selected mailbox, if it is another's, and say so if
    it is no longer as it was told (RFC 4314 section 5.1.1).

    Raises:
        NoLongerError
    """
    selected = context.selected
    if selected is None or selected.place.owner_id == context.user_id:
        return
    rights = await glance(shares.rights_in, context.user_id, selected.mailbox_id)
    if rights == selected.place.rights:
        return
    if "r" not in rights:
        raise NoLongerError(text="The selected mailbox is no longer shared with you")
    was_read_only = selected.read_only
    selected.place = replace(selected.place, rights=rights)
    selected.told_keywords = -1  # PERMANENTFLAGS are others
    if selected.read_only is not was_read_only:
        code = b"READ-ONLY" if selected.read_only else b"READ-WRITE"
        context.write(untagged(b"OK", "Your rights have changed", code))


async def place_named(context: Context, name: str) -> Place:
    """Return the mailbox of a name as `name_of` returns it, whatever this user may do there.

    Raises:
        NotFound: there is none, or this user has no right in it.
    """
    apart = foreign(name)
    if apart is None:
        row = await glance(queries.mailbox_named, context.user_id, name)
        if row is not None:
            return Place(row, name, context.user_id)
    elif apart.name:
        place = await _shared(context, apart)
        if place is not None and place.rights:
            return place
    raise NotFound(text="No such mailbox")


async def _shared(context: Context, apart: Foreign) -> Place | None:
    """The mailbox of another, also one in which this user has no right."""
    shared = await glance(shares.shared_named, context.user_id, apart.owner_key, apart.name)
    place = None if shared is None else place_of(shared)
    return place if place is not None and place.name == apart.whole else None


class Making(NamedTuple):
    """A mailbox to be made: whose, and the name that its owner will know it by."""

    owner_id: int
    name: str


async def making(context: Context, raw: bytes) -> Making:
    """Return what CREATE, or RENAME's second name, is to make.

    Among the mailboxes of others it takes the right `k` in the nearest one above; above what has
    nothing above stands the owner's INBOX (RFC 4314 section 4).

    Raises:
        InvalidName: there can be none of that name.
        NotPermitted: not there; the answer is the same whether the owner exists or not.
    """
    name = name_of(context, raw)
    apart = foreign(name)
    if apart is None:
        if is_reserved(name):
            raise InvalidName(repr(name), text="Names that begin so are of mailboxes of others")
        return Making(context.user_id, name)
    levels = apart.name.split(DELIMITER)[:-1]
    above = [DELIMITER.join(levels[:depth]) for depth in range(len(levels), 0, -1)]
    for one in [*above, INBOX] if apart.name else ():
        place = await _shared(context, apart._replace(name=one))
        if place is not None and place.may("k"):
            return Making(place.owner_id, apart.name)
        if place is not None:
            break
    raise NotPermitted(text="You cannot make mailboxes here")
