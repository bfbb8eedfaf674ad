"""What a user signs in with, and from where: shown to who may end sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.accounts import factors
from apps.accounts.browsers import Browser, browsers_of
from apps.accounts.factors import Factors
from apps.directory import apitokens, apppasswords, history, tokens
from apps.directory.apitokens import KnownApiToken
from apps.directory.apppasswords import Known
from apps.directory.models import Means, Outcome, SignIn, User
from apps.directory.tokens import KnownToken
from apps.ui.clients import browser_words

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
class Visit:
    """A sign-in in words."""

    words: str
    how: str
    address: str
    at: datetime
    times: int
    is_bad: bool


@dataclass(frozen=True, slots=True)
class Devices:
    """Browsers, programs and second factors of a user."""

    factors: Factors
    browsers: list[tuple[str, Browser]]
    app_passwords: list[Known]
    tokens: list[KnownToken]
    api_tokens: list[KnownApiToken]


def devices_of(user: User) -> Devices:
    """All of it, in a few statements."""
    browsers = browsers_of(user)
    return Devices(
        factors=factors.summary(user),
        browsers=[(browser_words(one.client) or UNKNOWN, one) for one in browsers],
        app_passwords=apppasswords.of_user(user.pk),
        tokens=tokens.of_user(user.pk),
        api_tokens=apitokens.of_user(user.pk),
    )


def visits_of(
    user: User, *, before: str = "", limit: int = history.PAGE
) -> tuple[list[Visit], str]:
    """A page of sign-ins, newest first, and the `before` of the next one.

    Raises:
        InvalidName: `before` is none.
    """
    page = history.of_user(user.pk, before=before, limit=limit)
    return [_visit(row) for row in page.rows], page.following


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
