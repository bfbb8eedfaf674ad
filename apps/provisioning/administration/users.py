"""What administrators do to users."""

from django.db import transaction

from apps.accounts.services import sessions
from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Domain, Kind, User, UserState
from apps.directory.passwords import Secrets
from apps.directory.permissions import Ability, Powers
from apps.directory.services import users
from apps.directory.services.names import POSTMASTER
from apps.directory.strength import check_strength
from apps.mime.address import Address
from apps.provisioning import factors, invitations, newpasswords, recovery, renaming, services
from apps.provisioning.administration.sight import demand, demand_on, find_named, find_user
from apps.provisioning.newpasswords import NewPassword
from apps.wire.errors import InvalidName

# Addresses whose mail comes by a role, and those to which certificate authorities send what shows
# who a domain belongs to (CA/Browser Forum, Baseline Requirements, section 3.2.2.4.4).
_DUTIES = frozenset(
    {POSTMASTER, "abuse", "admin", "administrator", "hostmaster", "webmaster"},
)


def create(
    *,
    powers: Powers,
    address: str,
    name: str = "",
    quota: int | None = None,
    kind: Kind = Kind.PERSON,
    invite: str = "",
) -> tuple[User, str | None]:
    """Add a user to a domain.

    Args:
        quota: bytes, 0 for no limit; None for the domain's default.
        invite: an address to which a link for the first password goes; "" for a temporary one.

    Returns:
        The user, and a temporary password, which has to be changed at the first sign-in; it is
        seen this once. None for who is invited.

    Raises:
        NotFound, NotPermitted, InvalidAddress, InvalidName, AlreadyExists, InUse, LimitReached
    """
    wanted = users.user_address(address)
    demand_creation(powers, wanted, find_named(powers, wanted.domain), quota)
    target = invitations.invited(invite, wanted.key) if invite else None
    with transaction.atomic():
        user, password = services.add_user(
            wanted,
            None,
            name,
            quota,
            kind,
            must_change=kind == Kind.PERSON and target is None,
            unlimited=powers.is_operator,
        )
        if target is None:
            return user, password
        invitations.send(user, target)
    return user, None


def create_hashed(
    *,
    powers: Powers,
    address: str,
    secrets: Secrets,
    name: str = "",
    quota: int | None = None,
    must_change: bool = True,
    invite: str = "",
) -> User:
    """Add a person whose password was hashed before: for many at once, and for who is in a
    transaction already.

    Args:
        invite: as of `create`; then nobody may know the password.

    Raises:
        As `create`.
    """
    wanted = users.user_address(address)
    demand_creation(powers, wanted, find_named(powers, wanted.domain), quota)
    target = invitations.invited(invite, wanted.key) if invite else None
    with transaction.atomic():
        user = services.add_hashed(
            address=wanted,
            secrets=secrets,
            name=name,
            quota=quota,
            must_change=must_change and target is None,
            unlimited=powers.is_operator,
        )
        if target is not None:
            invitations.send(user, target)
    return user


def demand_creation(powers: Powers, wanted: Address, domain: Domain, quota: int | None) -> None:
    """Raise NotPermitted unless such a user may be added to the domain."""
    demand(powers, Ability.CREATE_USERS, domain)
    if quota is not None:
        demand(powers, Ability.SET_QUOTAS, domain)
    if wanted.key.removesuffix(f"@{wanted.domain}") in _DUTIES:
        demand(powers, Ability.CHANGE_ALIASES, domain)


def change(
    *, powers: Powers, user_id: int, name: str | None = None, quota: int | None = None
) -> User:
    """Change a user's name or quota (bytes, 0 for no limit); None leaves it as it is.

    Raises:
        NotFound, NotPermitted, InvalidName, LimitReached
    """
    user = find_user(powers, user_id)
    demand_on(powers, Ability.CHANGE_USERS, user)
    if quota is not None:
        demand_on(powers, Ability.SET_QUOTAS, user)
    users.change(user=user, name=name, quota=quota, unlimited=powers.is_operator)
    return user


def rename(*, powers: Powers, user_id: int, address: str) -> User:
    """Give a user another address, in a domain in sight; the old one becomes an alias.

    Raises:
        NotFound, NotPermitted, InvalidAddress, AlreadyExists, InUse
    """
    user = find_user(powers, user_id)
    demand_on(powers, Ability.RENAME_USERS, user)
    wanted = users.user_address(address)
    demand(powers, Ability.RENAME_USERS, find_named(powers, wanted.domain))
    return renaming.rename_user(user.key, str(wanted)).user


def set_state(*, powers: Powers, user_id: int, state: UserState) -> User:
    """Suspend or lock a user, or let it work again.

    Raises:
        NotFound, NotPermitted, InUse
    """
    user = find_user(powers, user_id)
    demand_on(powers, Ability.SUSPEND_USERS, user)
    with transaction.atomic():
        users.set_state(user=user, state=state)
        if state != UserState.ACTIVE:
            sessions.end_all(user_id=user.pk)
    return user


def remove(*, powers: Powers, user_id: int) -> User:
    """Take a user's address and sign-in away; its mail is kept for some time.

    Raises:
        NotFound, NotPermitted, InUse
    """
    user = find_user(powers, user_id)
    demand_on(powers, Ability.REMOVE_USERS, user)
    with transaction.atomic():
        users.bury(user)
        sessions.end_all(user_id=user.pk)
    return user


def reset_password(*, powers: Powers, user_id: int) -> str:
    """Replace a user's password by a temporary one, which has to be changed at the next sign-in;
    end its sessions, and tell it.

    Returns the password: the only time it is seen.

    Raises:
        NotFound, NotPermitted, InvalidName, InUse
    """
    ready = prepare_password(powers=powers, user_id=user_id)
    give_password(powers=powers, user_id=user_id, ready=ready)
    return ready.text


def prepare_password(*, powers: Powers, user_id: int, password: str | None = None) -> NewPassword:
    """Hash a new password of a user, which takes time and belongs in no transaction.

    Args:
        password: None invents one.

    Raises:
        NotFound, NotPermitted
        InvalidName: too weak, or the user is no person.
    """
    user = _resettable(powers, user_id)
    if user.kind == Kind.PERSON and password is not None:
        against = check_strength(password, user)
        if against:
            raise InvalidName("weak", text=" ".join(against).removesuffix("."))
    return newpasswords.prepare(user, password)


def give_password(
    *, powers: Powers, user_id: int, ready: NewPassword, must_change: bool = True
) -> User:
    """Replace a user's password by one that was prepared; end its sessions, and tell it.

    Args:
        must_change: the web asks for another one at the next sign-in.

    Raises:
        NotFound, NotPermitted
        InUse: an app password was made meanwhile.
    """
    user = _resettable(powers, user_id)
    newpasswords.put(user, ready, must_change=must_change)
    return user


def _resettable(powers: Powers, user_id: int) -> User:
    user = find_user(powers, user_id)
    demand_on(powers, Ability.RESET_PASSWORDS, user)
    return user


def make_reset_link(*, powers: Powers, user_id: int) -> str:
    """A link by which the user sets a new password, to hand over; it works once, for an hour.

    Raises:
        NotFound, NotPermitted, InUse
    """
    return recovery.make_reset_link(_resettable(powers, user_id))


def reset_factors(*, powers: Powers, user_id: int) -> int:
    """Take all second factors of a user away; return how many there were.

    Raises:
        NotFound, NotPermitted
    """
    user = find_user(powers, user_id)
    demand_on(powers, Ability.RESET_FACTORS, user)
    return factors.reset(user=user)


def end_sessions(*, powers: Powers, user_id: int) -> int:
    """Sign a user out of every browser; return how many there were.

    Raises:
        NotFound, NotPermitted
    """
    user = find_user(powers, user_id)
    demand_on(powers, Ability.END_SESSIONS, user)
    return sessions.end_all(user_id=user.pk)


def ask_new_password(*, powers: Powers, user_id: int) -> User:
    """Have a person choose another password before anything else, wherever it is signed in.

    Raises:
        NotFound, NotPermitted
        InvalidName: the user is no person.
    """
    user = _resettable(powers, user_id)
    if user.kind != Kind.PERSON:
        raise InvalidName("password", text="Only a person has a password")
    with transaction.atomic():
        users.ask_new_password(user=user)
        record("user.ask_password", **subjects.of_user(user))
    return user
