"""New passwords of people: one's own, and one that an administrator gives. Its owner is told."""

from django.db import transaction

from apps.accounts.services import sessions
from apps.directory import passwords
from apps.directory.models import Kind, User
from apps.directory.services import users
from apps.provisioning.notices import About, tell
from apps.wire.errors import InvalidName


def change_own(user: User, password: str, *, client: str = "", keep: str = "") -> None:
    """Replace one's own password; every other browser and all mail programs that use it end.

    Args:
        client: the User-Agent of the browser.
        keep: the session that goes on.

    Raises:
        InvalidName: no password can look like that, or the user is no person.
        NotFound: the user was removed meanwhile.
        InUse: an app password was made meanwhile.
    """
    _replace(user, password, About.PASSWORD_CHANGED, client=client, keep=keep)


def give(user: User, password: str | None = None, *, must_change: bool = False) -> str | None:
    """Replace a person's password as an administrator; all sessions of the old one end.

    Args:
        password: None invents one.
        must_change: the web asks for another one at the next sign-in.

    Returns:
        The invented password (the only time it is seen) or None.

    Raises:
        InvalidName, NotFound, InUse: as `change_own`.
    """
    invented = passwords.generate() if password is None else None
    wanted = password if invented is None else invented
    _replace(user, wanted or "", About.PASSWORD_RESET, must_change=must_change)
    return invented


def _replace(
    user: User,
    password: str,
    about: About,
    *,
    client: str = "",
    keep: str = "",
    must_change: bool = False,
) -> None:
    if user.kind != Kind.PERSON:
        raise InvalidName("password", text="Only a person has a password")
    secrets = passwords.seal(password, users.next_basis(user.pk))
    with transaction.atomic():
        users.set_secrets(user_id=user.pk, secrets=secrets, must_change=must_change)
        if keep:
            sessions.end_others(user=user, keep=keep)
        else:
            sessions.end_all(user_id=user.pk)
        tell(user, about, client=client)
    user.refresh_from_db()
