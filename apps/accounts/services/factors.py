"""A code that somebody typed, and what an administrator does for who has lost all factors."""

from apps.accounts import guessing, onetime
from apps.accounts.models import Authenticator, Passkey
from apps.accounts.services import authenticators, recoverycodes, sessions
from apps.accounts.services.standing import changing
from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Means, User
from apps.wire.errors import AuthenticationFailed

WRONG = "This code is not right, or was used before"


def check_code(*, user: User, code: str, address: str) -> Means:
    """Use up a code of an authenticator app, or a recovery code.

    Args:
        code: as it was typed.
        address: the client's IP address; budgets belong to its network.

    Returns:
        Which of the two it was.

    Raises:
        AuthenticationFailed: wrong, used before, or of no kind that the user has: never told apart.
        Throttled: nothing was checked.
        SignInUnavailable: nothing could be checked.
        SealBrokenError: the key that sealed the app's secret is gone.
    """
    one = guessing.admit(user.key, address)
    typed = onetime.normal(code)
    if onetime.looks_like_totp(typed):
        guessing.count(one)
        means = Means.TOTP
        is_right = authenticators.take(user=user, code=typed)
    else:
        means = Means.RECOVERY_CODE
        is_right = onetime.looks_like_recovery(typed) and recoverycodes.take(user=user, code=typed)
    if not is_right:
        one.failed()
        raise AuthenticationFailed("wrong code", text=WRONG)
    one.succeeded()
    return means


def reset(*, user: User) -> int:
    """Take all factors of a user away; every session and trusted browser ends, and the password
    alone opens the next one.

    Returns:
        How many factors there were.

    Raises:
        NotFound: the user is gone.
    """
    with changing(user) as row:
        gone: int = Authenticator.objects.filter(user=user).delete()[0]
        gone += Passkey.objects.filter(user=user).delete()[0]
        record("factor.reset", **subjects.of_user(row), detail={"factors": gone})
        sessions.end_all(user_id=user.pk)
    return gone
