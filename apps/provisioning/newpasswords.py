"""New passwords of people: one's own, and one that an administrator gives. Its owner is told."""

from dataclasses import dataclass, field

from django.db import transaction

from apps.accounts.services import sessions
from apps.directory import passwords
from apps.directory.models import Kind, User
from apps.directory.passwords import Secrets
from apps.directory.services import users
from apps.provisioning.notices import About, tell
from apps.wire.errors import InvalidName


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that somebody is to get, hashed."""

    text: str = field(repr=False)
    secrets: Secrets = field(repr=False)


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
    _replace(user, prepare(user, password), About.PASSWORD_CHANGED, client=client, keep=keep)


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
    ready = prepare(user, password)
    put(user, ready, must_change=must_change)
    return ready.text if password is None else None


def prepare(user: User, password: str | None = None) -> NewPassword:
    """Hash a new password of a person, which belongs in no transaction.

    Args:
        password: None invents one.

    Raises:
        InvalidName: no password can look like that, or the user is no person.
        NotFound: the user was removed meanwhile.
    """
    if user.kind != Kind.PERSON:
        raise InvalidName("password", text="Only a person has a password")
    text = passwords.generate() if password is None else password
    return NewPassword(text, passwords.seal(text, users.next_basis(user.pk)))


def put(user: User, ready: NewPassword, *, must_change: bool = False) -> None:
    """Replace a person's password by one that was prepared, as an administrator.

    Raises:
        NotFound, InUse: as `change_own`.
    """
    _replace(user, ready, About.PASSWORD_RESET, must_change=must_change)


def _replace(
    user: User,
    ready: NewPassword,
    about: About,
    *,
    client: str = "",
    keep: str = "",
    must_change: bool = False,
) -> None:
    with transaction.atomic():
        users.set_secrets(user_id=user.pk, secrets=ready.secrets, must_change=must_change)
        if keep:
            sessions.end_others(user=user, keep=keep)
        else:
            sessions.end_all(user_id=user.pk)
        tell(user, about, client=client)
    user.refresh_from_db()
