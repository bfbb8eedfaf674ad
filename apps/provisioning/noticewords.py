"""What letters about an account say: one entry for each thing that they tell of. Words only."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class About(StrEnum):
    """What a letter tells of."""

    PASSWORD_CHANGED = "password_changed"  # noqa: S105  (a name)
    PASSWORD_RESET = "password_reset"  # noqa: S105  (by an administrator)
    PASSWORD_RECOVERED = "password_recovered"  # noqa: S105  (by a link)
    RECOVERY_CHANGED = "recovery_changed"
    RECOVERY_REMOVED = "recovery_removed"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    FACTORS_RESET = "factors_reset"
    CODE_USED = "code_used"
    NEW_PLACE = "new_place"
    ACTED = "acted"
    APP_PASSWORD_ADDED = "app_password_added"  # noqa: S105  (a name)
    APP_PASSWORD_TAKEN = "app_password_taken"  # noqa: S105  (by an administrator)
    API_TOKEN_ADDED = "api_token_added"  # noqa: S105  (a name)
    API_TOKEN_TAKEN = "api_token_taken"  # noqa: S105  (by an administrator)
    PROGRAM_LET_IN = "program_let_in"
    DELEGATES_CHANGED = "delegates_changed"
    SHARE_ENDED = "share_ended"
    REPLY_CHANGED = "reply_changed"
    FORWARD_ENDED = "forward_ended"
    MAIL_RESTORED = "mail_restored"


@dataclass(frozen=True, slots=True)
class Budget:
    """How many letters of a sort a user gets a day."""

    name: str
    most: int


GRAVE: Final = Budget("grave", 20)
USUAL: Final = Budget("note", 20)
PLACES: Final = Budget("place", 3)

_OWN = "If it was you, there is nothing to do."
_SECURE = (
    "If it was not you, somebody else can use your account: change your password now, and look"
    " at who is signed in."
)
_ASK = "If you did not ask for it, call your administrator, and do not answer this letter."


@dataclass(frozen=True, slots=True)
class Words:
    """One sort of letter.

    Args:
        subject, what: `{address}` is the account.
        label: what `detail` is; "" if there is none.
        page: the name of the page that helps.
        goes_further: to the recovery address too.
    """

    subject: str
    what: str
    then: str
    label: str = ""
    page: str = "settings"
    budget: Budget = USUAL
    goes_further: bool = False


WORDS: Final = {
    About.PASSWORD_CHANGED: Words(
        "Your password was changed",
        "The password of {address} was changed. Every other browser was signed out, and so was"
        " every mail program that used the old password.",
        f"{_OWN} If it was not you, set a new password by the link for forgotten passwords, or"
        " call your administrator.",
        page="login-forgot",
        budget=GRAVE,
    ),
    About.PASSWORD_RESET: Words(
        "Your password was set by an administrator",
        "An administrator set a new password for {address}. The old one works no more, and"
        " whoever used it was signed out.",
        _ASK,
        budget=GRAVE,
        goes_further=True,
    ),
    About.PASSWORD_RECOVERED: Words(
        "A new password was set by a link",
        "Somebody opened a link that was made for {address}, and set a new password. The old one"
        " works no more, and whoever used it was signed out.",
        f"{_OWN} If it was not you, somebody reads your recovery address, or has a link that was"
        " not meant for them: call your administrator at once.",
        budget=GRAVE,
        goes_further=True,
    ),
    About.RECOVERY_CHANGED: Words(
        "Your recovery address was changed",
        "The recovery address of {address} is another one now. A link for a forgotten password"
        " goes there.",
        f"{_OWN} {_SECURE} Then set the right recovery address.",
        label="Recovery address",
        page="settings-recovery",
        budget=GRAVE,
        goes_further=True,
    ),
    About.RECOVERY_REMOVED: Words(
        "Your recovery address was removed",
        "{address} has no recovery address any more. If you forget your password, only an"
        " administrator can help.",
        f"{_OWN} {_SECURE} Then set your recovery address again.",
        label="It was",
        page="settings-recovery",
        budget=GRAVE,
    ),
    About.FACTOR_ADDED: Words(
        "A second step was added to your sign-in",
        "Signing in as {address} on the web takes one more step now. Mail programs need a password"
        " of their own from now on.",
        f"{_OWN} {_SECURE}",
        label="Added",
    ),
    About.FACTOR_REMOVED: Words(
        "A second step was removed from your sign-in",
        "One of the second steps of {address} is gone.",
        f"{_OWN} {_SECURE}",
        label="Removed",
        budget=GRAVE,
        goes_further=True,
    ),
    About.FACTORS_RESET: Words(
        "All second steps of your sign-in were removed",
        "An administrator removed all second steps of {address}. Until you set up a new one, the"
        " password alone opens your account.",
        _ASK,
        budget=GRAVE,
        goes_further=True,
    ),
    About.CODE_USED: Words(
        "A recovery code was used",
        "Somebody signed in as {address} with a recovery code in place of the usual second step."
        " That code works no more.",
        f"{_OWN} {_SECURE}",
        label="Codes left",
    ),
    About.NEW_PLACE: Words(
        "A sign-in from a new place",
        "Somebody signed in as {address} from a network from which you have not signed in lately.",
        f"{_OWN} {_SECURE}",
        page="settings-activity",
        budget=PLACES,
    ),
    About.ACTED: Words(
        "An administrator looked at your mail",
        "An administrator opened {address} as if it were theirs, and could read the mail in it."
        " What was done is recorded.",
        "If you do not know why, ask them.",
        label="Reason",
        page="settings-activity",
        budget=GRAVE,
    ),
    About.APP_PASSWORD_ADDED: Words(
        "An app password was made",
        "A new password for a mail program or a device was made for {address}.",
        "If it was you, there is nothing to do. If it was not, revoke it, and change your"
        " password.",
        label="Name",
        page="settings-apps",
    ),
    About.APP_PASSWORD_TAKEN: Words(
        "An app password was revoked",
        "An administrator revoked a password or an access token that a mail program or a device"
        " used for {address}. What uses it signs in no more.",
        f"Make a new one if you still need it. {_ASK}",
        label="Name",
        page="settings-apps",
    ),
    About.API_TOKEN_ADDED: Words(
        "An API token was made",
        "A token was made by which a program acts in the name of {address}, as far as the token"
        " goes.",
        "If it was you, or a program of yours, there is nothing to do. If it was not, revoke it,"
        " and change your password.",
        label="Name",
        page="settings-tokens",
    ),
    About.API_TOKEN_TAKEN: Words(
        "An API token was revoked",
        "An administrator revoked a token by which a program acted in the name of {address}. What"
        " uses it works no more.",
        f"Make a new one if you still need it. {_ASK}",
        label="Name",
        page="settings-tokens",
    ),
    About.PROGRAM_LET_IN: Words(
        "A program was let in",
        "A program was allowed to sign in to the mail of {address} until you take that back.",
        "If it was you, there is nothing to do. If it was not, revoke it, and change your"
        " password.",
        label="Program",
        page="settings-apps",
    ),
    About.DELEGATES_CHANGED: Words(
        "An administrator changed who may write in your name",
        "An administrator changed who may write mail in the name of {address}.",
        _ASK,
        label="Delegate",
        page="settings-sharing",
        budget=GRAVE,
    ),
    About.SHARE_ENDED: Words(
        "An administrator ended what you shared",
        "An administrator took back what somebody could do in folders of {address}.",
        _ASK,
        label="Shared with",
        page="settings-sharing",
    ),
    About.REPLY_CHANGED: Words(
        "An administrator changed your absence reply",
        "An administrator turned the absence reply of {address} on or off, or changed it.",
        "You can change it yourself at any time.",
        label="It is now",
        page="settings-vacation",
    ),
    About.FORWARD_ENDED: Words(
        "An administrator ended a forward",
        "Mail of {address} is no longer sent on to an address that you had chosen.",
        _ASK,
        label="Address",
        page="settings-forwarding",
        budget=GRAVE,
    ),
    About.MAIL_RESTORED: Words(
        "An administrator brought deleted mail back",
        "An administrator brought back mail that had been deleted from {address}. Nobody read it"
        " for that.",
        _ASK,
        label="Messages",
        page="home",
    ),
}
