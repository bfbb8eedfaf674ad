"""What a user lets others do, and may do for others: counts of folders, never their names."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Q

from apps.directory import permissions
from apps.directory.models import Delegation, User
from apps.directory.permissions import Powers
from apps.mailstore.models import MailboxRight

ELSEWHERE = "somebody out of your sight"


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
    """All of it."""

    by: list[Lent]
    to: list[Lent]
    shared: list[Shared]
    reads: list[Shared]


def lending_of(powers: Powers, user: User) -> Lending:
    """What a user lends and borrows; five statements."""
    rows = list(
        Delegation.objects.filter(Q(owner=user) | Q(delegate=user))
        .select_related("owner", "delegate")
        .order_by("delegate__key", "owner__key")
    )
    rights = list(
        MailboxRight.objects.filter(
            Q(mailbox__user=user) | Q(user=user), mailbox__deleted_at=None
        ).values_list("mailbox__user", "mailbox__user__address", "user", "user__address")
    )
    others = {row.owner_id for row in rows} | {row.delegate_id for row in rows}
    others |= {one for owner, _, reader, _ in rights for one in (owner, reader) if one}
    seen = set(permissions.users(powers).filter(pk__in=others).values_list("pk", flat=True))
    by = [row for row in rows if row.owner_id == user.pk]
    to = [row for row in rows if row.delegate_id == user.pk]
    return Lending(
        by=[_lent(row, row.delegate, seen) for row in by],
        to=[_lent(row, row.owner, seen) for row in to],
        shared=_counted(
            [(reader, address) for owner, _, reader, address in rights if owner == user.pk], seen
        ),
        reads=_counted(
            [(owner, address) for owner, address, reader, _ in rights if reader == user.pk], seen
        ),
    )


def _lent(row: Delegation, other: User, seen: set[int]) -> Lent:
    is_seen = other.pk in seen
    return Lent(
        row.delegate_id,
        other.pk if is_seen else None,
        other.address if is_seen else ELSEWHERE,
        row.may_send_as,
        row.may_send_on_behalf,
    )


def _counted(pairs: list[tuple[int | None, str | None]], seen: set[int]) -> list[Shared]:
    counts = Counter(pairs)
    return [
        Shared(
            "anyone" if pk is None else address or "" if pk in seen else ELSEWHERE,
            count,
            pk is None or pk in seen,
        )
        for (pk, address), count in sorted(counts.items(), key=lambda one: one[0][1] or "")
    ]
