"""The one sign-in for all doors.

The answer to an unknown user, a wrong password and a user who may not sign in is the same, after
the same work: one statement and one argon2id hash (22 ms, so callers run this on the hash pool).
What an attempt may cost, and how often one may try, is `throttle`'s.

What a password was found to be is remembered for a while, as a keyed digest in this process. The
digest covers the stored hash and the credential version, which every change of password or state
raises, so a change ends it at once. A right one saves the hash when a client opens its next
connection, for ten minutes; a wrong one that is tried again is neither hashed nor counted again
until nobody has tried it for a day: a forgotten telephone with the old password does not use up
what its owner's other devices may try, however many processes it meets.

An app password (apps.directory.apppasswords) opens the doors of mail programs, never the web. Who
has a second factor, or has to have one by now, opens them with nothing else: a mail program cannot
show a factor, so the main password is refused there, right or wrong, in the same words after the
same work, and is counted as if it was wrong. So is a temporary password, which somebody else knows,
until it is changed. A guesser learns nothing from a mail door; the owner reads in the history and
the log what its telephone still tries.

Every attempt at somebody who exists is noted (`services.history`), behind the answer.

The user name is the whole address: in any case, its domain in U-labels or A-labels, spaces around
it ignored (telephones add them). In an alias domain it is the same user, so that a domain may get
another name and its people keep their settings. A subaddress or an alias is no user name.

Log lines name account, client and door. They never hold a password, nor a user name that is no
address: it might be a password typed into the wrong field.
"""

import ipaddress
import logging
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.conf import settings
from django.db import DatabaseError, connection

from apps.directory import apppasswords, demands, passwords, throttle
from apps.directory.apppasswords import Known
from apps.directory.models import Kind, Means, Outcome, State, UserState
from apps.directory.remembered import RememberedPasswords
from apps.directory.services import history, users
from apps.directory.services.apppasswords import note_use
from apps.mime.address import Address, AddressError, take_apart
from apps.wire.errors import AccountSuspended, AuthenticationFailed, MailError

logger = logging.getLogger(__name__)

NOT_AN_ADDRESS: Final = "(not an address)"
WEB: Final = "web"  # the one door that asks for a second factor
API: Final = "api"  # the one that says that it would have to be shown, and refuses
_FIRST_STEP: Final = frozenset({WEB, API})  # doors at which a right password is half a sign-in

# Its own key before that of an alias domain, which is not even looked for if there is such a user.
_ACCOUNT: Final = f"""
SELECT u.key, u.id, u.address, u.name, u.credential_version, u.has_factor, u.must_change_password,
u.password, u.kind, u.state, d.state, o.state, {demands.COLUMNS}
FROM directory_user u
LEFT JOIN directory_domain d ON d.id = u.domain_id
LEFT JOIN directory_organization o ON o.id = d.organization_id
WHERE u.id = COALESCE(
    (SELECT own.id FROM directory_user own WHERE own.key = %s),
    (SELECT other.id FROM directory_domain asked
     JOIN directory_domain target ON target.id = asked.alias_of_id
     JOIN directory_user other ON other.key = %s || target.name WHERE asked.name = %s))"""


_WORKING: Final = (State.ACTIVE.value, None)
# Named once: at each sign-in a member of an enumeration costs as much as three comparisons.
_PERSON: Final = Kind.PERSON.value
_REMOVED: Final = UserState.REMOVED.value
_OK: Final = Outcome.OK
_BY_PASSWORD: Final = Means.PASSWORD

# For the log alone: the peer is told the same.
WRONG: Final = "wrong user or password"
BARRED: Final = "the main password is right, and opens no mail program: it takes an app password"


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
    means: Means = _BY_PASSWORD
    app_password: int | None = None
    access_token: int | None = None
    expires_at: float = 0.0


class Account(NamedTuple):
    """A row of `_ACCOUNT`; `key` is that of `User.key`, whatever was typed."""

    key: str
    principal: Principal
    encoded: str
    kind: str
    state: str
    domain_state: str | None
    organization_state: str | None
    needs_factor: bool = False  # has one, or has to have one by now

    @property
    def subject(self) -> str:
        """The account as it is: another one after any change of password or state."""
        return f"{self.principal.user_id}\0{self.principal.credential_version}\0{self.encoded}"

    @property
    def is_suspended(self) -> bool:
        """Whether nobody signs in as it: suspended, or locked."""
        return not (
            self.state in _WORKING
            and self.domain_state in _WORKING
            and self.organization_state in _WORKING
        )

    def bars_password(self, door: str) -> bool:
        """Whether its main password opens nothing at this door. A temporary one opens the web
        alone, which asks for another: whoever made it would read the mail as long as nobody does.
        """
        return door not in _FIRST_STEP and (self.needs_factor or self.principal.must_change)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: IP address, door, and what the client calls itself ("": it has not said)."""

    address: str
    door: str
    name: str = ""

    def note(self, account: Account | None, outcome: Outcome, means: Means, via: str = "") -> None:
        """Note an attempt in the history of the account, if there is one that people sign in to.

        At the web a right password is half a sign-in: its views note the whole, as the door for
        programs does.
        """
        if account is None or account.kind != _PERSON or account.state == _REMOVED:
            return
        if outcome is _OK and self.door in _FIRST_STEP:
            return
        history.note(
            user_id=account.principal.user_id,
            outcome=outcome,
            door=self.door,
            means=means,
            via=via,
            address=self.address,
            client=self.name,
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
        principal = _check(key or "", username, password, Caller(address, door, client))
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


def _check(key: str, username: str, password: str, caller: Caller) -> Principal:
    attempt, account = admit(key, username, caller.address)
    # Asked for whoever there is, so that it takes as long for who does not exist.
    known = apppasswords.find(password)
    if known is not None and account is not None and known.user_id == account.principal.user_id:
        refusal = known.refusal(caller.door, caller.address)
        if not refusal and account.kind == _PERSON:
            return by_app_password(attempt, account, known, caller)
        logger.warning("an app password was refused", extra={"account": key, "detail": refusal})
    else:
        known = None
    prepared = passwords.prepare(password)
    outcome, is_fresh = _prove(attempt, account, key or username, prepared, caller.door)
    if outcome is _OK and account is not None and account.is_suspended:
        outcome = Outcome.SUSPENDED
    if known is not None:
        caller.note(account, Outcome.REFUSED, Means.APP_PASSWORD, known.name)
    else:
        caller.note(account, outcome, _BY_PASSWORD)
    if outcome is Outcome.SUSPENDED:
        raise AccountSuspended("suspended")
    if account is None or outcome is not _OK:
        raise AuthenticationFailed(BARRED if outcome == Outcome.REFUSED else WRONG)
    if not (caller.door in _FIRST_STEP and account.principal.has_factor):
        # Half a sign-in makes no network a known one: whoever checks the factor says so.
        throttle.succeeded(attempt, refresh=is_fresh)
    return account.principal


def admit(key: str, username: str, address: str) -> tuple[throttle.Attempt, Account | None]:
    """Let an attempt pass, and say at whom it is, if that is anybody.

    Raises:
        Throttled
    """
    attempt = throttle.admit(key or username, address)
    account = account_of(key)
    if account is not None and account.key != key:
        attempt = throttle.admit_as(attempt, account.key)
    return attempt, account


def by_app_password(
    attempt: throttle.Attempt, account: Account, known: Known, caller: Caller
) -> Principal:
    """Who signs in with an app password that was found to be right.

    Raises:
        AccountSuspended
    """
    if account.is_suspended:
        caller.note(account, Outcome.SUSPENDED, Means.APP_PASSWORD, known.name)
        raise AccountSuspended("suspended")
    throttle.succeeded(attempt, refresh=not known.is_noted)
    if not known.is_noted:
        _note_use(known, caller.address)
    caller.note(account, Outcome.OK, Means.APP_PASSWORD, known.name)
    who = account.principal
    return Principal(
        who.user_id,
        who.address,
        who.name,
        who.credential_version,
        who.has_factor,
        who.must_change,
        Means.APP_PASSWORD,
        known.id,
    )


def _note_use(known: Known, address: str) -> None:
    """Whoever can be read can sign in, whether or not the disk takes a note of it."""
    try:
        note_use(known, address)
    except DatabaseError:
        logger.exception("the use of an app password was not noted")


def _prove(
    attempt: throttle.Attempt, account: Account | None, name: str, prepared: str | None, door: str
) -> tuple[Outcome, bool]:
    """Say what a password is worth, and whether that was found out just now: by one hash, whether
    there is something to compare with or not.

    A right one that is barred goes the way of a wrong one, and is remembered with those. It is
    remembered of another subject, for a demand may end without any change of the account. By the
    name in an alias domain what is wrong is remembered apart, as it is of who does not exist.
    """
    is_barred = account is not None and account.bars_password(door)
    subject = f"?{name}" if account is None else account.subject
    subject = f"{subject}\0barred" if is_barred else subject
    tried = subject if account is None or account.key == name else f"{subject}\0{name}"
    if prepared is not None:
        if not is_barred and _right.has(subject, prepared):
            return _OK, False
        found = _wrong.recall(tried, prepared)
        if found is not None:
            return found, False
    may_sign_in = account is not None and account.kind == _PERSON and prepared is not None
    encoded = account.encoded if account is not None and may_sign_in else None
    is_right, is_stale = passwords.check(prepared or "", encoded)
    if is_right and not is_barred and account is not None and prepared is not None:
        if is_stale:
            subject = _hashed_anew(account, prepared).subject
        _right.add(subject, prepared)
        return _OK, True
    outcome = Outcome.REFUSED if is_right else Outcome.WRONG
    throttle.failed(attempt)
    if prepared is not None:
        _wrong.add(tried, prepared, outcome)
    return outcome, True


def _hashed_anew(account: Account, prepared: str) -> Account:
    """The account with a hash of today's parameters: only a sign-in has the password for it."""
    encoded = passwords.hashed(prepared)
    pk = account.principal.user_id
    try:
        users.renew_hash(user_id=pk, stale=account.encoded, encoded=encoded)
    except DatabaseError:
        logger.exception("a password was not hashed anew")
        return account
    logger.info("a password was hashed anew", extra={"user": pk})
    return account._replace(encoded=encoded)


def account_of(key: str) -> Account | None:
    """The account with that key, or with that key but for an alias domain, whatever its state."""
    _, domain = take_apart(key)
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNT, [key, key.removesuffix(domain), domain])
        row = cursor.fetchone()
    if row is None:
        return None
    own, pk, address, name, version, has_factor, must_change, *rest = row
    encoded, kind, state, of_domain, of_organization, demand, due_at, holds_role = rest
    return Account(
        own,
        Principal(pk, address, name, version, bool(has_factor), bool(must_change)),
        encoded,
        kind,
        state,
        of_domain,
        of_organization,
        bool(has_factor) or demands.binds(demand, due_at, bool(holds_role)),
    )


_right = RememberedPasswords()
_wrong = RememberedPasswords(seconds=24 * 3600, renews=True)
