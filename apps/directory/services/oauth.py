"""What people let programs do: the only door through which codes are made, exchanged, refreshed and
taken back.

Codes, access tokens and refresh tokens are random, and their SHA-256 is kept. A code works once and
a refresh token works once: one that comes again was stolen, from the program or by it, so all that
hangs on it ends (RFC 6749 section 4.1.2, RFC 9700 section 4.14.2).
"""

import hmac
import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from apps.audit.acting import acting, current
from apps.audit.services import record
from apps.directory import oauth, subjects, tokens
from apps.directory.models import AccessToken, Kind, OAuthCode, OAuthGrant, State, User, UserState
from apps.directory.oauth import INVALID_GRANT, KnownClient, OAuthRefused
from apps.directory.services import tokens as issued
from apps.wire.errors import MailError, NotFound

_HANDLE: Final = 16  # octets
_HANDLE_LENGTH: Final = 22  # characters
_KEPT: Final = timedelta(days=1)  # of a code: as long one that comes again ends what came of it
_PRUNED: Final = 1_000  # rows of a transaction


@dataclass(frozen=True, slots=True)
class Issued:
    """What a program gets."""

    access: str
    refresh: str
    scopes: tuple[str, ...]


def let_in(
    *, user: User, client: KnownClient, redirect: str, challenge: str, scopes: tuple[str, ...]
) -> str:
    """Make the code that a browser brings back: the user has agreed."""
    code = oauth.generate()
    with transaction.atomic():
        OAuthCode.objects.create(
            digest=oauth.digest(code),
            client_id=client.id,
            user=user,
            redirect=redirect,
            challenge=challenge,
            scopes=" ".join(scopes),
            expires_at=timezone.now() + oauth.CODE_FOR,
        )
        detail = {"program": client.name, "scopes": " ".join(scopes)}
        record("oauth.let_in", **subjects.of_user(user), detail=detail)
    return code


def exchange(*, client: KnownClient, code: str, redirect: str, verifier: str) -> Issued:
    """Exchange a code.

    Raises:
        OAuthRefused: it is none of this program's, has expired, was used, or its verifier is wrong;
            or its user may not sign in any more, or has too many tokens.
    """
    row = _code(client, code)
    if row.redirect != redirect or not oauth.answers(verifier, row.challenge):
        raise OAuthRefused(INVALID_GRANT, "redirect_uri or code_verifier are not those of the code")
    if row.expires_at <= timezone.now():
        raise OAuthRefused(INVALID_GRANT, "The code has expired: ask for another")
    _demand_active(row.user)
    with transaction.atomic():
        unused = OAuthCode.objects.filter(pk=row.pk, used_at=None)
        if unused.update(used_at=timezone.now()):
            grant, made = _grant(client, row)
            OAuthCode.objects.filter(pk=row.pk).update(grant=grant)
            return made
    _end(OAuthCode.objects.get(pk=row.pk).grant)
    raise OAuthRefused(INVALID_GRANT, "The code was used before: what came of it has ended")


def _code(client: KnownClient, code: str) -> OAuthCode:
    found = None
    if oauth.may_be_text(code):
        rows = OAuthCode.objects.select_related("user__domain__organization")
        found = rows.filter(digest=oauth.digest(code), client=client.id).first()
    if found is None:
        raise OAuthRefused(INVALID_GRANT, "There is no such code")
    return found


def _grant(client: KnownClient, code: OAuthCode) -> tuple[OAuthGrant, Issued]:
    handle, secret = secrets.token_urlsafe(_HANDLE), oauth.generate()
    try:
        with _acting(code.user, client.name):
            token, access = issued.issue(
                user=code.user,
                name=f"{client.name} {handle[:4]}",
                scopes=code.scopes.split(),
                expires_at=timezone.now() + oauth.ACCESS_FOR,
            )
    except MailError as error:  # too many, or gone in this very moment
        raise OAuthRefused(INVALID_GRANT, error.reply.text) from error
    grant = OAuthGrant.objects.create(
        token=token,
        client_id=client.id,
        handle=handle,
        refresh=oauth.digest(secret),
        refresh_expires_at=timezone.now() + oauth.REFRESH_FOR,
    )
    return grant, _issued(access, handle, secret, code.scopes)


def _issued(access: str, handle: str, secret: str, scopes: str) -> Issued:
    return Issued(access, f"{oauth.REFRESH}{handle}{secret}", oauth.in_order(scopes.split()))


def refresh(*, client: KnownClient, token: str, asked: str = "") -> Issued:
    """Exchange a refresh token: its access token and itself work no more.

    Args:
        asked: scopes, parted by blanks; the program gets those that the user agreed to.

    Raises:
        OAuthRefused: it is none of this program's, has expired, or was used before, which ends all;
            or its user may not sign in any more.
    """
    grant, is_right = _granted(client, token)
    if grant is None:
        raise OAuthRefused(INVALID_GRANT, "There is no such refresh token")
    if not is_right:
        _end(grant)
        raise OAuthRefused(INVALID_GRANT, "This refresh token was used before: all has ended")
    if grant.refresh_expires_at <= timezone.now():
        raise OAuthRefused(INVALID_GRANT, "This refresh token has expired: ask the user again")
    agreed = grant.token.scopes
    if not set(asked.split()).issubset(agreed.split()):
        raise OAuthRefused(oauth.INVALID_SCOPE, f"The user agreed to: {agreed}")
    _demand_active(grant.token.user)
    return _turned(grant)


def _turned(grant: OAuthGrant) -> Issued:
    access, secret, now = tokens.generate(), oauth.generate(), timezone.now()
    with transaction.atomic():
        mine = OAuthGrant.objects.filter(pk=grant.pk, refresh=grant.refresh)
        if not mine.update(
            refresh=oauth.digest(secret), refresh_expires_at=now + oauth.REFRESH_FOR
        ):
            raise OAuthRefused(INVALID_GRANT, "This refresh token is being used at this moment")
        AccessToken.objects.filter(pk=grant.token_id).update(
            digest=tokens.digest(access), expires_at=now + oauth.ACCESS_FOR
        )
    return _issued(access, grant.handle, secret, grant.token.scopes)


def take_back(*, client: KnownClient, token: str) -> None:
    """Revoke a token of either sort, and all that hangs on it (RFC 7009). What is none of this
    program's is none."""
    if not oauth.may_be_text(token):
        return
    if token.startswith(oauth.REFRESH):
        grant, is_right = _granted(client, token)
        if is_right:
            _end(grant)
        return
    grants = OAuthGrant.objects.select_related("token__user__domain__organization")
    _end(grants.filter(token__digest=tokens.digest(token), client=client.id).first())


def _granted(client: KnownClient, token: str) -> tuple[OAuthGrant | None, bool]:
    """Whose grant a refresh token is, and whether it is the one that works: who knows the first
    part of it had one once."""
    if not oauth.may_be_text(token) or not token.startswith(oauth.REFRESH):
        return None, False
    text = token.removeprefix(oauth.REFRESH)
    handle, secret = text[:_HANDLE_LENGTH], text[_HANDLE_LENGTH:]
    grants = OAuthGrant.objects.select_related("token__user__domain__organization")
    grant = grants.filter(handle=handle, client=client.id).first()
    if grant is None:
        return None, False
    return grant, hmac.compare_digest(bytes(grant.refresh), oauth.digest(secret))


def _end(grant: OAuthGrant | None) -> None:
    if grant is None:
        return
    user = grant.token.user
    try:
        with _acting(user, grant.token.name):
            issued.revoke(user=user, name=grant.token.name)
    except NotFound:  # meanwhile, by somebody else
        return


def _acting(user: User, program: str) -> AbstractContextManager[None]:
    """A program acts for the user, from wherever it asks."""
    return acting(replace(current(), user_id=user.pk, name=user.address, via=program))


def _demand_active(user: User) -> None:
    domain = user.domain
    states = {State.ACTIVE} if domain is None else {domain.state, domain.organization.state}
    if user.kind != Kind.PERSON or user.state != UserState.ACTIVE or states != {State.ACTIVE}:
        raise OAuthRefused(INVALID_GRANT, "The user does not sign in here any more")


def prune() -> int:
    """Forget codes of yesterday, and what nobody can refresh any more; how many rows went."""
    now = timezone.now()
    codes = OAuthCode.objects.filter(expires_at__lt=now - _KEPT).order_by("expires_at")
    ended = OAuthGrant.objects.filter(refresh_expires_at__lt=now).order_by("refresh_expires_at")
    gone = 0
    while ids := list(codes.values_list("pk", flat=True)[:_PRUNED]):
        gone += OAuthCode.objects.filter(pk__in=ids).delete()[0]
    while ids := list(ended.values_list("token_id", flat=True)[:_PRUNED]):
        gone += AccessToken.objects.filter(pk__in=ids).delete()[0]
    return gone
