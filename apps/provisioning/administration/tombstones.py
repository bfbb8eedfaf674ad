"""Removed users as administrators see them: those whose domain was theirs at the time, and is."""

from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import StrIndex, Substr

from apps.directory import permissions
from apps.directory.models import User, UserState
from apps.directory.permissions import Ability, Powers
from apps.directory.services import users
from apps.wire.errors import NotFound


def in_sight(powers: Powers) -> QuerySet[User]:
    """The removed users whom somebody may bring back.

    Who removed a domain may have been another tenant than who has it now: the mail of its users
    then is an operator's to give back. So the domain must have been there all the time.
    """
    # The same by a column of which an index knows; the state is a parameter, and helps no planner.
    gone = User.objects.filter(state=UserState.REMOVED, removed_at__isnull=False)
    if not powers.may(Ability.RESTORE_USERS):
        return gone.none()
    if powers.is_operator:
        return gone
    homes = permissions.domains(powers, Ability.RESTORE_USERS).filter(alias_of=None)
    # A quoted local part may hold an @ itself: what follows the first one is the name of no domain
    # then, and such a user is an operator's to bring back.
    named = gone.annotate(home=Substr("address", StrIndex("address", Value("@")) + 1))
    mine = homes.filter(name=OuterRef("home"), created_at__lt=OuterRef("removed_at"))
    return named.filter(Exists(mine))


def restore(*, powers: Powers, user_id: int) -> User:
    """Bring a removed user back, with its mail and password, without its roles.

    Raises:
        NotFound, AlreadyExists, InUse, LimitReached
    """
    user = in_sight(powers).filter(pk=user_id).first()
    if user is None:
        raise NotFound(f"tombstone {user_id}", text="There is no such removed user")
    return users.raise_tombstone(user, unlimited=powers.is_operator)
