"""Users: the only door through which their rows change.

Removing a user makes its row a tombstone, in one short transaction whatever it owns: the address is
free at once, nobody signs in, and the mail is kept, untouched, until the user is restored or
purged. So a slip of an administrator costs nobody's mail, and mail that was acknowledged before the
removal is still filed.
"""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import AppPassword, Domain, Kind, RoleGrant, User, UserState
from apps.directory.passwords import ScramBasis, Secrets
from apps.directory.services import capacity, operators
from apps.directory.services.domains import checked_quota
from apps.directory.services.names import (
    is_own_postmaster,
    lock_domain,
    refuse_taken_by_alias,
)
from apps.events.bus import publish_on_commit
from apps.events.types import UserChanged
from apps.mime.address import Address, AddressError
from apps.wire.errors import AlreadyExists, InUse, InvalidAddress, InvalidName, NotFound

MAX_NAME = 200  # characters
_TO_STATE = {
    UserState.ACTIVE: "user.resume",
    UserState.SUSPENDED: "user.suspend",
    UserState.LOCKED: "user.lock",
}


def user_address(text: str) -> Address:
    """Return an address that a user of ours may have.

    Raises:
        InvalidAddress: no address, or one that we do not give out.
    """
    try:
        address = Address.parse(text.strip(), strict=True)
    except AddressError as error:
        raise InvalidAddress(str(error), text=f"Not a usable address: {error}") from None
    if address.is_literal:
        raise InvalidAddress("literal", text="A user's address is in a domain")
    # The sign of patterns: a user with it could not be told from a wildcard alias.
    if "*" in address.local:
        raise InvalidAddress("asterisk", text="A user's address has no * in it")
    return address


def find(text: str) -> User:
    """Return the living user with that address.

    Raises:
        InvalidAddress, NotFound
    """
    try:
        key = Address.parse(text.strip()).key
    except AddressError as error:
        raise InvalidAddress(str(error), text=f"Not an address: {error}") from None
    user = User.objects.select_related("domain").filter(key=key).first()
    if user is None:
        raise NotFound(f"user {key}", text=f"There is no user {key}")
    return user


def create(
    *,
    address: Address,
    secrets: Secrets,
    name: str = "",
    quota: int | None = None,
    kind: Kind = Kind.PERSON,
    unlimited: bool = False,
) -> User:
    """Add a user to a hosted domain, within the caller's transaction.

    Args:
        unlimited: an operator's word: what the organisation may hold does not count.

    Raises:
        LimitReached: the organisation holds all that it may.
        NotFound: the domain is not hosted here.
        AlreadyExists: a user or an alias has the address.
        InUse: the domain is an alias domain.
        InvalidName, InvalidAddress
    """
    domain = lock_domain(address.domain)
    if domain.alias_of_id is not None:
        raise InUse("alias domain", text=f"{domain.name} is an alias domain and has no users")
    if domain.detail_separator and domain.detail_separator in address.local:
        # It would take the mail of whoever has the part before the separator.
        raise InvalidAddress(
            "separator", text=f"A user's address here has no {domain.detail_separator} in it"
        )
    local = Address.build(address.local, domain.name).key.removesuffix(f"@{domain.name}")
    refuse_taken_by_alias(domain, local)
    quota = _quota(domain, quota)
    if not unlimited:
        capacity.take_user(domain.organization_id, quota)
    return _insert(
        address=address, domain=domain, secrets=secrets, name=name, quota=quota, kind=kind
    )


def create_outside(*, address: Address, secrets: Secrets, name: str = "") -> User:
    """Add a user whose address is not hosted here (an operator), within the caller's transaction.

    Raises:
        AlreadyExists, InvalidName
    """
    return _insert(
        address=address, domain=None, secrets=secrets, name=name, quota=0, kind=Kind.PERSON
    )


def _insert(
    *,
    address: Address,
    domain: Domain | None,
    secrets: Secrets,
    name: str,
    quota: int | None,
    kind: Kind,
) -> User:
    user = User(
        key=address.key,
        address=str(address),
        domain=domain,
        name=display_name(name),
        kind=kind,
        quota=_quota(domain, quota),
        credential_version=1,
    )
    _put_secrets(user, secrets)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise AlreadyExists(
            f"user {address.key}", text=f"The user {address.key} exists already"
        ) from None
    return user


def display_name(text: str) -> str:
    """Return a person's name as it is stored.

    Raises:
        InvalidName: too long, or with characters that would not stay on one line.
    """
    name = text.strip()
    if len(name) > MAX_NAME or not name.isprintable():
        raise InvalidName("bad name", text=f"A name has up to {MAX_NAME} printable characters")
    return name


def _quota(domain: Domain | None, quota: int | None) -> int:
    if quota is None:
        quota = domain.default_quota if domain is not None else None
    if quota is None:
        quota = int(settings.DEFAULT_QUOTA)
    return checked_quota(quota)


def take_over_postmaster(
    *, user: User, secrets: Secrets, name: str, quota: int | None, unlimited: bool = False
) -> User:
    """Make the domain's own postmaster box a person's, with the mail in it.

    Args:
        unlimited: as of `create`.

    Raises:
        InvalidName
        LimitReached: the organisation holds all that it may; the box took no place in it.
    """
    user.name = display_name(name)
    user.quota = _quota(user.domain, quota)
    if not unlimited and user.domain is not None:
        capacity.take_user(user.domain.organization_id, user.quota)
    user.kind = Kind.PERSON
    user.credential_version += 1
    _put_secrets(user, secrets)
    user.save()
    return user


def lock_own_postmaster(address: Address) -> User | None:
    """Lock and return the domain's own postmaster box if that is what the address names."""
    user = (
        User.objects.select_related("domain")
        .select_for_update(of=("self",))
        .filter(key=address.key, kind=Kind.SHARED, domain__isnull=False)
        .first()
    )
    return user if user is not None and is_own_postmaster(user) else None


def _put_secrets(user: User, secrets: Secrets) -> None:
    user.password = secrets.encoded
    user.scram_salt = secrets.scram_salt
    user.scram_iterations = secrets.scram_iterations
    user.scram_stored_key = secrets.scram_stored_key
    user.scram_server_key = secrets.scram_server_key
    user.password_changed_at = timezone.now()


def set_secrets(*, user_id: int, secrets: Secrets, must_change: bool = False) -> int:
    """Replace a living user's password; every cache and session of the old one ends.

    Returns the new credential version.

    Raises:
        NotFound
        InUse: an app password was made meanwhile, and would not work by SCRAM any more.
    """
    changed = User.objects.living().filter(pk=user_id)
    with transaction.atomic():
        _keep_app_passwords(user_id, secrets)
        if not changed.update(
            password=secrets.encoded,
            scram_salt=secrets.scram_salt,
            scram_iterations=secrets.scram_iterations,
            scram_stored_key=secrets.scram_stored_key,
            scram_server_key=secrets.scram_server_key,
            must_change_password=must_change,
            password_changed_at=timezone.now(),
            credential_version=F("credential_version") + 1,
        ):
            raise NotFound(f"user {user_id}", text="There is no such user")
        publish_on_commit(UserChanged(user_id))
        about = subjects.of_user_id(user_id)
        record("user.password", **about, detail={"must_change": must_change})
        return changed.values_list("credential_version", flat=True).get()


def renew_hash(*, user_id: int, stale: str, encoded: str) -> None:
    """Put a hash of the same password with today's parameters in place of a stale one, if that is
    still the user's. Browsers sign in again once: their sessions hang on the hash."""
    User.objects.living().filter(pk=user_id, password=stale).update(password=encoded)


def _keep_app_passwords(user_id: int, secrets: Secrets) -> None:
    salts = User.objects.select_for_update(no_key=True).filter(pk=user_id)
    salt = salts.values_list("scram_salt", flat=True).first()
    has_others = AppPassword.objects.filter(user=user_id).exists()
    if salt is not None and has_others and bytes(salt) != secrets.scram_salt:
        raise InUse("salt", text="This user has a new app password, try again")


def set_has_factor(*, user_id: int, value: bool) -> int:
    """Keep whether a living user has a second factor; `accounts` says so when that changes.

    Every session ends: mail programs that signed in with the main password must use an app password
    from now on, and a browser that somebody else holds is signed out. Who keeps its own session
    proves it anew with the version returned (Django's `update_session_auth_hash`).

    Returns the new credential version.

    Raises:
        NotFound
    """
    changed = User.objects.living().filter(pk=user_id)
    with transaction.atomic():
        if not changed.update(has_factor=value, credential_version=F("credential_version") + 1):
            raise NotFound(f"user {user_id}", text="There is no such user")
        publish_on_commit(UserChanged(user_id))
        return changed.values_list("credential_version", flat=True).get()


def ask_new_password(*, user: User) -> None:
    """Have the web ask for another password at the next sign-in."""
    User.objects.filter(pk=user.pk).update(must_change_password=True)
    user.must_change_password = True


def scram_basis(user_id: int) -> ScramBasis:
    """What SCRAM keys of a user's passwords are made with; made now if there is none yet.

    Raises:
        NotFound
    """
    users = User.objects.living().filter(pk=user_id)
    fresh = ScramBasis.fresh()
    # Conditional, so that of two who ask at once both get the same.
    users.filter(scram_iterations=0).update(
        scram_salt=fresh.salt, scram_iterations=fresh.iterations
    )
    found = users.values_list("scram_salt", "scram_iterations").first()
    if found is None:
        raise NotFound(f"user {user_id}", text="There is no such user")
    return ScramBasis(bytes(found[0]), found[1])


def next_basis(user_id: int) -> ScramBasis:
    """What the keys of a user's next password are to be made with: a new salt and today's count,
    unless app passwords' keys hang on the old ones.

    Raises:
        NotFound
    """
    if AppPassword.objects.filter(user=user_id).exists():
        return scram_basis(user_id)
    return ScramBasis.fresh()


def change(
    *, user: User, name: str | None = None, quota: int | None = None, unlimited: bool = False
) -> None:
    """Change a living user's name or quota (bytes, 0 for no limit); None leaves it as it is.

    Args:
        unlimited: as of `create`.

    Raises:
        InvalidName, NotFound
        LimitReached: the organisation has not so much to give.
    """
    said = {key: value for key, value in (("name", name), ("quota", quota)) if value is not None}
    if not said:
        return
    with transaction.atomic():
        found = _lock_living(user.pk)
        if name is not None:
            found.name = display_name(name)
        if quota is not None:
            before, found.quota = found.quota, checked_quota(quota)
            if not unlimited and found.domain is not None:
                organization = found.domain.organization_id
                if is_own_postmaster(found) and found.quota > before:
                    before = 0  # it takes none of what is counted, so it gives none back
                capacity.take_space(organization, before=before, after=found.quota)
        found.save(update_fields=["name", "quota"])
        record("user.change", **subjects.of_user(found), detail=said)
    user.name, user.quota = found.name, found.quota


def _lock_living(user_id: int) -> User:
    rows = User.objects.living().select_for_update(of=("self",), no_key=True)
    found = rows.select_related("domain").filter(pk=user_id).first()
    if found is None:
        raise NotFound(f"user {user_id}", text="There is no such user")
    return found


def set_state(*, user: User, state: UserState) -> None:
    """Suspend or lock a user, or let it work again: any state but REMOVED.

    Raises:
        NotFound: the user was removed meanwhile.
        InUse: no operator could sign in any more.
    """
    with transaction.atomic():
        if state != UserState.ACTIVE:
            operators.keep_one(Q(user=user))
        _move(user, state)
        record(_TO_STATE[state], **subjects.of_user(user))


def _move(user: User, state: UserState) -> None:
    if (
        not User.objects.living()
        .filter(pk=user.pk)
        .update(state=state, credential_version=F("credential_version") + 1)
    ):
        raise NotFound(f"user {user.pk}", text="There is no such user")
    publish_on_commit(UserChanged(user.pk))
    user.state = state


def bury(user: User) -> None:
    """Make a living user a tombstone.

    Raises:
        NotFound: the user was removed meanwhile.
        InUse: it is the last operator.
    """
    with transaction.atomic():
        operators.keep_one(Q(user=user))
        # Locked first, so that a role that is given at this moment is seen, and ends too.
        User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
        RoleGrant.objects.filter(user=user).delete()
        if not is_own_postmaster(user):  # which goes with its domain
            record("user.remove", **subjects.of_user(user))
        if (
            not User.objects.living()
            .filter(pk=user.pk)
            .update(
                state=UserState.REMOVED,
                removed_at=timezone.now(),
                key=f"{user.key}#{user.pk}",  # no domain, and so no address, has a # in it
                domain=None,
                credential_version=F("credential_version") + 1,
            )
        ):
            raise NotFound(f"user {user.pk}", text="There is no such user")
        publish_on_commit(UserChanged(user.pk))


def find_tombstone(address: Address) -> User:
    """Return the user that was removed last from an address.

    Raises:
        NotFound
    """
    removed = User.objects.filter(state=UserState.REMOVED, key__startswith=f"{address.key}#")
    user = removed.order_by("-removed_at", "-pk").first()
    if user is None:
        raise NotFound(f"tombstone {address}", text=f"No user {address} was removed")
    return user


def raise_tombstone(user: User, *, unlimited: bool = False) -> User:
    """Give a removed user its address back, if it is still free.

    Args:
        unlimited: as of `create`.

    Raises:
        LimitReached: the organisation holds all that it may.
        NotFound: not a tombstone, or its domain is gone.
        AlreadyExists: somebody else has the address now.
        InUse: its domain is an alias domain now.
    """
    address = Address.parse(user.address)
    with transaction.atomic():
        domain = lock_domain(address.domain)
        if domain.alias_of_id is not None:
            raise InUse("alias domain", text=f"{domain.name} is an alias domain and has no users")
        refuse_taken_by_alias(domain, address.key.removesuffix(f"@{domain.name}"))
        if not unlimited:
            capacity.take_user(domain.organization_id, user.quota)
        try:
            with transaction.atomic():
                raised = User.objects.filter(pk=user.pk, state=UserState.REMOVED).update(
                    state=UserState.ACTIVE,
                    removed_at=None,
                    key=address.key,
                    domain=domain,
                    credential_version=F("credential_version") + 1,
                )
        except IntegrityError:
            raise AlreadyExists(
                f"user {address.key}", text=f"The user {address.key} exists again already"
            ) from None
        if not raised:
            raise NotFound(f"user {user.pk}", text="This user is not a removed one")
        found = User.objects.select_related("domain").get(pk=user.pk)
        record("user.restore", **subjects.of_user(found))
    return found


def lock_tombstone(user_id: int) -> User | None:
    """Lock a tombstone within the caller's transaction; None if it is none (any more)."""
    tombstones = User.objects.select_for_update(no_key=True).filter(state=UserState.REMOVED)
    return tombstones.filter(pk=user_id).first()


def delete(user: User) -> None:
    """Delete the row of a tombstone whose mailboxes are gone."""
    with transaction.atomic():
        record("user.purge", **subjects.of_user_id(user.pk))
        User.objects.filter(pk=user.pk, state=UserState.REMOVED).delete()
