"""Another name for a domain, which stays the same domain.

Users, aliases, policies, lists and rights hang on its id. What repeats its name is rewritten in one
transaction: the addresses of its users (also of those who were removed and can be restored), the
recipients of its other server, transports, and the targets of its organisation's aliases.

The old name becomes an alias domain: mail to it goes on to arrive, people go on to sign in by it.
The DKIM keys stay with the name under which their records are published: what the old name had, the
alias domain has, and the new name gets keys of its own. A new name that was an alias domain of this
one changes places with it, keys and all.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import (
    Alias,
    DkimKey,
    Domain,
    RelayRecipient,
    Transport,
    TransportScope,
    User,
    UserState,
)
from apps.directory.services import capacity, dkim, targets
from apps.directory.services.dkim import NewKeys
from apps.directory.services.domains import domain_name
from apps.events.bus import publish_on_commit
from apps.events.types import EVERYBODY, UserChanged
from apps.mime.address import MAX_ADDRESS, Address
from apps.wire.errors import AlreadyExists, InUse, InvalidName, NotFound

_CHUNK = 500  # rows of one statement


@dataclass(frozen=True, slots=True)
class Renamed:
    """A domain under its new name.

    Args:
        alias: the old name as a domain of its own, None if it is hosted here no more.
        users: how many have a new address; `followed`: targets of aliases that name new ones.
    """

    domain: Domain
    before: str
    alias: Domain | None
    users: int
    followed: int


def rename(
    *, name: str, new: str, keys: NewKeys, keeps_old: bool = True, unlimited: bool = False
) -> Renamed:
    """Give a domain another name.

    Args:
        keys: DKIM keys for the new name, from `dkim.prepare`, not used if it has some already.
        keeps_old: whether the old name becomes an alias domain; else it is not hosted any more.
        unlimited: an operator's word: what the organisation may hold does not count.

    Raises:
        InvalidName: no name, the one it has, or one with which an address would be too long.
        NotFound: no such domain.
        AlreadyExists: the new name is another domain, or a user outside has an address in it that
            somebody here has.
        InUse: it is an alias domain.
        LimitReached: the old name would be one domain more than the organisation may have.
    """
    before, after = domain_name(name), domain_name(new)
    if before == after:
        raise InvalidName("same name", text=f"{after} is its name already")
    try:
        with transaction.atomic():
            return _rename(before, after, keys, keeps_old=keeps_old, unlimited=unlimited)
    except IntegrityError:
        raise AlreadyExists(
            f"domain {after}", text=f"{after}, or an address in it, was added at this moment"
        ) from None


def _rename(before: str, after: str, keys: NewKeys, *, keeps_old: bool, unlimited: bool) -> Renamed:
    domain, other = _lock(before, after)
    users = _lock_users(domain)
    _check_lengths([*users, *_relayed(domain)], before, after)
    _check_strangers(domain, users, after)
    last = _last_of_strangers(domain, after)
    if keeps_old and other is None and not unlimited:
        capacity.take_domain(domain.organization_id)
    alias = _exchange(domain, other, before, after, keys, keeps_old=keeps_old)
    _rewrite(domain, before, after)
    _part_from_strangers(domain, last)
    _move_transports(before, after, keeps_old=keeps_old)
    followed = targets.follow_domain(domain.organization_id, before, after)
    detail = {"name": after, "alias": keeps_old, "users": len(users)}
    record("domain.rename", **subjects.of_domain(domain, before), detail=detail)
    publish_on_commit(UserChanged(EVERYBODY))
    return Renamed(domain, before, alias, len(users), followed)


def _lock(before: str, after: str) -> tuple[Domain, Domain | None]:
    """The domain, and the alias domain that has the new name; in one order, and so that no row that
    names either of them is added meanwhile: a name is a key."""
    rows = Domain.objects.select_for_update().filter(name__in=[before, after]).order_by("pk")
    found = {row.name: row for row in rows}
    domain, other = found.get(before), found.get(after)
    if domain is None:
        raise NotFound(f"domain {before}", text=f"The domain {before} is not hosted here")
    if domain.alias_of_id is not None:
        raise InUse(
            "alias domain",
            text=f"{before} is an alias domain: add the new name as another, and remove this one",
        )
    if other is not None and other.alias_of_id != domain.pk:
        raise AlreadyExists(f"domain {after}", text=f"The domain {after} is hosted here already")
    return domain, other


def _lock_users(domain: Domain) -> list[str]:
    """The keys of its users, all locked in one order."""
    rows = User.objects.select_for_update().filter(domain=domain).order_by("pk")
    return list(rows.values_list("key", flat=True))


def _relayed(domain: Domain) -> list[str]:
    return list(domain.relay_recipients.values_list("key", flat=True))


def _check_lengths(keys: list[str], before: str, after: str) -> None:
    room = MAX_ADDRESS - len(after) + len(before)
    for key in keys:
        if len(key.encode()) > room:
            raise InvalidName("too long", text=f"With this name the address {key} is too long")


def _check_strangers(domain: Domain, keys: list[str], after: str) -> None:
    """An operator may have had an address under the new name before it was hosted here."""
    outside = User.objects.filter(domain=None, key__endswith=f"@{after}")
    for key in outside.values_list("key", flat=True):
        local = key.removesuffix(f"@{after}")
        if f"{local}@{domain.name}" in keys:
            raise AlreadyExists(f"user {key}", text=f"The user {key} exists already")
        if Alias.objects.filter(domain=domain, local=local).exists():
            raise AlreadyExists(f"user {key}", text=f"A user has {key}, and an alias would too")


def _exchange(
    domain: Domain,
    other: Domain | None,
    before: str,
    after: str,
    keys: NewKeys,
    *,
    keeps_old: bool,
) -> Domain | None:
    """Give the names, and the keys that belong to them, to the rows."""
    old_keys, new_keys = _lock_keys(domain), _lock_keys(other)
    DkimKey.objects.filter(pk__in=[key.pk for key in (*old_keys, *new_keys)]).delete()
    if other is not None:
        _name(other, f"#{other.pk}")  # none has such a name: two cannot have one at once
    _name(domain, after)
    alias = None
    if not keeps_old:
        if other is not None:
            other.delete()
    elif other is None:
        alias = Domain.objects.create(
            name=before, organization_id=domain.organization_id, alias_of=domain
        )
    else:
        alias = other
        _name(alias, before)
    _give(domain, new_keys)
    if alias is not None:
        _give(alias, old_keys)
    dkim.complete(domain, keys)
    return alias


def _lock_keys(domain: Domain | None) -> list[DkimKey]:
    """Locked, because they may be sealed anew at this moment."""
    rows = DkimKey.objects.select_for_update().filter(domain=domain)
    return [] if domain is None else list(rows.order_by("pk"))


def _name(domain: Domain, name: str) -> None:
    domain.name = name
    domain.save(update_fields=["name"])


def _give(domain: Domain, keys: list[DkimKey]) -> None:
    """Their private halves are sealed for a name, and stay with it."""
    for key in keys:
        key.domain = domain
    DkimKey.objects.bulk_create(keys)


def _rewrite(domain: Domain, before: str, after: str) -> None:
    key = targets.renamed("key", before, after)
    User.objects.filter(domain=domain).update(
        key=key, address=targets.renamed("address", before, after)
    )
    RelayRecipient.objects.filter(domain=domain).update(key=key)
    User.objects.filter(domain=None, key__endswith=f"@{after}").exclude(
        state=UserState.REMOVED
    ).update(domain=domain)
    # Who was removed before the domain was here was removed from another one of that name.
    removed = _removed(before).filter(removed_at__gt=domain.created_at)
    for tombstone in removed.order_by("pk").iterator(_CHUNK):
        address = Address(Address.parse(tombstone.address).local, after)
        User.objects.filter(pk=tombstone.pk, state=UserState.REMOVED).update(
            address=str(address), key=f"{address.key}#{tombstone.pk}"
        )


def _removed(name: str) -> QuerySet[User]:
    return User.objects.filter(state=UserState.REMOVED, address__endswith=f"@{name}")


def _last_of_strangers(domain: Domain, after: str) -> datetime | None:
    """When somebody was last removed from an earlier domain of the new name, or proved that an
    address under it was read: by others than will read it from now on."""
    removed = _removed(after).aggregate(last=Max("removed_at"))["last"]
    proved = (
        User.objects.filter(recovery_address__iendswith=f"@{after}")
        .exclude(domain__organization=domain.organization_id)
        .aggregate(last=Max("recovery_confirmed_at"))["last"]
    )
    return max((at for at in (removed, proved) if at is not None), default=None)


def _part_from_strangers(domain: Domain, last: datetime | None) -> None:
    """What was another tenant's under the new name stays so. That is told by when the domain came
    (`administration.tombstones`, `provisioning.recovery`), so it came after them. Own users who
    were removed before are an operator's to bring back then."""
    if last is not None and last >= domain.created_at:
        domain.created_at = last + timedelta(microseconds=1)
        domain.save(update_fields=["created_at"])


def _move_transports(before: str, after: str, *, keeps_old: bool) -> None:
    """The server behind a relay domain is asked by the new name; the smarthost for the domain's
    mail takes that of both. Who has set one for the new name meant it."""
    rows = Transport.objects.filter(
        Q(scope=TransportScope.RECIPIENT) | Q(scope=TransportScope.SENDER), domain=before
    )
    for row in list(rows):
        is_kept = keeps_old and row.scope == TransportScope.SENDER
        if Transport.objects.filter(scope=row.scope, domain=after).exists():
            if not is_kept:
                row.delete()
        elif is_kept:
            row.pk, row.domain = None, after
            row.save(force_insert=True)
        else:
            row.domain = after
            row.save(update_fields=["domain"])
