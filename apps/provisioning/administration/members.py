"""Who uses a shared mailbox, and how: rights in its folders and leave to send in its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Count

from apps.directory import permissions
from apps.directory.models import Delegation, User, UserState
from apps.directory.permissions import Powers
from apps.mailstore.models import Mailbox, MailboxRight
from apps.provisioning.administration.sharing import NOTHING
from apps.provisioning.sharing import LEVELS

MOST: Final = 500  # members that are told


@dataclass(slots=True)
class Member:
    """Somebody with a part in the mailbox.

    Args:
        id: of the user; None for everybody in the organisation.
        address: "" for everybody.
        name: "" for who is out of sight: the address stands in the mailbox's list, and no more is
            told.
        rights: letters (RFC 4314), and in how many folders they hold.
        folders: how many there are.
        is_in_sight: of who looks.
    """

    id: int | None
    address: str
    name: str
    folders: int
    rights: Mapping[str, int] = field(default_factory=dict)
    sends_as: bool = False
    sends_on_behalf: bool = False
    is_in_sight: bool = False

    @property
    def level(self) -> str:
        """One of `administration.sharing.LEVELS`; "" for rights that were given one by one, or that
        differ from folder to folder."""
        if not self.rights:
            return NOTHING
        letters, count = next(iter(self.rights.items()))
        if len(self.rights) > 1 or count < self.folders:
            return ""
        return level_of(letters)


def level_of(letters: str) -> str:
    """Which level these rights are; "" for none."""
    return next((one for one, held in LEVELS.items() if set(held) == set(letters)), "")


def members(powers: Powers, box: User) -> list[Member]:
    """All with a part in it, by address, everybody last; four statements."""
    folders = Mailbox.objects.filter(user=box, deleted_at=None).count()
    found = _readers(box, folders)
    for row in Delegation.objects.select_related("delegate").filter(owner=box)[:MOST]:
        person = row.delegate
        if person.state == UserState.REMOVED:
            continue
        one = found.setdefault(person.pk, Member(person.pk, person.address, person.name, folders))
        one.sends_as, one.sends_on_behalf = row.may_send_as, row.may_send_on_behalf
    ids = [pk for pk in found if pk is not None]
    seen = set(permissions.users(powers).filter(pk__in=ids).values_list("pk", flat=True))
    for one in found.values():
        one.is_in_sight = one.id in seen
        one.name = one.name if one.is_in_sight else ""
    return sorted(found.values(), key=lambda one: (one.id is None, one.address))[:MOST]


def _readers(box: User, folders: int) -> dict[int | None, Member]:
    rows = (
        MailboxRight.objects.filter(mailbox__user=box, mailbox__deleted_at=None)
        .exclude(user__state=UserState.REMOVED)
        .order_by()
        .values_list("user_id", "user__address", "user__name", "rights")
        .annotate(Count("pk"))
    )
    found: dict[int | None, Member] = {}
    for user_id, address, name, rights, count in rows:
        one = found.setdefault(user_id, Member(user_id, address or "", name or "", folders))
        one.rights = {**one.rights, rights: count}
    return found
