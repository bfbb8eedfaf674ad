"""What NOTIFY tells (RFC 5465): for one connection, what is watched and what was told of it.

`Notifying` is the `News` of a connection that gave NOTIFY SET. Events are hints: what was heard of
is read again, all of it in one statement, at most forty times a second; every `LOOK_AGAIN` seconds
everything watched is, so an event that was lost costs no more than that. What is kept is a few
numbers for each of at most `WATCHED_MAX` mailboxes, however much happens. What the client has done
itself is not told (section 5).

Which events concern which mailbox `apps.imap.news.interests` knows; what to say when mailboxes come
and go `apps.imap.news.picture`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from apps.events.types import EVERYBODY, Event, EventsMissed, MailboxChanged, MailboxesChanged
from apps.imap.context import Context, News
from apps.imap.names.annotating import Annotating
from apps.imap.names.naming import Place, all_places, foreign, name_of
from apps.imap.news.interests import Interests
from apps.imap.news.picture import Box, Picture, attributes_of, differences
from apps.imap.proto.fetch import FetchItem
from apps.imap.proto.notify import OF_MESSAGES, OF_NOTES, Events, Notify
from apps.imap.proto.patterns import DELIMITER
from apps.imap.proto.responses import list_line, mailbox_name, status_line, untagged
from apps.imap.telling import tell
from apps.imap.wishes import NOTHING
from apps.mailstore import queries
from apps.mailstore.models import FLAG_SEEN
from apps.mailstore.queries import Counters
from apps.runtime.db import in_db
from apps.wire.errors import InvalidName, MailError

logger = logging.getLogger(__name__)

WATCHED_MAX = 2_000
"""Mailboxes of one client; with more NOTIFY is refused, or ends by itself (section 5.8)."""
PAUSE = 0.025
"""Seconds between two looks at least: of a flood the client is told in lumps, the first at once."""
BREATH = 4
"""A look that took long is followed by so many times its length: who has thousands of mailboxes and
makes more costs a fifth of the time."""
LOOK_AGAIN = 20.0
"""Seconds after which everything is looked at without an event."""
TOO_MUCH = b"NOTIFICATIONOVERFLOW"

_IS_SEEN = bytes(flags & FLAG_SEEN for flags in range(256))


Fetch = Callable[[Context, Sequence[int], Sequence[FetchItem]], Awaitable[None]]


class TooMuchError(Exception):
    """There are more mailboxes to watch than are watched for one client."""


class Told(NamedTuple):
    """The state of a mailbox as the client was told, or could have been told, last."""

    uidvalidity: int
    uidnext: int
    messages: int
    unseen: int
    highestmodseq: int


def _box(place: Place, user_id: int) -> Box:
    is_own = place.owner_id == user_id
    # A special use is its owner's (RFC 6154 section 2).
    return Box(place.name, place.row.special_use if is_own else "", is_own, place.may("r"))


def _told(counters: Counters) -> Told:
    return Told(
        counters.uidvalidity,
        counters.uidnext,
        counters.messages,
        counters.unseen,
        counters.highestmodseq,
    )


class Notifying:
    """What one connection is to be told of, and has been.

    Args:
        fetch: answers for some messages of the selected mailbox as FETCH does.
    """

    def __init__(self, context: Context, cmd: Notify, fetch: Fetch) -> None:
        self._fetch = fetch
        self.interests = Interests(cmd.groups, lambda raw: _named(context, raw))
        self._channel = context.channel
        self._listeners = context.mirrors.listeners
        self._user_id = context.user_id
        self._owners: frozenset[int] = frozenset()
        self._picture = Picture({}, frozenset())
        self._told: dict[int, Told] = {}  # of the mailboxes whose messages are watched
        self._dirty: set[int] = set()  # of them
        self._lost: set[str] = set()  # names of watched mailboxes that were deleted
        self._is_stale = False  # all that is known
        self._selected_id = 0
        self._is_looking = False
        self._heard: set[int] = set()  # mailboxes of which it heard while it looked
        self._is_doubtful = False  # whether the selected mailbox is as its mirror knows it
        self._ready = 0.0  # when to look next at the earliest
        self._annotating: Annotating | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._again: asyncio.TimerHandle | None = None

    async def begin(self, context: Context) -> None:
        """Begin to hear, then see what there is.

        Raises:
            TooMuchError, MailError: nothing has begun.
        """
        self._listeners.add(self._hear)
        try:
            self._picture, counters = await self._look(context)
            if self.interests.anything & OF_NOTES:
                self._annotating = Annotating(context, self._wants_notes)
                await self._annotating.learn()
        except BaseException:
            self.end()
            raise
        self._told = {one: _told(counters[one]) for one in self._watched()}
        self._dirty = self._heard & self._told.keys()
        self._rest()

    @property
    def parts(self) -> list[News]:
        """Itself, and what tells of annotations if that is asked for."""
        return [self] if self._annotating is None else [self, self._annotating]

    def end(self) -> None:
        """Hear no more."""
        self._listeners.discard(self._hear)
        if self._annotating is not None:
            self._annotating.end()
        for timer in (self._timer, self._again):
            if timer is not None:
                timer.cancel()

    # -- News -------------------------------------------------------------------------------------

    @property
    def at_any_time(self) -> bool:
        """Section 3.1: all the time, even when no command is in progress."""
        return True

    def opened(self, context: Context) -> None:
        """Hear of the selected mailbox at once, if that is wished."""
        if context.selected is not None:
            self._selected_id = context.selected.mailbox_id
            if context.wishes.between:
                context.selected.held.idlers.add(self._wake)

    def closed(self, context: Context) -> None:
        """From now on the mailbox is one among others, and known as the client knew it."""
        selected = context.selected
        assert selected is not None
        self._selected_id = 0
        selected.held.idlers.discard(self._wake)
        if selected.mailbox_id not in self._told:
            return
        mirror, view = selected.held.mirror, selected.view
        unseen = mirror.flags.translate(_IS_SEEN).count(0)
        count = -1 if view.has_news else view.count
        self._told[selected.mailbox_id] = Told(
            mirror.uidvalidity, mirror.uidnext, count, unseen, mirror.modseq
        )
        self._dirty.add(selected.mailbox_id)

    async def tell(self, context: Context) -> None:
        """Write what is new."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await self._tell_selected(context)
            if self._is_stale or context.running in CHANGES_NAMES:
                await self._tell_names(context)
            if self._dirty or context.own:
                await self._tell_counters(context)
        except TooMuchError:
            text = "There are too many mailboxes now, no more is told"
            context.write(untagged(b"OK", text, TOO_MUCH))
            drop(context)
            context.wishes = NOTHING
        except MailError as error:  # what was not read stays to be read
            logger.info("no news for now", extra={"detail": str(error)})
            self._soon()
        ended = loop.time()
        self._ready = ended + max(PAUSE, BREATH * (ended - began))

    # -- events -----------------------------------------------------------------------------------

    def _wake(self) -> None:
        self._channel.poke()

    def _hear(self, event: Event) -> None:
        if isinstance(event, MailboxChanged):
            told = self._told.get(event.mailbox_id)
            if told is None and self._is_looking:
                self._heard.add(event.mailbox_id)  # of one that is only being read of, perhaps
            if told is None or event.modseq <= told.highestmodseq:
                return
            if event.mailbox_id == self._selected_id:  # its mirror hears of it
                return
            self._dirty.add(event.mailbox_id)
        elif isinstance(event, MailboxesChanged):
            if event.user_id not in (EVERYBODY, self._user_id, *self._owners):
                return
            self._is_stale = True
        elif isinstance(event, EventsMissed):
            self._is_stale = True
        else:
            return
        self._soon()

    def _soon(self) -> None:
        """Have the connection woken, at once or after the pause."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._ready), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._channel.poke()

    def _rest(self) -> None:
        """Look again after a while, in case that an event got lost."""
        loop = asyncio.get_running_loop()
        self._again = loop.call_later(LOOK_AGAIN, self._look_again)

    def _look_again(self) -> None:
        self._is_stale = True
        self._is_doubtful = True
        if self._annotating is not None:
            self._annotating.doubt()
        self._channel.poke()
        self._rest()

    # -- the selected mailbox ---------------------------------------------------------------------

    async def _tell_selected(self, context: Context) -> None:
        """Tell what comes between commands, and the items of new messages.

        With an answer, and in IDLE, the dispatcher has told what may be told then; the rest comes
        as soon as no command runs.
        """
        selected = context.selected
        if selected is None or selected.held.is_gone:
            return
        wishes = context.wishes
        if context.running:
            if wishes.between and selected.view.has_news and context.running != "IDLE":
                self._channel.poke()
        elif wishes.between:
            if selected.held.is_stale or self._is_doubtful:
                await context.refresh()
                self._is_doubtful = False
            await tell(context, expunges=wishes.at_once)
        announced, selected.announced = selected.announced, []
        if wishes.items and announced:
            await self._fetch(context, announced, wishes.items)

    # -- names ------------------------------------------------------------------------------------

    async def _look(self, context: Context) -> tuple[Picture, dict[int, Counters]]:
        self._is_stale, self._is_looking = False, True
        self._heard.clear()
        try:
            places = await all_places(context)
            subscribed = await in_db("read", queries.subscriptions, self._user_id)
        except BaseException:
            self._is_stale = True
            raise
        finally:
            self._is_looking = False
        boxes = {one.id: _box(one, self._user_id) for one in places}
        picture = Picture(boxes, frozenset(subscribed))
        watched = [one for one in boxes.values() if self._wants(picture, one.name)]
        if len(watched) > WATCHED_MAX:
            raise TooMuchError
        self._owners = frozenset([one.owner_id for one in places])
        return picture, {one.id: one.row.counters for one in places}

    def _wants(self, picture: Picture, name: str) -> Events:
        """What the client wants of a name, as it stands in a picture."""
        box = picture.box(name)
        personal = box.is_personal if box is not None else not _is_foreign(name)
        return self.interests.of(name, personal=personal, subscribed=name in picture.subscribed)

    def _wants_notes(self, name: str) -> bool:
        if not name:
            return Events.SERVER_METADATA in self.interests.anything
        return Events.MAILBOX_METADATA in self._wants(self._picture, name)

    def _watched(self) -> list[int]:
        """The mailboxes whose messages are watched (section 5: that takes `l` and `r`)."""
        return [
            one
            for one, box in self._picture.boxes.items()
            if box.is_readable and self._wants(self._picture, box.name) & OF_MESSAGES
        ]

    async def _tell_names(self, context: Context) -> None:
        """Tell of names, and find out which counters are others: they are read along."""
        old = self._picture
        self._picture, counters = await self._look(context)
        mine = _own_names(context)
        lines, mistaken = differences(old, self._picture, self._wants)
        for line in lines:
            if not _concerns(line.name, mine):
                _write_list(context, line.name, line.attributes, line.old_name)
        before, self._told = self._told, {}
        gone = before.keys() - self._picture.boxes.keys()
        self._lost.update([old.boxes[one].name for one in gone])
        for one in self._watched():
            name = self._picture.boxes[one].name
            told = before.get(one)
            if told is None:
                is_known = one in old.boxes or name in self._lost or one in mistaken
                told = _new(counters[one], is_known=is_known and not _concerns(name, mine))
            elif one in mistaken:
                told = _new(counters[one], is_known=True)
            self._lost.discard(name)
            self._told[one] = told
            if told != _told(counters[one]):
                self._dirty.add(one)
        self._dirty = (self._dirty | self._heard) & self._told.keys()
        while len(self._lost) > WATCHED_MAX:
            self._lost.pop()

    # -- counters ---------------------------------------------------------------------------------

    async def _tell_counters(self, context: Context) -> None:
        own, context.own = context.own, {}
        asked = (self._dirty | own.keys()) & self._told.keys()
        asked.discard(self._selected_id)
        self._dirty.clear()
        if not asked:
            return
        try:
            found = await in_db("read", queries.status, sorted(asked))
        except MailError:
            self._dirty |= asked
            raise
        for one in sorted(found):  # in the same order whatever the database's
            told, now = self._told[one], _told(found[one])
            self._told[one] = now
            # Modseqs rise by one: then nobody else did anything.
            if one in own and now.highestmodseq == told.highestmodseq + len(own[one]):
                continue
            self._write_status(context, one, told, now)

    def _write_status(self, context: Context, mailbox_id: int, told: Told, now: Told) -> None:
        name = self._picture.boxes[mailbox_id].name
        items = changed_items(
            told,
            now,
            flags=Events.FLAG_CHANGE in self._wants(self._picture, name),
            condstore=context.condstore,
        )
        if items:
            _write_status(context, name, now, items)

    # -- the first answer -------------------------------------------------------------------------

    def tell_access(self, context: Context) -> None:
        """Section 3.1: name what may be listed and not read."""
        for box in self._picture.boxes.values():
            if not box.is_readable and self._wants(self._picture, box.name):
                _write_list(context, box.name, attributes_of(self._picture, box.name))

    def tell_status(self, context: Context) -> None:
        """Section 3.1: the state of what is watched, but for the selected mailbox."""
        for one, told in self._told.items():
            if one == self._selected_id:
                continue
            name = self._picture.boxes[one].name
            items = [b"UIDVALIDITY", b"UIDNEXT", b"MESSAGES"]
            if Events.FLAG_CHANGE in self._wants(self._picture, name):
                items += [b"UNSEEN", b"HIGHESTMODSEQ"]
            elif context.condstore:
                items.append(b"HIGHESTMODSEQ")
            _write_status(context, name, told, items)


CHANGES_NAMES = frozenset(
    {"CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "SETACL", "DELETEACL"}
)
"""Commands after which the names are looked at in any case: what they did is not to be told."""


def drop(context: Context) -> None:
    """Tell no more of what NOTIFY or ENABLE METADATA began to."""
    if context.selected is not None:
        for one in context.news:
            one.closed(context)
    context.end_news()


def _named(context: Context, raw: bytes) -> str | None:
    try:
        return name_of(context, raw)
    except InvalidName:
        return None


def _is_foreign(name: str) -> bool:
    try:
        return foreign(name) is not None
    except InvalidName:
        return False


def _own_names(context: Context) -> list[str]:
    """The names that the command which runs was given."""
    if context.running not in CHANGES_NAMES:
        return []
    given = [getattr(context.arguments, one, None) for one in ("name", "source", "target")]
    return [name for raw in given if isinstance(raw, bytes) and (name := _named(context, raw))]


def _concerns(name: str, mine: Iterable[str]) -> bool:
    """Whether a name is one of these, above or below one."""
    return any(
        name == one or name.startswith(one + DELIMITER) or one.startswith(name + DELIMITER)
        for one in mine
    )


def _new(counters: Counters, *, is_known: bool) -> Told:
    """What a client knows of a mailbox that was not watched before: that it is empty if it is new
    altogether, nothing if the client may remember another state, or another mailbox of the name."""
    if is_known:
        return Told(0, 0, -1, -1, 0)
    return Told(counters.uidvalidity, 1, 0, 0, counters.highestmodseq)


def changed_items(told: Told, now: Told, *, flags: bool, condstore: bool) -> list[bytes]:
    """Return which items of STATUS tell of a change (sections 5.1 to 5.3); none if it is nothing
    that the client wants to know."""
    is_seen = flags and told.unseen != now.unseen
    items: list[bytes] = []
    if (told.uidvalidity, told.uidnext, told.messages) != (
        now.uidvalidity,
        now.uidnext,
        now.messages,
    ):
        items += [b"UIDVALIDITY", b"UIDNEXT", b"MESSAGES"]
    elif is_seen or (flags and condstore and told.highestmodseq != now.highestmodseq):
        items.append(b"UIDVALIDITY")
    else:
        return []
    if is_seen:
        items.append(b"UNSEEN")
    if condstore:
        items.append(b"HIGHESTMODSEQ")
    return items


def _write_status(context: Context, name: str, told: Told, items: Iterable[bytes]) -> None:
    values = [(item, b"%d" % getattr(told, item.decode("ascii").lower())) for item in items]
    context.write(status_line(name, values, utf8=context.utf8))


def _write_list(
    context: Context, name: str, attributes: Sequence[bytes], old_name: str = ""
) -> None:
    extended = b""
    if old_name:
        extended = b'"OLDNAME" (%b)' % mailbox_name(old_name, utf8=context.utf8)
    context.write(list_line(b"LIST", attributes, name, utf8=context.utf8, extended=extended))
