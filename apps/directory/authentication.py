"""The one sign-in for all doors.

The answer to an unknown user, a wrong password and a user who may not sign in is the same, after
the same work: one statement and one argon2id hash (22 ms, so callers run this on the hash pool).
What an attempt may cost, and how often one may try, is `throttle`'s.

What a password was found to be is remembered for ten minutes, as a keyed digest in this process.
The digest covers the stored hash and the credential version, which every change of password or
state raises, so a change ends it at once. A right one saves the hash when a client opens its next
connection; a wrong one that is tried again is neither hashed nor counted again: a forgotten
telephone with the old password does not use up what its owner's other devices may try.

An app password (apps.directory.apppasswords) opens the doors of mail programs, never the web.

The user name is the whole address: in any case, its domain in U-labels or A-labels, spaces around
it ignored (telephones add them). A subaddress, an alias or an address in an alias domain is none.

Log lines name account, client and door. They never hold a password, nor a user name that is no
address: it might be a password typed into the wrong field.
"""

import hmac
import ipaddress
import logging
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connection

from apps.directory import apppasswords, passwords, throttle
from apps.directory.apppasswords import Known
from apps.directory.models import Kind, Means, State, UserState
from apps.directory.services.apppasswords import note_use
from apps.mime.address import Address, AddressError
from apps.wire.errors import AccountSuspended, AuthenticationFailed, MailError

logger = logging.getLogger(__name__)

NOT_AN_ADDRESS: Final = "(not an address)"

_ACCOUNT: Final = """
SELECT u.id, u.address, u.name, u.credential_version, u.has_factor, u.must_change_password,
u.password, u.kind, u.state, d.state, o.state
FROM directory_user u
LEFT JOIN directory_domain d ON d.id = u.domain_id
LEFT JOIN directory_organization o ON o.id = d.organization_id
WHERE u.key = %s"""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who has signed in, with which app password or access token of ours if with one.

    has_factor: the web asks for a second factor before it lets this user in.
    must_change: and then for another password.
    means: what was shown.
    expires_at: when the sign-in ends by itself, seconds since 1970; 0 is never. It is that of a
        token somebody else issued.

    Long sessions ask `signedin.still_in` now and then.
    """

    user_id: int
    address: str
    name: str
    credential_version: int
    has_factor: bool = False
    must_change: bool = False
    means: Means = Means.PASSWORD
    app_password: int | None = None
    access_token: int | None = None
    expires_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Account:
    """A row of `_ACCOUNT`."""

    principal: Principal
    encoded: str
    kind: str
    state: str
    domain_state: str | None
    organization_state: str | None

    @property
    def subject(self) -> str:
        """The account as it is: another one after any change of password or state."""
        return f"{self.principal.user_id}\0{self.principal.credential_version}\0{self.encoded}"

    @property
    def is_suspended(self) -> bool:
        return self.state != UserState.ACTIVE or State.SUSPENDED in (
            self.domain_state,
            self.organization_state,
        )


def authenticate(
    *,
    username: str,
    password: str,
    address: str,
    door: str,
    secure: bool = True,
    client: str = "",
) -> Principal:
    """Check a user name and a password.

    At the web this is the first step alone: who has a factor shows it next. A mail program has no
    way to show one, so there the main password opens nothing for whoever has to have one.

    Args:
        address: the client's IP address; budgets belong to its network.
        door: which door asks, for the log: smtp, imap, web, …
        secure: whether the password came under TLS. If not, it is not even looked at, unless
            CLEARTEXT_AUTH allows it on this machine and the client is on it.
        client: what the client calls itself, "" if it has not said.

    Raises:
        AuthenticationFailed: unknown, wrong, or no sign-in for this account: never told apart.
        Throttled: nothing was checked; the same may be right a little later.
        AccountSuspended: the password is right, but user, domain or organisation is suspended.
    """
    key = login_key(username)
    line = {"account": key or NOT_AN_ADDRESS, "client": address, "door": door}
    try:
        if not secure and not may_be_clear(address):
            raise AuthenticationFailed("not under TLS")
        principal = _check(key or "", username, password, address, door)
    except MailError as error:
        reason = type(error).__name__
        logger.warning("sign-in refused", extra={**line, "reason": reason, "detail": error.detail})
        raise
    logger.info("sign-in", extra=line)
    return principal


def login_key(username: str) -> str | None:
    """Return the key of the user that a typed user name means, None if it is no address."""
    try:
        return Address.parse(username.strip()).key
    except AddressError:
        return None


def may_be_clear(address: str) -> bool:
    """Whether CLEARTEXT_AUTH lets a client at this address sign in without TLS."""
    if settings.CLEARTEXT_AUTH != "loopback":
        return False
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _check(key: str, username: str, password: str, address: str, door: str) -> Principal:
    attempt = throttle.admit(key or username, address)
    account = account_of(key)
    # Asked for whoever there is, so that it takes as long for who does not exist.
    known = apppasswords.find(password)
    if known is not None and account is not None and known.user_id == account.principal.user_id:
        refusal = known.refusal(door, address)
        if not refusal and account.kind == Kind.PERSON:
            return by_app_password(attempt, account, known, address)
        logger.warning("an app password was refused", extra={"account": key, "detail": refusal})
    subject = f"?{key or username}" if account is None else account.subject
    prepared = passwords.prepare(password)
    is_proven = prepared is not None and _right.has(subject, prepared)
    if not is_proven:
        _prove(attempt, account, subject, prepared)
    if account is None or account.is_suspended:
        raise AccountSuspended("suspended")
    throttle.succeeded(attempt, refresh=not is_proven)
    return account.principal


def by_app_password(
    attempt: throttle.Attempt, account: Account, known: Known, address: str
) -> Principal:
    """Who signs in with an app password that was found to be right.

    Raises:
        AccountSuspended
    """
    if account.is_suspended:
        raise AccountSuspended("suspended")
    throttle.succeeded(attempt, refresh=not known.is_noted)
    if not known.is_noted:
        _note_use(known, address)
    return replace(account.principal, means=Means.APP_PASSWORD, app_password=known.id)


def _note_use(known: Known, address: str) -> None:
    """Whoever can be read can sign in, whether or not the disk takes a note of it."""
    try:
        note_use(known, address)
    except DatabaseError:
        logger.exception("the use of an app password was not noted")


def _prove(
    attempt: throttle.Attempt, account: Account | None, subject: str, prepared: str | None
) -> None:
    """Hash, whether there is something to compare with or not; raise AuthenticationFailed."""
    wrong = AuthenticationFailed("wrong user or password")
    if prepared is not None and _wrong.has(subject, prepared):
        raise wrong
    may_sign_in = account is not None and account.kind == Kind.PERSON and prepared is not None
    encoded = account.encoded if account is not None and may_sign_in else None
    if passwords.is_right(prepared or "", encoded) and prepared is not None:
        _right.add(subject, prepared)
        return
    throttle.failed(attempt)
    if prepared is not None:
        _wrong.add(subject, prepared)
    raise wrong


def account_of(key: str) -> Account | None:
    """The account with that key, whatever its state."""
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNT, [key])
        row = cursor.fetchone()
    if row is None:
        return None
    principal = Principal(*row[:4], has_factor=bool(row[4]), must_change=bool(row[5]))
    return Account(principal, *row[6:])


class RememberedPasswords:
    """Digests of passwords, keyed at random by each process.

    Who reads a core dump learns nothing that works elsewhere; who floods it pushes out the oldest.
    """

    def __init__(self, *, limit: int = 20_000, seconds: float = 600.0) -> None:
        self._limit = limit
        self._seconds = seconds
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def has(self, subject: str, password: str) -> bool:
        """Whether this password was tried on this state of this account lately."""
        digest = self._digest(subject, password)
        with self._lock:
            until = self._until.get(digest, 0.0)
            if until and until < time.monotonic():
                del self._until[digest]
        return until >= time.monotonic()

    def add(self, subject: str, password: str) -> None:
        """Remember it."""
        digest = self._digest(subject, password)
        with self._lock:
            self._until[digest] = time.monotonic() + self._seconds
            self._until.move_to_end(digest)
            while len(self._until) > self._limit:
                self._until.popitem(last=False)

    def _digest(self, subject: str, password: str) -> bytes:
        text = f"{subject}\0{password}"
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")


_right = RememberedPasswords()
_wrong = RememberedPasswords()
