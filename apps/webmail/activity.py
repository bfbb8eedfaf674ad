"""Sign-ins in words: what happened, how, from where, and what to do about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.directory.models import Means, Outcome, SignIn
from apps.directory.services.history import OTHERS
from apps.ui.clients import browser_words

_DOORS: Final = {
    "web": "web",
    "imap": "IMAP",
    "pop3": "POP3",
    "submission": "sending (SMTP)",
    "submissions": "sending (SMTP)",
}
_MEANS: Final = {
    Means.PASSWORD: "password",
    Means.TOTP: "password and code",
    Means.RECOVERY_CODE: "password and recovery code",
    Means.PASSKEY: "passkey",
    Means.TRUSTED_DEVICE: "password, in a trusted browser",
    Means.APP_PASSWORD: "app password",
    Means.TOKEN: "access token",
    Means.ACTING: "as you",
}
_NAMED: Final = frozenset({Means.APP_PASSWORD, Means.TOKEN})  # `via` is its name
_WRONG: Final = {
    Means.PASSWORD: "Wrong password",
    Means.TOTP: "Wrong code",
    Means.RECOVERY_CODE: "Wrong recovery code",
    Means.PASSKEY: "Passkey that does not fit",
}
# (means, outcome), or the outcome alone: what to do.
_ADVICE: Final = {
    (Means.PASSWORD, Outcome.REFUSED): (
        "It was your right password, and it opens no mail program. Make an app password for this"
        " program. If it is none of yours, change your password: somebody knows it."
    ),
    (Means.APP_PASSWORD, Outcome.REFUSED): (
        "This app password is not for this protocol or network, or its last day is over. If the"
        " program is yours, make a new one; if not, revoke it."
    ),
    (Means.TOTP, Outcome.WRONG): (
        "Whoever tried it knows your password. If it was not you, change it now."
    ),
    (Means.RECOVERY_CODE, Outcome.WRONG): (
        "Whoever tried it knows your password. If it was not you, change it now."
    ),
    Outcome.WRONG: (
        "If it was not you, somebody tries to guess it, or an old program has an old one. A second"
        " step keeps out who guesses right."
    ),
    Outcome.REFUSED: "What was shown is right, but does not open this door.",
    Outcome.SUSPENDED: "Your account was closed to sign-ins at that time.",
}


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the page.

    Args:
        who: the browser, the program, or the administrator.
        how: door and means.
        advice: what to do, "" if nothing is.
        where: the client's address; "" if it is not known.
    """

    icon: str
    who: str
    how: str
    advice: str
    where: str
    first_at: datetime
    last_at: datetime
    times: int
    is_refused: bool
    is_new_place: bool
    is_acting: bool


def act_of(row: SignIn) -> Act:
    """A row of the history in words. What a client calls itself stands in it as it came, cut:
    templates escape it."""
    is_refused = row.outcome != Outcome.OK
    is_acting = row.means == Means.ACTING
    return Act(
        icon=_icon(row),
        who=_who(row),
        how=", ".join(word for word in (_DOORS.get(row.door, row.door.upper()), _how(row)) if word),
        advice=_advice(row) if is_refused else "",
        where="several networks" if row.address == OTHERS else row.address,
        first_at=row.first_at,
        last_at=row.last_at,
        times=row.times,
        is_refused=is_refused,
        is_new_place=row.is_new_place and not is_refused,
        is_acting=is_acting,
    )


def _who(row: SignIn) -> str:
    if row.means == Means.ACTING:
        return f"{row.via or 'An administrator'} opened your mail"
    if row.outcome == Outcome.WRONG:
        return _WRONG.get(Means(row.means), "Wrong sign-in")
    name = row.via if row.means in _NAMED else ""
    if row.outcome != Outcome.OK:
        return name or ("Right password" if row.means == Means.PASSWORD else "Right sign-in")
    return name or _client(row) or ("A browser" if row.door == "web" else "A mail program")


def _how(row: SignIn) -> str:
    """The means, what else is known of it, and the client where it is not named already."""
    client = _client(row)
    if row.outcome == Outcome.WRONG or row.means == Means.ACTING:
        return client
    words = [_MEANS.get(Means(row.means), row.means)]
    if row.via and row.means not in _NAMED:
        words.append(row.via)
    if client and (row.outcome != Outcome.OK or (row.via and row.means in _NAMED)):
        words.append(client)
    return ", ".join(words)


def _client(row: SignIn) -> str:
    return browser_words(row.client) if row.door == "web" else row.client[:80]


def _advice(row: SignIn) -> str:
    means, outcome = Means(row.means), Outcome(row.outcome)
    return _ADVICE.get((means, outcome)) or _ADVICE.get(outcome) or ""


def _icon(row: SignIn) -> str:
    if row.means == Means.ACTING:
        return "user-cog"
    if row.outcome != Outcome.OK:
        return "shield-x"
    if row.door != "web":
        return "mail"
    is_small = any(word in row.client for word in ("iPhone", "iPad", "Android"))
    return "smartphone" if is_small else "monitor"
