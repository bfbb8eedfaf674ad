"""Who has to have a second factor: what an installation and a domain demand. Reads, no writes.

The installation's demand (SECOND_FACTOR) holds at once and for operators outside hosted domains
too; a domain's demand may begin on a later day, until which its people are reminded. The stricter
of both counts. An administrator is whoever holds a role, whatever it is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils import timezone

from apps.directory.models import Demand, RoleGrant, User

# What `binds` takes, as columns of a statement about `directory_user u` and its `directory_domain
# d`; its one parameter is `moment()`.
COLUMNS: Final = """
CASE WHEN d.factor_due_at IS NULL OR d.factor_due_at <= %s THEN d.factor_demand ELSE 'nobody' END,
EXISTS (SELECT 1 FROM directory_rolegrant g WHERE g.user_id = u.id)"""

_OF_SETTING: Final = {
    "optional": Demand.NOBODY,
    "administrators": Demand.ADMINISTRATORS,
    "everybody": Demand.EVERYBODY,
}


@dataclass(frozen=True, slots=True)
class Due:
    """Whether somebody has to have a second factor, and from when on; None is at once."""

    is_demanded: bool
    due_at: datetime | None = None

    @property
    def is_due(self) -> bool:
        """Whether that time has come."""
        return self.is_demanded and (self.due_at is None or self.due_at <= timezone.now())


def factor_demand(user: User) -> Due:
    """What is demanded of a user, whether or not it has a second factor already.

    At most two queries: the domain, if it was not selected with the user, and its roles, if they
    matter.
    """
    of_all = installation()
    of_domain = Demand.NOBODY if user.domain is None else Demand(user.domain.factor_demand)
    holds_role = (
        Demand.ADMINISTRATORS in (of_all, of_domain)
        and RoleGrant.objects.filter(user_id=user.pk).exists()
    )
    if covers(of_all, holds_role):
        return Due(True)
    if user.domain is not None and covers(of_domain, holds_role):
        return Due(True, user.domain.factor_due_at)
    return Due(False)


def moment() -> str:
    """The time now, as a text: at each sign-in that is cheaper than what drivers make of a time."""
    return timezone.now().isoformat(" ")


def installation() -> Demand:
    """What SECOND_FACTOR demands of everybody here."""
    return _OF_SETTING[settings.SECOND_FACTOR]


def binds(of_domain: str | None, holds_role: bool) -> bool:
    """Whether somebody has to have a second factor now, from `COLUMNS`."""
    return covers(installation(), holds_role) or covers(of_domain, holds_role)


def covers(demand: str | None, holds_role: bool) -> bool:
    """Whether a demand is about somebody; None is that of nobody's domain."""
    return demand == Demand.EVERYBODY or (demand == Demand.ADMINISTRATORS and holds_role)
