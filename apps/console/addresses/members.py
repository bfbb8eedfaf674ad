"""Who uses a shared mailbox, and how: rights in its folders and leave to send in its name."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Count

from apps.directory import permissions
from apps.directory.models import Delegation, User, UserState
from apps.directory.permissions import Powers
from apps.mailstore.models import Mailbox, MailboxRight
from apps.provisioning.administration.sharing import NOTHING
from apps.provisioning.sharing import LEVELS

MOST: Final = 500  # members that the page shows
LEVEL_WORDS: Final = {
    "read": "Reads",
    "write": "Reads, sorts and deletes mail",
    "manage": "Does all, and makes and removes folders",
    NOTHING: "Reads nothing",
}
EVERYBODY: Final = "Everybody in the organisation"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a part in the mailbox.

    Args:
        id: of the user; None for everybody in the organisation.
        level: one of `administration.sharing.LEVELS`; "" for rights that were given one by one, or
            that differ from folder to folder.
        words: what the level is.
        is_in_sight: whether it has a page.
    """

    id: int | None
    address: str
    name: str
    level: str
    words: str
    sends_as: bool
    sends_on_behalf: bool
    is_in_sight: bool

    @property
    def sending(self) -> str:
        """What it sends, in words."""
        if self.sends_as:
            return "Sends as the mailbox"
        return "Sends on behalf of the mailbox" if self.sends_on_behalf else "Does not send"


@dataclass
class _Part:
    """What is known of one while the rows are read: rights, and in how many folders."""

    address: str = ""
    name: str = ""
    rights: dict[str, int] | None = None
    delegation: Delegation | None = None


def members(powers: Powers, box: User) -> list[Member]:
    """All with a part in it, by address; four statements."""
    folders = Mailbox.objects.filter(user=box, deleted_at=None).count()
    parts = _rights(box)
    for row in Delegation.objects.select_related("delegate").filter(owner=box)[:MOST]:
        if row.delegate.state == UserState.REMOVED:
            continue
        part = parts.setdefault(row.delegate_id, _Part(row.delegate.address, row.delegate.name))
        part.delegation = row
    ids = [pk for pk in parts if pk is not None]
    seen = set(permissions.users(powers).filter(pk__in=ids).values_list("pk", flat=True))
    found = [_member(pk, part, folders, pk in seen) for pk, part in parts.items()]
    return sorted(found, key=lambda one: (one.id is None, one.address))[:MOST]


def _rights(box: User) -> dict[int | None, _Part]:
    rows = (
        MailboxRight.objects.filter(mailbox__user=box, mailbox__deleted_at=None)
        .exclude(user__state=UserState.REMOVED)
        .order_by()
        .values_list("user_id", "user__address", "user__name", "rights")
        .annotate(Count("pk"))
    )
    parts: dict[int | None, _Part] = {}
    for user_id, address, name, rights, count in rows:
        part = parts.setdefault(user_id, _Part(address or EVERYBODY, name or ""))
        part.rights = {**(part.rights or {}), rights: count}
    return parts


def _member(pk: int | None, part: _Part, folders: int, is_in_sight: bool) -> Member:
    level, words = _level(part.rights, folders)
    lent = part.delegation
    return Member(
        id=pk,
        address=part.address,
        # Of who is out of sight the address stands in the mailbox's list, and no more is told.
        name=part.name if is_in_sight else "",
        level=level,
        words=words,
        sends_as=lent is not None and lent.may_send_as,
        sends_on_behalf=lent is not None and lent.may_send_on_behalf,
        is_in_sight=is_in_sight,
    )


def _level(rights: dict[str, int] | None, folders: int) -> tuple[str, str]:
    if not rights:
        return NOTHING, LEVEL_WORDS[NOTHING]
    if len(rights) > 1:
        return "", "Not the same in each folder"
    letters, count = next(iter(rights.items()))
    level = next((one for one, held in LEVELS.items() if set(held) == set(letters)), "")
    words = LEVEL_WORDS[level] if level else f"Rights {letters}"
    if count < folders:
        return "", f"{words}, in {count} of {folders} folders"
    return level, words
