"""What a user lets others do, and may do for others: counts of folders, never their names.

Counted in the database and bounded: of a mailbox that hundreds share, the first `MOST` are named.
"""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, F, Q

from apps.directory import permissions
from apps.directory.models import Delegation, User
from apps.directory.permissions import Powers
from apps.mailstore.models import MailboxRight

ELSEWHERE: Final = "somebody out of your sight"
MOST: Final = 200  # of each sort


@dataclass(frozen=True, slots=True)
class Lent:
    """A delegation. `who` is the other side; `id` is None where that is out of sight."""

    delegate_id: int
    id: int | None
    who: str
    send_as: bool
    on_behalf: bool


@dataclass(frozen=True, slots=True)
class Shared:
    """With whom folders are shared, and how many."""

    who: str
    folders: int
    is_seen: bool


@dataclass(frozen=True, slots=True)
class Lending:
    """All of it; `has_more` names those lists that go on beyond what is here."""

    by: list[Lent]
    to: list[Lent]
    shared: list[Shared]
    reads: list[Shared]
    has_more: frozenset[str]


def lending_of(powers: Powers, user: User) -> Lending:
    """What a user lends and borrows; five statements."""
    lends, borrows = Delegation.objects.filter(owner=user), Delegation.objects.filter(delegate=user)
    by = list(lends.select_related("delegate").order_by("delegate__key")[: MOST + 1])
    to = list(borrows.select_related("owner").order_by("owner__key")[: MOST + 1])
    shared = _folders(Q(mailbox__user=user), "user", "user__address")
    reads = _folders(Q(user=user), "mailbox__user", "mailbox__user__address")
    others = {row.delegate_id for row in by} | {row.owner_id for row in to}
    others |= {pk for pk, _, _ in (*shared, *reads) if pk is not None}
    seen = set(permissions.users(powers).filter(pk__in=others).values_list("pk", flat=True))
    whole: dict[str, Sized] = {"by": by, "to": to, "shared": shared, "reads": reads}
    return Lending(
        by=[_lent(row, row.delegate, seen) for row in by[:MOST]],
        to=[_lent(row, row.owner, seen) for row in to[:MOST]],
        shared=_told(shared[:MOST], seen),
        reads=_told(reads[:MOST], seen),
        has_more=frozenset(name for name, rows in whole.items() if len(rows) > MOST),
    )


_Folders = list[tuple[int | None, str | None, int]]


def _folders(given: Q, who: str, address: str) -> _Folders:
    """Id and address of the other side, by address, and how many folders; one statement."""
    rows = MailboxRight.objects.filter(given, mailbox__deleted_at=None)
    counted = (
        rows.values_list(who, address)
        .annotate(Count("pk"))
        .order_by(F(address).asc(nulls_first=True), who)
    )
    return list(counted[: MOST + 1])


def _lent(row: Delegation, other: User, seen: set[int]) -> Lent:
    is_seen = other.pk in seen
    return Lent(
        row.delegate_id,
        other.pk if is_seen else None,
        other.address if is_seen else ELSEWHERE,
        row.may_send_as,
        row.may_send_on_behalf,
    )


def _told(rows: _Folders, seen: set[int]) -> list[Shared]:
    return [
        Shared(
            "anyone" if pk is None else address or "" if pk in seen else ELSEWHERE,
            count,
            pk is None or pk in seen,
        )
        for pk, address, count in rows
    ]
