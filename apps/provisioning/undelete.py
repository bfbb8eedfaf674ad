"""What can be brought back of a user's mail, as the command shows and does it.

Texts come in as people write them. An administrator acts here: who may do so at other doors is
asked there, and in `mailstore.services.undelete`.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import User
from apps.directory.services import users
from apps.mailstore import recoverable, removals
from apps.mailstore.origin import Origin
from apps.mailstore.recoverable import Key, Totals
from apps.mailstore.services import revive, undelete
from apps.mailstore.services.mailboxes import find, normal
from apps.mailstore.services.undelete import Outcome
from apps.runtime.clock import now
from apps.wire.errors import InvalidName, NotFound

_ORIGIN: Final = Origin("command", None)
_PAGE: Final = 500
_RANGE: Final = re.compile(r"([0-9]{1,10})(?::([0-9]{1,10}))?")
_AGO: Final = re.compile(r"([0-9]{1,6})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class DeletedRow:
    """A deleted mailbox; `client` is what deleted it called itself."""

    id: int
    name: str
    deleted: str
    messages: int
    size: int
    door: str
    client: str
    address: str


@dataclass(frozen=True, slots=True)
class ExpungedRow:
    """An expunged message; `date` is the one it had in its mailbox."""

    mailbox: str
    uid: int
    expunged: str
    date: str
    size: int
    sender: str
    subject: str


@dataclass(frozen=True, slots=True)
class Back:
    """Where messages are now; `uids` are pairs of old and new."""

    user: str
    mailbox: str
    uidvalidity: int
    uids: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class BackMailbox:
    """A deleted mailbox that is there again; `name` may be another than it had."""

    user: str
    mailbox: str
    name: str
    uidvalidity: int
    messages: int
    size: int


def moment(text: str) -> int:
    """Unix seconds of a time in UTC (`2026-11-25`, `2026-11-25T14:30`), or some time ago (`30m`,
    `2h`, `7d`, `2w`).

    Raises:
        ValueError: it is neither.
    """
    ago = _AGO.fullmatch(text)
    if ago:
        return now() - int(timedelta(**{_UNITS[ago[2]]: int(ago[1])}).total_seconds())
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def deleted_mailboxes(address: str, *, since: int = 0) -> list[DeletedRow]:
    """The deleted mailboxes of a user, those deleted last first. Raises NotFound"""
    return [_deleted(one) for one in recoverable.mailboxes(users.find(address).pk, since=since)]


def expunged(
    address: str, *, mailbox: str | None = None, since: int = 0, limit: int = 0
) -> Iterator[ExpungedRow]:
    """What was expunged from a user's mailboxes, last first, `limit` rows or all. Raises NotFound,
    InvalidAddress, InvalidName."""
    user = users.find(address)
    mailbox_id = None if mailbox is None else _live(user, mailbox)
    left = limit or -1
    before: Key | None = None
    while left:
        size = min(_PAGE, left) if left > 0 else _PAGE
        rows = recoverable.messages(
            user.pk, mailbox_id=mailbox_id, since=since, before=before, limit=size
        )
        yield from map(_expunged, rows)
        if len(rows) < size:
            return
        before = rows[-1].key
        left -= len(rows) if left > 0 else 0


def totals(address: str, *, mailbox: str | None = None, since: int = 0) -> Totals:
    """How much that is in all. Raises: as `expunged`."""
    user = users.find(address)
    mailbox_id = None if mailbox is None else _live(user, mailbox)
    return recoverable.totals(user.pk, mailbox_id=mailbox_id, since=since)


def restore_messages(
    address: str,
    mailbox: str,
    *,
    uids: Sequence[str] | None = None,
    since: int = 0,
    into: str | None = None,
) -> Back:
    """Bring back messages that were expunged from a mailbox.

    Args:
        uids: `7`, `3:9`, `3,5:9`; None for all.
        into: another mailbox of the user.

    Raises:
        NotFound: no such user or mailbox, or none of these messages can be brought back.
        InvalidName: no UIDs.
        QuotaExceeded: nothing has changed.
    """
    user = users.find(address)
    source = _live(user, mailbox)
    target = None if into is None else _live(user, into)
    wanted = recoverable.uids(source, since=since)
    if uids is not None:
        wanted = _chosen(",".join(uids), wanted)
        if not wanted:
            raise NotFound("no message", text="None of these messages can be brought back")
    # Before: it takes several transactions.
    detail = {"mailbox": mailbox, "into": into or mailbox, "messages": len(wanted)}
    record("restore.messages", **subjects.of_user(user), detail=detail)
    back = undelete.messages(mailbox_id=source, uids=wanted, target_id=target, origin=_ORIGIN)
    return Back(user.address, normal(into or mailbox), back.uidvalidity, back.uids)


def restore_mailbox(address: str, name: str, *, number: int | None = None) -> BackMailbox | Back:
    """Bring back the mailbox of that name that was deleted last; if none was, all that was expunged
    from the one that is there.

    Args:
        number: the id of a deleted mailbox, for one that was deleted earlier.

    Raises:
        NotFound: no such user, or there is and was no such mailbox.
        InvalidName, QuotaExceeded, LimitReached
    """
    user, wanted = users.find(address), normal(name)
    found = [
        one
        for one in recoverable.mailboxes(user.pk)
        if one.name == wanted and number in (None, one.id)
    ]
    if not found and number is not None:
        raise NotFound(f"deleted mailbox {number}", text="There is no such deleted mailbox")
    if not found:
        return restore_messages(address, name)
    with transaction.atomic():
        back = revive.mailbox(mailbox_id=found[0].id, origin=_ORIGIN)
        record("restore.mailbox", **subjects.of_user(user), detail={"mailbox": back.name})
    return BackMailbox(
        user.address, back.before, back.name, back.uidvalidity, back.messages, back.size
    )


def find_removed(address: str, since: int, by: removals.By) -> removals.Removed:
    """What `restore_removed` would bring back. Raises NotFound, InvalidAddress."""
    return removals.removed(users.find(address).pk, since, by)


def restore_removed(address: str, since: int, by: removals.By) -> Outcome:
    """Bring back what somebody removed from a user's mail since a time.

    Raises:
        NotFound, InvalidAddress
        QuotaExceeded: nothing has changed.
    """
    user = users.find(address)
    detail = {"since": _time(since), "client": by.client, "door": by.door}
    record("restore.removed", **subjects.of_user(user), detail=detail)
    return undelete.removed(user_id=user.pk, since=since, by=by, origin=_ORIGIN)


def _live(user: User, name: str) -> int:
    wanted = normal(name)
    try:
        return find(user.pk, wanted).pk
    except NotFound:
        if all(one.name != wanted for one in recoverable.mailboxes(user.pk)):
            raise
        text = f"The mailbox {wanted} is deleted: bring it back first"
        raise NotFound(f"mailbox {wanted!r}", text=text) from None


def _chosen(text: str, there: Sequence[int]) -> list[int]:
    """Those of the rising UIDs `there` that a set names, however long its ranges are."""
    chosen: set[int] = set()
    for word in text.split(","):
        found = _RANGE.fullmatch(word.strip())
        if found is None:
            raise InvalidName(repr(word), text=f"{word!r} is no UID and no range of UIDs")
        first, last = sorted((int(found[1]), int(found[2] or found[1])))
        chosen.update(there[bisect_left(there, first) : bisect_right(there, last)])
    return sorted(chosen)


def _deleted(one: recoverable.Mailbox) -> DeletedRow:
    return DeletedRow(
        id=one.id,
        name=one.name,
        deleted=_time(one.deleted_at),
        messages=one.messages,
        size=one.size,
        door=one.door,
        client=one.client,
        address=one.address,
    )


def _expunged(one: recoverable.Message) -> ExpungedRow:
    return ExpungedRow(
        mailbox=one.mailbox,
        uid=one.uid,
        expunged=_time(one.at),
        date=_time(one.internaldate),
        size=one.size,
        sender=one.sender_address,
        subject=one.subject,
    )


def _time(at: int) -> str:
    """Of UTC; cut to the years that datetime knows: APPEND gives dates in any of them."""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return ""
