"""The password of an account in place of a token (RFC 7617): it opens the one door at which a
program makes its first token, and no other.

It is a sign-in like that at the web: the same budgets, states and history. No app password does it,
and nobody who has to show or to do something else first: a program cannot.
"""

import base64
import binascii
from typing import Final

from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from apps.api.access import Access
from apps.api.authentication import CHALLENGE
from apps.audit.acting import Actor, acting
from apps.directory.authentication import API, authenticate
from apps.directory.backends import MailhostBackend
from apps.directory.demands import factor_demand
from apps.directory.models import Means, Outcome, User
from apps.directory.permissions import powers_of
from apps.directory.services import history
from apps.provisioning.arrivals import arrived
from apps.wire.errors import AuthenticationFailed

SCHEME: Final = "Basic"
LONGEST: Final = 4_096  # characters of what may be a name and a password
CHALLENGES: Final = f'{CHALLENGE}, Basic realm="mailhost", charset="UTF-8"'
_WRONG: Final = (
    "These are no address and password of an account; an app password opens nothing here"
)


class PasswordAuthentication(BaseAuthentication):
    """DRF's door to it."""

    def authenticate(self, request: Request) -> tuple[User, Access] | None:
        """The user and the access; None if no password was sent."""
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        if scheme.casefold() != SCHEME.casefold():
            return None
        username, password = _taken_apart(sent.strip())
        address = str(request.META.get("REMOTE_ADDR", ""))
        client = request.headers.get("User-Agent", "")[:200]
        try:
            user = admit(username, password, address, client)
        except AuthenticationFailed:
            raise exceptions.AuthenticationFailed(_WRONG) from None
        return user, Access(user, powers_of(user), None, address)

    def authenticate_header(self, request: Request) -> str:
        """With each 401 (RFC 9110 section 11.6.1)."""
        return CHALLENGES


def admit(username: str, password: str, address: str, client: str) -> User:
    """The user whose address and password these are.

    Raises:
        AuthenticationFailed: they are not, or an app password was sent.
        AccountSuspended, Throttled
        PermissionDenied: the password is right, and is not enough.
    """
    principal = authenticate(
        username=username, password=password, address=address, door=API, client=client
    )
    user = MailhostBackend().get_user(principal.user_id)
    if user is None or user.credential_version != principal.credential_version:
        raise AuthenticationFailed("changed in this very moment")
    refusal = _refusal(user)
    if refusal is not None:
        history.note(
            user_id=user.pk,
            outcome=Outcome.REFUSED,
            door=API,
            means=Means.PASSWORD,
            address=address,
            client=client,
        )
        raise refusal
    with acting(Actor("user", user.pk, user.address, API, address)):  # the door does not know yet
        arrived(user, door=API, means=Means.PASSWORD, address=address, client=client)
    return user


def _refusal(user: User) -> PermissionDenied | None:
    """What has to be shown or done first, which a program cannot."""
    if user.must_change_password:
        words = "Choose another password on the web first: this one was made by somebody else"
        return PermissionDenied(words, code="password_change_needed")
    if user.has_factor or factor_demand(user).is_due:
        words = (
            "This account has, or has to have, a second step of sign-in, which a program cannot"
            " show: make the token on the web, in Settings, API tokens"
        )
        return PermissionDenied(words, code="second_factor_needed")
    return None


def _taken_apart(sent: str) -> tuple[str, str]:
    """User name and password; nobody's are empty. In UTF-8, as the challenge says."""
    try:
        text = base64.b64decode(sent[:LONGEST], validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    username, _, password = text.partition(":")
    return username, password
