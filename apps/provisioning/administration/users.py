"""What administrators do to users."""

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.services import sessions
from apps.directory import permissions
from apps.directory.models import Domain, Kind, User, UserState
from apps.directory.permissions import Ability, Powers
from apps.directory.services import users
from apps.directory.services.names import POSTMASTER
from apps.mime.address import Address, AddressError
from apps.provisioning import factors, newpasswords, recovery, renaming, services
from apps.provisioning.administration.sight import demand, demand_on, find_named, find_user
from apps.wire.errors import NotFound

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
) -> tuple[User, str | None]:
    """Add a user to a domain.

    Args:
        quota: bytes, 0 for no limit; None for the domain's default.

    Returns:
        The user, and a temporary password, which has to be changed at the first sign-in; it is
        seen this once.

    Raises:
        NotFound, NotPermitted, InvalidAddress, InvalidName, AlreadyExists, InUse, LimitReached
    """
    wanted = users.user_address(address)
    domain = find_named(powers, wanted.domain)
    demand(powers, Ability.CREATE_USERS, domain)
    if quota is not None:
        demand(powers, Ability.SET_QUOTAS, domain)
    if wanted.key.removesuffix(f"@{wanted.domain}") in _DUTIES:
        demand(powers, Ability.CHANGE_ALIASES, domain)
    return services.add_user(
        wanted,
        None,
        name,
        quota,
        kind,
        must_change=kind == Kind.PERSON,
        unlimited=powers.is_operator,
    )


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


def restore(*, powers: Powers, user_id: int) -> User:
    """Bring a removed user back, with its mail and password, without its roles.

    Who removed a domain may have been another tenant than who has it now: the mail of its users
    then is an operator's to give back.

    Raises:
        NotFound, AlreadyExists, InUse, LimitReached
    """
    user = User.objects.filter(state=UserState.REMOVED, pk=user_id).first()
    homes = permissions.domains(powers, Ability.RESTORE_USERS).filter(alias_of=None)
    if user is None or not (powers.is_operator or _is_of(user, homes)):
        raise NotFound(f"tombstone {user_id}", text="There is no such removed user")
    return users.raise_tombstone(user, unlimited=powers.is_operator)


def _is_of(user: User, homes: QuerySet[Domain]) -> bool:
    """Whether a removed user was of one of these domains, as they are."""
    try:
        name = Address.parse(user.address).domain
    except AddressError:
        return False
    return homes.filter(name=name, created_at__lt=user.removed_at).exists()


def reset_password(*, powers: Powers, user_id: int) -> str:
    """Replace a user's password by a temporary one, which has to be changed at the next sign-in;
    end its sessions, and tell it.

    Returns the password: the only time it is seen.

    Raises:
        NotFound, NotPermitted, InvalidName, InUse
    """
    user = find_user(powers, user_id)
    demand_on(powers, Ability.RESET_PASSWORDS, user)
    invented = newpasswords.give(user, must_change=True)
    assert invented is not None  # no password was given
    return invented


def make_reset_link(*, powers: Powers, user_id: int) -> str:
    """A link by which the user sets a new password, to hand over; it works once, for an hour.

    Raises:
        NotFound, NotPermitted, InUse
    """
    user = find_user(powers, user_id)
    demand_on(powers, Ability.RESET_PASSWORDS, user)
    return recovery.make_reset_link(user)


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
