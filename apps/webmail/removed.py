"""What a person has removed and can bring back, as the pages show it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.mailstore import recoverable, removals
from apps.mailstore.recoverable import Key
from apps.webmail.folders import Folder
from apps.wire.errors import InvalidName

PAGE: Final = 50
_DAY: Final = 86_400  # seconds
_KEY: Final = re.compile(r"([0-9]{1,12})-([0-9]{1,18})-([0-9]{1,10})")
_REF: Final = re.compile(r"([0-9]{1,18})\.([0-9]{1,10})")
REFS_MOST: Final = 1_000
_LONGEST: Final = 40  # characters of a time


@dataclass(frozen=True, slots=True)
class Gone:
    """A message that was removed for good. Times are aware, `size` in bytes.

    Args:
        ref: its name in forms, `<mailbox id>.<uid>`.
        until: when it cannot be brought back any more, at the latest.
    """

    ref: str
    folder: str
    subject: str
    sender: str
    at: datetime
    until: datetime
    size: int


@dataclass(frozen=True, slots=True)
class GoneFolder:
    """A deleted folder."""

    id: int
    name: str
    messages: int
    size: int
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Since:
    """What would come back of all that was removed since a time. `folders` is how many it goes to
    that are there."""

    mailboxes: list[GoneFolder]
    messages: int
    folders: int
    size: int
    lost: int
    older: int

    @property
    def is_empty(self) -> bool:
        return not self.messages and not self.mailboxes


def page(
    user_id: int, own: Sequence[Folder], *, mailbox_id: int | None, before: Key | None
) -> tuple[list[Gone], str]:
    """A page of messages, those removed last first, and where the next one goes on, "" at the end;
    one query."""
    rows = recoverable.messages(user_id, mailbox_id=mailbox_id, before=before, limit=PAGE + 1)
    names = {one.id: one.name for one in own}
    shown = [_gone(row, names.get(row.mailbox_id, row.mailbox)) for row in rows[:PAGE]]
    following = "-".join(map(str, rows[PAGE - 1].key)) if len(rows) > PAGE else ""
    return shown, following


def deleted(user_id: int) -> list[GoneFolder]:
    """Deleted folders, those deleted last first; one query."""
    return [_folder(one) for one in recoverable.mailboxes(user_id)]


def since(user_id: int, at: int) -> Since:
    """What was removed then or later; at most eight queries."""
    return preview(removals.removed(user_id, at))


def preview(found: removals.Removed) -> Since:
    """The same, of what was found."""
    return Since(
        mailboxes=[_folder(one) for one in found.mailboxes],
        messages=found.count,
        folders=len({home for _source, home in found.messages}),
        size=found.size + sum(one.size for one in found.mailboxes),
        lost=found.lost,
        older=found.older,
    )


def parse_key(text: str) -> Key | None:
    """None for what is no key: the first page."""
    found = _KEY.fullmatch(text) if text.isascii() else None
    return Key(*map(int, found.groups())) if found else None


def parse_refs(texts: Sequence[str]) -> dict[int, list[int]]:
    """UIDs by mailbox. Raises InvalidName: nothing is chosen, or what is chosen are no messages."""
    if not texts:
        raise InvalidName("none", text=_("Choose messages first"))
    if len(texts) > REFS_MOST:
        words = _("At most %(count)d messages can be chosen at once")
        raise InvalidName("many", text=words % {"count": REFS_MOST})
    chosen: dict[int, set[int]] = {}
    for text in texts:
        found = _REF.fullmatch(text) if text.isascii() else None
        if found is None or int(found[2]) >= 2**32:
            raise InvalidName("ref", text=_("That is no message: load the page again"))
        chosen.setdefault(int(found[1]), set()).add(int(found[2]))
    return {key: sorted(uids) for key, uids in chosen.items()}


def parse_time(text: str) -> int:
    """Unix seconds of `2026-11-25T14:30` or `2026-11-25`, in the person's zone. Raises InvalidName,
    for a time to come as well."""
    try:
        at = datetime.fromisoformat(text[:_LONGEST])
        aware = timezone.make_aware(at) if timezone.is_naive(at) else at
        seconds = int(aware.timestamp())
    except (ValueError, OverflowError):
        words = _("Give a day and a time, such as 2026-11-25 14:30")
        raise InvalidName("time", text=words) from None
    if not 0 < seconds <= timezone.now().timestamp():
        raise InvalidName("time", text=_("Give a time that is past"))
    return seconds


def _gone(row: recoverable.Message, name: str) -> Gone:
    return Gone(
        ref=f"{row.mailbox_id}.{row.uid}",
        folder=name,
        subject=row.subject,
        sender=row.sender_name or row.sender_address,
        at=_moment(row.at),
        until=_moment(row.at + settings.UNDELETE_DAYS * _DAY),
        size=row.size,
    )


def _folder(one: recoverable.Mailbox) -> GoneFolder:
    return GoneFolder(
        id=one.id,
        name=one.name,
        messages=one.messages,
        size=one.size,
        at=_moment(one.deleted_at),
        until=_moment(one.deleted_at + settings.UNDELETE_DAYS * _DAY),
    )


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
