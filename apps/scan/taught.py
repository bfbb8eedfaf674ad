"""What was taught, for those who look: the owners of lessons, and what theirs come to."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.directory.models import Organization, User
from apps.scan.bayes.reckon import NOTHING, Tally, is_taught
from apps.scan.models import Taught, Token


@dataclass(frozen=True, slots=True)
class Owner:
    """One of them.

    Args:
        name: the user's address, or the organisation's name.
        speaks: whether these lessons alone are enough for verdicts.
    """

    name: str
    spam: int
    ham: int
    tokens: int
    speaks: bool


def owners(only: int | None = None) -> list[Owner]:
    """Organisations, then users, by name; five queries and one for each owner.

    Args:
        only: this one alone; a user's id, or minus an organisation's.
    """
    rows = Taught.objects.all() if only is None else Taught.objects.filter(owner=only)
    found = [row for row in rows if row.spam or row.ham]
    names = _names([row.owner for row in found])
    found.sort(key=lambda row: (row.owner > 0, names.get(row.owner, "")))
    return [
        Owner(
            names.get(row.owner, f"{row.owner} (gone)"),
            row.spam,
            row.ham,
            Token.objects.filter(owner=row.owner).count(),
            is_taught(Tally(row.spam, row.ham), NOTHING),
        )
        for row in found
    ]


def _names(of: Sequence[int]) -> dict[int, str]:
    organizations = Organization.objects.filter(pk__in=[-one for one in of if one < 0])
    found = {-one.pk: one.name for one in organizations}
    users = User.objects.filter(pk__in=[one for one in of if one > 0]).select_related("domain")
    found.update({one.pk: one.address for one in users})
    return found
