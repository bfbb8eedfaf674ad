"""Who asks: a bearer token in the Authorization header (RFC 6750), and nothing else. No cookie is
looked at, so no other site can have a browser ask in somebody's name."""

import logging
from dataclasses import replace
from typing import Final

from django.db import DatabaseError
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.api.access import Access
from apps.directory import apitokens, throttle
from apps.directory.apitokens import KnownApiToken
from apps.directory.authentication import account_of
from apps.directory.models import Kind, User, UserState
from apps.directory.permissions import Powers, powers_of, within
from apps.directory.services.apitokens import note_use
from apps.wire.errors import AccountSuspended, AuthenticationFailed, NotPermitted

logger = logging.getLogger(__name__)

SCHEME: Final = "Bearer"
AT_HOME: Final = "mailhost.access"  # in a request that this process makes itself
CHALLENGE: Final = 'Bearer realm="mailhost"'


class TokenAuthentication(BaseAuthentication):
    """DRF's door to it."""

    def authenticate(self, request: Request) -> tuple[User | None, Access] | None:
        """The user and the access; None if no token was sent."""
        at_home = request.META.get(AT_HOME)
        if isinstance(at_home, Access):  # no header is an object: only this process puts it there
            return at_home.user, at_home
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.casefold() != SCHEME.casefold():
            return None
        access = admit(token.strip(), str(request.META.get("REMOTE_ADDR", "")))
        assert access.user is not None
        return access.user, access

    def authenticate_header(self, request: Request) -> str:
        """With each 401 (RFC 9110 section 11.6.1)."""
        return CHALLENGE


def admit(token: str, address: str) -> Access:
    """Let a client in.

    Raises:
        AuthenticationFailed: no such token, or it has expired.
        NotPermitted: not from this network.
        AccountSuspended: its user, domain or organisation is.
        Throttled: too many wrong ones came from this network.
    """
    known = _known(token, address)
    if known.has_expired:
        raise AuthenticationFailed(known.name, text="This token has expired: make a new one")
    if not known.is_from(address):
        raise NotPermitted(known.name, text="This token does not work from this network")
    user = User.objects.select_related("domain__organization").get(pk=known.user_id)
    _demand_active(user)
    if not known.is_noted:
        _note(known, address)
    return Access(user, _powers(user, known), known, address)


def renewed(access: Access) -> Access:
    """The same with what its user and token may do now, for what takes long.

    Raises:
        AuthenticationFailed: the token was revoked, or has expired.
        AccountSuspended
    """
    if access.token is None or access.user is None:
        return access
    mine = {one.id: one for one in apitokens.of_user(access.user.pk)}
    known = mine.get(access.token.id)
    if known is None or known.has_expired:
        raise AuthenticationFailed("revoked", text="This token works no more: make a new one")
    user = User.objects.select_related("domain__organization").get(pk=access.user.pk)
    _demand_active(user)
    return replace(access, user=user, powers=_powers(user, known), token=known)


def _known(token: str, address: str) -> KnownApiToken:
    known = apitokens.find(token) if apitokens.looks_ours(token) else None
    if known is None:
        # A budget of the network alone: each guess is at another token.
        attempt = throttle.admit(f"?api\0{address}", address)
        throttle.failed(attempt)
        raise AuthenticationFailed("no such token", text="There is no such token: check it")
    return known


def _demand_active(user: User) -> None:
    account = account_of(user.key)
    if account is None or account.kind != Kind.PERSON or account.state == UserState.REMOVED:
        raise AuthenticationFailed("its user is gone", text="There is no such token: check it")
    if account.is_suspended:
        raise AccountSuspended("suspended", text="The user of this token is suspended")


def _powers(user: User, known: KnownApiToken) -> Powers:
    powers = powers_of(user)
    return powers if known.places is None else within(powers, known.places)


def _note(known: KnownApiToken, address: str) -> None:
    """Whoever can be read can come in, whether or not the disk takes a note of it."""
    try:
        note_use(known, address)
    except DatabaseError:
        logger.exception("the use of a token was not noted")
