"""Brings back what a person removed, for as long as one request may take.

Whatever was brought back before the time was up stays, and is never brought back twice: asking
again goes on (`mailstore.services.undelete`).
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from apps.mailstore import queries, recoverable, removals
from apps.mailstore.origin import Origin
from apps.mailstore.services import quota, revive, undelete
from apps.wire.errors import NotFound, QuotaExceeded

CHUNK: Final = 2_000
SECONDS: Final = 10.0

Chosen = Mapping[tuple[int, int], Sequence[int]]
"""(mailbox it was expunged from, mailbox it goes to) -> UIDs."""


@dataclass(slots=True)
class Back:
    """What is back: names of folders, and how many messages. `left` are those for which there was
    no time; a folder counts for what is in it, and an empty one for one."""

    folders: list[str] = field(default_factory=list)
    messages: int = 0
    left: int = 0


def chosen(*, user_id: int, uids: Mapping[int, Sequence[int]], origin: Origin) -> Back:
    """Bring back messages to where they were, by mailbox; those of others, and those that are back,
    are passed over.

    Raises:
        NotFound: one of the mailboxes is not the person's.
        QuotaExceeded: nothing is back, unless the text says so.
    """
    _require_own(user_id, uids)
    size = sum(recoverable.size_of(key, some) for key, some in uids.items())
    return _bring({(key, key): some for key, some in uids.items()}, size, user_id, origin)


def everything_of(*, user_id: int, mailbox_id: int, origin: Origin) -> Back:
    """Bring back all that was removed from one folder. Raises: as `chosen`."""
    _require_own(user_id, [mailbox_id])
    uids = recoverable.uids(mailbox_id)
    return chosen(user_id=user_id, uids={mailbox_id: uids}, origin=origin)


def folder(*, user_id: int, mailbox_id: int, origin: Origin) -> Back:
    """Bring back a deleted folder.

    Raises:
        NotFound: there is no such one (any more) of this person.
        QuotaExceeded, LimitReached, AlreadyExists: nothing has changed.
    """
    held = {one.id: one for one in recoverable.mailboxes(user_id)}.get(mailbox_id)
    if held is None:
        raise NotFound(f"deleted {mailbox_id} of {user_id}", text=_("It is not there any more"))
    try:
        back = revive.mailbox(mailbox_id=mailbox_id, origin=origin)
    except QuotaExceeded as error:
        raise _no_room(error, user_id, held.size, Back()) from None
    return Back([back.name], back.messages)


def since(*, user_id: int, at: int, origin: Origin) -> Back:
    """Bring back all that was removed then or later, Unix seconds. Raises: as `folder`."""
    found = removals.removed(user_id, at)
    total = found.size + sum(one.size for one in found.mailboxes)
    done, deadline = Back(), time.monotonic() + SECONDS
    try:
        with transaction.atomic():
            quota.require_room(user_id, total)
        for one in found.mailboxes:
            if done.folders and time.monotonic() > deadline:
                done.left += max(one.messages, 1)
                continue
            try:
                back = revive.mailbox(mailbox_id=one.id, origin=origin)
            except NotFound:
                continue  # another window was first
            done.folders.append(back.name)
            done.messages += back.messages
    except QuotaExceeded as error:
        raise _no_room(error, user_id, total, done) from None
    return _bring(found.messages, found.size, user_id, origin, done, deadline)


def _bring(
    wanted: Chosen,
    size: int,
    user_id: int,
    origin: Origin,
    done: Back | None = None,
    deadline: float | None = None,
) -> Back:
    done = done or Back()
    deadline = time.monotonic() + SECONDS if deadline is None else deadline
    try:
        with transaction.atomic():
            quota.require_room(user_id, size)
        for (source, home), uids in wanted.items():
            for first in range(0, len(uids), CHUNK):
                some = uids[first : first + CHUNK]
                if time.monotonic() > deadline:
                    done.left += len(some)
                    continue
                done.messages += _back(source, home, some, origin)
    except QuotaExceeded as error:
        raise _no_room(error, user_id, size, done) from None
    return done


def _require_own(user_id: int, mailbox_ids: Iterable[int]) -> None:
    own = {row.id for row in queries.mailboxes(user_id)}
    if not own.issuperset(mailbox_ids):
        raise NotFound(f"mailboxes of user {user_id}", text=_("The folder is not there any more"))


def _back(source: int, home: int, uids: Sequence[int], origin: Origin) -> int:
    try:
        got = undelete.messages(
            mailbox_id=source,
            uids=uids,
            target_id=None if home == source else home,
            origin=origin,
        )
    except NotFound:
        return 0  # the folder was deleted meanwhile
    return len(got.uids)


def _no_room(error: QuotaExceeded, user_id: int, size: int, done: Back) -> QuotaExceeded:
    """The same, in words that tell how much room is wanting."""
    usage = queries.usage(user_id)
    free = max(usage.quota - usage.used, 0)
    said = _("There is no room: %(size)s would come back, and %(free)s are free.") % {
        "size": filesizeformat(size),
        "free": filesizeformat(free),
    }
    way = _("Delete something else, or bring back less.")
    if done.messages or done.folders:
        so_far = _("%(messages)d messages are back already.") % {"messages": done.messages}
        way = f"{so_far} {way}"
    return QuotaExceeded(error.detail, text=f"{said} {way}")
