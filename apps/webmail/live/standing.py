"""Whether somebody who was let in may still be here."""

from dataclasses import dataclass, field

from django.contrib.auth import get_user
from django.http import HttpRequest

from apps.accounts.sessions import SessionStore
from apps.directory.models import User
from apps.provisioning import acting


@dataclass(frozen=True, slots=True)
class Visit:
    """A session that a page is open in; the key is a secret, and appears in no log."""

    user_id: int
    session_key: str = field(repr=False)


def stands(visit: Visit) -> bool:
    """Ask as every request does: whether the session is there, and of this user; the password still
    the one of the sign-in; the user active; an administrator who looks still allowed to.

    It is no use of the session: a page that is left open keeps nobody signed in.
    """
    request = HttpRequest()
    request.session = session = SessionStore(visit.session_key)
    session.is_quiet = True
    user = get_user(request)
    if not isinstance(user, User) or user.pk != visit.user_id:
        return False
    if acting.is_acting(session):
        return acting.administrator_of(session, user) is not None
    return not user.must_change_password
