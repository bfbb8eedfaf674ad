"""Shared mailboxes as the console lists them, in three statements however many there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q

from apps.console import paging
from apps.console.filters import Filter
from apps.console.paging import Page
from apps.directory.models import Delegation, UserState
from apps.directory.permissions import Powers
from apps.directory.written import stored_domain
from apps.mailstore.models import MailboxRight
from apps.provisioning.administration.sharing import in_sight
from apps.runtime.keyset import Column, Order

_ORDER: Final = Order(Column("key", str))
_COLUMNS: Final = ("pk", "key", "address", "name", "state", "quota", "usage__size")


@dataclass(frozen=True, slots=True)
class Wanted(Filter):
    """What is asked for: `text` is part of an address or a name."""

    domain: str = ""


@dataclass(frozen=True, slots=True)
class BoxLine:
    """A shared mailbox in the list; sizes in bytes, quota 0 is no limit."""

    id: int
    address: str
    name: str
    state: str
    quota: int
    used: int
    members: int
    is_for_all: bool

    @property
    def percent(self) -> int:
        """How full, 0 to 100."""
        return min(100, self.used * 100 // self.quota) if self.quota else 0

    @property
    def words(self) -> str:
        """Who uses it."""
        if self.is_for_all:
            return "Everybody in the organisation"
        if not self.members:
            return "Nobody yet"
        return "1 member" if self.members == 1 else f"{self.members} members"


def shared(powers: Powers, wanted: Wanted) -> Page[BoxLine]:
    """A page of the shared mailboxes in sight."""
    found = in_sight(powers)
    if wanted.text:
        folded = wanted.text.casefold()
        found = found.filter(Q(key__contains=folded) | Q(name__icontains=wanted.text))
    if wanted.domain:
        found = found.filter(domain__name=stored_domain(wanted.domain))
    return paging.page(found.values(*_COLUMNS), _ORDER, wanted, _lines)


def _lines(rows: Sequence[dict[str, Any]]) -> list[BoxLine]:
    members = _members([row["pk"] for row in rows])
    return [
        BoxLine(
            id=row["pk"],
            address=row["address"],
            name=row["name"],
            state=UserState(row["state"]).value,
            quota=row["quota"],
            used=row["usage__size"] or 0,
            members=len(members.get(row["pk"], set()) - {None}),
            is_for_all=None in members.get(row["pk"], set()),
        )
        for row in rows
    ]


def _members(ids: Iterable[int]) -> dict[int, set[int | None]]:
    """Who may read or send, None for everybody, by mailbox; two statements."""
    rights = (
        MailboxRight.objects.filter(mailbox__user__in=ids, mailbox__deleted_at=None)
        .exclude(user__state=UserState.REMOVED)
        .values_list("mailbox__user_id", "user_id")
        .distinct()
    )
    delegations = Delegation.objects.filter(owner__in=ids).exclude(
        delegate__state=UserState.REMOVED
    )
    found: dict[int, set[int | None]] = {}
    for owner_id, user_id in rights:
        found.setdefault(owner_id, set()).add(user_id)
    for owner_id, delegate_id in delegations.values_list("owner_id", "delegate_id"):
        found.setdefault(owner_id, set()).add(delegate_id)
    return found
