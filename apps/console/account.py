"""One user as the console shows it: a few statements, no matter how much the user has."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.accounts import factors
from apps.accounts.browsers import Browser, browsers_of
from apps.accounts.factors import Factors
from apps.console.rolewords import roles_of
from apps.directory import apppasswords, history, permissions
from apps.directory.apppasswords import Known
from apps.directory.models import Kind, Means, Outcome, SignIn, User, UserState
from apps.directory.permissions import Ability, Powers
from apps.mailstore.models import Usage
from apps.provisioning import acting
from apps.ui.clients import browser_words

SIGN_INS: Final = 10
UNKNOWN: Final = "Unknown browser"
_OUTCOMES: Final = {
    Outcome.OK: "Signed in",
    Outcome.WRONG: "Wrong sign-in",
    Outcome.REFUSED: "Refused",
    Outcome.SUSPENDED: "Refused: suspended",
}
_MEANS: Final = {
    Means.PASSWORD: "password",
    Means.TOTP: "password and code",
    Means.RECOVERY_CODE: "password and recovery code",
    Means.PASSKEY: "passkey",
    Means.TRUSTED_DEVICE: "password, trusted browser",
    Means.APP_PASSWORD: "app password",
    Means.TOKEN: "access token",
    Means.ACTING: "an administrator, as the user",
}


@dataclass(frozen=True, slots=True)
class Acts:
    """Which acts the page offers; the doors ask again."""

    changes: bool
    suspends: bool
    resets: bool
    resets_factors: bool
    ends_sessions: bool
    acts_as: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """A sign-in in words."""

    words: str
    how: str
    address: str
    at: datetime
    times: int
    is_bad: bool


@dataclass(frozen=True, slots=True)
class Account:
    """A user, and what is told of it: sign-in matters only to those who may end sessions.

    Args:
        used: bytes; None before anything was stored.
        is_beyond: its roles reach further than those of who looks.
    """

    user: User
    roles: list[str]
    used: int
    percent: int
    acts: Acts
    is_beyond: bool
    is_told: bool
    factors: Factors | None
    browsers: list[tuple[str, Browser]]
    app_passwords: list[Known]
    visits: list[Visit]


def account_of(powers: Powers, administrator: User, user: User) -> Account:
    """What somebody with these powers is shown of a user in sight."""
    grants = permissions.grants_of([user.pk])
    is_beyond = not powers.covers(grants)
    acts = _acts(powers, administrator, user)
    is_told = acts.ends_sessions and user.kind == Kind.PERSON
    size = Usage.objects.filter(user=user).values_list("size", flat=True).first() or 0
    browsers = browsers_of(user) if is_told else []
    return Account(
        user=user,
        roles=roles_of(powers, [user.pk]).get(user.pk, []),
        used=size,
        percent=min(100, size * 100 // user.quota) if user.quota else 0,
        acts=acts,
        is_beyond=is_beyond,
        is_told=is_told,
        factors=factors.summary(user) if is_told else None,
        browsers=[(browser_words(one.client) or UNKNOWN, one) for one in browsers],
        app_passwords=list(apppasswords.of_user(user.pk)) if is_told else [],
        visits=[_visit(row) for row in _sign_ins(user)] if is_told else [],
    )


def _acts(powers: Powers, administrator: User, user: User) -> Acts:
    def may(ability: Ability) -> bool:
        return permissions.may_act_on(powers, ability, user)

    is_person = user.kind == Kind.PERSON
    return Acts(
        changes=may(Ability.CHANGE_USERS),
        suspends=may(Ability.SUSPEND_USERS),
        resets=is_person and may(Ability.RESET_PASSWORDS),
        resets_factors=is_person and user.has_factor and may(Ability.RESET_FACTORS),
        ends_sessions=may(Ability.END_SESSIONS),
        acts_as=is_person
        and user.state == UserState.ACTIVE
        and acting.may_begin(administrator, user),
    )


def _sign_ins(user: User) -> list[SignIn]:
    return history.of_user(user.pk, limit=SIGN_INS).rows


def _visit(row: SignIn) -> Visit:
    means = _MEANS.get(Means(row.means), row.means)
    door = "web" if row.door == "web" else row.door.upper()
    return Visit(
        words=_OUTCOMES[Outcome(row.outcome)],
        how=", ".join(word for word in (door, means, row.via) if word),
        address=row.address,
        at=row.last_at,
        times=row.times,
        is_bad=row.outcome != Outcome.OK,
    )
