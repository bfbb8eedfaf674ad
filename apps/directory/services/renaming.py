"""Another address for a user, who stays the same user.

All that a user has hangs on its id, and so nothing of it is touched: mail, passwords, rights,
limits. The old address becomes an alias that leads to the new one, so that what is on its way, and
whoever knows the old one, still finds the user. Aliases of the same organisation that named the old
address name the new one from then on: however often somebody is renamed, an old address leads on in
one step, and groups keep their members where no alias is left behind.
"""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.homes import homes_of
from apps.directory.models import (
    Alias,
    AliasTarget,
    Delegation,
    Domain,
    Kind,
    PatternKind,
    Role,
    RoleGrant,
    User,
    UserState,
)
from apps.directory.services import targets
from apps.directory.services.names import POSTMASTER, is_own_postmaster
from apps.events.bus import publish_on_commit
from apps.events.types import UserChanged
from apps.mime.address import Address
from apps.wire.errors import AlreadyExists, InUse, InvalidAddress, NotFound


@dataclass(frozen=True, slots=True)
class Renamed:
    """A user under its new address.

    Args:
        before: the old one as it was written; `key_before` as it was signed in with.
        domain_before: where that was, None outside.
        has_moved: it is another address now, and not only another spelling.
        followed: how many aliases and groups name the new address in place of the old one.
    """

    user: User
    before: str
    key_before: str
    domain_before: Domain | None
    has_moved: bool
    followed: int


def rename(*, user: User, address: Address, other_organization: bool = False) -> Renamed:
    """Give a living user another address in a hosted domain, within the caller's transaction; the
    old one is free then, and `leave_alias` is what keeps it.

    Args:
        address: checked by `users.user_address`.
        other_organization: it may belong to another organisation: the operator's wish. Roles in the
            one that is left, and delegations with its users, end.

    Raises:
        NotFound: the user was removed or renamed meanwhile; the new domain is not hosted here.
        AlreadyExists: somebody has the address, or an alias that leads not to this user alone.
        InUse: an alias domain, another organisation, or a domain's own postmaster box.
        InvalidAddress: with the sign that separates details there.
    """
    before, domains = user.key, _lock_domains(user, address)
    row = _lock_user(user)
    home = next((one for one in domains if one.name == address.domain), None)
    if home is None:
        raise NotFound(
            f"domain {address.domain}", text=f"The domain {address.domain} is not hosted here"
        )
    old = row.domain
    renamed = Renamed(row, row.address, before, old, address.key != before, 0)
    if not renamed.has_moved:
        _write(row, address, home)
        _record(row, renamed.before, None)
        return renamed
    _check_home(row, home, address, other_organization=other_organization)
    _make_room(row, home, address)
    _write(row, address, home)
    if old is not None and old.organization_id != home.organization_id:
        _leave_organization(row, old)
    followed = 0
    if old is not None:
        followed = targets.follow(old.organization_id, before, str(address))
    _record(row, renamed.before, old)
    publish_on_commit(UserChanged(row.pk))
    return Renamed(row, renamed.before, before, old, True, followed)


def leave_alias(renamed: Renamed) -> Alias | None:
    """Keep a user's old address as an alias to the new one, in the transaction of `rename`; None
    where there is nothing to keep."""
    domain = renamed.domain_before
    if domain is None or not renamed.has_moved:
        return None
    local = renamed.key_before.removesuffix(f"@{domain.name}")
    alias = Alias.objects.create(domain=domain, kind=PatternKind.EXACT, local=local)
    AliasTarget.objects.create(alias=alias, address=renamed.user.address)
    about = subjects.of_domain(domain, renamed.key_before)
    record("alias.add", **about, detail={"targets": [renamed.user.address]})
    return alias


def _record(user: User, before: str, old: Domain | None) -> None:
    """For the administrators of where the user is now, and of the organisation that was left."""
    detail = {"address": user.address}
    record("user.rename", **subjects.of_user(user, before), detail=detail)
    home = user.domain
    if old is not None and home is not None and old.organization_id != home.organization_id:
        record("user.rename", **subjects.of_domain(old, before), detail=detail)


def _lock_domains(user: User, address: Address) -> list[Domain]:
    """Both, in one order: who adds users or aliases waits, and is told who has the address."""
    wanted = Q(pk=user.domain_id) | Q(name=address.domain)
    rows = Domain.objects.select_for_update(no_key=True).filter(wanted)
    return list(rows.order_by("pk"))


def _lock_user(user: User) -> User:
    rows = User.objects.select_for_update(of=("self",)).select_related("domain")
    row = rows.filter(pk=user.pk, key=user.key).exclude(state=UserState.REMOVED).first()
    # Its domain was renamed, or the user moved, before the locks were had.
    if row is None or row.domain_id != user.domain_id:
        raise NotFound(f"user {user.key}", text=f"There is no user {user.key} any more")
    return row


def _check_home(user: User, home: Domain, address: Address, *, other_organization: bool) -> None:
    if is_own_postmaster(user):
        raise InUse("postmaster", text="A domain's own postmaster box stays where it is")
    if home.alias_of_id is not None:
        raise InUse("alias domain", text=f"{home.name} is an alias domain and has no users")
    if home.detail_separator and home.detail_separator in address.local:
        raise InvalidAddress(
            "separator", text=f"A user's address here has no {home.detail_separator} in it"
        )
    old = user.domain
    if old is not None and old.organization_id != home.organization_id and not other_organization:
        raise InUse("organisation", text=f"{home.name} belongs to another organisation")


def _make_room(user: User, home: Domain, address: Address) -> None:
    """Whoever has the address keeps it, but for an alias that is this user's own."""
    owner = User.objects.filter(key=address.key).first()
    if owner is not None and is_own_postmaster(owner):
        text = f"{address} is the domain's own box: an alias gives its mail to a user"
        raise AlreadyExists(f"postmaster {home.name}", text=text)
    if owner is not None:
        raise AlreadyExists(f"user {address.key}", text=f"The user {address.key} exists already")
    local = address.key.removesuffix(f"@{home.name}")
    if local == POSTMASTER and user.kind == Kind.SHARED:
        raise InUse("postmaster", text="Only a person takes the place of a domain's postmaster")
    alias = Alias.objects.filter(domain=home, local=local).first()
    if alias is None:
        return
    if not _leads_only_to(alias, user):
        raise AlreadyExists(f"alias {address.key}", text="An alias has this address already")
    about = subjects.of_domain(home, address.key)
    record("alias.remove", **about, detail={"targets": [user.address]})
    alias.delete()


def _leads_only_to(alias: Alias, user: User) -> bool:
    addresses = [Address.parse(one) for one in alias.targets.values_list("address", flat=True)]
    homes = homes_of({one.domain for one in addresses})
    for address in addresses:
        home = homes.get(address.domain)
        if home is None or Address(address.local, home.name).key != user.key:
            return False
    return bool(addresses)


def _write(user: User, address: Address, home: Domain) -> None:
    user.key, user.address, user.domain = address.key, str(address), home
    try:
        with transaction.atomic():
            user.save(update_fields=["key", "address", "domain"])
    except IntegrityError:
        raise AlreadyExists(
            f"user {address.key}", text=f"The user {address.key} exists already"
        ) from None


def _leave_organization(user: User, old: Domain) -> None:
    """What somebody may do in the name of an organisation ends with belonging to it."""
    scoped = Q(organization=old.organization_id) | Q(domain__organization=old.organization_id)
    RoleGrant.objects.filter(scoped, user=user).exclude(role=Role.OPERATOR).delete()
    Delegation.objects.filter(Q(owner=user) | Q(delegate=user)).delete()
