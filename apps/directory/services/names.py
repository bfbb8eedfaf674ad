"""Who owns an address: an alias and a user never have the same one.

The users' and the aliases' own constraints see one table each, so whoever adds either locks the
domain's row first and then looks into the other table. On SQLite every transaction that writes is
alone anyway.
"""

from django.db import transaction

from apps.directory.models import Alias, Domain, Kind, User
from apps.mime.address import Address
from apps.wire.errors import AlreadyExists, NotFound

POSTMASTER = "postmaster"


def lock_domain(name: str) -> Domain:
    """Lock and return a domain of ours, within the caller's transaction.

    Raises:
        NotFound: not hosted here.
    """
    domain = Domain.objects.select_for_update(no_key=True).filter(name=name).first()
    if domain is None:
        raise NotFound(f"domain {name}", text=f"The domain {name} is not hosted here")
    return domain


def refuse_taken_by_alias(domain: Domain, local: str) -> None:
    """Raise AlreadyExists if an exact alias has the (casefolded) local part."""
    _must_hold_lock()
    if Alias.objects.filter(domain=domain, local=local).exists():
        raise AlreadyExists(
            f"alias {local} in {domain.name}", text="An alias has this address already"
        )


def refuse_taken_by_user(address: Address) -> None:
    """Raise AlreadyExists if a user has the address; the domain's own postmaster box gives way."""
    _must_hold_lock()
    found = User.objects.filter(key=address.key).first()
    if found is not None and not is_own_postmaster(found):
        raise AlreadyExists(f"user {address.key}", text="A user has this address already")


def is_own_postmaster(user: User) -> bool:
    """Whether this is the box that a domain has from the start, for mail to postmaster that
    nobody else takes.
    """
    return user.kind == Kind.SHARED and user.key.startswith(f"{POSTMASTER}@")


def _must_hold_lock() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("names are checked under the lock of their domain")
