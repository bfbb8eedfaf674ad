"""Sign-in by SCRAM-SHA-256: which keys an account offers, and who may sign in once they are proven.

An account that does not exist, has no password, or may not sign in offers keys as well: a salt that
is its own and always the same, and a key that no password has. Budgets are those of `throttle`; an
attempt is admitted when it begins, and counted when its proof is wrong. Unlike with PLAIN a wrong
password that is tried again cannot be recognised, so each try counts.

App passwords work with it like the password itself: all keys of a user share salt and count.

Where the main password opens nothing (authentication.Account.bars_password) its proof is refused
like a wrong one, before the client is sent what would prove that the server knows the password. As
nobody can learn anything there by guessing, and a telephone that was not told tries for weeks, such
attempts are not counted for a network that the account is known at. From other networks they are:
whether a password is barred is nobody's business there.
"""

import logging
import secrets
from dataclasses import dataclass, field
from typing import Final

from django.utils.crypto import salted_hmac

from apps.directory import apppasswords, throttle
from apps.directory.apppasswords import Known
from apps.directory.authentication import (
    BARRED,
    NOT_AN_ADDRESS,
    WRONG,
    Account,
    Caller,
    Principal,
    account_of,
    admit,
    by_app_password,
    login_key,
    may_be_clear,
)
from apps.directory.models import Domain, Kind, Means, Outcome, User
from apps.directory.passwords import SCRAM_ITERATIONS, SCRAM_SALT, ScramBasis
from apps.mime.address import take_apart
from apps.wire.errors import AccountSuspended, AuthenticationFailed, MailError
from apps.wire.scram import HASH_SIZE, KeyPair

logger = logging.getLogger(__name__)

_NOBODY: Final = 0  # no row has this id
_NONCE_OCTETS: Final = 18  # 24 characters


@dataclass(frozen=True, slots=True)
class Begun:
    """An exchange under way: what the client is told, and who it may be about."""

    nonce: str
    basis: ScramBasis
    keys: tuple[KeyPair, ...] = field(repr=False)
    owners: tuple[Known | None, ...]  # of each key: an app password, or None for the password
    account: Account | None
    key: str
    caller: Caller
    attempt: throttle.Attempt


def begin(*, username: str, address: str, door: str, secure: bool, client: str = "") -> Begun:
    """Look up what the client is to prove; the arguments are those of `authenticate`.

    Raises:
        AuthenticationFailed: not under TLS.
        Throttled: nothing is told.
    """
    key = login_key(username) or ""
    try:
        if not secure and not may_be_clear(address):
            raise AuthenticationFailed("not under TLS")
        attempt, account = admit(key, username, address)
    except MailError as error:
        _log_refusal(key, address, door, error)
        raise
    basis, keys, owners = _offer(account, _main_name(key) or username, address, door)
    nonce = secrets.token_urlsafe(_NONCE_OCTETS)
    return Begun(nonce, basis, keys, owners, account, key, Caller(address, door, client), attempt)


def finish(begun: Begun, place: int | None) -> Principal:
    """Sign in whoever has proven one of the offered keys.

    Args:
        place: of the key, None if the client has proven none.

    Raises:
        AuthenticationFailed: none, or the account has changed since the exchange began.
        AccountSuspended
    """
    try:
        principal = _finish(begun, place)
    except MailError as error:
        _log_refusal(begun.key, begun.caller.address, begun.caller.door, error)
        raise
    line = {"account": begun.key, "client": begun.caller.address, "door": begun.caller.door}
    logger.info("sign-in", extra=line)
    return principal


def _finish(begun: Begun, place: int | None) -> Principal:
    account, caller = begun.account, begun.caller
    known = None if place is None else begun.owners[place]
    is_barred = account is not None and account.bars_password(caller.door)
    if place is None or account is None or (known is None and is_barred):
        if not (is_barred and begun.attempt.known):
            throttle.failed(begun.attempt)
        is_right = place is not None
        caller.note(account, Outcome.REFUSED if is_right else Outcome.WRONG, Means.PASSWORD)
        raise AuthenticationFailed(BARRED if is_right else WRONG)
    now = account_of(begun.key)
    if now is None or now.subject != account.subject:
        raise AuthenticationFailed("the account has changed meanwhile")
    if known is not None:
        if known.id not in apppasswords.living([known.id]):
            raise AuthenticationFailed("the app password is gone")
        return by_app_password(begun.attempt, now, known, caller)
    if now.is_suspended:
        caller.note(now, Outcome.SUSPENDED, Means.PASSWORD)
        raise AccountSuspended("suspended")
    throttle.succeeded(begun.attempt)
    caller.note(now, Outcome.OK, Means.PASSWORD)
    return now.principal


def _offer(
    account: Account | None, name: str, address: str, door: str
) -> tuple[ScramBasis, tuple[KeyPair, ...], tuple[Known | None, ...]]:
    may_sign_in = account is not None and account.kind == Kind.PERSON
    user_id = account.principal.user_id if account is not None and may_sign_in else _NOBODY
    # Both are asked for nobody as well: how long it takes must not tell who exists.
    row = User.objects.filter(pk=user_id).values_list(
        "scram_salt", "scram_iterations", "scram_stored_key", "scram_server_key"
    )
    salt, iterations, *own = row.first() or (b"", 0, b"", b"")
    usable = [one for one in apppasswords.of_user(user_id) if not one.refusal(door, address)]
    if not iterations:
        return _made_up(name), (_pair(b"", b""),), (None,)
    # A password that is none stands in too, so that the number of keys does not depend on it.
    keys = (_pair(own[0], own[1]), *(_pair(*one.scram_keys) for one in usable))
    return ScramBasis(bytes(salt), iterations), keys, (None, *usable)


def _main_name(key: str) -> str:
    """The same name in the domain for which an alias domain stands. A user has one salt by both;
    if others had two, that would tell them apart. Asked for everybody: one statement."""
    _, domain = take_apart(key)
    asked = Domain.objects.filter(name=domain, alias_of__isnull=False)
    target = asked.values_list("alias_of__name", flat=True).first()
    return key if target is None else f"{key.removesuffix(domain)}{target}"


def _pair(stored: bytes | memoryview, server: bytes | memoryview) -> KeyPair:
    """A pair of keys as the exchange takes them: absent ones become ones that nobody has."""
    pair = bytes(stored), bytes(server)
    if len(pair[0]) != HASH_SIZE:
        return secrets.token_bytes(HASH_SIZE), secrets.token_bytes(HASH_SIZE)
    return pair


def _made_up(name: str) -> ScramBasis:
    """What a name that has no account is told: always the same, as that of one who has."""
    digest = salted_hmac("mailhost.scram", name, algorithm="sha256").digest()
    return ScramBasis(digest[:SCRAM_SALT], SCRAM_ITERATIONS)


def _log_refusal(key: str, address: str, door: str, error: MailError) -> None:
    logger.warning(
        "sign-in refused",
        extra={
            "account": key or NOT_AN_ADDRESS,
            "client": address,
            "door": door,
            "reason": type(error).__name__,
            "detail": error.detail,
        },
    )
