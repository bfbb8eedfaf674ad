"""Sign-in with a token: one of ours (`tokens`), or one of the identity provider (`issuer`).

Budgets are those of `throttle`, for attempts are attempts; but only what may be a guess counts: a
token that is really somebody's and has expired, or is for another door, is none, and one that was
refused already is not counted again. Log lines name account, client and door, never a token.
"""

import logging
from dataclasses import dataclass, replace
from typing import Final

from django.db import DatabaseError

from apps.directory import issuer, throttle, tokens
from apps.directory.authentication import (
    NOT_AN_ADDRESS,
    Account,
    Caller,
    Principal,
    account_of,
    login_key,
)
from apps.directory.issuer import Identity, TokenRejectedError
from apps.directory.models import Kind, Means, Outcome, UserState
from apps.directory.remembered import RememberedPasswords
from apps.directory.services.tokens import note_use
from apps.directory.tokens import KnownToken
from apps.runtime.db import in_db
from apps.wire.bearer import INSUFFICIENT_SCOPE, INVALID_REQUEST, INVALID_TOKEN
from apps.wire.errors import AccountSuspended, AuthenticationFailed, MailError
from apps.wire.sasl import TokenClaim

logger = logging.getLogger(__name__)

_NOBODY: Final = "?token"


class TokenRefused(AuthenticationFailed):
    """The token does not sign in; `status` is a code of RFC 6750 that the client is told."""

    def __init__(self, detail: str, status: str = INVALID_TOKEN) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: IP address, door, whether under TLS, the name asked for in TLS ("": none), and
    what it calls itself ("": it has not said)."""

    address: str
    door: str
    secure: bool
    server_name: str = ""
    name: str = ""

    @property
    def caller(self) -> Caller:
        """The same, for the history."""
        return Caller(self.address, self.door, self.name)


async def sign_in(claim: TokenClaim, client: Client) -> Principal:
    """Check a claim.

    Raises:
        TokenRefused: unknown, expired, not for this door, or not this user's.
        Throttled: nothing was checked.
        AccountSuspended: the token is good, but user, domain or organisation is suspended.
        SignInUnavailable: whoever issued it cannot be asked.
    """
    key = login_key(claim.username) or ""
    line = {"account": key or NOT_AN_ADDRESS, "client": client.address, "door": client.door}
    try:
        principal = await _sign_in(claim, key, client)
    except MailError as error:
        reason = type(error).__name__
        logger.warning("sign-in refused", extra={**line, "reason": reason, "detail": error.detail})
        raise
    logger.info("sign-in", extra={**line, "account": principal.address, "by": "token"})
    return principal


async def _sign_in(claim: TokenClaim, key: str, client: Client) -> Principal:
    if not client.secure:
        raise TokenRefused("not under TLS")
    if not _is_for_us(claim.host, client.server_name):
        raise TokenRefused("the client believes to be connected to another host", INVALID_REQUEST)
    attempt = await in_db("hash", _admit, claim, key, client)
    if not claim.token:
        raise TokenRefused("no token: the client asked what would be right")
    if claim.username and not key:
        await _fail(attempt, claim, "the user name is no address")
    if tokens.looks_ours(claim.token):
        return await in_db("hash", _with_own, attempt, claim, key, client)
    provider = issuer.current()
    if provider is None:
        return await _fail(attempt, claim, "no token of ours, and no identity provider is set")
    try:
        identity = await provider.identify(claim.token)
    except TokenRejectedError as error:
        return await _fail(attempt, claim, str(error), error.status)
    return await in_db("hash", _with_identity, attempt, claim, key, identity, client)


def _is_for_us(host: str, asked: str) -> bool:
    """RFC 7628 section 3.2: what the client says of the host must fit what is known otherwise.

    That is the name in its TLS handshake. The port is not compared: a client may have come through
    a gateway that has another.
    """
    return not host or not asked or _plain(host) == _plain(asked)


def _plain(name: str) -> str:
    return name.rstrip(".").casefold()


def _admit(claim: TokenClaim, key: str, client: Client) -> throttle.Attempt:
    # Without a name the token itself is the account under attack: no budget is shared.
    account = key or f"{_NOBODY}\0{claim.username}\0{tokens.digest(claim.token).hex()}"
    return throttle.admit(account, client.address)


async def _fail(
    attempt: throttle.Attempt, claim: TokenClaim, reason: str, status: str = INVALID_TOKEN
) -> Principal:
    """Refuse what may be a guess."""
    return await in_db("hash", _count, attempt, claim, reason, status)


def _count(
    attempt: throttle.Attempt, claim: TokenClaim, reason: str, status: str = INVALID_TOKEN
) -> Principal:
    if not _wrong.has(attempt.account, claim.token):
        throttle.failed(attempt)
        _wrong.add(attempt.account, claim.token)
    raise TokenRefused(reason, status)


def _with_own(attempt: throttle.Attempt, claim: TokenClaim, key: str, client: Client) -> Principal:
    known = tokens.find(claim.token)
    if known is None:
        return _count(attempt, claim, "no such token")
    if _is_other(key, known.key):
        return _count(attempt, claim, "the token of another user")
    if known.has_expired or not known.is_for(client.door):
        client.caller.note(account_of(known.key), Outcome.REFUSED, Means.TOKEN, known.name)
    if known.has_expired:
        raise TokenRefused(f"the token {known.name!r} has expired")
    if not known.is_for(client.door):
        raise TokenRefused(f"the token {known.name!r} is not for {client.door}", INSUFFICIENT_SCOPE)
    account = _account(known.key, client, known.name)
    throttle.succeeded(attempt, refresh=not known.is_noted)
    if not known.is_noted:
        _note_use(known, client.address)
    client.caller.note(account, Outcome.OK, Means.TOKEN, known.name)
    return replace(account.principal, means=Means.TOKEN, access_token=known.id)


def _with_identity(
    attempt: throttle.Attempt, claim: TokenClaim, key: str, identity: Identity, client: Client
) -> Principal:
    found = login_key(identity.username)
    if found is None or _is_other(key, found):
        return _count(attempt, claim, "the token of another user")
    account = _account(found, client)
    throttle.succeeded(attempt)
    client.caller.note(account, Outcome.OK, Means.TOKEN)
    return replace(account.principal, means=Means.TOKEN, expires_at=identity.expires_at)


def _is_other(key: str, owner: str) -> bool:
    """Whether the client named somebody else; an alias domain is another name of the same."""
    if not key or key == owner:
        return False
    asked, meant = account_of(key), account_of(owner)
    return asked is None or meant is None or asked.key != meant.key


def _account(key: str, client: Client, via: str = "") -> Account:
    account = account_of(key)
    if account is None or account.kind != Kind.PERSON or account.state == UserState.REMOVED:
        raise TokenRefused("the token is of nobody who signs in here")
    if account.is_suspended:
        client.caller.note(account, Outcome.SUSPENDED, Means.TOKEN, via)
        raise AccountSuspended("suspended")
    return account


def _note_use(known: KnownToken, address: str) -> None:
    """Whoever can be read can sign in, whether or not the disk takes a note of it."""
    try:
        note_use(known, address)
    except DatabaseError:
        logger.exception("the use of a token was not noted")


_wrong = RememberedPasswords()
