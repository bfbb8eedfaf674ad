"""One user as the console shows it: a few statements, no matter how much the user has."""

from dataclasses import dataclass

from apps.console.rolewords import roles_of
from apps.directory import limits, permissions
from apps.directory.models import Kind, User, UserState
from apps.directory.permissions import Ability, Powers
from apps.mailstore.models import Usage
from apps.provisioning import acting


@dataclass(frozen=True, slots=True)
class Acts:
    """Which acts the page offers; the doors ask again."""

    changes: bool
    renames: bool
    suspends: bool
    removes: bool
    restores: bool
    resets: bool
    resets_factors: bool
    ends_sessions: bool
    changes_replies: bool
    changes_aliases: bool
    sets_limits: bool
    acts_as: bool


@dataclass(frozen=True, slots=True)
class Account:
    """A user, and what may be done to it.

    Args:
        is_beyond: its roles reach further than those of who looks.
        is_told: whether who looks sees sign-ins and devices: who may end sessions does.
    """

    user: User
    roles: list[str]
    acts: Acts
    is_beyond: bool
    is_told: bool

    @property
    def who(self) -> str:
        """How the user is called."""
        return self.user.name or self.user.address


@dataclass(frozen=True, slots=True)
class Space:
    """What a user keeps, bytes.

    Args:
        sent: messages that were sent today, UTC; None where nothing is counted.
    """

    used: int
    messages: int
    deleted: int
    percent: int
    sent: int | None
    most: int


def account_of(powers: Powers, administrator: User, user: User) -> Account:
    """What somebody with these powers is shown of a user in sight."""
    acts = _acts(powers, administrator, user)
    return Account(
        user=user,
        roles=roles_of(powers, [user.pk]).get(user.pk, []),
        acts=acts,
        is_beyond=not powers.covers(permissions.grants_of([user.pk])),
        is_told=acts.ends_sessions and user.kind == Kind.PERSON,
    )


def _acts(powers: Powers, administrator: User, user: User) -> Acts:
    theirs = permissions.grants_of([user.pk])

    def may(ability: Ability) -> bool:
        return permissions.may_act_with(powers, ability, user, theirs)

    is_person = user.kind == Kind.PERSON
    return Acts(
        changes=may(Ability.CHANGE_USERS),
        renames=may(Ability.RENAME_USERS),
        suspends=may(Ability.SUSPEND_USERS),
        removes=may(Ability.REMOVE_USERS),
        restores=may(Ability.RESTORE_USERS),
        resets=is_person and may(Ability.RESET_PASSWORDS),
        resets_factors=is_person and user.has_factor and may(Ability.RESET_FACTORS),
        ends_sessions=may(Ability.END_SESSIONS),
        changes_replies=may(Ability.CHANGE_REPLIES),
        changes_aliases=may(Ability.CHANGE_ALIASES),
        sets_limits=may(Ability.SET_LIMITS),
        acts_as=is_person
        and user.state == UserState.ACTIVE
        and acting.may_begin(administrator, user),
    )


def space_of(user: User) -> Space:
    """What a user keeps, and sent today; three statements."""
    columns = ("size", "messages", "expunged")
    row = Usage.objects.filter(user=user).values_list(*columns).first() or (0, 0, 0)
    own = [one for one in limits.limits_of([user.pk])[user.pk].meters if _is_own(one, user)]
    sent = limits.counts(own)
    return Space(
        used=row[0],
        messages=row[1],
        deleted=row[2],
        percent=min(100, row[0] * 100 // user.quota) if user.quota else 0,
        sent=sent.get(own[0].key, (0, 0))[0] if own else None,
        most=own[0].messages if own else 0,
    )


def _is_own(meter: limits.Meter, user: User) -> bool:
    return meter.scope == f"user/{user.pk}" and meter.span == "day"
