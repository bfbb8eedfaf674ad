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
from apps.runtime.rows import aware

# What `binds` takes, as columns of a statement about `directory_user u` and its `directory_domain
# d`. The day is compared here: hardly any account has one, and to tell every statement what time
# it is cost a tenth of a sign-in.
COLUMNS: Final = """
d.factor_demand, d.factor_due_at,
EXISTS (SELECT 1 FROM directory_rolegrant g WHERE g.user_id = u.id)"""

_OF_SETTING: Final = {
    "optional": Demand.NOBODY,
    "administrators": Demand.ADMINISTRATORS,
    "everybody": Demand.EVERYBODY,
}
_NOBODY: Final = (Demand.NOBODY.value, None)


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


def installation() -> Demand:
    """What SECOND_FACTOR demands of everybody here."""
    return _OF_SETTING[settings.SECOND_FACTOR]


def binds(of_domain: str | None, due_at: datetime | None, holds_role: bool) -> bool:
    """Whether somebody has to have a second factor now, from `COLUMNS`."""
    if of_domain in _NOBODY and settings.SECOND_FACTOR == "optional":
        return False  # most people, at each of their sign-ins
    if covers(installation(), holds_role):
        return True
    return covers(of_domain, holds_role) and (due_at is None or aware(due_at) <= timezone.now())


def covers(demand: str | None, holds_role: bool) -> bool:
    """Whether a demand is about somebody; None is that of nobody's domain."""
    return demand == Demand.EVERYBODY or (demand == Demand.ADMINISTRATORS and holds_role)
